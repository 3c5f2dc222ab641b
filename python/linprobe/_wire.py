"""What the native half is given and gives, as dicts: the same fields as in ``src/given.rs`` and ``src/wire.rs``."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray


class RecordDict(TypedDict):
    id: str
    kind: str
    text: str | None
    label: str | None
    metadata: dict[str, str]


class HitDict(TypedDict):
    record: RecordDict
    score: float


class ShownDict(TypedDict):
    record: RecordDict
    score: float
    reason: str
    probability: float
    n_alike: int
    answered: bool
    given: float | None


class ModelDict(TypedDict):
    id: str
    revision: str | None
    fingerprint: str
    dimension: int
    text: bool
    image: bool


class IndexRunDict(TypedDict):
    n_embedded: int
    n_unchanged: int
    n_skipped: int
    n_pruned: int
    notes: list[str]


class SkippedDict(TypedDict):
    file: str
    row: int | None
    id: str | None
    reason: str


class BinsDict(TypedDict):
    low: float
    high: float
    counts: list[int]


class FitDict(TypedDict):
    n_labels: int
    n_positive: int
    n_negative: int
    n_missing: int
    n_points: int
    n_above: int
    angle: float
    histogram: BinsDict


class RoundDict(TypedDict):
    round: int
    n_labels: int
    n_positive: int
    n_positive_total: int
    angle: float
    mean_probability: float


class ExpectedDict(TypedDict):
    threshold: float
    n_above: int
    precision: float
    recall: float
    f1: float


class AdvisedDict(TypedDict):
    verdict: str
    reasons: list[str]


class AuditedDict(TypedDict):
    threshold: float
    n_points: int
    n_above: int
    precision: tuple[float, float, float]
    recall: tuple[float, float, float]
    f1: tuple[float, float, float]
    n_relevant: tuple[float, float, float]
    prevalence: tuple[float, float, float]
    n_judged: int
    n_known: int
    reweighted: bool
    estimated: bool


class ScoresDict(TypedDict):
    id: list[str]
    score: NDArray[np.float32]
    probability: NDArray[np.float32]
    positive: NDArray[np.bool_]
    label: list[str | None]
    text: list[str | None]
    metadata: dict[str, list[str | None]]
    threshold: float
    skipped: list[SkippedDict]


class StartDict(TypedDict):
    phrases: list[str]
    negative_phrases: list[str]
    like: list[str | bytes]
    unlike: list[str | bytes]
    vector: list[float] | None
    classifier: str | tuple[str, list[float], float] | None
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
