"""Losses, written as expressions of one row; their gradients are derived, as those of cells are.

Every loss: `value, dy = loss(y, target, mask=None)`. y is (..., V), e.g. (T, N, V); `mask` (...) is 1 where a row
counts and 0 where it does not (weights in between are allowed). `reduction="mean"` divides the sum over rows by the
sum of the mask, "sum" does not divide. Values are in nats where they are logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.backends.reference import evaluate_map, map_adjoints
from gated.errors import as_array, describe, wrong, wrong_type
from gated.language import sigmoid, softplus
from gated.nn.maps import logsumexp, planned, total

Array = np.ndarray[Any, Any]


def _softmax_cross_entropy(y, target):  # type: ignore[no-untyped-def]
    return logsumexp(y) - total(target * y)


def _squared_error(y, target):  # type: ignore[no-untyped-def]
    return total(0.5 * ((y - target) * (y - target)))


def _sigmoid_squared_error(y, target):  # type: ignore[no-untyped-def]
    return total(0.5 * ((target - sigmoid(y)) * (target - sigmoid(y))))


def _sigmoid_cross_entropy(y, target):  # type: ignore[no-untyped-def]
    return total(softplus(y) - target * y)


class Loss:
    """A loss over rows; see the module. Subclasses give the expression."""

    expression: Any = None

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum"):
            raise wrong("reduction", repr(reduction), "'mean' or 'sum'")
        self.reduction = reduction
        self._schedule = planned(type(self).expression)

    def __call__(self, y: Any, target: Any, mask: Any = None) -> tuple[float, Array]:
        """The loss and its gradient dy, of y's shape and dtype.

        Raises:
            ArgumentError, ArgumentTypeError: shapes or dtypes do not fit, or no row counts.
        """
        y = as_array("y", y)
        if y.dtype.kind not in "fc" or y.ndim < 1 or y.shape[-1] < 1:
            raise wrong_type("y", describe(y), "an array of floats, (..., V) with V >= 1")
        rows, size = int(np.prod(y.shape[:-1])), y.shape[-1]
        weights = self._weights(mask, y)
        wanted = self._target(target, y).reshape(rows, size)
        value, tape = evaluate_map(self._schedule, {"input": size}, {}, {"y": y.reshape(rows, size), "target": wanted})
        counted = np.where(weights != 0, value, 0)  # a row that does not count may hold NaN
        dy = map_adjoints(tape, weights, {})[0]
        dy = np.where(weights != 0, dy, 0).astype(y.dtype)
        return float(np.sum(counted * weights).real), dy.reshape(y.shape)

    def _weights(self, mask: Any, y: Array) -> Array:
        rows = y.shape[:-1]
        weights = np.ones((int(np.prod(rows)), 1), y.dtype)
        if mask is not None:
            array = as_array("mask", mask)
            if array.shape != rows:
                raise wrong("mask", describe(array), f"shape {rows}, y's without the last axis")
            if array.dtype.kind not in "fiub":
                raise wrong_type("mask", describe(array), "numbers or booleans")
            if not np.isfinite(array).all() or (array.astype(float) < 0).any():
                raise wrong("mask", "a negative or non-finite weight", "weights >= 0")
            weights = array.astype(y.dtype).reshape(-1, 1)
        if self.reduction == "mean":
            count = float(np.sum(weights.real, dtype=np.float64))
            if count == 0.0:
                raise wrong("mask" if mask is not None else "y", "no row that counts", "at least one, for a mean")
            weights = weights / weights.dtype.type(count)
        return weights

    def _target(self, target: Any, y: Array) -> Array:
        array = as_array("target", target)
        if array.dtype.kind not in "fiub":
            raise wrong_type("target", describe(array), "numbers")
        if array.shape != y.shape:
            raise wrong("target", describe(array), f"y's shape {y.shape}")
        return array.astype(y.dtype)


class SoftmaxCrossEntropy(Loss):
    """−log softmax(y)[target] = log Σ exp(y) − y[target], in nats; dy = softmax(y) − one-hot(target).

    target: integer classes (...), or probabilities (..., V) of y's shape.
    """

    expression = staticmethod(_softmax_cross_entropy)

    def _target(self, target: Any, y: Array) -> Array:
        array = as_array("target", target)
        if array.dtype.kind not in "iu":
            return super()._target(target, y)
        if array.shape != y.shape[:-1]:
            raise wrong(
                "target",
                describe(array),
                f"integer classes of shape {y.shape[:-1]}, or probabilities of shape {y.shape}",
            )
        if array.size and (array.min() < 0 or array.max() >= y.shape[-1]):
            bad = array.min() if array.min() < 0 else array.max()
            raise wrong("target", f"the class {bad}", f"classes from 0 to {y.shape[-1] - 1}")
        one_hot = np.zeros(y.shape, y.dtype)
        np.put_along_axis(one_hot, array[..., None].astype(np.int64), 1.0, axis=-1)
        return one_hot


class SquaredError(Loss):
    """½ Σ (y − target)²."""

    expression = staticmethod(_squared_error)


class SigmoidSquaredError(Loss):
    """½ Σ (target − σ(y))²: sigmoid output, squared error, as textbook three-layer networks have it; y is before σ."""

    expression = staticmethod(_sigmoid_squared_error)


class SigmoidCrossEntropy(Loss):
    """−Σ [target log σ(y) + (1 − target) log(1 − σ(y))] = Σ softplus(y) − target·y, in nats; y is before the σ."""

    expression = staticmethod(_sigmoid_cross_entropy)
