"""Measures model2vec over the texts of `crates/embed/examples/static_bench.rs`, with the same table: one JSON line.

    pip install model2vec==0.10.0
    python scripts/bench_static_peer.py

model2vec tokenizes on all cores (the same `tokenizers` crate underneath) and averages rows with numpy.
"""

import csv
import gzip
import json
import time
from statistics import median

import model2vec
import numpy as np
from model2vec import StaticModel

from static_table import ASSETS, DIMENSION, read_table, read_tokenizer

N_PASSES = 5
DATASET = ASSETS.parent.parent / "cli/assets/debian-packages.csv.gz"


def main() -> None:
    with gzip.open(DATASET, "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    table = np.vstack([read_table(), np.zeros(DIMENSION, np.float32)])  # the unknown token's row, never read
    model = StaticModel(vectors=table, tokenizer=read_tokenizer(), config={"normalize": True}, normalize=True)
    seconds = median(time_pass(model, texts) for _ in range(N_PASSES))
    line = {"bench": "embed/static-texts-per-s", "value": len(texts) / seconds, "unit": "texts/s"}
    print(json.dumps({**line, "peer": f"model2vec {model2vec.__version__}"}))


def time_pass(model: StaticModel, texts: list[str]) -> float:
    start = time.perf_counter()
    model.encode(texts, use_multiprocessing=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
