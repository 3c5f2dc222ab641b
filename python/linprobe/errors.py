"""What can go wrong, sorted by what you can do about it.

Every exception of linprobe is a :class:`LinprobeError`. Its message is in lower case, names the thing, and ends with
a line ``hint: ...`` where there is a remedy. What caused it, a file that cannot be read or what SQLite said, is its
``__cause__``.

>>> import linprobe
>>> issubclass(linprobe.InputError, ValueError) and issubclass(linprobe.UnknownNameError, LookupError)
True
"""

from __future__ import annotations

__all__ = [
    "ClassifierError",
    "DatasetError",
    "EmptyProjectError",
    "InputError",
    "LinprobeError",
    "MissingPackageError",
    "ModelError",
    "NotAProjectError",
    "NotFittedError",
    "StorageError",
    "UnknownNameError",
]


class LinprobeError(Exception):
    """Anything that linprobe says went wrong."""


class InputError(LinprobeError, ValueError):
    """Something that you gave cannot be used: a score, a filter, a name that is taken, a phrase without a direction."""


class UnknownNameError(LinprobeError, LookupError):
    """There is no record, session or classifier of this name; the message names those that there are."""


class EmptyProjectError(LinprobeError):
    """The project has no records yet: index something."""


class NotAProjectError(LinprobeError):
    """The folder holds no project, or one that a later version of linprobe has made."""


class ModelError(LinprobeError):
    """A model cannot be opened, failed, or is not the one that the project is embedded with."""


class DatasetError(LinprobeError):
    """A dataset cannot be brought here or cannot be read as a whole. One bad record is skipped and named instead."""


class ClassifierError(LinprobeError, ValueError):
    """A classifier file cannot be read, or the classifier was made with another model."""


class StorageError(LinprobeError, OSError):
    """The project's database, its vectors or a file cannot be read or written."""


class MissingPackageError(LinprobeError, ImportError):
    """What you asked for needs a package that is not installed; the hint says how to install it."""


class NotFittedError(LinprobeError, ValueError, AttributeError):
    """The classifier is asked before it was fitted or loaded.

    Where scikit-learn is in use, its own ``sklearn.exceptions.NotFittedError`` is raised in its place, which is a
    ``ValueError`` and an ``AttributeError``, too.
    """
