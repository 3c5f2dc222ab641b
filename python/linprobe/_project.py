"""A project: a folder with records, their embeddings, and sessions over them."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native, _sources, _starts, _wire
from ._audit import Audit
from ._checks import count, option, text as checked
from ._classifier import LinearClassifier
from ._frames import frame
from ._progress import Bar, ProgressLike
from ._records import Hits, Model, Record, found, known, table
from ._session import Session
from ._starts import ClassifierLike, ExampleLike, PhraseLike
from .errors import EmptyProjectError, InputError

__all__ = ["IndexRun", "Model", "Project", "SkippedRecord"]


@dataclass(frozen=True)
class IndexRun:
    """What an index run has come to."""

    n_embedded: int
    """Records that were embedded and written."""
    n_unchanged: int
    """Records that were there already, the same."""
    n_skipped: int
    """Records that could not be read or embedded; :attr:`Project.skipped` names them."""
    n_pruned: int
    """Records that were removed since the dataset no longer has them."""
    notes: list[str]
    """What else there is to know of the dataset."""


@dataclass(frozen=True)
class SkippedRecord:
    """A record that could not be read or embedded."""

    file: str
    """The file it stands in."""
    row: int | None
    """Its place there, from 1."""
    id: str | None
    """Its id, where it has one."""
    reason: str
    """What is wrong with it."""


class Project:
    """A folder in which a dataset is embedded, searched and labelled.

    Everything is kept on disk: the web app (``linprobe serve``), the command and other processes see the same. All
    methods may be called from several threads, and let other threads run while they work.

    Parameters
    ----------
    path
        The folder. A project is made there if there is none.
    create : bool, default True
        Whether one is made; else :class:`NotAProjectError` is raised.
    engine : str, default "auto"
        What runs the model, as of :class:`Encoder`.
    resize : str, default "pillow"
        Whose resized pixels a model of pictures is given, as of :class:`Encoder`. A project goes on as it began.

    Raises
    ------
    NotAProjectError
        There is no project, with ``create=False``; or a later version of linprobe has made it.
    StorageError
        The folder cannot be read or written.

    Examples
    --------
    >>> project = linprobe.Project(tmp / "tickets")
    >>> project.index(["the parcel never came", "refund refused again", "love the colour"], progress=False).n_embedded
    3
    >>> project
    Project(..., n_records=3)
    >>> project.search("money back", k=1)[0].text
    'refund refused again'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        engine: str = "auto",
        resize: str = "pillow",
    ) -> None:
        self._native = _native.Project(Path(path), create, checked(engine, "engine"), checked(resize, "resize"))

    def index(
        self,
        source: Any,
        model: str | None = None,
        *,
        name: str | None = None,
        ids: Iterable[Any] | None = None,
        texts: Iterable[str] | None = None,
        labels: Iterable[Any] | None = None,
        prune: bool = False,
        int8: bool = False,
        batch_size: int | None = None,
        progress: ProgressLike = True,
        **reading: Any,
    ) -> IndexRun:
        """Embeds the records of a dataset that are new or have changed.

        Ctrl-C ends it and loses nothing: the next run goes on where this one was. One bad record never stops it: a warning
        says how many were skipped, and :attr:`skipped` which.

        Parameters
        ----------
        source
            A path or a name on the hub: a folder of pictures, a table (csv, jsonl, Parquet, Arrow, ...), vectors (npy, npz,
            safetensors), a video, ``"owner/dataset"``, an address.
            Or something in memory: a list of texts, of dicts or of pictures of Pillow; a float matrix of NumPy of shape
            (n, d) with vectors that were made elsewhere; a data frame of pandas or polars; a table of Arrow; a
            ``datasets.Dataset``. It is written to ``sources/NAME`` in the project's folder, and read from there.
        model : str, optional
            What to embed with, as of :class:`Encoder`. A project has one model for ever: it is needed once, for pictures;
            texts are embedded with the built-in encoder where nothing is said, and vectors are taken as they are.
        name : str, optional
            Of a dataset in memory: what to call it. The same name later is the same dataset: what has changed is embedded
            again. Without a name, it is told by its contents.
        ids, texts, labels : iterables, optional
            Of texts, pictures or vectors in memory, a value for each: the ids (unique within the project; by default the
            position, from 0; of pictures the names of their files, without ``.png``), what to read (of vectors), and the
            class.
        prune : bool, default False
            Removes the records that the dataset no longer has. Those that a session has shown stay.
        int8 : bool, default False
            Keeps an int8 copy of the vectors from now on, for a million records or more.
        batch_size : int, optional
            Records that are handed to the model at a time.
        progress : bool or callable, default True
            ``True`` shows a bar of tqdm, if that is installed; a function is called with the records done, of how many
            (``None`` if that is not known), and skipped.
        **reading
            How the dataset is read: ``id_column``, ``text_column``, ``label_column``, ``metadata_columns``, ``kind``,
            ``split``, ``config``, ``revision``, ``tensor``, ``every`` (seconds between frames of a video); as the options
            of ``linprobe index``.

        Returns
        -------
        IndexRun
            How many records it dealt with.

        Raises
        ------
        DatasetError
            The dataset cannot be read as a whole.
        ModelError
            Pictures need a model and none is given, or the project has another.
        InputError
            An argument does not fit the dataset.

        Examples
        --------
        >>> project = linprobe.Project(tmp / "vectors")
        >>> vectors = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
        >>> project.index(vectors, ids=[f"v{i}" for i in range(100)], progress=False).n_embedded
        100
        >>> project.search(vector=vectors[7], k=1).ids
        ['v7']
        """
        how: _wire.IndexingDict = {
            "model": option(model, "model"),
            "batch_size": None if batch_size is None else count(batch_size, "batch_size", least=1),
            "prune": prune,
            "int8": int8,
            "reading": _reading(reading),
        }
        beside = _sources.Beside(ids, texts, labels)
        place = _sources.place(source, self.path / "sources", option(name, "name"), beside)
        _lay_beside(how["reading"], place)
        with Bar(progress, "records") as bar:
            run = self._native.index(Path(place.location), how, bar.show if bar.is_shown else None)
        indexed = IndexRun(**run)
        self._warn_of_skipped(indexed)
        return indexed

    def search(
        self,
        text: PhraseLike = None,
        k: int = 10,
        *,
        not_text: PhraseLike = None,
        examples: ExampleLike = None,
        unlike: ExampleLike = None,
        vector: ArrayLike | None = None,
        classifier: ClassifierLike = None,
        where: str | None = None,
    ) -> Hits:
        """Ranks the records, best first.

        Parameters
        ----------
        text : str or list of str, optional
            What is looked for, in words.
        k : int, default 10
            Records to give.
        not_text : str or list of str, optional
            What it is not, in words.
        examples, unlike : optional
            Examples and counterexamples: records or their ids, paths of files, or pictures of Pillow; one or a list.
        vector : array of shape (d,), optional
            A vector in the space of the model, of any length.
        classifier : str, LinearClassifier or Session, optional
            A classifier of the same model, or the name of one: of a session, an import or a file.
        where : str, optional
            The records that are looked at, by what their dataset tells of them: ``"split = 'train' and year > 2020"``.

        Returns
        -------
        Hits
            A sequence of :class:`Hit`; in a notebook, cards. Scores are cosines, or a classifier's logits.

        Raises
        ------
        InputError
            Nothing is given to start from, or it has no direction.
        UnknownNameError
            There is no such record or classifier.
        EmptyProjectError
            Nothing is indexed yet.
        """
        start = _starts.start(text, not_text, (examples, unlike), vector, classifier, where)
        return Hits(found(self._native, hit) for hit in self._native.search(start, count(k, "k")))

    def session(
        self,
        name: str | None = None,
        *,
        text: PhraseLike = None,
        not_text: PhraseLike = None,
        examples: ExampleLike = None,
        unlike: ExampleLike = None,
        vector: ArrayLike | None = None,
        classifier: ClassifierLike = None,
        where: str | None = None,
        method: str = "map-logistic",
    ) -> Session:
        """Opens a new session, or goes on with one.

        With something to start from it is a new one, called ``name``, or after what it looks for. With a name alone, the
        session of that name goes on where it was left; with nothing, the one that was used last.

        Parameters
        ----------
        name : str, optional
            What the session is called; no two of a project share a name.
        text, not_text, examples, unlike, vector, classifier, where
            Where a new session starts, as of :meth:`search`. Examples count as labels.
        method : str, default "map-logistic"
            How a new session fits; the others are there to compare with.

        Returns
        -------
        Session
            The session. Every score that it acknowledges is durable.

        Raises
        ------
        UnknownNameError
            There is no session of this name to go on with.
        InputError
            The name is taken, the start has no direction, or a filter or a method is given without a start.

        Examples
        --------
        >>> project = linprobe.Project(tmp / "phones")
        >>> run = project.index(["the screen is broken", "it never arrived"], progress=False)
        >>> session = project.session(text="broken screen", name="screens")
        >>> project.session("screens").name
        'screens'
        >>> project.sessions
        ['screens']
        """
        start = _starts.start(text, not_text, (examples, unlike), vector, classifier, where)
        name = option(name, "name")
        if not _starts.is_empty(start):
            return Session(self._native, self._native.start_session(start, name, checked(method, "method")))
        if where is not None or method != "map-logistic":
            what = "method" if where is None else "filter"
            raise InputError(f"a {what} belongs to a new session\nhint: also give text=..., or another start")
        return self._resumed(name)

    @property
    def sessions(self) -> list[str]:
        """The names of all sessions, the first one opened first."""
        return self._native.sessions()

    def classifier(self, name: str, threshold: str | float | None = None) -> LinearClassifier:
        """A classifier by the name of a session, an import or a file, with its card.

        Parameters
        ----------
        name : str
            Its name.
        threshold : str or float, optional
            What its threshold is chosen by: ``"f1"``, ``"precision>=0.9"``, ``"recall>=0.8"``, ``"count=500"``, or a score. By
            audits where there are any, else by what its own probabilities promise. Without it, its own.
        """
        return LinearClassifier._of_parts(*self._native.find_classifier(checked(name, "name"), _policy(threshold)))

    def import_classifier(self, name: str, classifier: ClassifierLike) -> None:
        """Takes a classifier into the project under a name; one of that name is replaced.

        Raises
        ------
        ClassifierError
            It was made with another model.
        """
        self._native.import_classifier(checked(name, "name"), self._given(classifier)._parts())

    def predict(
        self,
        classifier: ClassifierLike,
        source: Any = None,
        *,
        threshold: str | float | None = None,
        where: str | None = None,
        positive_only: bool = False,
        working: str | os.PathLike[str] | None = None,
        progress: ProgressLike = False,
        **reading: Any,
    ) -> Any:
        """Scores the records of the project, or of another dataset. Ctrl-C ends it.

        Parameters
        ----------
        classifier : str, LinearClassifier or Session
            The classifier, or the name of one.
        source : optional
            Another dataset, as of :meth:`index`, in memory or not; its records are embedded with the model that the classifier
            was made with. Without it, the project's own records.
        threshold : str or float, optional
            What counts as positive, as of :meth:`classifier`; without it, the classifier's own threshold.
        where : str, optional
            The records that are scored.
        positive_only : bool, default False
            Leaves out the others.
        working : path, optional
            Where the scores of another dataset are kept while they are made: a run that was stopped is gone on with by the
            next one that names the same file.
        progress : bool or callable, default False
            Of another dataset, as of :meth:`index`.
        **reading
            How another dataset is read, as of :meth:`index`.

        Returns
        -------
        pandas.DataFrame, or dict of columns where pandas is not installed
            Best first: ``rank`` from 1, ``id``, ``score`` (a logit, float32), ``probability`` (float32), ``positive`` (bool),
            ``label``, ``text``, then the other columns of the dataset.

        Raises
        ------
        ClassifierError
            The classifier was made with another model, or does not say with which.
        DatasetError
            The other dataset cannot be read as a whole.
        """
        given = self._given(classifier)
        with tempfile.TemporaryDirectory() as folder, Bar(progress, "records") as bar:
            what: _wire.PredictingDict = {
                "dataset": None,
                "threshold": _policy(threshold),
                "filter": option(where, "where"),
                "working": None if working is None else Path(working),
                "positive_only": positive_only,
                "reading": _reading(reading),
            }
            if source is not None:
                place = _sources.place(source, Path(folder), None, _sources.Beside())
                what["dataset"] = Path(place.location)
                _lay_beside(what["reading"], place)
            elif reading:
                raise InputError(f"{', '.join(reading)}: only another dataset is read\nhint: leave these out")
            show = bar.show if bar.is_shown else None
            scores = self._native.predict(given._parts(), what, show)
        if scores["skipped"]:
            first = scores["skipped"][0]
            _warn(f"{len(scores['skipped'])} records were skipped; the first: {first['reason']}", 3)
        return frame(_columns(scores))

    def audit(
        self,
        session: str | Session | None = None,
        budget: int = 100,
        threshold: str | float = 0.0,
        seed: int = 0,
    ) -> Audit:
        """Draws records at random, with known odds, to measure a session's classifier: :meth:`Session.audit`.

        Parameters
        ----------
        session : str or Session, optional
            The session; by default the one that was used last.
        budget, threshold, seed
            As of :meth:`Session.audit`.
        """
        audited = session if isinstance(session, Session) else self._resumed(session)
        return audited.audit(budget, threshold, seed)

    def record(self, id: str) -> Record:
        """What is known of a record.

        Raises
        ------
        UnknownNameError
            There is none of this id.
        """
        return known(self._native, self._native.record(checked(id, "id")))

    @property
    def path(self) -> Path:
        """The project's folder."""
        return Path(self._native.folder())

    @property
    def model(self) -> Model | None:
        """The model, once one is chosen."""
        model = self._native.model()
        return None if model is None else Model(**model)

    @property
    def n_records(self) -> int:
        """The number of records."""
        return self._native.n_records()

    @property
    def classes(self) -> dict[str, int]:
        """The classes of the dataset and how many records each has, largest first."""
        return dict(self._native.classes())

    @property
    def skipped(self) -> list[SkippedRecord]:
        """Records that could not be read or embedded, as each dataset was last indexed."""
        return [SkippedRecord(**skipped) for skipped in self._native.skipped()]

    @property
    def vectors(self) -> NDArray[np.float16]:
        """The embeddings as they are kept, mapped from the disk without a copy: float16, shape (n, d).

        Rows are in the order in which records were embedded; those of records that were replaced or removed are among them until
        ``linprobe compact``. Before anything is indexed, :class:`EmptyProjectError` is raised.
        """
        try:
            vectors: NDArray[np.float16] = np.load(self.path / "store" / "vectors.npy", mmap_mode="r")
        except FileNotFoundError as error:
            raise EmptyProjectError(
                "the project has no vectors yet\nhint: index something first: project.index(source)"
            ) from error
        return vectors

    def __repr__(self) -> str:
        return f"Project({str(self.path)!r}, n_records={self.n_records})"

    def _repr_html_(self) -> str:
        model, classes, sessions, n_skipped = self.model, self.classes, self.sessions, len(self.skipped)
        rows = [("project", str(self.path)), ("records", f"{self.n_records:,}")]
        if n_skipped:
            rows.append(("skipped", f"{n_skipped:,}: see project.skipped"))
        if model is not None:
            rows.append(("model", f"{model.id}, {model.dimension} dimensions"))
        if classes:
            rows.append(("classes", _first(f"{name} {n:,}" for name, n in classes.items())))
        if sessions:
            rows.append(("sessions", _first(reversed(sessions))))
        return table(rows)

    def _resumed(self, name: str | None) -> Session:
        if name is None:
            name = self._native.latest_session()
        if name is None:
            raise InputError("there is no session yet\nhint: start one: project.session(text=...)")
        return Session(self._native, self._native.resume_session(name))

    def _given(self, classifier: ClassifierLike) -> LinearClassifier:
        given = _starts.named_or_made(classifier)
        return self.classifier(given) if isinstance(given, str) else given

    def _warn_of_skipped(self, indexed: IndexRun) -> None:
        for note in indexed.notes:
            _warn(note, 4)
        if indexed.n_skipped:
            reason = next((skipped.reason for skipped in self.skipped), "")
            _warn(f"{indexed.n_skipped} records were skipped; the first: {reason}\nsee project.skipped", 4)


