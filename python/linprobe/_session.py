"""A session: rounds of records, your scores, a fit after each."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._audit import Audit, AuditReport
from ._checks import by_id, count, text
from ._frames import frame
from ._records import Cards, Shown, shown
from .errors import MissingPackageError

if TYPE_CHECKING:
    from ._classifier import LinearClassifier
    from ._widget import Widget

__all__ = ["Advice", "Fit", "Histogram", "Plot", "Round", "Session", "Threshold"]


class Round(Cards[Shown]):
    """The records of a round, in the order in which they were chosen; in a notebook, cards."""

    def __init__(self, number: int, records: list[Shown]) -> None:
        super().__init__(records)
        self.number = number

    @property
    def open(self) -> list[Shown]:
        """Those that were neither scored nor passed over."""
        return [record for record in self if not record.answered]

    def __repr__(self) -> str:
        return super().__repr__().replace("Round of", f"Round {self.number} of", 1)


@dataclass(frozen=True, eq=False)
class Histogram:
    """Scores in bins of equal width."""

    low: float
    """The lowest score."""
    high: float
    """The highest score."""
    counts: NDArray[np.int64]
    """Records in each bin, the lowest first."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """The borders of the bins, one more than there are bins, as of ``numpy.histogram``."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)


@dataclass(frozen=True)
class Fit:
    """What a fit has come to."""

    n_labels: int
    """All labels, those of the start included."""
    n_positive: int
    """Labels above 0."""
    n_negative: int
    """Labels below 0."""
    n_missing: int
    """Labels that were left out, since their records are gone."""
    n_points: int
    """Records in the store."""
    n_above: int
    """Records at or above the decision boundary."""
    angle: float
    """How far the weights have turned since the last fit, in radians."""
    histogram: Histogram
    """The scores of all records."""


@dataclass(frozen=True)
class Threshold:
    """A threshold and what the classifier's own probabilities promise of it."""

    threshold: float
    """Scores at or above it count as relevant."""
    n_above: int
    """Records that score so."""
    precision: float
    """The expected share of the relevant among them."""
    recall: float
    """The expected share of all the relevant that is among them."""
    f1: float
    """Their harmonic mean."""


@dataclass(frozen=True)
class Advice:
    """What to do next, and why. It locks nothing."""

    verdict: str
    """``"keep going"``, ``"audit now"`` or ``"you could stop"``."""
    reasons: list[str]
    """Why, in numbers."""

    def __str__(self) -> str:
        return " · ".join([self.verdict, *self.reasons])


