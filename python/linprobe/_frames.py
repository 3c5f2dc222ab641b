"""Tables: a data frame where pandas is installed, else a dict of columns."""

from __future__ import annotations

from typing import Any


def frame(columns: dict[str, Any]) -> Any:
    """The columns as a ``pandas.DataFrame``, or as they are."""
    try:
        import pandas
    except ImportError:
        return columns
    return pandas.DataFrame(columns)