#: The options of readers, as they are called here.
_READING = {
    "kind": "kind",
    "id_column": "id",
    "text_column": "text",
    "label_column": "label",
    "metadata_columns": "metadata",
    "tensor": "tensor",
    "split": "split",
    "config": "config",
    "revision": "revision",
    "every": "every",
}


def _reading(given: dict[str, Any]) -> _wire.ReadingDict:
    unknown = sorted(set(given) - set(_READING))
    if unknown:
        raise TypeError(f"unknown argument {unknown[0]!r}; how a dataset is read: {', '.join(_READING)}")
    reading: dict[str, Any] = {name: None for name in [*_READING.values(), "ids", "texts", "labels"]}
    reading.update({_READING[name]: _read_by(name, value) for name, value in given.items()})
    return reading  # type: ignore[return-value]


def _read_by(name: str, value: Any) -> Any:
    """The value of an option of readers, checked."""
    if value is None:
        return None
    if name == "every":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"every is {value!r}, expected a number of seconds")
        return float(value)
    if name != "metadata_columns":
        return checked(value, name)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"metadata_columns is {value!r}, expected a list of names\nhint: [{value!r}]")
    return [checked(column, "a name in metadata_columns") for column in value]


def _lay_beside(reading: _wire.ReadingDict, place: _sources.Place) -> None:
    """Says where the files are that stand beside a dataset."""
    reading.update(place.beside)  # type: ignore[typeddict-item]


def _first(names: Iterable[str], limit: int = 8) -> str:
    """Some names in a line, and how many more there are."""
    named = list(names)
    more = f", and {len(named) - limit} more" if len(named) > limit else ""
    return ", ".join(named[:limit]) + more


def _policy(threshold: str | float | None) -> str | None:
    return None if threshold is None else str(threshold)


def _columns(scores: _wire.ScoresDict) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(scores["id"]) + 1),
        "id": scores["id"],
        "score": scores["score"],
        "probability": scores["probability"],
        "positive": scores["positive"],
        "label": scores["label"],
        "text": scores["text"],
    }
    # As in files: a column of the dataset that is named like one of these gets an underscore before it.
    for name, values in scores["metadata"].items():
        columns[f"_{name}" if name in columns else name] = values
    return columns


def _warn(said: str, level: int) -> None:
    warnings.warn(said, UserWarning, stacklevel=level)
