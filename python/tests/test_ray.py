"""The program of docs/ray.md runs as it stands, on a cluster of this machine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT

ray = pytest.importorskip("ray", reason="LINPROBE_TEST_RAY names no Python with ray")
pq = pytest.importorskip("pyarrow.parquet")


def test_ray_embeds_a_person_labels_and_ray_predicts(tmp_path: Path, monkeypatch):
    shutil.copy(ROOT / "docs" / "guides" / "data" / "tickets.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    page = (ROOT / "docs" / "ray.md").read_text()
    program = "".join(re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    names = {"__name__": "program"}
    try:
        exec(compile(program, "docs/ray.md", "exec"), names)
    finally:
        ray.shutdown()
    rows = pq.read_table(tmp_path / "predicted").to_pylist()
    n_records = sum(1 for _ in (tmp_path / "tickets.csv").open()) - 1
    assert names["project"].n_records == len(rows) == n_records
    likeliest = sorted(rows, key=lambda row: -row["logit"])[:10]
    assert all(row["topic"] == "refund" for row in likeliest), likeliest
