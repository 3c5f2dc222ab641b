"""The notebook for Ray runs as it stands, on a cluster of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from notebook_run import run

import linprobe

pytest.importorskip("ray", reason="LINPROBE_TEST_RAY names no Python with ray")
pq = pytest.importorskip("pyarrow.parquet")


def test_ray_embeds_a_person_labels_and_ray_predicts(tmp_path: Path, monkeypatch):
    tickets = ROOT / "docs/guides/data/tickets.csv"
    monkeypatch.setenv("LINPROBE_TEXTS", str(tickets))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    run("05-ray", tmp_path)
    rows = pq.read_table(tmp_path / "predicted").to_pylist()
    n_records = sum(1 for _ in tickets.open()) - 1
    assert linprobe.Project(tmp_path / "tickets").n_records == len(rows) == n_records
    likeliest = sorted(rows, key=lambda row: -row["logit"])[:10]
    assert all(row["topic"] == "refund" for row in likeliest), likeliest
