"""`SequenceRegressor`: numbers for a sequence, or for each of its steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, check_is_fitted

from gated.errors import describe, wrong
from gated.models.estimators.answers import Answers, at_each_step, refuse_other_count, refuse_unequal
from gated.models.estimators.base import SequenceEstimator
from gated.models.estimators.panel import Panel
from gated.models.estimators.reading import all_numbers
from gated.models.estimators.scaling import Scaling
from gated.nn.losses import SquaredError
from gated.publish import publish

Array = np.ndarray[Any, Any]


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """A recurrent network that says numbers of a sequence, as an estimator of scikit-learn.

    The numbers are scaled while it learns; the loss is half the squared error.

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
        missing: what NaN becomes: "mask": the number before it in the sequence, with an input beside that says whether
            it is there, for channels that have gaps in fit; "carry": that number alone; "error": it is refused.
        scale: whether channels are scaled to mean 0 and standard deviation 1, as they are in fit.
        clip: bound on the gradient's norm; 0: none.
        dtype: "float32" or "float64".
        random_state: an int, a numpy.random.RandomState or None. The same int gives the same bits.
        verbose: tell what happens.

    Attributes:
        network_: a `gated.WiredNetwork` with the input "x", (T, N, D); with pooling=None a `gated.Network`.
        scaling_: means and spreads of the channels, which of them have gaps; y_scaling_: those of y.
        history_: what came of the training, a `gated.learning.History`.
        n_iter_: passes made.
        n_features_in_: of a table (N, T) its T, else the channels; n_channels_: the channels.
        n_outputs_: numbers of an answer, K.
        channel_names_: of frames in a list, the names of their columns, by which others are read; else None.
    """

    _kind = "gated sequence regressor"
    _loss = SquaredError("sum")
    n_outputs_: int
    y_scaling_: Scaling
    _single: bool  # whether y had no axis of numbers

    def _targets(self, y: Any, panel: Panel) -> Array:
        """(N,), (N, K), (R,) or (R, K), float64."""
        if self.pooling is None:
            found = at_each_step(y, panel)
            if found.ndim > 2 or found.dtype.kind not in "fiub":
                raise wrong("y", describe(found), "one number, or K numbers, at each step")
            found = found.astype(np.float64)
        else:
            refuse_unequal(y)
            if getattr(y, "dtype", None) is not None and np.asarray(y).dtype.kind in "cmM":
                raise wrong("y", describe(np.asarray(y)), "(N,) or (N, K) real numbers")
            options: dict[str, Any] = {"dtype": np.float64, "ensure_2d": False, "allow_nd": True, "input_name": "y"}
            found = all_numbers("y", y, lambda: check_array(y, **options))
            if found.ndim not in (1, 2):
                raise wrong("y", describe(found), "(N,) or (N, K) numbers")
            refuse_other_count(found, panel)
        if not np.isfinite(found).all():
            raise wrong("y", "NaN or inf", "finite numbers")
        return found

    def _answers(self, y: Any, panel: Panel, there: Array, reset: bool) -> Answers:
        found = self._targets(y, panel)
        rows = found.reshape(len(found), -1)
        if reset:
            self._single = found.ndim == 1
            self.n_outputs_ = rows.shape[1]
            counted = there if self.pooling is not None else np.repeat(there, panel.lengths)
            self.y_scaling_ = Scaling.of(rows[counted])
        elif rows.shape[1] != self.n_outputs_:
            raise wrong("y", f"{rows.shape[1]} numbers of an answer", f"{self.n_outputs_}, as before")
        scaled = self.y_scaling_.scaled(rows)
        with np.errstate(over="ignore"):
            held = np.isfinite(scaled.astype(self.dtype)).all()
        if not held:
            raise wrong("y", f"numbers that {self.dtype} does not hold when they are scaled", "others")
        return Answers(scaled, self.n_outputs_, self.pooling is None, np.ones(len(rows)))

    def _answers_to_json(self) -> Any:
        return {"scaling": self.y_scaling_.to_json(), "single": self._single}

    def _answers_from_json(self, saved: Any) -> int:
        self.y_scaling_, self._single = Scaling.from_json(saved["scaling"]), saved["single"] is True
        self.n_outputs_ = self.y_scaling_.inputs
        return self.n_outputs_

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> SequenceRegressor:
        """One pass over some sequences, at the learning rate as it is given; after `fit` it goes on.

        Args:
            X: as for `fit`. The first call decides on the scaling of X and y, and on which channels have gaps.
            y: as for `fit`.
            sample_weight: as for `fit`.
        """
        return self._part(X, y, sample_weight)

    def _numbers(self, X: Any) -> tuple[Panel, Array]:
        panel, y = self._outputs(X)
        found = self.y_scaling_.unscaled(y)
        return panel, found[:, 0] if self._single else found

    def predict(self, X: Any) -> Any:
        """The numbers, (N,) or (N, K) as y was; with pooling=None at every step: N arrays (T_n,) or (T_n, K), or
        (N, T) or (N, T, K) for an array."""
        panel, found = self._numbers(X)
        return self._as_given(X, panel, found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R²: the part of y's variance that is explained, 1 at best; with pooling=None that of all steps."""
        check_is_fitted(self)
        panel, found = self._numbers(X)
        weights = sample_weight
        if weights is not None and self._at_steps:
            weights = np.repeat(weights, panel.lengths)
        return float(r2_score(self._targets(y, panel), found, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


publish("gated.models", SequenceRegressor)
