"""Projects: whatever people have their data in is indexed, found and predicted, and what goes wrong is named."""

from __future__ import annotations

import importlib
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
    import sys

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
    ],
)
def test_what_goes_wrong_is_named_and_typed(project, ask, exception, said):
    with pytest.raises(exception, match=said):
        ask(project)


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
