"""Reads the built-in encoder's table and vocabulary the way the Rust code does, to check it and to measure beside it."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

ASSETS = Path(__file__).parent.parent / "crates/embed/assets"
UNKNOWN = "[UNK]"
DIMENSION = 256


def read_table() -> np.ndarray:
    """The dequantised rows: f32 [v, 256]."""
    tensors = load_file(ASSETS / "minilm-static.safetensors")
    return tensors["embeddings"].astype(np.float32) * tensors["scales"][:, None]


def read_tokenizer() -> Tokenizer:
    """Uncased BERT's tokenizer over the vocabulary, whose ids are rows; the unknown token is one past the last."""
    tokens = (ASSETS / "minilm-static.vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    ids = {token: row for row, token in enumerate([*tokens, UNKNOWN])}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
