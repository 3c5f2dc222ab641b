"""Every example in the documentation of the package says what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import linprobe

MODULES = ["linprobe", *(f"linprobe.{found.name}" for found in pkgutil.iter_modules(linprobe.__path__))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith(("_native", "__main__"))])
def test_examples_run(name, tmp_path: Path):
    if name.endswith("_widget"):
        pytest.importorskip("anywidget")
    module = importlib.import_module(name)
    names = {"linprobe": linprobe, "np": np, "tmp": tmp_path}
    finder = doctest.DocTestFinder(exclude_empty=True)
    # Methods build on what the example of their class has made.
    tests = sorted(finder.find(module, name, extraglobs=names), key=lambda test: test.lineno or 0)
    shared = {**vars(module), **names}
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in tests:
        test.globs = shared
        runner.run(test, clear_globs=False)
    assert runner.failures == 0


def test_everything_public_is_documented():
    for name in linprobe.__all__:
        thing = getattr(linprobe, name)
        assert name == "__version__" or thing.__doc__, name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                assert value.__doc__, f"{name}.{member}"
