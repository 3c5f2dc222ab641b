"""Reads the datasets that the benchmark of the readers has left in a folder, in the way a Python program would.

Usage: bench_data_peers.py FOLDER. Prints one JSON object for each dataset: the name of the bench, who read it, and the best of
three rates, in records a second, on one thread.
"""

import json
import sys
import tarfile
import time
from pathlib import Path

import pyarrow.parquet as pq


def report(bench, peer, read):
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        best = max(best, read() / (time.perf_counter() - start))
    print(json.dumps({"bench": bench, "peer": peer, "value": best}), flush=True)


def parquet(path):
    n = 0
    for batch in pq.ParquetFile(path).iter_batches(1024, use_threads=False):
        n += len(batch.to_pylist())
    return n


def json_lines(path):
    with open(path, encoding="utf-8") as lines:
        return sum(1 for line in lines if json.loads(line)["text"])


def samples(path):
    samples = {}
    with tarfile.open(path) as archive:
        for member in archive:
            key, _, ending = member.name.partition(".")
            samples.setdefault(key, {})[ending] = len(archive.extractfile(member).read())
    return len(samples)


def folder(path):
    return sum(1 for file in sorted(path.rglob("*.jpg")) if file.read_bytes())


def main():
    root = Path(sys.argv[1])
    report("data/hf-parquet", "pyarrow to Python rows", lambda: parquet(root / "rows.parquet"))
    report("data/jsonl", "Python's json", lambda: json_lines(root / "rows.jsonl"))
    report("data/webdataset", "Python's tarfile", lambda: samples(root / "shard.tar"))
    report("data/folder", "Python's pathlib", lambda: folder(root / "images"))


main()
