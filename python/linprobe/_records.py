"""Records, and how they look in a notebook."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, Union, overload

from . import _native, _wire
from ._packages import needed
from .errors import InputError, LinprobeError

__all__ = ["Hit", "Hits", "Model", "Record", "Shown"]

#: The side of a picture on a card, in pixels.
_PICTURE = 160

#: Characters of a text on a card.
_CARD_CHARS = 280


@dataclass(frozen=True)
class Model:
    """What a model is, as far as its embeddings are concerned."""

    id: str
    """Its name: a hub name, a folder, ``builtin/...`` or ``precomputed``."""
    revision: str | None
    """The revision of a model from a hub."""
    fingerprint: str
    """A digest of weights and processing: equal fingerprints give equal embeddings."""
    dimension: int
    """The number of coordinates of its embeddings."""
    text: bool
    """Whether it embeds texts."""
    image: bool
    """Whether it embeds pictures."""


@dataclass(frozen=True)
class Record:
    """A record of a project, without its content."""

    id: str
    """Names the record within the project, for ever."""
    kind: str
    """``"text"``, ``"image"`` or ``"vector"``."""
    text: str | None
    """What a person can read of it."""
    label: str | None
    """The class that the dataset gives it."""
    metadata: dict[str, str] = field(hash=False)
    """The other columns of the dataset."""
    _project: Any = field(repr=False, compare=False, default=None)

    def content(self) -> Any:
        """The content, read again from the dataset: a ``str``, the ``bytes`` of a picture, or a float32 array."""
        if self._project is None:
            raise InputError(f"{self.id} is a copy from a pickle, without its project\nhint: project.record({self.id!r})")
        return self._project.content(self.id)

    def image(self) -> Any:
        """The picture, as one of Pillow."""
        if self.kind != "image":
            raise InputError(f"{self.id} is no picture: its kind is {self.kind}\nhint: content() reads it")
        pillow = needed("PIL.Image", "pillow", "a record as a picture")
        return pillow.open(io.BytesIO(self.content()))

    def __getstate__(self) -> dict[str, Any]:
        """All but the project, which is open in this process alone."""
        return {**self.__dict__, "_project": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return replace(self, metadata=dict(self.metadata))

    def _repr_html_(self) -> str:
        return cards([(self, "")])


@dataclass(frozen=True)
class Hit(Record):
    """A record that was found."""

    score: float = 0.0
    """Its similarity to what was searched for: a cosine, or a classifier's logit."""


@dataclass(frozen=True)
class Shown(Record):
    """A record of a round."""

    score: float = 0.0
    """What the classifier made of it when it was chosen, a logit."""
    reason: str = ""
    """Why it was chosen: ``top``, ``explore``, ``ladder``, ``boundary``, ``anchor`` or ``random``."""
    probability: float = 1.0
    """How likely it was to be chosen, before the draw."""
    n_alike: int = 0
    """Further records that it was chosen from and that are nearly the same."""
    answered: bool = False
    """Whether it was scored or passed over in this round."""
    given: float | None = None
    """The score that it was given in this round."""


R = TypeVar("R", bound=Record)


class Cards(Sequence[R], Generic[R]):
    """Records in order; in a notebook they are shown as cards."""

    def __init__(self, records: Iterable[R]) -> None:
        self._records = list(records)

    @property
    def ids(self) -> list[str]:
        """The ids of the records, in order."""
        return [record.id for record in self._records]

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> list[R]: ...
    def __getitem__(self, place: Union[int, slice]) -> Union[R, list[R]]:
        return self._records[place]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records)

    def __repr__(self) -> str:
        lines = [f"{_note(record):<18} {record.id}  {_one_line(record)}".rstrip() for record in self._records]
        return "\n".join([f"{type(self).__name__} of {len(self)} records", *lines])

    def _repr_html_(self) -> str:
        return cards((record, _note(record)) for record in self._records)


class Hits(Cards[Hit]):
    """Records that were found, best first."""


def known(project: _native.Project, record: _wire.Fields) -> Record:
    """A record as Python has it."""
    return Record(**record, _project=project)


def found(project: _native.Project, hit: _wire.Fields) -> Hit:
    """A record that was found."""
    return Hit(**hit["record"], _project=project, score=hit["score"])


def shown(project: _native.Project, record: _wire.Fields) -> Shown:
    """A record of a round."""
    rest = {name: value for name, value in record.items() if name != "record"}
    return Shown(**record["record"], _project=project, **rest)


def cards(records: Iterable[tuple[Record, str]]) -> str:
    """A card for each record, in HTML; what people and datasets have written is escaped."""
    shape = "display:flex;flex-wrap:wrap;gap:8px;font:14px system-ui,sans-serif"
    return f'<div style="{shape}">' + "".join(_card(record, note) for record, note in records) + "</div>"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are, in HTML; both are escaped."""
    cells = (f'<tr><td style="color:#666">{html.escape(name)}</td><td>{html.escape(what)}</td></tr>' for name, what in rows)
    return f"<table>{''.join(cells)}</table>"


def _card(record: Record, note: str) -> str:
    shape = f"width:{_PICTURE + 16}px;padding:8px;border:1px solid #bbb;border-radius:6px;overflow-wrap:anywhere"
    name = html.escape(record.id)
    label = f" · {html.escape(record.label)}" if record.label else ""
    return (
        f'<div style="{shape}">{_face(record)}'
        f'<div style="color:#666">{name}{label}</div><div style="color:#666">{html.escape(note)}</div></div>'
    )


def _face(record: Record) -> str:
    if record.kind == "image" and record._project is not None:
        try:
            jpeg = base64.b64encode(record._project.thumbnail(record.id, _PICTURE)).decode()
        except LinprobeError as error:
            return f"<div>{html.escape(str(error))}</div>"
        name = html.escape(record.id, quote=True)
        return f'<img src="data:image/jpeg;base64,{jpeg}" alt="{name}" style="max-width:100%">'
    text = record.text or ""
    cut = text if len(text) <= _CARD_CHARS else text[:_CARD_CHARS].rstrip() + "…"
    return f"<div>{html.escape(cut)}</div>"


def _note(record: Record) -> str:
    score = f"{record.score:+.3f}" if isinstance(record, (Hit, Shown)) else ""
    if not isinstance(record, Shown):
        return score
    given = "" if record.given is None else f" → {record.given:+g}"
    return f"{score} {record.reason}{given}"


def _one_line(record: Record) -> str:
    words = " ".join((record.text or "").split())
    return words if len(words) <= 80 else words[:79] + "…"
