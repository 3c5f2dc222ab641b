"""What the native half is given and gives, as dicts: the same fields as in ``src/given.rs`` and ``src/wire.rs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, TypedDict

import numpy as np
from numpy.typing import NDArray

#: What is given out as a dataclass: that says which fields there are, and none is missing or beside them.
Fields = dict[str, Any]


#: A classifier to start from: what to call it, its weights, its bias and its card.
Head = tuple[str, list[float], float, Optional[str]]


class RoundDict(TypedDict):
    round: int
    n_labels: int
    n_positive: int
    n_positive_total: int
    angle: float
    mean_probability: float


class ScoresDict(TypedDict):
    id: list[str]
    score: NDArray[np.float32]
    probability: NDArray[np.float32]
    positive: NDArray[np.bool_]
    label: list[str | None]
    text: list[str | None]
    metadata: dict[str, list[str | None]]
    threshold: float
    skipped: list[Fields]


class StartDict(TypedDict):
    phrases: list[str]
    negative_phrases: list[str]
    like: list[str | bytes]
    unlike: list[str | bytes]
    vector: list[float] | None
    classifier: str | Head | None
    filter: str | None


class ReadingDict(TypedDict):
    kind: str | None
    id: str | None
    text: str | None
    label: str | None
    metadata: list[str] | None
    texts: Path | None
    ids: Path | None
    labels: Path | None
    tensor: str | None
    split: str | None
    config: str | None
    revision: str | None
    every: float | None


class IndexingDict(TypedDict):
    model: str | None
    batch_size: int | None
    prune: bool
    int8: bool
    reading: ReadingDict


class PredictingDict(TypedDict):
    dataset: Path | None
    threshold: str | None
    filter: str | None
    working: Path | None
    positive_only: bool
    reading: ReadingDict
