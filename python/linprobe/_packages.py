"""Packages that a few methods need, and nothing else does."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import MissingPackageError


def needed(module: str, package: str, what: str) -> Any:
    """The module of a package, or an exception that says what needs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(f"{what} needs the package {package}\nhint: pip install {package}") from error
