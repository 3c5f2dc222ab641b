"""What is in memory is written to files that linprobe's readers take, and indexed from there.

A project reads the content of its records again whenever it shows them, in this process and in any other, so a dataset has to
be somewhere. Each gets a folder of its own, ``sources/NAME`` in the project's, in a form that other tools read, too: JSON
lines, ``.npy``, Parquet, or PNG files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from . import _pictures
from ._checks import rows, text
from ._packages import needed
from ._values import is_missing, listed, plain
from .errors import InputError

#: Digits of the digest that a dataset without a name is called by.
_DIGITS = 12


@dataclass
class Beside:
    """What is given beside a dataset in memory, a value for each record."""

    ids: Iterable[Any] | None = None
    texts: Iterable[str] | None = None
    labels: Iterable[Any] | None = None


@dataclass
class Place:
    """Where a dataset is, and the files beside it."""

    location: str
    beside: dict[str, Path]


def place(source: Any, folder: Path, name: str | None, beside: Beside) -> Place:
    """Says where a dataset is; one in memory is written to a folder of its own, below a folder, first."""
    if isinstance(source, (str, os.PathLike)):
        if any(values is not None for values in vars(beside).values()):
            raise InputError("ids, texts and labels are for datasets in memory\nhint: name columns: id_column, ...")
        return Place(os.fspath(source), {})
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        written = _write(source, made, beside)
        kept = folder / _checked_name(_digest(made) if name is None else name)
        shutil.rmtree(kept, ignore_errors=True)
        made.rename(kept)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    files = {what: kept / file for what, file in written.items()}
    return Place(str(files.pop("location")), files)


def _write(source: Any, folder: Path, beside: Beside) -> dict[str, str]:
    """Writes a dataset, and gives the names of the files: of its own, ``location``, and of those beside it."""
    given, source = source, listed(source)
    if isinstance(source, np.ndarray) and not _is_list(source):
        return _write_vectors(source, folder, beside)
    if _is_table(source):
        if any(values is not None for values in vars(beside).values()):
            raise InputError("a table has columns\nhint: name them: id_column, text_column, label_column")
        return {"location": _write_table(source, folder)}
    records = list(source) if isinstance(source, Iterable) else []
    if records and all(isinstance(record, str) for record in records):
        return {"location": _write_texts(records, folder, beside)}
    if records and all(isinstance(record, dict) for record in records):
        return {"location": _write_rows(records, folder, beside)}
    if records and all(_pictures.is_picture(record) for record in records):
        return {"location": _write_pictures(records, folder, beside)}
    raise InputError(
        f"{_described(given, records)} is no dataset that can be read\nhint: give a path, a name on the hub, texts, dicts, "
        "pictures of Pillow, a matrix of NumPy, a data frame, a table of Arrow or a datasets.Dataset"
    )


def _is_list(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array holds texts or other objects, as a column of a data frame does."""
    return array.ndim == 1 and array.dtype.kind in "UO"


def _described(source: Any, records: Sequence[Any]) -> str:
    name = type(source).__name__
    if not isinstance(source, Iterable):
        return name
    kinds = " and ".join(sorted({type(record).__name__ for record in records}))
    return f"{name} of {kinds}" if kinds else f"an empty {name}"


def _write_vectors(vectors: np.ndarray[Any, Any], folder: Path, beside: Beside) -> dict[str, str]:
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise InputError(f"vectors have shape {vectors.shape} and type {vectors.dtype}; give floats of shape (n, d)")
    wanted = vectors if vectors.dtype == np.float16 else rows(vectors, "source")
    np.save(folder / "vectors.npy", wanted, allow_pickle=False)
    written = {"location": "vectors.npy"}
    for what, values in vars(beside).items():
        if values is not None:
            written[what] = f"{what}.jsonl"
            column = _column(values, what, len(vectors))
            # A blank line says that there is nothing.
            _write_lines((None if is_missing(value) else str(value) for value in column), folder / written[what], blank=True)
    return written


def _write_texts(texts: Sequence[str], folder: Path, beside: Beside) -> str:
    columns = {"text": list(texts), **_columns(beside, len(texts), without="texts")}
    names = list(columns)
    _write_lines((dict(zip(names, row)) for row in zip(*columns.values())), folder / "texts.jsonl")
    return "texts.jsonl"


