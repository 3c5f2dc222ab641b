"""The blocks of Python in the pages run as they stand, page by page, each page in a program of its own, over the tickets of
`docs/guides/data`. Names of the package in the prose are looked up."""

from __future__ import annotations

import builtins
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import CLIP, ROOT
from fake_hub import Hub, running

import linprobe

PAGES = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/guides").glob("*.md"), ROOT / "README.md", ROOT / "python/README.md"]
NAMES = {page: str(page.relative_to(ROOT)) for page in PAGES}

#: What pages take for granted: texts, a session's classifier in files, embeddings.
BEFORE = """
import csv
from pathlib import Path
import numpy as np
from PIL import Image
import linprobe

texts = [row["text"] for row in csv.DictReader(open("tickets.csv"))]
before = linprobe.Project("before")
before.index("tickets.csv", progress=False)
labelled = before.session(text="refund refused", name="refunds")
labelled.score({"oct-045": 1.0, "oct-077": 1.0, "oct-001": -1.0, "oct-002": -1.0})
labelled.classifier().save("refunds.safetensors")
labelled.classifier().save("refunds.npz")
embeddings = before.vectors
expected = linprobe.LinearClassifier.load("refunds.safetensors")
"""

#: An encoder of texts with a classifier behind it, in one file, and of `transformers` what reads its tokenizer.
WHOLE = f"""
import json, subprocess, sys, types
import tokenizers

MODEL = {str(ROOT / "fixtures/embed/bert-mean")!r}
whole = linprobe.Project("whole")
whole.index(texts[:20], model=MODEL, progress=False)
session_of_whole = whole.session(examples=["1", "5"], name="s")
session_of_whole.score({{"1": 1.0, "5": 1.0, "2": -1.0}})
command = [sys.executable, "-m", "linprobe", "--project", "whole", "classifier", "export", "s", "whole.onnx"]
subprocess.run([*command, "--with-encoder", "texts"], check=True)
texts = texts[:20]


class AutoTokenizer:
    @classmethod
    def from_pretrained(cls, name):
        tokenizer = tokenizers.Tokenizer.from_file(name + "/tokenizer.json")
        tokenizer.enable_truncation(json.loads(Path(name, "tokenizer_config.json").read_text())["model_max_length"])
        return cls(tokenizer)

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, texts, *, padding, truncation, return_tensors):
        assert padding and truncation and return_tensors == "np"
        self.tokenizer.enable_padding()
        coded = self.tokenizer.encode_batch(texts)
        columns = {{"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}}
        return {{name: np.array([getattr(c, part) for c in coded]) for name, part in columns.items()}}


sys.modules["transformers"] = types.SimpleNamespace(AutoTokenizer=AutoTokenizer)
"""

#: What has to hold after a block, by its page and place.
AFTER = {
    ("README.md", 0): "assert np.abs(scores[:, 0] - expected.decision_function(embeddings)).max() < 1e-3",
    ("README.md", 1): "assert len(scores) == len(texts) and len(session.labels) == 2",
    ("python/README.md", 0): "assert len(scores) == len(texts) and Path('refunds.onnx').stat().st_size > 0",
    ("docs/python.md", 0): "assert project.n_records == 190 and Path('refunds.onnx').stat().st_size > 0",
    ("docs/python.md", 2): "assert str(commit) and classifier.classes_.tolist()",
    ("docs/python.md", 3): "assert encoder.embed('a dog').shape == (encoder.dimension,)",
    ("docs/classifiers.md", 0): """
scores = {row.id: row.probability for row in whole.predict(session_of_whole).itertuples()}
expected_probability = np.array([scores[str(n)] for n in range(20)])
assert np.abs(probability[:, 0] - expected_probability).max() < 1e-2
""",
    ("docs/classifiers.md", 1): """
model, threshold = load_classifier("refunds.npz")
assert np.abs(model.decision_function(embeddings) - expected.decision_function(embeddings)).max() < 1e-3
assert abs(threshold - expected.threshold_) < 1e-6
""",
}


def blocks(page: Path) -> list[str]:
    """The blocks of Python in a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def run(folder: Path, script: str, hub: Hub) -> None:
    """Runs a program in a folder, beside a hub."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    surroundings |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "hub"), "HF_TOKEN": Hub.TOKEN}
    surroundings |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stderr}"


WITH_PYTHON = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=NAMES.__getitem__)
def test_blocks_run(page: Path, tmp_path: Path):
    for needed in ("anywidget", "huggingface_hub", "onnxruntime", "pandas", "PIL", "safetensors", "sklearn", "tokenizers"):
        pytest.importorskip(needed)
    shutil.copytree(ROOT / "docs/guides/data", tmp_path, dirs_exist_ok=True)
    for name in ("cat", "dog"):
        shutil.copy(ROOT / "fixtures/embed/images/grey.jpg", tmp_path / f"{name}.jpg")
    script = BEFORE + (WHOLE if NAMES[page] == "docs/classifiers.md" else "")
    for place, block in enumerate(blocks(page)):
        # The hub of the tests knows one user.
        script += block.replace('"owner/', '"me/') + AFTER.get((NAMES[page], place), "") + "\n"
    hub = Hub()
    clip = {path.name: path.read_bytes() for path in CLIP.iterdir() if path.suffix != ".onnx" and path.stem != "golden"}
    hub.add("models", "openai/clip-vit-base-patch32", clip)
    with running(hub):
        run(tmp_path, script, hub)


#: Whose members are meant where a page says `session.labels`.
THINGS: dict[str, Any] = {
    "linprobe": linprobe,
    "project": linprobe.Project,
    "session": linprobe.Session,
    "audit": linprobe.Audit,
    "classifier": linprobe.LinearClassifier,
    "encoder": linprobe.Encoder,
    "Project": linprobe.Project,
    "Encoder": linprobe.Encoder,
    "LinearClassifier": linprobe.LinearClassifier,
}


def test_names_in_the_prose_are_there():
    found = set()
    for page in (ROOT / "docs/python.md", ROOT / "docs/ray.md"):
        prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for span in re.findall(r"`([^`]+)`", prose):
            for thing, member in re.findall(r"\b(\w+)\.([A-Za-z_]\w*)", span):
                if thing in THINGS and member != "safetensors":
                    assert hasattr(THINGS[thing], member), f"{NAMES[page]}: {span}"
                    found.add(member)
            for called in re.findall(r"^(\w+)\(", span):
                assert any(hasattr(thing, called) for thing in THINGS.values()), f"{NAMES[page]}: {span}"
                found.add(called)
            for error in re.findall(r"^(\w+Error)$", span):
                assert hasattr(linprobe, error) or hasattr(builtins, error), f"{NAMES[page]}: {span}"
                found.add(error)
    assert {"audit", "vectors", "load", "fit_scores", "StorageError"} <= found, found
