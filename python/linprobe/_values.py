"""Values of datasets in memory, as JSON has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

#: The types of what pandas puts where a value is missing.
_MISSING = ("NAType", "NaTType")


def is_missing(value: Any) -> bool:
    """Whether it is ``None``, NaN, NaT or NA: what stands in a column where there is no value."""
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, (float, np.inexact, np.datetime64, np.timedelta64)) and bool(value != value)


def listed(values: Any) -> Any:
    """A column of pandas, polars or Arrow as a list; anything else as it is."""
    if hasattr(values, "columns") or hasattr(values, "column_names"):
        return values
    to_list = getattr(values, "to_list", None) or getattr(values, "to_pylist", None)
    return values if to_list is None else to_list()


def plain(value: Any) -> Any:
    """Texts, whole and finite numbers, lists and dicts of them; null for what is missing; anything else by its name."""
    if is_missing(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (np.generic, np.ndarray)) and not isinstance(value, (np.datetime64, np.timedelta64)):
        inner = value.tolist()
        return str(inner) if isinstance(inner, np.generic) else plain(inner)
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    return value if isinstance(value, (str, int, float)) else str(value)