def _write_rows(rows: Sequence[dict[str, Any]], folder: Path, beside: Beside) -> str:
    if any(values is not None for values in vars(beside).values()):
        raise InputError("a row has its id, text and label itself\nhint: name them: id_column, text_column, label_column")
    _write_lines(rows, folder / "rows.jsonl")
    return "rows.jsonl"


def _write_pictures(pictures: Sequence[Any], folder: Path, beside: Beside) -> str:
    columns = _columns(beside, len(pictures), without="ids")
    digits = len(str(len(pictures) - 1))
    ids = [f"{place:0{digits}}" for place in range(len(pictures))]
    if beside.ids is not None:
        ids = [_file_name(name) for name in _column(beside.ids, "ids", len(pictures))]
    _check_unique(ids)
    for name, picture in zip(ids, pictures):
        file = folder / "pictures" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_pictures.to_file(picture))
    if columns:
        rows = zip(*columns.values())
        told = ({"file_name": f"{name}.png", **dict(zip(columns, row))} for name, row in zip(ids, rows))
        _write_lines(told, folder / "pictures" / "metadata.jsonl")
    return "pictures"


def _write_table(table: Any, folder: Path) -> str:
    """A data frame, a table of Arrow or a ``datasets.Dataset``."""
    file = folder / "table.parquet"
    if hasattr(table, "write_parquet"):
        table.write_parquet(file)
    elif hasattr(table, "to_parquet") and hasattr(table, "features"):
        table.to_parquet(str(file))
    elif hasattr(table, "to_parquet") and not _has_arrow():
        file = folder / "table.jsonl"
        table.to_json(file, orient="records", lines=True, date_format="iso", force_ascii=False)
    elif hasattr(table, "to_parquet"):
        table.to_parquet(file, index=False)
    else:
        _write_arrow(table, file)
    return file.name


def _write_arrow(table: Any, file: Path) -> None:
    pyarrow = needed("pyarrow", "pyarrow", "a table of Arrow")
    needed("pyarrow.parquet", "pyarrow", "a table of Arrow")
    pyarrow.parquet.write_table(pyarrow.table(table), file)


def _is_table(source: Any) -> bool:
    return any(hasattr(source, name) for name in ("write_parquet", "to_parquet", "__arrow_c_stream__"))


def _has_arrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _columns(beside: Beside, n_records: int, without: str) -> dict[str, list[Any]]:
    """What is beside the records, under the names that tables have for it."""
    columns = {}
    for what, values in vars(beside).items():
        if values is not None and what != without:
            columns[what[:-1]] = _column(values, what, n_records)
        elif values is not None and what == "texts":
            raise InputError("the texts are the dataset itself\nhint: leave texts out")
    return columns


def _column(values: Iterable[Any], what: str, n_records: int) -> list[Any]:
    column = [value.item() if isinstance(value, np.generic) else value for value in listed(values)]
    if len(column) != n_records:
        raise InputError(f"{len(column)} {what} for {n_records} records")
    if what == "labels":
        return column
    if what == "texts":
        return [None if is_missing(value) else str(value) for value in column]
    missing = [place for place, name in enumerate(column) if is_missing(name)]
    if missing:
        raise InputError(f"the id at position {missing[0]} is missing\nhint: each record needs one; or leave out ids")
    ids = [text(str(name), "an id") for name in column]
    _check_unique(ids)
    return ids


def _check_unique(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise InputError(f"the id {name!r} is given twice")
        seen.add(name)


def _file_name(name: str) -> str:
    path = PurePosixPath(name)
    if not name or "\\" in name or path.is_absolute() or ".." in path.parts:
        raise InputError(f"{name!r} cannot be the name of a picture's file")
    return name


def _write_lines(values: Iterable[Any], file: Path, blank: bool = False) -> None:
    """Writes JSON, a value a line; what is missing as null, or as a blank line."""
    with file.open("w", encoding="utf-8") as out:
        for place, value in enumerate(values):
            line = "" if blank and value is None else json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
            out.write(text(line, f"record {place}") + "\n")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as contents:
            for block in iter(lambda: contents.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()[:_DIGITS]


def _checked_name(name: str) -> str:
    if not name or name.startswith(".") or any(c in name for c in '/\\:\0'):
        raise InputError(f"{name!r} cannot be the name of a dataset\nhint: it becomes the name of a folder")
    return name
