"""From a sentence or a few examples to a production linear classifier over any embedded dataset.

A :class:`Project` is a folder: it embeds a dataset, searches it, and opens sessions in which you score the records that
matter from -1 to +1 and a classifier is fitted after each round.

>>> import tempfile, linprobe
>>> texts = ["a cat on the sofa", "stock prices fell", "two kittens play", "the bank raised its rates", "a dog barks"]
>>> folder = tempfile.TemporaryDirectory()
>>> project = linprobe.Project(folder.name)
>>> project.index(texts, progress=False).n_embedded
5
>>> project.search("young cats", k=1)[0].text
'a cat on the sofa'
>>> session = project.session(text="cats", name="cats")
>>> session.next(2).ids
['0', '2']
>>> session.score({"0": 1.0, "2": 1.0, "1": -1.0}).n_labels
3
>>> classifier = session.classifier()
>>> classifier.coef_.shape
(1, 256)
>>> folder.cleanup()

:class:`LinearClassifier` is a classifier of scikit-learn, :class:`Encoder` a model by itself.
"""

from __future__ import annotations

from ._audit import Audit, AuditReport, Interval
from ._classifier import LinearClassifier
from ._encoder import Encoder
from ._native import __version__
from ._project import IndexRun, Model, Project, SkippedRecord
from ._records import Hit, Hits, Record, Shown
from ._session import Advice, Fit, Histogram, Plot, Round, Session, Threshold
from .errors import (
    ClassifierError,
    DatasetError,
    EmptyProjectError,
    InputError,
    LinprobeError,
    MissingPackageError,
    ModelError,
    NotAProjectError,
    NotFittedError,
    StorageError,
    UnknownNameError,
)

__all__ = [
    "Advice",
    "Audit",
    "AuditReport",
    "ClassifierError",
    "DatasetError",
    "EmptyProjectError",
    "Encoder",
    "Fit",
    "Histogram",
    "Hit",
    "Hits",
    "IndexRun",
    "InputError",
    "Interval",
    "LinearClassifier",
    "LinprobeError",
    "MissingPackageError",
    "Model",
    "ModelError",
    "NotAProjectError",
    "NotFittedError",
    "Plot",
    "Project",
    "Record",
    "Round",
    "Session",
    "Shown",
    "SkippedRecord",
    "StorageError",
    "Threshold",
    "UnknownNameError",
    "__version__",
]
