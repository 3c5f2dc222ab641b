"""Exact search by others over the vectors of an embedded store: the top 100 of each of a few queries.

Usage: bench_store_peers.py FOLDER, where the benchmark of the store has left `store/vectors.npy` and
`weights.npy`. Prints one JSON object for each peer: its name and the median of milliseconds a query.
All peers use two threads. What makes a peer's index is not counted.
"""

import io
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import faiss
import numpy as np
import pgserver
import psycopg2
from usearch.index import MetricKind, search

TOP_K = 100


def report(peer, search_one, queries):
    search_one(queries[0])
    times = []
    for query in queries:
        start = time.perf_counter()
        search_one(query)
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"peer": peer, "ms": statistics.median(times)}), flush=True)


def with_numpy(rows, queries):
    def search_one(query):
        scores = rows @ query
        best = np.argpartition(scores, -TOP_K)[-TOP_K:]
        return best[np.argsort(-scores[best])]

    report("numpy f32 matmul and argpartition", search_one, queries)


def with_faiss(rows, queries):
    faiss.omp_set_num_threads(2)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    report("faiss-cpu flat f32", lambda query: index.search(query[None], TOP_K), queries)


def with_usearch(halves, queries):
    def search_one(query):
        query = query.astype(np.float16)
        return search(halves, query, TOP_K, metric=MetricKind.IP, exact=True, threads=2)

    report("usearch exact f16", search_one, queries)


def as_text(vector):
    return "[" + ",".join(f"{x:.6g}" for x in vector) + "]"


def with_pgvector(rows, queries):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        server = pgserver.get_server(Path(folder) / "pg")
        connection = psycopg2.connect(server.get_uri())
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE EXTENSION vector")
        cursor.execute(f"CREATE UNLOGGED TABLE points (row int, v vector({rows.shape[1]}))")
        cursor.execute("ALTER TABLE points ALTER v SET STORAGE PLAIN")
        for start in range(0, len(rows), 20_000):
            copy(cursor, rows[start : start + 20_000], start)
        cursor.execute("SET max_parallel_workers_per_gather = 1")
        cursor.execute("SET min_parallel_table_scan_size = 0")
        cursor.execute("ANALYZE points")
        find = f"SELECT row FROM points ORDER BY v <#> %s::vector LIMIT {TOP_K}"

        def search_one(query):
            cursor.execute(find, (as_text(query),))
            return cursor.fetchall()

        report("pgvector exact f32", search_one, queries)
        connection.close()
        server.cleanup()


def copy(cursor, rows, first):
    """Copies rows in the binary format of PostgreSQL: text would take most of the time to write."""
    dimension = rows.shape[1]
    fields = [("n_fields", ">i2"), ("row_len", ">i4"), ("row", ">i4"), ("v_len", ">i4")]
    fields += [("dimension", ">i2"), ("unused", ">i2"), ("v", ">f4", (dimension,))]
    tuples = np.zeros(len(rows), dtype=fields)
    tuples["n_fields"], tuples["row_len"], tuples["v_len"] = 2, 4, 4 + 4 * dimension
    tuples["row"] = np.arange(first, first + len(rows))
    tuples["dimension"], tuples["v"] = dimension, rows
    head = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    everything = head + tuples.tobytes() + b"\xff\xff"
    cursor.copy_expert("COPY points FROM STDIN WITH (FORMAT binary)", io.BytesIO(everything))


def main():
    folder = Path(sys.argv[1])
    halves = np.load(folder / "store" / "vectors.npy", mmap_mode="r")
    queries = np.load(folder / "weights.npy")[:9]
    with_usearch(np.ascontiguousarray(halves), queries)
    rows = np.ascontiguousarray(halves, dtype=np.float32)
    with_numpy(rows, queries)
    with_faiss(rows, queries)
    with_pgvector(rows, queries)


main()
