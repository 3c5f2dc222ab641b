"""What the tests share: small datasets, and a project over one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import linprobe

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "fixtures" / "embed" / "clip-quick-gelu"

SUBJECTS = {"cats": "a kitten sleeps by the cat", "tax": "the tax office sent a bill", "trains": "the night train was late"}
TEXTS = [f"{said}, note {n}" for n in range(20) for said in SUBJECTS.values()]
LABELS = [subject for _ in range(20) for subject in SUBJECTS]


@pytest.fixture
def project(tmp_path: Path) -> linprobe.Project:
    """Sixty notes, of which each third is about cats."""
    project = linprobe.Project(tmp_path / "project")
    project.index(TEXTS, labels=LABELS, progress=False)
    return project


@pytest.fixture(scope="session")
def two_classes() -> tuple[np.ndarray, np.ndarray]:
    """Embeddings in a cone, of which those of class 1 lean to one side."""
    rng = np.random.default_rng(7)
    y = np.arange(400) % 2
    X = rng.normal(size=(400, 24)) + 3 * np.eye(24)[0] + 3 * y[:, None] * np.eye(24)[1]
    return X.astype(np.float32), y
