"""Runs notebooks as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


def run(name: str, folder: Path, *, show: str = "") -> list[dict[str, Any]]:
    """Runs a notebook as it is, with a cell more if something is to be shown, and gives what its cells print."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    assert not any(cell.get("outputs") for cell in json.loads(path.read_text())["cells"]), "outputs are not committed"
    notebook = nbformat.read(path, as_version=4)
    if show:
        notebook.cells.append(nbformat.v4.new_code_cell(show))
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def shows(outputs: list[dict[str, Any]], kind: str) -> bool:
    return any(kind in output.get("data", {}) for output in outputs)
