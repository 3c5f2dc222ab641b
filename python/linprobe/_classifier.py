"""The classifier: a hyperplane through the space of a model, fitted to labels."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks, _hub, _native
from ._packages import needed
from ._values import is_missing
from .errors import ClassifierError, InputError

__all__ = ["LinearClassifier"]

#: The endings that say which form a file has.
_FORMS = (".safetensors", ".json", ".onnx", ".npz", ".pt")

#: How often rows are repeated, on average, before they are weighed instead.
_REPEATED = 10

#: What a folder for a hub holds.
_WEIGHTS = "classifier.safetensors"
_CONFIG = "config.json"
_PAGE = "README.md"


class LinearClassifier:
    """A binary linear classifier of embeddings: ``score(x) = coef_ . x / |x| + intercept_``, a logit.

    It is fitted by the method that linprobe's sessions use, MAP logistic regression whose prior is the direction in
    which the relevant examples lie, so that few labels are enough; and it is a classifier of scikit-learn, which it does
    not need. Rows are scaled to unit length, which embeddings usually have, before they are looked at: only where they
    point matters. A row of zeros has no direction: its score is the intercept, and a fit leaves it out with a warning.

    Parameters
    ----------
    freedom : float, default 5.0
        How far labels are thought to move the logit of an ordinary record: the variance. The smaller it is, the closer
        a fit stays to its start. The only knob, and it seldom needs turning.
    background : array of shape (m, d), optional
        Unlabelled embeddings of the corpus that the classifier is for. Their mean and covariance say in which directions
        all records differ anyway, and some of them stand for the bulk, which is irrelevant where nobody says otherwise: give
        them where the labelled rows are no fair sample. Without them, mean and covariance are those of ``X``.

    Attributes
    ----------
    coef_ : ndarray of float32, shape (1, d)
        The weights.
    intercept_ : ndarray of float32, shape (1,)
        The bias.
    classes_ : ndarray of shape (2,)
        The irrelevant and the relevant class, in sorted order.
    threshold_ : float
        Scores at or above it count as relevant: 0.0 after a fit, and what was chosen for a classifier that was loaded.
    card_ : dict or None
        Where a classifier of a session comes from: its model, labels, threshold and audit. ``None`` after a fit.
    n_features_in_ : int
        The number of weights, d.
    feature_names_in_ : ndarray of str, shape (d,)
        The names of the columns, where it was fitted to a data frame.

    Examples
    --------
    >>> import numpy as np
    >>> from linprobe import LinearClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 16)) + np.eye(16)[0]
    >>> y = np.where(X[:, 1] > 0.8, "cat", "other")
    >>> classifier = LinearClassifier().fit(X[:100], y[:100])
    >>> classifier.classes_
    array(['cat', 'other'], dtype='<U5')
    >>> bool(classifier.score(X[100:], y[100:]) > 0.8)
    True
    """

    # For scikit-learn before 1.6.
    _estimator_type = "classifier"

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float32]
    classes_: NDArray[Any]
    threshold_: float
    card_: dict[str, Any] | None
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(self, *, freedom: float = 5.0, background: ArrayLike | None = None) -> None:
        self.freedom = freedom
        self.background = background

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LinearClassifier:
        """Fits to two classes.

        Parameters
        ----------
        X : array of shape (n, d)
            Embeddings of any length. Taken without a copy where it is float32 in C order.
        y : array of shape (n,)
            Two classes; the later in sorted order is the relevant one: 1 of 0 and 1, ``True``, ``"yes"`` of no and yes.
        sample_weight : array of shape (n,), optional
            How many examples each row counts for: a weight of 2 is worth the row twice, 0 as if it were not there.

        Returns
        -------
        LinearClassifier
            This one.

        Raises
        ------
        InputError
            There are not exactly two classes, or an array does not fit; it is a ``ValueError``.
        """
        X_, weights = self._examples(X, sample_weight)
        y_ = _targets(y, X_.shape[0])
        classes, place = _sorted_classes(y_)
        _check_classes(classes, place, weights)
        return self._fit(X, X_, np.where(place == 1, 1.0, -1.0), weights, classes)

    def fit_scores(
        self, X: ArrayLike, scores: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> LinearClassifier:
        """Fits to grades from -1, irrelevant, to +1, relevant, as people give them in a session.

        A grade of 0 says that the record stands on the boundary. One side is enough, as long as something is relevant;
        ``background`` then says what is not.

        Parameters
        ----------
        X : array of shape (n, d)
            Embeddings of any length.
        scores : array of shape (n,)
            A grade from -1 to 1 for each; at least one is above 0.
        sample_weight : array of shape (n,), optional
            How many examples each row counts for.

        Returns
        -------
        LinearClassifier
            This one, with the classes 0 and 1.

        Raises
        ------
        InputError
            Nothing is relevant, or an array does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.array([[1.0, 0.0], [0.9, 0.3], [0.0, 1.0]])
        >>> classifier = LinearClassifier().fit_scores(X, [1.0, 0.5, -1.0])
        >>> classifier.predict(X)
        array([1, 1, 0])
        """
        X_, weights = self._examples(X, sample_weight)
        grades = _checks.vector(scores, "scores", X_.shape[0])
        return self._fit(X, X_, grades, weights, np.array([0, 1]))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """The scores of embeddings: logits, 0 on the decision boundary.

        Parameters
        ----------
        X : array of shape (n, d)
            Embeddings of any length. Taken without a copy where it is float32 in C order.

        Returns
        -------
        ndarray of float32, shape (n,)
            The scores.

        Raises
        ------
        NotFittedError
            It was neither fitted nor loaded.
        InputError
            The embeddings have another dimension.
        """
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        self._check_names(X)
        X_ = _checks.matrix(X)
        if X_.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {X_.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return _native.score_rows(X_, self._weights(), float(self.intercept_[0]))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """The probabilities of the two classes, the logistic function of the scores.

        Parameters
        ----------
        X : array of shape (n, d)
            Embeddings of any length.

        Returns
        -------
        ndarray of float32, shape (n, 2)
            A row for each embedding: of ``classes_[0]``, then of ``classes_[1]``. Rows sum to 1.
        """
        scores = self.decision_function(X).astype(np.float64)
        # exp of a number below 0 does not overflow.
        small = np.exp(-np.abs(scores))
        relevant = np.where(scores >= 0, 1.0, small) / (1.0 + small)
        return np.column_stack([1.0 - relevant, relevant]).astype(np.float32)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The classes of embeddings: ``classes_[1]`` where the score reaches ``threshold_``.

        Parameters
        ----------
        X : array of shape (n, d)
            Embeddings of any length.

        Returns
        -------
        ndarray of shape (n,)
            A class for each.
        """
        above = self.decision_function(X) >= self.threshold_
        predicted: NDArray[Any] = self.classes_[above.astype(np.intp)]
        return predicted

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The accuracy: the share of embeddings whose class is predicted right.

        Of a rare class, ask for ``sklearn.metrics.average_precision_score(y, classifier.decision_function(X))``.
        """
        predicted = self.predict(X)
        right = predicted == _targets(y, len(predicted))
        return float(np.average(right, weights=_checks.counts(sample_weight, len(right))))

    def to_torch(self) -> Any:
        """The classifier as ``torch.nn.Linear(d, 1)``, which takes embeddings of unit length. Needs PyTorch."""
        torch = needed("torch", "torch", "to_torch")
        layer = torch.nn.Linear(self.n_features_in_, 1)
        layer.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in self.state_dict().items()})
        return layer

    def state_dict(self) -> dict[str, NDArray[np.float32]]:
        """The state of a ``torch.nn.Linear``: ``weight`` of shape (1, d) and ``bias`` of shape (1,), arrays of NumPy.

        >>> import numpy as np
        >>> classifier = LinearClassifier().fit_scores(np.eye(3), [1, -1, -1])
        >>> {name: values.shape for name, values in classifier.state_dict().items()}
        {'weight': (1, 3), 'bias': (1,)}
        """
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        return {"weight": self.coef_, "bias": self.intercept_}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file in the form that its name ends with: safetensors, json, onnx, npz or pt.

        None of them runs code when it is read. The card is in all but ``.pt``, with the threshold as it is now; the names of the
        classes are in none, see :meth:`save_pretrained`.

        Raises
        ------
        InputError
            The name ends otherwise.
        StorageError
            The file cannot be written.

        Examples
        --------
        >>> import numpy as np, pathlib, tempfile
        >>> classifier = LinearClassifier().fit_scores(np.eye(3), [1, -1, -1])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "classifier.onnx"
        ...     classifier.save(path)
        ...     same = LinearClassifier.load(path)
        >>> bool((same.coef_ == classifier.coef_).all())
        True
        """
        path = Path(path)
        if path.suffix.lower() not in _FORMS:
            raise InputError(f"the form of {path} is not told by its name\nhint: end it with {', '.join(_FORMS)}")
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        _native.write_classifier(path, *self._parts())

    @classmethod
    def load(cls, path: str | os.PathLike[str], class_name: str | None = None) -> LinearClassifier:
        """Reads a classifier file: of linprobe, or one linear layer of PyTorch, scikit-learn (as npz) or ONNX.

        Parameters
        ----------
        path
            The file: safetensors, json, onnx, npz, or a file of ``torch.save``, which is read and never run.
        class_name
            Of a layer of many classes the one that is meant, by its name or its number from 0.

        Raises
        ------
        ClassifierError
            It is no classifier, or has many classes and none was chosen.
        """
        weights, bias, card = _native.read_classifier(Path(path), class_name)
        return cls._of_parts(weights, bias, card)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes a folder for a hub: ``classifier.safetensors``, and ``config.json`` with the classes and parameters.

        Classes that are numbers or texts are kept.
        """
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.save(folder / _WEIGHTS)
        config = {
            "library_name": "linprobe",
            "freedom": self.freedom,
            "classes": self.classes_.tolist(),
            "threshold": self.threshold_,
        }
        (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> LinearClassifier:
        """Reads what :meth:`save_pretrained`, :meth:`push_to_hub` or ``linprobe classifier export NAME FOLDER/`` has written.

        Parameters
        ----------
        name
            A folder, or a repository of models on the hub, ``"owner/name"``, which needs ``huggingface_hub``.
        revision : str, optional
            A branch, a tag or a commit of the repository; by default its main branch.
        token : str or bool, optional
            For a private repository: the token, or ``True`` for the one that is kept. As for all tools of the hub.
        cache_dir, local_files_only
            Where downloads are kept, and whether nothing may be downloaded, as of ``huggingface_hub.snapshot_download``.

        Raises
        ------
        ClassifierError
            There is no such folder, the hub does not give the repository, no classifier is in it, or its ``config.json`` is
            damaged.
        """
        place = Path(name)
        if not place.is_dir():
            wanted: dict[str, Any] = {"revision": revision, "token": token, "cache_dir": cache_dir}
            place = _hub.fetch(os.fspath(name), [_WEIGHTS, _CONFIG], {**wanted, "local_files_only": local_files_only})
        if not (place / _WEIGHTS).is_file():
            raise ClassifierError(f"{name} holds no {_WEIGHTS}\nhint: LinearClassifier.load reads files of other names")
        classifier = cls.load(place / _WEIGHTS)
        config_file = place / _CONFIG
        if config_file.is_file():
            classifier._configure(config_file)
        return classifier

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Push a linear classifier with linprobe",
        commit_description: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        license: str | None = None,
    ) -> Any:
        """Pushes it to the Hugging Face hub: the files of :meth:`save_pretrained`, and ``README.md``, the page of the model.

        The page says what the card says: what was looked for, how many labels there are, what an audit measured, or that nobody
        has audited it; and how the classifier is used. All goes in one commit. Needs ``huggingface_hub``.

        Parameters
        ----------
        repo_id : str
            The repository, ``"owner/name"``, or ``"name"`` of your own; it is made if there is none.
        commit_message, commit_description : str, optional
            What the commit says.
        private : bool, optional
            Whether a new repository is for you alone; by default as your settings on the hub say.
        token : str or bool, optional
            The token, if it is not the one that is kept. As for all tools of the hub.
        revision : str, optional
            The branch that is pushed to; it is made if there is none. By default the main branch.
        create_pr : bool, default False
            Whether the commit is proposed in a pull request.
        license : str, optional
            The licence in the head of the page, such as ``"apache-2.0"``.

        Returns
        -------
        huggingface_hub.CommitInfo
            The commit; as a string it is its address.

        Raises
        ------
        NotFittedError
            It was neither fitted nor loaded.
        ClassifierError
            ``huggingface_hub`` is not installed, or the hub refuses; its own exception is the ``__cause__``.
        """
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        push = _hub.Push(repo_id, revision, private=private, token=token)
        page = _native.repository_page(push.made(), self._parts(), self.threshold_)
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        files[_PAGE] = _hub.licensed(page, license).encode()
        said = {"commit_message": commit_message, "commit_description": commit_description}
        return push.commit(files, {**said, "create_pr": create_pr})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters of the constructor, as scikit-learn asks for them."""
        return {"freedom": self.freedom, "background": self.background}

    def set_params(self, **params: Any) -> LinearClassifier:
        """Sets parameters of the constructor, as scikit-learn does."""
        for name, value in params.items():
            if name not in self.get_params():
                known = ", ".join(sorted(self.get_params()))
                raise InputError(f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {known}.")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = []
        if self.freedom != 5.0:
            given.append(f"freedom={self.freedom!r}")
        if self.background is not None:
            given.append(f"background=array{np.shape(self.background)}")
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_class=False),
            input_tags=InputTags(),
        )

    def _examples(
        self, X: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[_checks.Matrix, NDArray[np.float64]]:
        X_ = _checks.matrix(X)
        return X_, _checks.counts(sample_weight, X_.shape[0])

    def _fit(
        self,
        X: ArrayLike,
        X_: _checks.Matrix,
        grades: NDArray[np.float64],
        counts: NDArray[np.float64],
        classes: NDArray[Any],
    ) -> LinearClassifier:
        corpus = None if self.background is None else _checks.matrix(self.background, "background")
        labels = np.ascontiguousarray(grades, dtype=np.float32)
        directed = X_.any(axis=1)
        if not directed.all():
            warnings.warn(f"{(~directed).sum()} rows of zeros have no direction, and are left out", stacklevel=3)
            X_, labels, counts = X_[directed], labels[directed], counts[directed]
        X_, labels, counts = _repeated(X_, labels, counts)
        weights, bias = _native.fit_labelled(X_, (labels, counts), corpus, float(self.freedom))
        names = _checks.feature_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._take(weights, bias, classes)
        return self

    def _take(self, weights: NDArray[np.float32], bias: float, classes: NDArray[Any]) -> None:
        self.coef_ = weights.reshape(1, -1)
        self.intercept_ = np.array([bias], dtype=np.float32)
        self.classes_ = classes
        self.n_features_in_ = weights.shape[0]
        self.threshold_ = 0.0
        self.card_ = None

    def _check_names(self, X: ArrayLike) -> None:
        """Says as scikit-learn does when the columns are not those that were fitted to."""
        fitted = getattr(self, "feature_names_in_", None)
        given = _checks.feature_names(X)
        name = type(self).__name__
        if fitted is None and given is not None:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=3)
        elif fitted is not None and given is None:
            said = f"X does not have valid feature names, but {name} was fitted with feature names"
            warnings.warn(said, stacklevel=3)
        elif fitted is not None and given is not None and list(fitted) != list(given):
            raise InputError(_other_names(list(fitted), list(given)))

    def _configure(self, file: Path) -> None:
        """Takes classes and parameters as ``config.json`` has them."""
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
            classes = np.asarray(config.get("classes", [0, 1]))
            freedom = float(config.get("freedom", self.freedom))
            threshold = float(config.get("threshold", self.threshold_))
            n_classes = len(np.unique(classes))
        except (ValueError, TypeError, AttributeError) as error:
            raise ClassifierError(f"{file} cannot be read: {error}\nhint: write it anew with save_pretrained") from error
        if n_classes != 2 or classes.shape != (2,):
            raise ClassifierError(f"{file} has the classes {classes.tolist()}; two are needed")
        self.freedom, self.classes_, self.threshold_ = freedom, classes, threshold

    def _weights(self) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.coef_, dtype=np.float32).reshape(-1)

    @classmethod
    def _of_parts(cls, weights: NDArray[np.float32], bias: float, card: str | None) -> LinearClassifier:
        classifier = cls()
        classifier._take(weights, bias, np.array([0, 1]))
        if card is not None:
            classifier.card_ = json.loads(card)
            classifier.threshold_ = float(json.loads(card)["threshold"])
        return classifier

    def _parts(self) -> tuple[NDArray[np.float32], float, str | None]:
        """As the native half takes it."""
        if not self.__sklearn_is_fitted__():
            raise _checks.not_fitted(self)
        return self._weights(), float(self.intercept_[0]), None if self.card_ is None else json.dumps(self._card())

    def _card(self) -> dict[str, Any]:
        """The card at the threshold that counts. What an audit measured at another one says nothing of it."""
        card = dict(self.card_ or {})
        if np.float32(card["threshold"]) != np.float32(self.threshold_):
            card.update(threshold=float(self.threshold_), audit=None)
        return card


