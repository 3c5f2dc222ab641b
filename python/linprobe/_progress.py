"""Bars that show how far something has come, where tqdm is installed; else nothing is shown."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Union

#: ``True`` for a bar, ``False`` for none, or a function that is told the records done, their number if it is known, and
#: those skipped.
ProgressLike = Union[bool, Callable[[int, Union[int, None], int], object]]


class Bar:
    """Shows progress while a ``with`` lasts."""

    def __init__(self, progress: ProgressLike, unit: str) -> None:
        self._tell = progress if callable(progress) else None
        self._wanted = progress is True
        self._unit = unit
        self._bar: Any = None

    @property
    def is_shown(self) -> bool:
        return self._wanted or self._tell is not None

    def show(self, n_done: int, n_total: int | None = None, n_skipped: int = 0) -> None:
        """Moves the bar."""
        if self._tell is not None:
            self._tell(n_done, n_total, n_skipped)
        if not self._wanted:
            return
        if self._bar is None:
            self._bar = _new_bar(unit=f" {self._unit}", total=n_total)
            self._wanted = self._bar is not None
        if self._bar is not None:
            self._bar.total = n_total if n_total is not None else self._bar.total
            if n_skipped:
                self._bar.set_postfix(skipped=n_skipped, refresh=False)
            self._bar.update(n_done - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


_downloads: dict[str, Any] = {}


def show_download(file: str, n_bytes: int, n_total: int) -> None:
    """Shows a file on its way from the hub; called by the native half, from any thread."""
    if file not in _downloads:
        _downloads[file] = _new_bar(desc=file, total=n_total, unit="B", unit_scale=True)
    bar = _downloads[file]
    if bar is not None:
        bar.update(n_bytes - bar.n)
    if n_bytes >= n_total:
        del _downloads[file]
        if bar is not None:
            bar.close()


def _new_bar(**options: Any) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(**options)
