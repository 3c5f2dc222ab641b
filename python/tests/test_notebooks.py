"""The notebooks run from the first to the last, over drawn shapes and a tiny model that knows nothing: what is promised is that
each cell does what it says, not that shapes are found."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from conftest import CLIP, ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
image = pytest.importorskip("PIL.Image")
draw = pytest.importorskip("PIL.ImageDraw")

COLOURS = ["red", "green", "blue", "gold"]


def draw_shapes(folder: Path, n: int) -> None:
    """Pictures of three classes, some in each of four colours and sizes of their own."""
    for shape, corners in {"disc": 60, "square": 4, "triangle": 3}.items():
        (folder / shape).mkdir(parents=True)
        for i in range(n):
            picture = image.new("RGB", (48, 40), "white")
            reach, turn = 8 + i % 10, i * 0.7
            angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
            points = [(24 + reach * math.cos(a), 20 + reach * math.sin(a)) for a in angles]
            draw.Draw(picture).polygon(points, fill=COLOURS[i % 4])
            picture.save(folder / shape / f"{i:03}.png")


def test_the_notebooks_run_one_after_the_other(tmp_path: Path, monkeypatch):
    draw_shapes(tmp_path / "shapes" / "train", 40)
    draw_shapes(tmp_path / "shapes" / "validation", 10)
    monkeypatch.setenv("LINPROBE_SOURCE", str(tmp_path / "shapes"))
    monkeypatch.setenv("LINPROBE_MODEL", str(CLIP))
    monkeypatch.setenv("LINPROBE_CONCEPTS", "disc,square")
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [path.stem for path in notebooks] == ["00-index", "01-train", "02-test"]
    for path in notebooks:
        assert not any(cell.get("outputs") for cell in json.loads(path.read_text())["cells"]), "outputs are not committed"
        notebook = nbformat.read(path, as_version=4)
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert any("text/html" in output.get("data", {}) for output in outputs), path.stem