def _repeated(
    X_: _checks.Matrix, labels: NDArray[np.float32], counts: NDArray[np.float64]
) -> tuple[_checks.Matrix, NDArray[np.float32], NDArray[np.float64]]:
    """Rows as often as they count, where that is a few whole times: the fit is then that of these rows to the bit."""
    times = counts.astype(np.intp)
    if (counts == 1).all() or (times != counts).any() or times.sum() > _REPEATED * len(times):
        return X_, labels, counts
    return np.repeat(X_, times, axis=0), np.repeat(labels, times), np.ones(times.sum())


def _targets(y: ArrayLike | None, n_rows: int) -> NDArray[Any]:
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    y_ = np.asarray(y)
    _check_present(y, y_)
    if y_.ndim == 2 and y_.shape[1] == 1:
        said = "A column-vector y was passed when a 1d array was expected"
        warnings.warn(said, _checks.conversion_warning(), stacklevel=3)
        y_ = y_.ravel()
    if y_.ndim != 1:
        raise InputError(f"y has shape {y_.shape}, expected ({n_rows},)")
    if y_.shape[0] != n_rows:
        raise InputError(f"Found input variables with inconsistent numbers of samples: [{n_rows}, {y_.shape[0]}]")
    if y_.dtype.kind == "f":
        if not np.isfinite(y_).all():
            raise InputError("Input y contains NaN or infinity.")
        if (y_ != np.floor(y_)).any():
            raise InputError("Unknown label type: continuous. Give grades from -1 to 1 to fit_scores")
    return y_


