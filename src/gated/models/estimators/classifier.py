"""`SequenceClassifier`: which class a sequence is of, or each of its steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from gated.errors import ArgumentTypeError, describe, shown, wrong, wrong_type
from gated.models.estimators.answers import Answers, at_each_step, refuse_other_count, refuse_unequal
from gated.models.estimators.base import SequenceEstimator
from gated.models.estimators.panel import Panel
from gated.models.estimators.saving import labels_from_json, labels_to_json
from gated.models.estimators.training import SequenceBatches
from gated.nn.losses import SoftmaxCrossEntropy
from gated.number_checks import not_negative
from gated.publish import publish

Array = np.ndarray[Any, Any]


class SequenceClassifier(ClassifierMixin, SequenceEstimator):
    """A recurrent network that says of which class a sequence is, as an estimator of scikit-learn.

    Args:
        cell: the name of a cell in `gated.cells.ZOO`, or a `gated.Cell`.
        hidden_size: H, units in each direction.
        num_layers: recurrent layers, one on top of the other.
        bidirectional: whether they read from both ends.
        pooling: what the answer is made of: the "max", number by number, or the "mean" of the outputs of all steps, or
            the "last" one of each direction; None: there is an answer at every step, and y has one for each.
        dropout: probability with which a number between two recurrent layers, or of the row that pooling has made, is
            left out while it learns.
        epochs: passes over all sequences; "auto": at least 20, and so many that there are at least 800 updates.
        batch_size: sequences of an update; "auto": a tenth of them, but 4 to 32.
        learning_rate: the highest one of Adam; it rises at first, then falls along a cosine.
        early_stopping: keep some sequences apart, stop when the loss on them falls no more, and take the weights that
            were best on them; "auto": from 500 sequences on.
        validation_fraction: what part of them is kept apart.
        patience: evaluations without a better loss that end it; there are 50 in all at most.
        class_weight: {label: weight}, 1 for those not in it; "balanced": the classes count the same in sum, in each
            call; or None.
        missing: what NaN becomes: "mask": the number before it in the sequence, with an input beside that says whether
            it is there, for channels that have gaps in fit; "carry": that number alone; "error": it is refused.
        scale: whether channels are scaled to mean 0 and standard deviation 1, as they are in fit.
        clip: bound on the gradient's norm; 0: none.
        dtype: "float32" or "float64".
        random_state: an int, a numpy.random.RandomState or None. The same int gives the same bits.
        verbose: tell what happens.

    Attributes:
        classes_: the labels, sorted.
        network_: a `gated.WiredNetwork` with the input "x", (T, N, D); with pooling=None a `gated.Network`.
        scaling_: means and spreads of the channels, which of them have gaps.
        history_: what came of the training, a `gated.learning.History`.
        n_iter_: passes made.
        n_features_in_: of a table (N, T) its T, else the channels; n_channels_: the channels.
        channel_names_: of frames in a list, the names of their columns, by which others are read; else None.
    """

    _kind = "gated sequence classifier"
    _loss = SoftmaxCrossEntropy("sum")
    classes_: Array

    def __init__(
        self,
        *,
        cell: Any = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | None = "max",
        dropout: float = 0.3,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        learning_rate: float = 5e-3,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        patience: int = 15,
        class_weight: Any = None,
        missing: str = "mask",
        scale: bool = True,
        clip: float = 1.0,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        super().__init__(
            cell=cell,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            pooling=pooling,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            missing=missing,
            scale=scale,
            clip=clip,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    # y

    def _labels(self, y: Any, panel: Panel) -> Array:
        """(N,) or (R,) labels."""
        if self.pooling is None:
            labels = at_each_step(y, panel)
            if labels.ndim != 1:
                raise wrong("y", f"labels of shape {labels.shape[1:]}", "one label at each step")
        else:
            refuse_unequal(y)
            labels = column_or_1d(y, warn=True)
            refuse_other_count(labels, panel)
        return labels

    def _answers(self, y: Any, panel: Panel, there: Array, reset: bool) -> Answers:
        labels = self._labels(y, panel)
        if reset:
            assert_all_finite(labels, input_name="y")
            classes = _sorted(labels)
            check_classification_targets(labels)
            self.classes_ = classes
        numbers = _numbers_of(labels, self.classes_)
        at_steps = self.pooling is None
        counted = np.repeat(there, panel.lengths) if at_steps else there
        weights = self._class_weights(numbers[counted])[numbers]
        return Answers(numbers, len(self.classes_), at_steps, weights, None if at_steps else numbers)

    def _class_weights(self, numbers: Array) -> Array:
        """(V,)"""
        given, counts = self.class_weight, np.bincount(numbers, minlength=len(self.classes_))
        if given is None:
            return np.ones(len(counts))
        if isinstance(given, str) and given == "balanced":
            return np.where(counts > 0, len(numbers) / (np.maximum(counts, 1) * np.count_nonzero(counts)), 0.0)
        if not isinstance(given, dict):
            raise wrong_type("class_weight", describe(given), "a dict of label -> weight, 'balanced' or None")
        labels = self.classes_.tolist()
        if given and not any(label in labels for label in given):
            known = shown(", ".join(map(repr, labels)))
            raise wrong("class_weight", shown(f"the labels {', '.join(map(repr, given))}"), f"labels of y: {known}")
        named = {label: not_negative(f"class_weight[{label!r}]", weight) for label, weight in given.items()}
        return np.array([named.get(label, 1.0) for label in labels])

    def _answers_to_json(self) -> Any:
        return labels_to_json("classes_", self.classes_)

    def _answers_from_json(self, saved: Any) -> int:
        self.classes_ = labels_from_json(saved)
        return len(self.classes_)

    def _judged(self, batches: SequenceBatches, outputs: Array) -> dict[str, float]:
        return {"validation_accuracy": batches.accuracy(outputs)}

    # learning

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> SequenceClassifier:
        """One pass over some sequences, at the learning rate as it is given; after `fit` it goes on.

        Args:
            X: as for `fit`. The first call decides on the scaling, and on which channels have gaps.
            y: as for `fit`.
            classes: all labels that will come, at the first call; later None or the same ones.
            sample_weight: as for `fit`.
        """
        if not hasattr(self, "network_"):
            if classes is None:
                raise wrong("classes", "None in the first call of partial_fit", "all labels that will come")
            self.classes_ = _sorted(column_or_1d(classes))
        elif classes is not None and not np.array_equal(_sorted(column_or_1d(classes)), self.classes_):
            raise wrong("classes", shown(list(classes)), f"{shown(self.classes_.tolist())}, as before")
        return self._part(X, y, sample_weight)

    # answers

    def _log_odds(self, X: Any) -> tuple[Panel, Array]:
        panel, y = self._outputs(X)
        return panel, y.astype(np.float64)

    def decision_function(self, X: Any) -> Any:
        """The network's outputs, (N, V): logarithms of the probabilities up to a constant. Of two classes their
        difference, (N,): above 0 for the second one. With pooling=None as `predict`."""
        panel, y = self._log_odds(X)
        return self._as_given(X, panel, y[:, 1] - y[:, 0] if y.shape[1] == 2 else y)

    def predict_proba(self, X: Any) -> Any:
        """The probabilities of the classes, (N, V); with pooling=None at every step, as `predict`."""
        panel, y = self._log_odds(X)
        odds = np.exp(y - y.max(axis=1, keepdims=True))
        return self._as_given(X, panel, odds / odds.sum(axis=1, keepdims=True))

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of the probabilities."""
        panel, y = self._log_odds(X)
        most = y.max(axis=1, keepdims=True)
        return self._as_given(X, panel, y - most - np.log(np.exp(y - most).sum(axis=1, keepdims=True)))

    def predict(self, X: Any) -> Any:
        """The likeliest labels, (N,); with pooling=None at every step: N arrays (T_n,), or (N, T) for an array."""
        panel, y = self._log_odds(X)
        return self._as_given(X, panel, self.classes_[y.argmax(axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The part of the labels that is right; with pooling=None of those at all steps."""
        check_is_fitted(self)
        if not self._at_steps:
            return float(super().score(X, y, sample_weight))
        panel, outputs = self._log_odds(X)
        weights = None if sample_weight is None else np.repeat(sample_weight, panel.lengths)
        found = self.classes_[outputs.argmax(axis=1)]
        return float(accuracy_score(at_each_step(y, panel), found, sample_weight=weights))


def _sorted(labels: Array) -> Array:
    """Each label once."""
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ArgumentTypeError(f"y: got labels of the types {', '.join(kinds)}, expected labels of one") from None


def _numbers_of(labels: Array, classes: Array) -> Array:
    """The place of each label among the classes."""
    try:
        numbers = np.searchsorted(classes, labels)
        known = classes[np.minimum(numbers, len(classes) - 1)] == labels
    except TypeError:
        known = np.zeros(len(labels), bool)
    if not np.all(known):
        other = labels[~np.broadcast_to(known, labels.shape)].tolist()[0]
        raise wrong(
            "y", f"the label {shown(repr(other), 40)}", f"one of {shown(', '.join(map(repr, classes.tolist())))}"
        )
    return numbers


publish("gated.models", SequenceClassifier)
