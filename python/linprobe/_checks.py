"""Checks arrays as scikit-learn does, without needing scikit-learn."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, NotFittedError

Matrix = NDArray[np.float32]

#: The largest number that the native half takes.
_LARGEST = 2**63 - 1


def matrix(values: Any, name: str = "X") -> Matrix:
    """A finite float32 matrix whose rows lie one after the other; the array itself where it is one."""
    wanted = rows(values, name)
    if not np.isfinite(wanted).all():
        raise InputError(f"Input {name} contains NaN or infinity, or a value too large for float32.")
    return wanted


def rows(values: Any, name: str = "X") -> Matrix:
    """As :func:`matrix`, of numbers that need not be finite."""
    if _is_sparse(values):
        raise TypeError(f"{name} is a sparse matrix; embeddings are dense: give {name}.toarray()")
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise InputError(f"Complex data not supported: {name} is of type {array.dtype}")
    if array.dtype.kind not in "fiub" and array.dtype != object:
        raise InputError(f"{name} is of type {array.dtype}, not of numbers")
    if array.ndim != 2:
        raise InputError(_not_a_matrix(array, name))
    if array.shape[0] == 0:
        raise InputError(f"Found array with 0 sample(s) (shape={array.shape}) while a minimum of 1 is required.")
    if array.shape[1] == 0:
        raise InputError(f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    # What is too large becomes infinite.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(_numbers(array, name), dtype=np.float32)


def count(number: Any, name: str, least: int = 0) -> int:
    """A number of things, a whole number."""
    try:
        whole = operator.index(number)
    except TypeError as error:
        raise InputError(f"{name} is {number!r}, expected a whole number") from error
    if isinstance(number, (bool, np.bool_)) or not least <= whole <= _LARGEST:
        raise InputError(f"{name} is {number!r}, expected a number from {least} on")
    return whole


def text(value: Any, name: str) -> str:
    """A ``str`` that can be written down."""
    if not isinstance(value, str):
        raise InputError(f"{name} is {value!r}, expected a str")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name} holds half a character, {value[error.start]!r}") from error
    return value


def option(value: Any, name: str) -> str | None:
    """A ``str``, if it is given."""
    return None if value is None else text(value, name)


def by_id(scores: Mapping[str, float | None]) -> list[tuple[str, float | None]]:
    """What is said of records, as the native half takes it."""
    if not isinstance(scores, Mapping):
        raise InputError(f"{type(scores).__name__} is no dict of scores\nhint: name the records: {{round[0].id: 1.0}}")
    return [(text(id, "the id of a record"), _score(id, score)) for id, score in scores.items()]


def vector(values: ArrayLike, name: str, length: int) -> NDArray[np.float64]:
    """Finite numbers, as many as there are rows."""
    array = np.asarray(values)
    if array.ndim != 1 or array.shape[0] != length:
        raise InputError(f"{name} has shape {array.shape}, expected ({length},)")
    if array.dtype.kind not in "fiub" and array.dtype != object:
        raise InputError(f"{name} is of type {array.dtype}, not of numbers")
    numbers = np.ascontiguousarray(_numbers(array, name), dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise InputError(f"Input {name} contains NaN or infinity.")
    return numbers


def counts(sample_weight: ArrayLike | None, n_rows: int) -> NDArray[np.float64]:
    """How many examples each row counts for: one, where nobody says."""
    if sample_weight is None:
        return np.ones(n_rows)
    given = np.asarray(sample_weight)
    numbers = vector(np.full(n_rows, given) if given.ndim == 0 else given, "sample_weight", n_rows)
    if (numbers < 0).any():
        raise InputError("sample_weight holds a number below 0")
    return numbers


def feature_names(values: Any) -> NDArray[np.object_] | None:
    """The names of a data frame's columns, where all are texts."""
    columns = getattr(values, "columns", None)
    if columns is None:
        return None
    names = np.asarray(list(columns), dtype=object)
    return names if all(isinstance(name, str) for name in names) else None


def not_fitted(estimator: object) -> Exception:
    """The exception that says so, of scikit-learn where that is in use."""
    said = f"this {type(estimator).__name__} is not fitted yet\nhint: call fit, or load one"
    known = sys.modules.get("sklearn.exceptions")
    exception: type[Exception] = NotFittedError if known is None else known.NotFittedError
    return exception(said)


def conversion_warning() -> type[Warning]:
    """The warning that an array was reshaped, of scikit-learn where that is in use."""
    known = sys.modules.get("sklearn.exceptions")
    warning: type[Warning] = UserWarning if known is None else known.DataConversionWarning
    return warning


def _score(id: str, score: Any) -> float | None:
    if score is None:
        return None
    said = f"the score of {id} is {score!r}, no number\nhint: +1.0 and -1.0, or what lies between; None passes it over"
    if isinstance(score, (bool, np.bool_, str, bytes)):
        raise InputError(said)
    try:
        return float(score)
    except (TypeError, ValueError) as error:
        raise InputError(said) from error


def _numbers(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype != object:
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        # Python says "argument must be a string or a real number" of what is neither.
        raise (TypeError if isinstance(error, TypeError) else InputError)(f"{name}: {error}") from error


def _not_a_matrix(array: NDArray[Any], name: str) -> str:
    if array.ndim < 2:
        kind = "scalar array" if array.ndim == 0 else "1D array"
        return (
            f"Expected 2D array, got {kind} instead: {name} has shape {array.shape}.\n"
            "Reshape your data with array.reshape(1, -1) if it is one vector."
        )
    return f"Found array with dim {array.ndim}: {name} has shape {array.shape}, expected (n, d)."


def _is_sparse(values: Any) -> bool:
    return hasattr(values, "toarray") and hasattr(values, "nnz")