def _sorted_classes(y_: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The classes, and which one each row has."""
    try:
        classes, place = np.unique(y_, return_inverse=True)
    except TypeError as error:
        raise InputError(f"the classes of y have no order: {error}") from error
    return classes, place


def _check_present(y: ArrayLike, y_: NDArray[Any]) -> None:
    """Refuses texts and objects among which something is missing. NumPy makes the text "nan" of NaN among texts."""
    if y_.dtype.kind not in "OUS":
        return
    given = y_ if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)
    missing = [place for place, value in enumerate(given.ravel()) if is_missing(value)]
    if missing:
        raise InputError(f"Input y contains NaN or None, at position {missing[0]}\nhint: leave out what has no class")


def _check_classes(
    classes: NDArray[Any], place: NDArray[np.intp], weights: NDArray[np.float64]
) -> None:
    if len(classes) > 2:
        raise InputError(
            "Only binary classification is supported. The type of the target is multiclass.\n"
            "hint: fit one classifier for each class, as sklearn.multiclass.OneVsRestClassifier does"
        )
    if len(classes) < 2:
        raise InputError(f"y has 1 class, {classes[0]!r}; two are needed\nhint: fit_scores takes one side alone")
    if not weights.any():
        raise InputError("sample_weight is zero for every row: no class is left to fit to")
    if any(weights[place == side].sum() == 0 for side in (0, 1)):
        raise InputError("sample_weight leaves only one class; two are needed")


def _other_names(fitted: list[str], given: list[str]) -> str:
    said = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    if unseen:
        said += "Feature names unseen at fit time:\n" + "".join(f"- {name}\n" for name in unseen[:5])
    if missing:
        said += "Feature names seen at fit time, yet now missing:\n" + "".join(f"- {name}\n" for name in missing[:5])
    if not unseen and not missing:
        said += "Feature names must be in the same order as they were in fit.\n"
    return said
