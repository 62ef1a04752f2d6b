"""`SequenceClassifier` and `SequenceRegressor` as sktime has its own, and what aeon's arrays are to them.

sktime makes lists of frames of its containers, which ours read. aeon has channels first: `fit(steps_first(X), y)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sktime.classification.base import BaseClassifier
from sktime.regression.base import BaseRegressor

from gated.models import SequenceClassifier, SequenceRegressor

CAN = "multivariate", "unequal_length", "missing_values"
TAGS = {"X_inner_mtype": "df-list"} | {f"capability:{name}": True for name in CAN}


def steps_first(X: Any) -> Any:
    """(N, D, T), or a list of (D, T_n), as (N, T, D) or a list of (T_n, D)."""
    return X.swapaxes(1, 2) if isinstance(X, np.ndarray) and X.dtype != object else [np.asarray(each).T for each in X]


class _Adapter:
    _own: Any

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator
        super().__init__()

    def _fit(self, X: Any, y: Any) -> Any:
        self.estimator_ = clone(self.estimator or self._own()).fit(X, y)
        return self

    def _predict(self, X: Any) -> Any:
        return self.estimator_.predict(X)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> Any:
        quick = {"epochs": 2, "hidden_size": 4, "random_state": 0}
        return [{"estimator": cls._own(pooling=way, **quick)} for way in ("max", "last")]


class SktimeClassifier(_Adapter, BaseClassifier):
    """A `SequenceClassifier`, or the one that is given, as a classifier of sktime."""

    _tags = TAGS | {"capability:predict_proba": True}
    _own = SequenceClassifier

    def _predict_proba(self, X: Any) -> Any:
        return self.estimator_.predict_proba(X)


class SktimeRegressor(_Adapter, BaseRegressor):
    """A `SequenceRegressor`, or the one that is given, as a regressor of sktime."""

    _tags, _own = TAGS, SequenceRegressor
