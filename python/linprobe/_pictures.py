"""Pictures as the native half takes them: the bytes of a file."""

from __future__ import annotations

import io
from typing import Any

#: Modes of Pillow that PNG keeps as they are.
_AS_THEY_ARE = ("1", "L", "LA", "P", "RGB", "RGBA")


def is_picture(value: Any) -> bool:
    """Whether it is a picture of Pillow, without importing Pillow."""
    return any(f"{base.__module__}.{base.__name__}" == "PIL.Image.Image" for base in type(value).__mro__)


def to_model(picture: Any) -> bytes:
    """As models are shown it, in RGB. A bitmap, since it is only read once and loses nothing."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, format="BMP")
    return buffer.getvalue()


def to_file(picture: Any) -> bytes:
    """As it is kept: a PNG, which loses nothing."""
    buffer = io.BytesIO()
    kept = picture if picture.mode in _AS_THEY_ARE else picture.convert("RGB")
    kept.save(buffer, format="PNG")
    return buffer.getvalue()