class Plot:
    """A drawing in SVG; a notebook shows it."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Plot({len(self.svg)} characters of SVG)"


class Session:
    """The loop: :meth:`next` shows unseen records, :meth:`score` takes what you say of them and fits.

    Sessions are opened by :meth:`Project.session`. What happens is written down before it counts, so that a session can be left
    at any moment, and gone on with here, in the web app or at the terminal.

    Examples
    --------
    >>> texts = [f"a note about {what}" for what in ("cats", "kittens", "tax", "law", "trains", "dogs")]
    >>> project = linprobe.Project(tmp / "notes")
    >>> run = project.index(texts, progress=False)
    >>> session = project.session(text="cats")
    >>> round = session.next(2)
    >>> fit = session.score({round[0].id: 1.0, round[1].id: 0.5})
    >>> fit.n_labels, fit.n_positive
    (2, 2)
    >>> session.undo()
    ('1', None)
    >>> session.labels
    {'0': 1.0}
    """

    #: All widgets: those of a session are told when it was written to by other means.
    _widgets: WeakSet[Widget] = WeakSet()

    def __init__(self, project: _native.Project, native: _native.Session) -> None:
        self._project = project
        self._native = native
        self._widget: Widget | None = None

    @property
    def name(self) -> str:
        """What the session is called."""
        return self._native.name()

    @property
    def description(self) -> str:
        """What it started from, in words."""
        return self._native.description()

    @property
    def labels(self) -> dict[str, float]:
        """Every score from -1 to 1, by the id of its record."""
        return dict(self._native.labels())

    def next(self, k: int = 10, strategy: str = "auto") -> Round:
        """The next records to score: what is left open of an earlier round, in the whole of it, or a new round.

        Parameters
        ----------
        k : int, default 10
            Records of a new round.
        strategy : str, default "auto"
            What it shows: ``"auto"``, a mix for the state of things; ``"top"``, ``"diverse"``, ``"boundary"`` or ``"random"``.

        Returns
        -------
        Round
            Records that were not shown before; none when all were.
        """
        number, records = self._native.next_round(count(k, "k"), text(strategy, "strategy"))
        return Round(number, [shown(self._project, record) for record in records])

    def score(self, scores: Mapping[str, float | None]) -> Fit:
        """Takes scores from -1, irrelevant, to +1, relevant, and fits. Durable when it returns.

        Parameters
        ----------
        scores : dict of str to float or None
            What you say of each record, shown or not, by its id; ``None`` passes it over. A score replaces an earlier one.

        Returns
        -------
        Fit
            What the fit has come to.

        Raises
        ------
        InputError
            A score is not from -1 to 1; nothing was written.
        UnknownNameError
            There is no such record; nothing was written.
        """
        fit = self._native.score(by_id(scores))
        self._tell_widgets()
        bins = fit["histogram"]
        histogram = Histogram(bins["low"], bins["high"], np.asarray(bins["counts"], dtype=np.int64))
        return Fit(**{**fit, "histogram": histogram})

    def skip_rest(self) -> int:
        """Passes over all that is open, so that the next round is a new one. Returns how many records there were."""
        n_skipped = self._native.skip_rest()
        self._tell_widgets()
        return n_skipped

    def undo(self) -> tuple[str, float | None] | None:
        """Takes back the last answer that still stands, and fits.

        Returns
        -------
        tuple of str and float, or None
            The record, and the score that it has now, if an earlier one is back; ``None`` when there is nothing to undo.
        """
        undone = self._native.undo()
        self._tell_widgets()
        return undone

    def reset_seen(self) -> None:
        """Lets all records be shown again, the scored ones too. Scores stay."""
        self._native.reset_seen()
        self._tell_widgets()

    def widget(self, *, height: int = 720) -> Widget:
        """Cards to label the session in the notebook, by keys and sliders, as in the web app.

        It shows the round that is open, that of :meth:`next`. What is scored is on the disk when it no longer says "not saved
        yet", and in :attr:`labels` in the next cell; what is scored there shows in the widget. A cell that is run again shows the
        same round.

        Parameters
        ----------
        height : int, default 720
            Pixels.

        Returns
        -------
        Widget
            A widget of ``anywidget``, which Jupyter, Colab, VS Code and marimo show.

        Raises
        ------
        MissingPackageError
            ``anywidget`` is not installed.
        """
        try:
            from ._widget import Widget
        except ImportError as error:
            raise MissingPackageError(
                'the widget needs the package anywidget\nhint: pip install "linprobe[widget]", or pip install anywidget'
            ) from error
        if self._widget is None or self._widget.comm is None:
            self._widget = Widget(self, self._project, height)
            self._widgets.add(self._widget)
        self._widget.height = height
        return self._widget

    def history(self) -> Any:
        """What each round has brought.

        Returns
        -------
        pandas.DataFrame, or dict of columns where pandas is not installed
            A row for each round: ``round``, ``n_labels`` and ``n_positive`` of it, ``n_positive_total`` up to it, ``angle``
            (how far the fit after it turned the weights, in radians), ``mean_probability`` (how likely its records were
            to be relevant, by the classifier that chose them).
        """
        rounds = self._native.history()
        names = ("round", "n_labels", "n_positive", "n_positive_total", "angle", "mean_probability")
        return frame({name: [round[name] for round in rounds] for name in names})  # type: ignore[literal-required]

    def classifier(self, threshold: str | float | None = None) -> LinearClassifier:
        """The classifier of the last fit, with its card.

        Parameters
        ----------
        threshold : str or float, optional
            What its threshold is chosen by: ``"f1"``, ``"precision>=0.9"``, ``"recall>=0.8"``, ``"count=500"``, or a score; by
            audits where there are any. Without it, 0.
        """
        from ._classifier import LinearClassifier

        policy = None if threshold is None else str(threshold)
        return LinearClassifier._of_parts(*self._project.find_classifier(self.name, policy))

    def advice(self, threshold: str | float = 0.0) -> Advice:
        """What to do next, and why: keep going, audit, or stop."""
        advised, _ = self._native.advice(str(threshold))
        return Advice(**advised)

    def expect(self, threshold: str | float = "f1") -> Threshold:
        """What the classifier's own probabilities promise of a threshold. :meth:`audit` measures."""
        _, expected = self._native.advice(str(threshold))
        return Threshold(**expected)

    def look_again(self, limit: int = 5) -> list[tuple[str, float, str]]:
        """Scores that the others speak against: the record, its score, and what speaks against it; the most doubtful first."""
        return self._native.look_again(count(limit, "limit"))

    def plot(self, threshold: str | float = 0.0) -> Plot:
        """Three figures: what the rounds have found, how the weights turned, and the scores of all records.

        >>> svg = session.plot().svg
        >>> svg.startswith("<svg") and svg.endswith("</svg>")
        True
        """
        return Plot(self._native.plot(str(threshold)))

    def audit(self, budget: int = 100, threshold: str | float = 0.0, seed: int = 0) -> Audit:
        """Draws records at random, with known odds, to measure the classifier; or goes on with those not judged yet.

        Parameters
        ----------
        budget : int, default 100
            Records to judge.
        threshold : str or float, default 0.0
            The decisions to measure, as of :meth:`classifier`.
        seed : int, default 0
            Decides which records are drawn.

        Returns
        -------
        Audit
            The records, without scores, and what was measured.
        """
        self._native.draw_audit(count(budget, "budget"), str(threshold), count(seed, "seed"))
        return Audit(self._project, self._native)

    def audit_report(self, threshold: str | float = 0.0) -> AuditReport | None:
        """What all audits say of the last classifier's decisions; ``None`` while nothing is judged."""
        return Audit(self._project, self._native).report(threshold)

    def _tell_widgets(self) -> None:
        for widget in list(self._widgets):
            if widget.session == self.name and widget.folder == str(self._project.folder()):
                widget.tell_change()

    def __repr__(self) -> str:
        scores = self.labels.values()
        n_relevant = sum(score > 0 for score in scores)
        return f"Session({self.name!r}, n_labels={len(scores)}, n_positive={n_relevant})"

    def _repr_html_(self) -> str:
        return f"<div>{html.escape(repr(self))}</div><div>{html.escape(str(self.advice()))}</div>{self.plot().svg}"
