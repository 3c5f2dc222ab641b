"""Cards in a notebook: the label view of the web app, which asks the kernel in place of a server.

The widget has no state of its own. It shows what the session says, and a label is on the disk when the session has acknowledged
it; so a cell that is run again, or a second view of the widget, shows the same round.

A request is a message ``{"ask", "method", "path", "body"}``, of the HTTP API; the kernel says ``{"begun"}`` when it begins with
it, and ``{"answered", "status", "form"}`` with the body in a buffer when it is done. ``{"changed"}`` says that the session
was written to by other means than the widget.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from . import _native
from .errors import InputError

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Widget"]


# The metaclass is that of the base, which has no types to tell it by.
class Widget(anywidget.AnyWidget, metaclass=traitlets.MetaHasTraits):
    """Cards to label a session by keys and sliders, of :meth:`Session.widget`."""

    _esm = (Path(__file__).parent / "widget.js").read_text(encoding="utf-8")
    #: The project in paths of the API.
    project = traitlets.Unicode().tag(sync=True)
    #: The session.
    session = traitlets.Unicode().tag(sync=True)
    #: The project's folder, by which the browser tells the unsent answers of one project from those of another.
    folder = traitlets.Unicode().tag(sync=True)
    #: Pixels.
    height = traitlets.Int().tag(sync=True)

    def __init__(self, session: Session, project: _native.Project, height: int) -> None:
        self._door = _native.Door(project)
        super().__init__(
            project=self._door.slug(), session=session.name, folder=str(project.folder()), height=height
        )
        self.on_msg(self._hear)

    def tell_change(self) -> None:
        """Lets the cards look anew: the session was written to by other means."""
        self.send({"changed": True})

    def _hear(self, _: object, content: Any, __: object) -> None:
        try:
            ask, method, path, body = (content[name] for name in ("ask", "method", "path", "body"))
        except (KeyError, TypeError) as error:
            raise InputError(f"the widget was sent what is no request: {content!r}") from error
        self.send({"begun": ask})
        status, form, answer = self._answer(method, path, body)
        self.send({"answered": ask, "status": status, "form": form}, [answer])

    def _answer(self, method: str, path: str, body: str) -> tuple[int, str, bytes]:
        """The answer of the API; what went wrong on the way there is one, too, so that the widget shows it."""
        try:
            return self._door.answer(method, path, body)
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            problem = {"type": "internal", "title": "The kernel failed", "status": 500, "detail": detail}
            return 500, "application/problem+json", json.dumps(problem).encode()
