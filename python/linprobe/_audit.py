"""Audits: records that were drawn at random are judged blind, and say how good a classifier is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from . import _native
from ._checks import by_id
from ._records import Cards, Record, known, table

__all__ = ["Audit", "AuditReport", "Interval"]


class Interval(NamedTuple):
    """A number that was estimated: nine of ten such intervals hold the truth."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True)
class AuditReport:
    """What audits say of a classifier's decisions at a threshold."""

    threshold: float
    """Scores at or above it count as relevant."""
    n_points: int
    """Records in the store."""
    n_above: int
    """Those at or above the threshold."""
    precision: Interval
    """The relevant share of those above the threshold."""
    recall: Interval
    """The share of the relevant that is above the threshold."""
    f1: Interval
    """Their harmonic mean."""
    n_relevant: Interval
    """The number of relevant records."""
    prevalence: Interval
    """The share of relevant records."""
    n_judged: int
    """Records whose judgement was used."""
    n_known: int
    """Records whose label was known from the loop."""
    reweighted: bool
    """Whether some were drawn for an earlier classifier, and weigh by the odds of that draw."""
    estimated: bool
    """Whether counts of the store come from a sample."""

    def _repr_html_(self) -> str:
        rows = [(name, getattr(self, name)) for name in ("precision", "recall", "f1", "n_relevant")]
        cells = "".join(
            f"<tr><td>{name}</td>" + "".join(f"<td>{value:.3g}</td>" for value in interval) + "</tr>"
            for name, interval in rows
        )
        head = "<tr><th></th><th>from</th><th>estimate</th><th>to</th></tr>"
        said = f"{self.n_above} of {self.n_points} records reach {self.threshold:+.2f}; {self.n_judged} judged"
        return f"<table>{head}{cells}</table><div>{said}; nine of ten such intervals hold the truth</div>"


class Audit:
    """The last audit of a session. Its records come in random order and without scores: judge them as they are.

    Examples
    --------
    >>> project = linprobe.Project(tmp / "audited")
    >>> run = project.index([f"note {i} about {'cats' if i % 3 == 0 else 'law'}" for i in range(30)], progress=False)
    >>> session = project.session(text="cats")
    >>> audit = session.audit(budget=12)
    >>> audit.score({record.id: 1.0 if "cats" in record.text else -1.0 for record in audit.open})
    >>> report = audit.report()
    >>> report.n_judged
    12
    >>> bool(report.n_relevant.low <= 10 <= report.n_relevant.high)
    True
    """

    def __init__(self, project: _native.Project, native: _native.Session) -> None:
        self._project = project
        self._native = native

    @property
    def open(self) -> Cards[Record]:
        """The records that are not judged yet."""
        _, records = self._native.open_audit()
        return Cards(known(self._project, record) for record in records)

    @property
    def n_drawn(self) -> int:
        """How many records were drawn."""
        return self._native.open_audit()[0]

    def score(self, scores: Mapping[str, float | None]) -> None:
        """Judges records of the audit from -1 to +1; above 0 is relevant, ``None`` passes one over. Durable when it returns.

        Judgements measure the classifier and are not fitted to, unless :meth:`learn` says so.

        Raises
        ------
        UnknownNameError
            The audit has not drawn the record.
        InputError
            A score is not from -1 to 1.
        """
        self._native.answer_audit(by_id(scores))

    def undo(self) -> str | None:
        """Takes back the last judgement, and says of which record it was."""
        return self._native.undo_audit()

    def report(self, threshold: str | float = 0.0) -> AuditReport | None:
        """What all audits of the session say of its last classifier; ``None`` while nothing is judged.

        Parameters
        ----------
        threshold : str or float, default 0.0
            The decisions: a score, ``"f1"``, ``"precision>=0.9"`` or ``"recall>=0.8"``, which are kept by the lower end of their
            intervals.
        """
        report = self._native.audit_report(str(threshold))
        if report is None:
            return None
        intervals = ("precision", "recall", "f1", "n_relevant", "prevalence")
        measured = {name: Interval(*report[name]) for name in intervals}
        return AuditReport(**{**report, **measured})

    def learn(self) -> int:
        """Makes labels of all judgements, and fits. They measure nothing any more. Returns how many there were."""
        return self._native.learn_from_audits()

    def __repr__(self) -> str:
        n_drawn, records = self._native.open_audit()
        return f"Audit(n_drawn={n_drawn}, n_open={len(records)})"

    def _repr_html_(self) -> str:
        n_drawn, records = self._native.open_audit()
        judged = table([("drawn", str(n_drawn)), ("judged", str(n_drawn - len(records))), ("open", str(len(records)))])
        report = self.report()
        return judged if report is None else judged + report._repr_html_()
