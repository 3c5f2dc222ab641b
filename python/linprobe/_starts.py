"""Where a search or a session starts, as the native half takes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _pictures, _wire
from ._checks import option, text as checked
from ._classifier import LinearClassifier
from ._session import Session
from .errors import InputError

#: A phrase or several.
PhraseLike = Union[str, Sequence[str], None]

#: An id of a record, the path of a file, a picture of Pillow, or several of them.
ExampleLike = Union[str, "os.PathLike[str]", Iterable[Any], Any, None]

#: A classifier, a session that has one, or the name of one.
ClassifierLike = Union[str, "os.PathLike[str]", LinearClassifier, Session, None]


def start(
    text: PhraseLike,
    not_text: PhraseLike,
    examples: tuple[ExampleLike, ExampleLike],
    vector: ArrayLike | None,
    classifier: ClassifierLike,
    where: str | None,
) -> _wire.StartDict:
    """A start of all that is given."""
    like, unlike = examples
    return {
        "phrases": _phrases(text),
        "negative_phrases": _phrases(not_text),
        "like": _examples(like),
        "unlike": _examples(unlike),
        "vector": None if vector is None else _vector(vector),
        "classifier": None if classifier is None else _head(classifier),
        "filter": option(where, "where"),
    }


def is_empty(start: _wire.StartDict) -> bool:
    """Whether there is nothing to start from; a filter is no start."""
    return not any(value is not None and value != [] for name, value in start.items() if name != "filter")


def _phrases(given: PhraseLike) -> list[str]:
    if given is None:
        return []
    phrases = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [given]
    for phrase in phrases:
        if not isinstance(phrase, str):
            raise InputError(f"{type(phrase).__name__} is no phrase\nhint: give str, or a list of them")
    return [checked(phrase, "a phrase") for phrase in phrases]


def _examples(given: ExampleLike) -> list[str | bytes]:
    if given is None:
        return []
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        return [_example(example) for example in given]
    return [_example(given)]


def _example(example: Any) -> str | bytes:
    if isinstance(example, str):
        return checked(example, "an example")
    if isinstance(example, bytes):
        return example
    if isinstance(example, os.PathLike):
        return checked(str(os.fspath(example)), "an example")
    if _pictures.is_picture(example):
        return _pictures.to_file(example)
    if isinstance(getattr(example, "id", None), str):
        return str(example.id)
    raise InputError(f"{type(example).__name__} is no example\nhint: give ids of records, paths or pictures of Pillow")


def _vector(vector: ArrayLike) -> list[float]:
    values = np.asarray(vector, dtype=np.float32)
    if values.ndim != 1:
        raise InputError(f"vector has shape {values.shape}, expected (d,)")
    numbers: list[float] = values.tolist()
    return numbers


def _head(classifier: ClassifierLike) -> str | _wire.Head:
    given = named_or_made(classifier)
    if isinstance(given, str):
        return given
    weights, bias, card = given._parts()
    name = "a classifier" if given.card_ is None else str(given.card_["name"])
    return name, weights.tolist(), bias, card


def named_or_made(classifier: ClassifierLike) -> str | LinearClassifier:
    """The name of a classifier, or the classifier itself."""
    if isinstance(classifier, LinearClassifier):
        return classifier
    if isinstance(classifier, Session):
        return classifier.classifier()
    if classifier is None:
        raise InputError("no classifier is given")
    if isinstance(classifier, (str, os.PathLike)):
        return checked(os.fspath(classifier), "classifier")
    raise InputError(f"{type(classifier).__name__} is no classifier\nhint: give a LinearClassifier, a Session or a name")
