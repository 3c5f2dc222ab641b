"""Projects: whatever people have their data in is indexed, found and predicted, and what goes wrong is named."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from conftest import CLIP, LABELS, TEXTS

import linprobe


def project_of(tmp_path: Path, source, **how) -> linprobe.Project:
    project = linprobe.Project(tmp_path / "project")
    project.index(source, progress=False, **how)
    return project


def test_texts_are_found_and_predicted(project):
    assert (project.n_records, project.model.id) == (60, "builtin/minilm-static-256")
    hits = project.search("kittens", k=20)
    assert {hit.label for hit in hits} == {"cats"} and hits[0].score > 0.3
    assert [project.record(id).text for id in hits.ids] == [hit.text for hit in hits]
    assert project.classes == {"cats": 20, "tax": 20, "trains": 20}
    assert hits[0].content() == TEXTS[int(hits[0].id)]


def test_a_project_is_opened_again_with_all_that_is_in_it(project):
    again = linprobe.Project(project.path, create=False)
    assert again.n_records == 60
    assert again.search("kittens", k=1)[0].content() in TEXTS
    with pytest.raises(linprobe.NotAProjectError, match="hint: create one"):
        linprobe.Project(project.path / "elsewhere", create=False)


def test_the_same_dataset_is_not_embedded_twice_and_a_named_one_may_change(tmp_path: Path):
    project = project_of(tmp_path, ["one cat", "two cats"], name="notes")
    assert project.index(["one cat", "two cats"], name="notes", progress=False).n_unchanged == 2
    run = project.index(["one cat", "three dogs"], name="notes", progress=False)
    assert (run.n_embedded, run.n_unchanged) == (1, 1)
    assert project.search("dogs", k=1).ids == ["1"]
    run = project.index(["one cat"], name="notes", prune=True, progress=False)
    assert run.n_pruned == 1 and project.n_records == 1


def test_an_id_that_another_dataset_has_is_skipped_and_named(tmp_path: Path):
    project = project_of(tmp_path, ["one cat"], ids=["a"])
    with pytest.warns(UserWarning, match="1 records were skipped"):
        run = project.index(["another cat", "a dog"], ids=["a", "b"], progress=False)
    assert (run.n_embedded, run.n_skipped) == (1, 1)
    assert [skipped.id for skipped in project.skipped] == ["a"]
    with pytest.raises(linprobe.InputError, match="given twice"):
        project.index(["x", "y"], ids=["c", "c"], progress=False)


def test_vectors_keep_their_ids_texts_and_labels(tmp_path: Path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 8)).astype(np.float32)
    project = project_of(
        tmp_path, vectors, ids=[f"v{i}" for i in range(50)], texts=[f"row {i}\nof it" for i in range(50)], labels=range(50)
    )
    hit = project.search(vector=vectors[7] * 12, k=1)[0]
    assert (hit.id, hit.text, hit.label) == ("v7", "row 7\nof it", "7")
    assert hit.score == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(hit.content(), vectors[7])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(project.vectors, unit, atol=1e-3)
    assert project.vectors.dtype == np.float16


def table() -> dict[str, list]:
    return {"key": [f"k{i}" for i in range(60)], "text": TEXTS, "topic": LABELS, "year": [2000 + i for i in range(60)]}


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "datasets", "dicts"])
def test_every_kind_of_table_gives_the_same_records(tmp_path: Path, kind):
    columns = table()
    if kind == "dicts":
        source = [dict(zip(columns, row)) for row in zip(*columns.values())]
    else:
        library = pytest.importorskip(kind)
        make = {
            "pandas": lambda: library.DataFrame(columns),
            "polars": lambda: library.DataFrame(columns),
            "pyarrow": lambda: library.table(columns),
            "datasets": lambda: library.Dataset.from_dict(columns),
        }
        source = make[kind]()
    project = project_of(tmp_path, source, id_column="key", label_column="topic")
    record = project.record("k4")
    assert (record.text, record.label, record.metadata["year"]) == (TEXTS[4], LABELS[4], "2004")
    found = project.search("kittens", k=20, where="year < 2010")
    assert sorted(found.ids) == [f"k{i}" for i in range(10)]


def test_a_data_frame_needs_no_arrow(tmp_path: Path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    monkeypatch.setattr(importlib.import_module("linprobe._sources"), "_has_arrow", lambda: False)
    project = project_of(tmp_path, pandas.DataFrame(table()), id_column="key", label_column="topic")
    assert project.record("k4").text == TEXTS[4]


def test_files_are_read_where_they_are(tmp_path: Path):
    (tmp_path / "notes.csv").write_text("id,text\n" + "".join(f"n{i},{text.split(',')[0]}\n" for i, text in enumerate(TEXTS)))
    project = project_of(tmp_path, tmp_path / "notes.csv")
    assert project.record("n0").text == TEXTS[0].split(",")[0]
    assert not (project.path / "sources").exists()
    with pytest.raises(linprobe.InputError, match="for datasets in memory"):
        project.index(tmp_path / "notes.csv", ids=["a"], progress=False)


def pictures():
    image = pytest.importorskip("PIL.Image")
    colours = ["red", "green", "blue", "white"]
    return [image.new("RGB", (40, 30), colour) for colour in colours], colours


def test_pictures_are_embedded_shown_and_given_back(tmp_path: Path):
    images, colours = pictures()
    project = linprobe.Project(tmp_path / "project")
    with pytest.raises(linprobe.ModelError, match="give model="):
        project.index(images, progress=False)
    project.index(images, str(CLIP), ids=[f"colours/{c}" for c in colours], labels=colours, progress=False)
    hit = project.search(examples=images[2], k=1)[0]
    assert (hit.id, hit.label, hit.kind) == ("colours/blue.png", "blue", "image")
    assert hit.image().getpixel((0, 0)) == (0, 0, 255)
    html = project.search("blue", k=2)._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 2


def test_predictions_are_sorted_and_have_the_columns_of_the_dataset(project):
    session = project.session(text="cats", name="cats")
    session.score({"0": 1.0, "1": -1.0})
    frame = project.predict("cats")
    assert list(frame.columns) == ["rank", "id", "score", "probability", "positive", "label", "text"]
    assert len(frame) == 60 and frame["score"].is_monotonic_decreasing
    assert set(frame["label"][:20]) == {"cats"}
    np.testing.assert_allclose(frame["probability"], 1 / (1 + np.exp(-frame["score"])), atol=1e-6)
    same = project.predict(session.classifier())
    assert same["id"].tolist() == frame["id"].tolist()
    best = project.predict("cats", threshold="count=5", positive_only=True)
    assert len(best) == 5 and best["positive"].all()
    some = project.predict("cats", where="label = 'tax'")
    assert set(some["label"]) == {"tax"}


def test_another_dataset_is_predicted_with_the_model_of_the_classifier(project, tmp_path: Path):
    project.session(text="cats", name="cats").score({"0": 1.0, "1": -1.0})
    frame = project.predict("cats", ["a kitten", "an invoice", "zzqx"])
    assert frame["text"].tolist()[0] == "a kitten"
    moved = linprobe.Project(tmp_path / "empty")
    project.classifier("cats").save(tmp_path / "cats.safetensors")
    loaded = linprobe.LinearClassifier.load(tmp_path / "cats.safetensors")
    assert loaded.card_["model"]["id"] == "builtin/minilm-static-256"
    elsewhere = moved.predict(loaded, ["a kitten", "an invoice", "zzqx"])
    assert elsewhere["score"].tolist() == frame["score"].tolist()
    with pytest.raises(linprobe.EmptyProjectError, match="project.index"):
        moved.predict(loaded)


def test_columns_come_without_pandas(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    project.session(text="cats", name="cats")
    columns = project.predict("cats")
    assert isinstance(columns, dict) and len(columns["id"]) == 60 and columns["score"].dtype == np.float32
    assert project.session("cats").history()["round"] == []


def test_a_classifier_from_elsewhere_is_taken_in(project):
    embedder = linprobe.Encoder("builtin")
    classifier = linprobe.LinearClassifier().fit(embedder.embed(TEXTS), np.asarray(LABELS) == "trains")
    project.import_classifier("trains", classifier)
    assert set(project.predict("trains")["label"][:20]) == {"trains"}
    assert set(hit.label for hit in project.search(classifier="trains", k=20)) == {"trains"}
    session = project.session("further", classifier=classifier)
    assert session.description == "classifier a classifier"
    with pytest.raises(linprobe.ClassifierError, match="another model"):
        project.import_classifier("short", linprobe.LinearClassifier().fit_scores(np.eye(3), [1, -1, -1]))


def test_a_classifier_of_another_model_is_refused_whoever_asks(project):
    classifier = project.session(text="cats", name="cats").classifier()
    assert len(project.predict(classifier)["id"]) == 60
    classifier.card_["model"] = {"id": "another", "revision": None, "fingerprint": "0"}
    for ask in [
        lambda: project.predict(classifier),
        lambda: project.search(classifier=classifier),
        lambda: project.session("other", classifier=classifier),
        lambda: project.import_classifier("other", classifier),
    ]:
        with pytest.raises(linprobe.ClassifierError, match="another"):
            ask()


def test_nothing_that_is_said_of_a_start_is_lost(project):
    def best(**start):
        return [hit.score for hit in project.search(k=3, **start)]

    vector = linprobe.Encoder().embed("trains")
    starts = [{"text": "cats"}, {"vector": vector}, {"text": "cats", "vector": vector}]
    starts += [{"text": "cats", "examples": "0"}, {"examples": "0"}, {"examples": "0", "not_text": "trains"}]
    assert len({tuple(best(**start)) for start in starts}) == len(starts)
    with pytest.raises(linprobe.InputError, match="a classifier is a start by itself"):
        project.search("cats", classifier=project.session(text="cats").classifier())


def test_an_array_of_texts_is_as_good_as_a_list(project):
    again = project.index(np.asarray(TEXTS), labels=LABELS, progress=False)
    assert again.n_unchanged == len(TEXTS)


@pytest.mark.parametrize(
    ("ask", "exception", "said"),
    [
        (lambda project: project.search(), linprobe.InputError, "nothing to start from"),
        (lambda project: project.search("cats", where="colour = 'red'"), linprobe.InputError, "colour"),
        (lambda project: project.record("nothing"), linprobe.UnknownNameError, "no record"),
        (lambda project: project.search(examples="nothing"), linprobe.UnknownNameError, "no record"),
        (lambda project: project.classifier("nothing"), linprobe.UnknownNameError, "there is none yet"),
        (lambda project: project.session("nothing"), linprobe.UnknownNameError, "no session"),
        (lambda project: project.session(), linprobe.InputError, "no session yet"),
        (lambda project: project.index("nowhere.csv", progress=False), linprobe.DatasetError, "nowhere.csv"),
        (lambda project: project.index(["x"], str(CLIP), progress=False), linprobe.ModelError, "another project"),
        (lambda project: project.index(42, progress=False), linprobe.InputError, "int is no dataset"),
        (lambda project: project.index([], progress=False), linprobe.InputError, "an empty list is no dataset"),
        (lambda project: project.index(["x", None], progress=False), linprobe.InputError, "list of NoneType and str is no"),
        (lambda project: project.search(7), linprobe.InputError, "int is no phrase"),
        (lambda project: project.search("cats", -1), linprobe.InputError, "k is -1"),
        (lambda project: project.index(["x"], colour="red", progress=False), TypeError, "id_column"),
        (lambda project: project.search(vector=np.eye(2)), linprobe.InputError, "shape"),
        (lambda project: project.predict(None), linprobe.InputError, "no classifier"),
        (lambda project: project.predict(7), linprobe.InputError, "int is no classifier"),
        (lambda project: project.search("cats", "5"), linprobe.InputError, "k is '5'"),
        (lambda project: project.search("cats", None), linprobe.InputError, "k is None"),
        (lambda project: project.search("cats", where=5), linprobe.InputError, "where is 5"),
        (lambda project: project.search("half \ud83d"), linprobe.InputError, "half a character"),
        (lambda project: project.search(examples=5), linprobe.InputError, "int is no example"),
        (lambda project: project.predict(project.session(text="cats"), where=5), linprobe.InputError, "where is 5"),
        (lambda project: project.session(5), linprobe.InputError, "name is 5"),
        (lambda project: project.session(text="cats", method=5), linprobe.InputError, "method is 5"),
        (lambda project: project.record(5), linprobe.InputError, "id is 5"),
        (lambda project: project.index(["x"], batch_size=-1, progress=False), linprobe.InputError, "batch_size is -1"),
        (lambda project: project.index(["x"], batch_size=0, progress=False), linprobe.InputError, "batch_size is 0"),
        (lambda project: project.index(["x"], name=5, progress=False), linprobe.InputError, "name is 5"),
        (lambda project: project.index(["half \ud83d"], progress=False), linprobe.InputError, "record 0 holds half"),
        (
            lambda project: project.index([{"text": "x"}], metadata_columns="text", progress=False),
            linprobe.InputError,
            r"metadata_columns is 'text', expected a list of names\nhint: \['text'\]",
        ),
        (lambda project: project.index([{"a": "x"}], text_column=5, progress=False), linprobe.InputError, "text_column is 5"),
        (lambda project: project.index("x.mp4", every="often", progress=False), linprobe.InputError, "every is 'often'"),
        (lambda project: project.record("0").image(), linprobe.InputError, "0 is no picture"),
    ],
)
def test_what_goes_wrong_is_named_and_typed(project, ask, exception, said):
    with pytest.raises(exception, match=said):
        ask(project)


NAN = float("nan")


def test_what_is_missing_loses_no_record_and_becomes_no_word(tmp_path: Path):
    missing = [None, NAN, np.float32("nan"), np.datetime64("NaT")]
    project = project_of(tmp_path, [f"note {n}" for n in range(5)], labels=[*missing, "cats"])
    assert project.n_records == 5 and project.classes == {"cats": 1}
    rows = [{"text": "a cat", "year": NAN, "place": {"x": value, "y": 2.0}, "all": [1.0, NAN]} for value in missing]
    rows = [{"id": f"r{n}", **row} for n, row in enumerate(rows)]
    run = project.index(rows, id_column="id", progress=False)
    assert (run.n_embedded, run.n_skipped) == (4, 0)
    assert project.record("r3").metadata == {"place.y": "2.0", "all": "[1.0,null]"}
    project.index([{"id": "far", "text": "away", "x": float("inf"), "on": datetime(2026, 1, 2)}], id_column="id", progress=False)
    assert project.record("far").metadata == {"x": "inf", "on": "2026-01-02 00:00:00"}


def test_missing_values_of_pandas_become_no_class(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series(["cats", pandas.NA, None], dtype="string")
    project = project_of(tmp_path, ["a cat", "a dog", "a fox"], labels=labels)
    assert project.n_records == 3 and project.classes == {"cats": 1}
    rows = pandas.DataFrame({"id": ["x", "y"], "text": ["one", "two"], "n": [1.5, None], "t": [pandas.NaT, pandas.NA]})
    project.index(rows.to_dict("records"), id_column="id", progress=False)
    assert [project.record(id).metadata for id in "xy"] == [{"n": "1.5"}, {}]


def test_what_is_missing_beside_vectors_is_left_out(tmp_path: Path):
    vectors = np.eye(3, dtype=np.float32)
    project = project_of(tmp_path, vectors, ids=["a", "b", "c"], texts=[None, "None", NAN], labels=[NAN, "x", None])
    assert [(project.record(id).text, project.record(id).label) for id in "abc"] == [(None, None), ("None", "x"), (None, None)]
    for wrong in [["a", None, "b"], ["a", NAN, NAN]]:
        with pytest.raises(linprobe.InputError, match="the id at position 1 is missing"):
            project.index(vectors, ids=wrong, progress=False)


def test_pictures_without_a_label_are_kept(tmp_path: Path):
    images, colours = pictures()
    project = project_of(tmp_path, images, model=str(CLIP), texts=["a", None, "c", "d"], labels=[*colours[:3], NAN])
    assert project.n_records == 4 and project.classes == {colour: 1 for colour in colours[:3]}
    assert [project.record(f"{n}.png").metadata.get("text") for n in range(4)] == ["a", None, "c", "d"]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_vector_that_is_not_finite_is_skipped_and_named(tmp_path: Path, kind):
    vectors = np.eye(4, dtype=kind)
    vectors[2, 1] = np.nan
    with pytest.warns(UserWarning, match="1 records were skipped; the first: the vector is not finite"):
        project = project_of(tmp_path, vectors)
    assert project.n_records == 3 and [skipped.id for skipped in project.skipped] == ["2"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "array"])
def test_a_column_is_as_good_as_a_list(project, kind):
    library = pytest.importorskip("pyarrow" if kind == "array" else kind)
    make = {"pandas": "Series", "polars": "Series", "pyarrow": "chunked_array", "array": "array"}[kind]

    def column(values):
        return getattr(library, make)([values] if kind == "pyarrow" else values)

    again = project.index(column(TEXTS), labels=column(LABELS), progress=False)
    assert again.n_unchanged == len(TEXTS)
    session = project.session(text="cats", name="cats")
    assert len(project.predict(session, column(TEXTS[:3]))["id"]) == 3
    labels = column([None, *LABELS[1:]])
    project.index(np.eye(60, 256, dtype=np.float32), ids=column([f"v{n}" for n in range(60)]), labels=labels, progress=False)
    assert project.record("v0").label is None and project.record("v1").label == LABELS[1]
    with pytest.raises(linprobe.InputError, match="(Series|Array) of .* and str is no dataset"):
        project.index(column(["a", None]), progress=False)


def test_a_session_is_a_classifier_and_a_record_an_example_by_itself(project):
    session = project.session(text="cats", name="cats")
    session.score({"0": 1.0, "1": -1.0})
    assert project.search(classifier=session).ids == project.search(classifier="cats").ids
    assert project.session("further", classifier=session).description == "classifier cats"
    record = project.record("0")
    assert project.search(examples=record).ids == project.search(examples=[record]).ids
    assert project.session("like", examples=record, unlike=project.search("tax")[0]).labels["0"] == 1.0


def test_a_filter_or_a_method_is_never_dropped(project):
    project.session(text="cats", name="cats")
    for name in ("cats", None):
        with pytest.raises(linprobe.InputError, match="a filter belongs to a new session\nhint: also give text="):
            project.session(name, where="label = 'tax'")
        with pytest.raises(linprobe.InputError, match="a method belongs to a new session"):
            project.session(name, method="ridge")
    assert project.session("cats", method="map-logistic").name == "cats" and project.sessions == ["cats"]


def test_vectors_of_an_empty_project_are_named(tmp_path: Path):
    with pytest.raises(linprobe.EmptyProjectError, match=r"project\.index"):
        _ = linprobe.Project(tmp_path / "project").vectors


def test_records_are_hashed_copied_and_pickled(project):
    for record in [project.search("kittens", k=1)[0], project.record("3"), project.session(text="cats").next(1)[0]]:
        copied, pickled = copy.deepcopy(record), pickle.loads(pickle.dumps(record))
        assert type(pickled) is type(record) and len({record, copied, pickled}) == 1
        assert copied.content() == TEXTS[int(record.id)] and copied.metadata is not record.metadata
        with pytest.raises(linprobe.InputError, match="without its project"):
            pickled.content()


def test_a_picture_without_pillow_names_the_package(tmp_path: Path, monkeypatch):
    project = project_of(tmp_path, pictures()[0], model=str(CLIP))
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(linprobe.MissingPackageError, match="pip install pillow"):
        project.search("blue", k=1)[0].image()


def test_a_run_that_fails_leaves_no_dataset_behind(project):
    before = sorted(path.name for path in (project.path / "sources").iterdir())
    with pytest.raises(linprobe.InputError):
        project.index(["a", "b"], ids=["one"], progress=False)
    assert sorted(path.name for path in (project.path / "sources").iterdir()) == before


def test_progress_is_told(tmp_path: Path):
    told = []
    project_of(tmp_path, TEXTS[:1])
    linprobe.Project(tmp_path / "other").index(TEXTS, progress=lambda *reached: told.append(reached))
    assert told[-1][0] == 60 and told[-1][2] == 0
