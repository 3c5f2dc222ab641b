"""The notebooks run from the first to the last, over drawn shapes and a tiny model that knows nothing: what is promised is that
each cell does what it says, not that shapes are found. Those that compare run over what is in the repository, and over real data
where that is at hand."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CLIP, ROOT
from fake_hub import Hub, running
from notebook_run import run, shows

image = pytest.importorskip("PIL.Image")
draw = pytest.importorskip("PIL.ImageDraw")

COLOURS = ["red", "green", "blue", "gold"]
SHAPES = {"disc": 60, "square": 4, "triangle": 3}
PICTURES = ["00-index", "01-train", "02-test"]

IMAGENETTE = (
    "tench,English springer,cassette player,chain saw,church,French horn,garbage truck,gas pump,golf ball,parachute"
)

REAL = ROOT.parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is not here")


def shape(corners: int, i: int) -> Any:
    """A picture of a polygon, in one of four colours and a size of its own."""
    picture = image.new("RGB", (48, 40), "white")
    reach, turn = 8 + i % 10, i * 0.7
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    points = [(24 + reach * math.cos(a), 20 + reach * math.sin(a)) for a in angles]
    draw.Draw(picture).polygon(points, fill=COLOURS[i % 4])
    return picture


def draw_shapes(folder: Path, n: int) -> None:
    """A folder of pictures for each class."""
    for name, corners in SHAPES.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            shape(corners, i).save(folder / name / f"{i:03}.png")


def test_every_notebook_is_run_here():
    """The one for Ray by `test_ray.py`, where Ray is."""
    known = [*PICTURES, "03-article-method", "04-text", "05-ray"]
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == known


def test_a_folder_of_pictures_and_any_clip_model_will_do(tmp_path: Path, monkeypatch):
    draw_shapes(tmp_path / "shapes" / "train", 40)
    draw_shapes(tmp_path / "shapes" / "validation", 10)
    monkeypatch.setenv("LINPROBE_SOURCE", str(tmp_path / "shapes"))
    monkeypatch.setenv("LINPROBE_MODEL", str(CLIP))
    monkeypatch.setenv("LINPROBE_CONCEPTS", "disc,square")
    for name in PICTURES:
        assert shows(run(name, tmp_path), "text/html"), name


def imagenette(n: int) -> bytes:
    """A split as the hub keeps it for datasets that a script makes: pictures with the numbers of their classes."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = []
    for i in range(n):
        file = io.BytesIO()
        shape(3 + i % 10, i).save(file, "JPEG")
        rows.append({"image": {"bytes": file.getvalue(), "path": None}, "label": i % 10})
    features = {"image": {"_type": "Image"}, "label": {"names": IMAGENETTE.split(","), "_type": "ClassLabel"}}
    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pyarrow.schema([("image", picture), ("label", pyarrow.int64())], metadata=metadata)
    table = pyarrow.Table.from_pylist(rows, schema=schema)
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch) -> Iterator[Hub]:
    """A hub with Imagenette and CLIP, laid out as their repositories are; the pictures are shapes, the model is tiny."""
    hub = Hub()
    script = {"README.md": b"", "imagenette.py": b"raise SystemExit", "dataset_infos.json": b"{}"}
    hub.add("datasets", "frgfm/imagenette", script)
    splits = {"train/0000.parquet": imagenette(120), "validation/0000.parquet": imagenette(40)}
    configs = ("full_size", "320px", "160px")
    converted = {f"{config}/{file}": rows for config in configs for file, rows in splits.items()}
    hub.add("datasets", "frgfm/imagenette", converted, "refs/convert/parquet")
    clip = {path.name: path.read_bytes() for path in CLIP.iterdir() if path.suffix != ".onnx" and path.stem != "golden"}
    others = ["README.md", "flax_model.msgpack", "tf_model.h5", "merges.txt", "vocab.json", "special_tokens_map.json"]
    hub.add("models", "openai/clip-vit-base-patch32", {**dict.fromkeys(others, b"{}"), **clip})
    for name in ("LINPROBE_SOURCE", "LINPROBE_MODEL", "LINPROBE_CONCEPTS", "HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with running(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def test_imagenette_and_clip_come_from_the_hub_where_nothing_else_is_said(hub: Hub, tmp_path: Path):
    for name in PICTURES:
        assert shows(run(name, tmp_path), "text/html"), name
    resolved = [request.partition("/resolve/")[2] for request in hub.requests if request.startswith("GET /")]
    fetched = {place.split("/", 1)[1] for place in resolved if place}
    assert {"320px/train/0000.parquet", "320px/validation/0000.parquet", "model.safetensors"} <= fetched
    others = ("full_size", "160px", "imagenette.py", "tf_model.h5", "flax_model.msgpack")
    assert not {name for name in fetched if name.startswith(others)}


def compare(folder: Path) -> dict[str, dict[str, float]]:
    """Runs the comparison, and gives the average precision of each method at each number of labels."""
    means = "mean['ap'].unstack('labels').to_json(orient='index')"
    outputs = run("03-article-method", folder, show=f"print({means})")
    assert shows(outputs, "image/png") and shows(outputs, "text/html")
    found: dict[str, dict[str, float]] = json.loads(outputs[-1]["text"])
    return found


def test_the_articles_method_is_compared_over_packages(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("LINPROBE_PACKAGES", str(ROOT / "crates/cli/assets/debian-packages.csv.gz"))
    monkeypatch.setenv("LINPROBE_SEEDS", "1")
    ap = compare(tmp_path)
    assert ap["article"]["0"] == ap["linprobe"]["0"]
    assert ap["article"]["100"] < ap["article"]["0"] < ap["linprobe"]["100"]


@needs_real_data
def test_the_articles_method_is_compared_over_pictures(tmp_path: Path, monkeypatch):
    named = {"butterfly", "camera", "crab", "saxophone", "scissors", "umbrella"}
    folder, classes, vectors = REAL / "clip_vitb32", [], []
    names = json.loads((folder / "class_names.json").read_text())
    for path in sorted(folder.glob("*.f16.npy")):
        dataset = path.name.split(".")[0]
        vectors.append(np.load(path))
        labels = np.load(path.with_name(path.name.replace(".f16.npy", ".labels.npy")))
        of = [str(names[dataset][label]) for label in labels]
        classes += of if dataset == "caltech101" else [f"{dataset}: {name}" for name in of]
    texts = json.loads((REAL / "clip_text_vitb32/text.json").read_text())
    starts = {text["name"]: row for text, row in zip(texts, np.load(REAL / "clip_text_vitb32/text.f16.npy"))}
    known = sorted(named & set(classes) & set(starts))
    arrays = {"vectors": np.vstack(vectors), "classes": np.array(classes), "names": np.array(known)}
    np.savez(tmp_path / "clip.npz", **arrays, starts=np.stack([starts[name] for name in known]))
    monkeypatch.setenv("LINPROBE_VECTORS", str(tmp_path / "clip.npz"))
    monkeypatch.setenv("LINPROBE_SEEDS", "1")
    ap = compare(tmp_path)
    assert len(known) >= 4
    assert ap["article"]["100"] < 0.1 < ap["article"]["0"] < ap["linprobe"]["100"]


PRECISION_AND_RECALL = "print(json.dumps([precision, recall, int(later['positive'].sum())]))"


def test_tickets_become_a_classifier_with_precision_and_recall(tmp_path: Path, monkeypatch):
    data = ROOT / "docs/guides/data"
    monkeypatch.setenv("LINPROBE_TEXTS", str(data / "tickets.csv"))
    monkeypatch.setenv("LINPROBE_LATER", str(data / "tickets-november.csv"))
    outputs = run("04-text", tmp_path, show=f"import json\n{PRECISION_AND_RECALL}")
    assert shows(outputs, "text/html") and shows(outputs, "image/svg+xml")
    precision, recall, n_positive = json.loads(outputs[-1]["text"])
    assert precision >= 0.6 and recall >= 0.9 and n_positive >= 14
    assert {path.suffix for path in tmp_path.glob("tickets.*")} == {".safetensors", ".onnx", ".json"}


@needs_real_data
def test_real_questions_become_a_classifier_with_precision_and_recall(tmp_path: Path, monkeypatch):
    with (REAL / "text/banking77/train.csv").open(encoding="utf-8") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    for name, part in (("texts", rows[::2]), ("later", rows[1::2])):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "topic"), *part])
        monkeypatch.setenv(f"LINPROBE_{name.upper()}", str(tmp_path / f"{name}.csv"))
    monkeypatch.setenv("LINPROBE_TOPIC", "Refund_not_showing_up")
    monkeypatch.setenv("LINPROBE_PHRASE", "my refund is not showing up")
    outputs = run("04-text", tmp_path, show=f"import json\n{PRECISION_AND_RECALL}")
    precision, recall, _ = json.loads(outputs[-1]["text"])
    assert precision >= 0.5 and recall >= 0.5
