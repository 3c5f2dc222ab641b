"""Encoders: a row of unit length for each content, the same in whatever form it comes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import CLIP

import linprobe
from linprobe import Encoder


def test_texts_become_rows_of_unit_length():
    encoder = Encoder()
    rows = encoder.embed([f"text {i}" for i in range(300)], batch_size=7)
    assert rows.shape == (300, encoder.dimension) and rows.dtype == np.float32 and rows.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(encoder.embed("text 42"), rows[42])
    np.testing.assert_array_equal(encoder.encode(["text 1", "text 2"], show_progress_bar=False), rows[1:3])
    assert encoder.embed([]).shape == (0, encoder.dimension)


def test_a_picture_is_the_same_in_every_form(tmp_path: Path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    picture = image.fromarray(pixels)
    picture.save(tmp_path / "picture.png")
    encoder = Encoder(CLIP)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    rows = encoder.embed([picture, tmp_path / "picture.png", buffer.getvalue()])
    assert np.ptp(rows, axis=0).max() == 0
    assert encoder.embed(picture).shape == (encoder.dimension,)
    grey, see_through = picture.convert("L"), picture.convert("RGBA")
    assert np.isfinite(encoder.embed([grey, see_through])).all()
    assert encoder.model.image and encoder.model.text


def test_texts_and_pictures_meet_in_one_space():
    encoder = Encoder(CLIP)
    assert encoder.embed_queries(["a cat", "a dog"]).shape == (2, encoder.dimension)
    np.testing.assert_array_equal(encoder.embed_queries("a cat"), encoder.embed("a cat"))


def test_a_query_is_told_from_a_passage_where_the_model_does():
    folder = CLIP.parent / "xlm-roberta-prompts"
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"]
    encoder = Encoder(folder)
    assert prompts and (encoder.embed_queries("hello") != encoder.embed("hello")).any()
    np.testing.assert_array_equal(encoder.encode("hello", "query"), encoder.embed_queries("hello"))
    np.testing.assert_array_equal(encoder.encode("hello", prompt_name="passage"), encoder.embed("hello"))


def test_encode_takes_what_sentence_transformers_takes(monkeypatch):
    encoder = Encoder()
    prompted = encoder.encode(["a cat", "a dog"], None, "an animal: ", 32, False, device="cpu")
    np.testing.assert_array_equal(prompted, encoder.embed(["an animal: a cat", "an animal: a dog"]))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(from_numpy=lambda rows: ("a tensor", rows)))
    kind, rows = encoder.encode("a cat", convert_to_tensor=True, convert_to_numpy=False)
    assert kind == "a tensor" and rows.shape == (encoder.dimension,)
    for wrong, said in [({"prompt_name": "clustering"}, "no prompt"), ({"device": "cuda"}, "engine=")]:
        with pytest.raises(linprobe.InputError, match=said):
            encoder.encode("a cat", **wrong)


def test_what_has_no_embedding_is_named_or_marked():
    encoder = Encoder(CLIP)
    with pytest.raises(linprobe.InputError, match="content 1 has no embedding"):
        encoder.embed(["a cat", b"no picture"])
    rows = encoder.embed(["a cat", b"no picture"], errors="nan")
    assert np.isfinite(rows[0]).all() and np.isnan(rows[1]).all()
    with pytest.raises(linprobe.InputError, match="neither a text nor a picture"):
        encoder.embed([42])
    with pytest.raises(linprobe.InputError, match="unit length"):
        encoder.encode("a cat", normalize_embeddings=False)
    with pytest.raises(linprobe.InputError, match="engine"):
        Encoder(engine="steam")
    with pytest.raises(linprobe.InputError, match="pictures cannot be resized"):
        Encoder(resize="by hand")
    with pytest.raises(linprobe.ModelError, match="no such model"):
        Encoder("nothing like this")


def test_arguments_are_looked_at_before_anything_is_embedded(monkeypatch):
    encoder = Encoder()
    told = []
    with pytest.raises(linprobe.InputError, match="errors is"):
        encoder.embed(["a cat"], errors="x", progress=lambda *reached: told.append(reached))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(linprobe.MissingPackageError, match="pip install torch"):
        encoder.encode(["a cat"], convert_to_tensor=True)
    assert told == []
    for wrong in (0, -1, "5", None, 2.5):
        with pytest.raises(linprobe.InputError, match="batch_size is"):
            encoder.embed(["a cat"], batch_size=wrong)
    for ask in (encoder.embed, encoder.embed_queries):
        with pytest.raises(linprobe.InputError, match="half a character"):
            ask(["a cat", "half \ud83d"])
    with pytest.raises(linprobe.InputError, match="engine is 5"):
        Encoder(engine=5)
