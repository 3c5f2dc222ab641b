"""The classifier: what scikit-learn asks of it, what counts mean, and that every form keeps it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import linprobe
from linprobe import LinearClassifier

FORMS = ["safetensors", "json", "onnx", "npz", "pt"]


def wrong_in_scikit_learn(_) -> dict[str, str]:
    """Of two classes, 1.6 compares a fit to the first of three beside the others with a fit to the second beside the others."""
    of_weights = {"check_sample_weight_equivalence_on_dense_data": "scikit-learn 1.6 fits other classes than it compares with"}
    return of_weights if sklearn.__version__.startswith("1.6.") else {}


@parametrize_with_checks([LinearClassifier()], expected_failed_checks=wrong_in_scikit_learn)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


def test_it_works_where_scikit_learn_puts_classifiers(two_classes):
    X, y = two_classes
    assert cross_val_score(LinearClassifier(), X, y, cv=5).min() > 0.85
    search = GridSearchCV(LinearClassifier(), {"freedom": [0.01, 5.0, 100.0]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.85
    three = OneVsRestClassifier(LinearClassifier()).fit(X, np.arange(400) % 4)
    assert three.predict(X).shape == (400,)
    background = X[:50]
    assert clone(LinearClassifier(background=background)).background.shape == background.shape


def test_it_ranks_about_as_well_as_logistic_regression(two_classes):
    X, y = two_classes
    ours = LinearClassifier().fit(X[:100], y[:100]).decision_function(X[100:])
    theirs = LogisticRegression().fit(X[:100], y[:100]).decision_function(X[100:])
    assert average_precision_score(y[100:], ours) > average_precision_score(y[100:], theirs) - 0.02


def test_a_score_is_the_product_with_the_row_at_unit_length(two_classes):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    expected = unit @ classifier.coef_[0] + classifier.intercept_[0]
    np.testing.assert_allclose(classifier.decision_function(X), expected, atol=1e-5)
    np.testing.assert_allclose(classifier.decision_function(1000 * X), expected, atol=1e-5)
    assert classifier.decision_function(np.zeros((1, 24))) == classifier.intercept_
    assert classifier.decision_function(X).dtype == np.float32


def test_a_weight_of_n_is_worth_n_rows(two_classes):
    X, y = two_classes
    weight = np.arange(400) % 4
    weighed = LinearClassifier().fit(X, y, sample_weight=weight)
    repeated = LinearClassifier().fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_array_equal(weighed.coef_, repeated.coef_)
    order = np.random.default_rng(0).permutation(400)
    shuffled = LinearClassifier().fit(X[order], y[order], sample_weight=weight[order])
    np.testing.assert_array_equal(shuffled.coef_, repeated.coef_)
    twenty = LinearClassifier().fit(X, y, sample_weight=20.0 * weight)
    by_half = LinearClassifier().fit(X, y, sample_weight=20.0 * weight + 1e-9)
    np.testing.assert_allclose(twenty.coef_, by_half.coef_, rtol=1e-3, atol=1e-3)


def test_grades_say_more_than_sides(two_classes):
    X, y = two_classes
    sure = LinearClassifier().fit_scores(X, np.where(y == 1, 1.0, -1.0))
    sides = LinearClassifier().fit(X, y)
    np.testing.assert_array_equal(sure.coef_, sides.coef_)
    unsure = LinearClassifier().fit_scores(X, np.where(y == 1, 0.2, -0.2))
    assert np.ptp(unsure.decision_function(X)) < np.ptp(sure.decision_function(X))


def test_one_side_is_enough_beside_a_background(two_classes):
    X, y = two_classes
    classifier = LinearClassifier(background=X).fit_scores(X[y == 1][:5], np.ones(5))
    assert average_precision_score(y, classifier.decision_function(X)) > 0.75


def test_classes_keep_their_names_and_the_threshold_decides(two_classes):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, np.where(y == 1, "yes", "no"))
    assert classifier.predict(X[:2]).tolist() == ["no", "yes"]
    classifier.threshold_ = float(classifier.decision_function(X).max())
    assert (classifier.predict(X) == "yes").sum() == 1


@pytest.mark.parametrize("form", FORMS)
def test_every_form_keeps_the_classifier(two_classes, tmp_path: Path, form):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    classifier.save(tmp_path / f"classifier.{form}")
    same = LinearClassifier.load(tmp_path / f"classifier.{form}")
    np.testing.assert_array_equal(same.coef_, classifier.coef_)
    np.testing.assert_array_equal(same.predict_proba(X), classifier.predict_proba(X))


def test_other_tools_read_what_is_saved(two_classes, tmp_path: Path):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    onnxruntime = pytest.importorskip("onnxruntime")
    classifier.save(tmp_path / "classifier.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "classifier.onnx"), providers=["CPUExecutionProvider"])
    logits = session.run(["logit"], {"embedding": unit})[0].ravel()
    np.testing.assert_allclose(logits, classifier.decision_function(X), atol=1e-5)
    safetensors = pytest.importorskip("safetensors.numpy")
    classifier.save(tmp_path / "classifier.safetensors")
    tensors = safetensors.load_file(tmp_path / "classifier.safetensors")
    np.testing.assert_array_equal(tensors["weight"], classifier.state_dict()["weight"])
    classifier.save(tmp_path / "classifier.npz")
    arrays = np.load(tmp_path / "classifier.npz", allow_pickle=False)
    np.testing.assert_array_equal(arrays["weight"].ravel(), classifier.coef_[0])


TORCH = """
import sys
import numpy as np, torch
from linprobe import LinearClassifier

folder = sys.argv[1]
classifier = LinearClassifier.load(f"{folder}/classifier.safetensors")
rows, scores = np.load(f"{folder}/rows.npy"), np.load(f"{folder}/scores.npy")
layer = classifier.to_torch()
assert isinstance(layer, torch.nn.Linear) and layer.weight.dtype == torch.float32
unit = torch.nn.functional.normalize(torch.from_numpy(rows))
np.testing.assert_allclose(layer(unit).detach().numpy().ravel(), scores, atol=1e-5)
saved = torch.nn.Linear(rows.shape[1], 1)
saved.load_state_dict(torch.load(f"{folder}/classifier.pt", weights_only=True))
assert torch.equal(saved(unit), layer(unit))
layer(unit).sum().backward()
with torch.no_grad():
    layer.weight += layer.weight.grad
assert not np.array_equal(layer.weight.detach().numpy(), classifier.coef_), "the layer has weights of its own"
print("the same")
"""


@pytest.mark.skipif("LINPROBE_TEST_TORCH" not in os.environ, reason="LINPROBE_TEST_TORCH names no Python with torch")
def test_torch_computes_the_same(two_classes, tmp_path: Path):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    for form in ("safetensors", "pt"):
        classifier.save(tmp_path / f"classifier.{form}")
    np.save(tmp_path / "rows.npy", X)
    np.save(tmp_path / "scores.npy", classifier.decision_function(X))
    # That Python sees this package, and no other of those installed here.
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "linprobe").symlink_to(Path(linprobe.__file__).parent)
    line = [os.environ["LINPROBE_TEST_TORCH"], "-c", TORCH, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "packages")}
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr


def test_a_folder_for_a_hub_keeps_classes_and_threshold(two_classes, tmp_path: Path):
    X, y = two_classes
    classifier = LinearClassifier(freedom=2.0).fit(X, np.where(y == 1, "yes", "no"))
    classifier.threshold_ = 0.25
    classifier.save_pretrained(tmp_path / "model")
    same = LinearClassifier.from_pretrained(tmp_path / "model")
    assert same.classes_.tolist() == ["no", "yes"] and same.threshold_ == 0.25 and same.freedom == 2.0
    np.testing.assert_array_equal(same.predict(X), classifier.predict(X))


@pytest.mark.parametrize(
    "damaged",
    [
        b"{",
        b"[1]",
        b"\xff",
        b'{"classes": ["one"]}',
        b'{"classes": [0, 1, 2]}',
        b'{"classes": ["a", "a"]}',
        b'{"classes": [[0], [1, 2]]}',
        b'{"classes": [null, "a"]}',
        b'{"classes": 7}',
        b'{"threshold": "high"}',
        b'{"freedom": []}',
    ],
)
def test_a_damaged_folder_is_named(two_classes, tmp_path: Path, damaged):
    LinearClassifier().fit(*two_classes).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes(damaged)
    with pytest.raises(linprobe.ClassifierError, match=r"config\.json"):
        LinearClassifier.from_pretrained(tmp_path)


def test_what_is_not_fitted_leaves_no_folder(tmp_path: Path):
    with pytest.raises(ValueError, match="not fitted"):
        LinearClassifier().save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_torch_is_named_where_it_is_missing(two_classes, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(linprobe.MissingPackageError, match="to_torch needs the package torch\nhint: pip install torch"):
        LinearClassifier().fit(*two_classes).to_torch()


def test_weights_below_zero_are_refused_also_as_one_number(two_classes):
    for wrong, said in [(-1.0, "below 0"), (float("nan"), "NaN"), ("a", "sample_weight")]:
        with pytest.raises(linprobe.InputError, match=said):
            LinearClassifier().fit(*two_classes, sample_weight=wrong)


@pytest.mark.parametrize("missing", [None, float("nan")])
@pytest.mark.parametrize("kind", [list, lambda y: np.asarray(y, dtype=object)])
def test_a_missing_class_is_no_class(kind, missing):
    for y in (["a", "b", missing], ["a", "a", missing]):
        with pytest.raises(linprobe.InputError, match="NaN or None, at position 2"):
            LinearClassifier().fit(np.eye(3), kind(y))
    with pytest.raises(linprobe.InputError, match="no order"):
        LinearClassifier().fit(np.eye(3), np.asarray(["a", "b", 1], dtype=object))


def test_accuracy_wants_a_class_for_each_row(two_classes):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    assert classifier.score(X, y) == (classifier.predict(X) == y).mean()
    for wrong in ([1], y[:-1], y[:, None] * np.ones(2)):
        with pytest.raises(linprobe.InputError):
            classifier.score(X, wrong)


def test_a_pickle_of_it_is_the_same(two_classes):
    X, y = two_classes
    classifier = LinearClassifier().fit(X, y)
    same = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(same.decision_function(X), classifier.decision_function(X))


def test_a_file_that_is_none_is_named_with_its_cause(tmp_path: Path):
    (tmp_path / "x.safetensors").write_bytes(b"something else")
    with pytest.raises(linprobe.ClassifierError, match="cannot read the classifier") as raised:
        LinearClassifier.load(tmp_path / "x.safetensors")
    assert isinstance(raised.value.__cause__, linprobe.LinprobeError)
    with pytest.raises(linprobe.StorageError) as raised:
        LinearClassifier.load(tmp_path / "nothing.npz")
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    with pytest.raises(linprobe.InputError, match="not told by its name"):
        LinearClassifier().fit_scores(np.eye(2), [1, -1]).save(tmp_path / "classifier.pkl")


@pytest.mark.parametrize(
    ("X", "scores", "said"),
    [
        (np.eye(2), [-1.0, -1.0], "no example with a count is relevant"),
        (np.eye(2), [1.0, 1.5], "1.5 is no label"),
        (np.eye(2), [1.0], "scores has shape"),
        (np.eye(2), [1.0, float("nan")], "NaN"),
    ],
)
def test_what_cannot_be_fitted_is_named(X, scores, said):
    with pytest.raises(linprobe.InputError, match=said):
        LinearClassifier().fit_scores(X, scores)


def test_rows_of_zeros_are_left_out_of_a_fit(two_classes):
    X, y = two_classes
    with pytest.warns(UserWarning, match="1 rows of zeros"):
        fitted = LinearClassifier().fit(np.vstack([X, np.zeros((1, 24))]), np.append(y, 1))
    np.testing.assert_array_equal(fitted.coef_, LinearClassifier().fit(X, y).coef_)


def test_a_matrix_that_is_laid_out_as_wanted_is_not_copied(two_classes):
    from linprobe._checks import matrix

    X, _ = two_classes
    assert np.shares_memory(matrix(X), X)
    assert not np.shares_memory(matrix(np.asfortranarray(X)), X)
    classifier = LinearClassifier().fit(*two_classes)
    np.testing.assert_array_equal(
        classifier.decision_function(np.asfortranarray(X)), classifier.decision_function(X)
    )


def test_importing_it_imports_nothing_but_numpy():
    heavy = ["sklearn", "pandas", "torch", "PIL", "tqdm", "pyarrow", "polars", "datasets", "huggingface_hub"]
    script = f"import linprobe, sys; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
