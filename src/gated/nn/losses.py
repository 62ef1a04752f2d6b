"""Losses, written as expressions of one row; their gradients are derived, as those of cells are.

Every loss: `value, dy = loss(y, target, mask=None)`. y is (..., V), e.g. (T, N, V); `mask` (...) is True where a row
counts and False where it does not (weights >= 0 are allowed). What y and target hold in a row that does not count is
not looked at. `reduction="mean"` divides the sum over rows by the sum of the mask, "sum" does not divide. Values are in
nats where they are logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.backends import default_backend
from gated.backends.scan import one_hot
from gated.errors import as_array, describe, wrong, wrong_type
from gated.language import sigmoid, softplus
from gated.nn import checks
from gated.nn.maps import logsumexp, planned, total
from gated.number_checks import levels, one_of
from gated.publish import publish

if TYPE_CHECKING:
    from gated.backends import Backend
    from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]


def _softmax_cross_entropy(y, target):  # type: ignore[no-untyped-def]
    return logsumexp(y) - total(target * y)


def _squared_error(y, target):  # type: ignore[no-untyped-def]
    return total(0.5 * ((y - target) * (y - target)))


def _sigmoid_squared_error(y, target):  # type: ignore[no-untyped-def]
    return total(0.5 * ((target - sigmoid(y)) * (target - sigmoid(y))))


def _sigmoid_cross_entropy(y, target):  # type: ignore[no-untyped-def]
    return total(softplus(y) - target * y)


@lru_cache(maxsize=64)
def _planned(expression: Any, numbers: tuple[tuple[str, float], ...]) -> CellSchedule:
    """The schedule of an expression with these numbers in it."""
    if not numbers:
        return planned(expression)

    def of_a_row(y, target):  # type: ignore[no-untyped-def]
        return expression(y, target, **dict(numbers))

    return planned(of_a_row)


class Loss:
    """A loss over rows; see the module. Subclasses give the expression. Losses of one kind and options are equal.

    A subclass with options that stand in its expression names them in `numbers`: `expression(y, target, width=2.0)`.

    Args:
        reduction: "mean" divides the sum over rows by the sum of the mask, "sum" does not divide.
    """

    expression: Any = None
    numbers: tuple[str, ...] = ()  # attributes that the expression takes by name

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = one_of("reduction", reduction, "mean", "sum")
        if not self.numbers:
            planned(type(self).expression)  # what is wrong with it is told here

    @property
    def _schedule(self) -> CellSchedule:
        return _planned(type(self).expression, tuple((name, getattr(self, name)) for name in self.numbers))

    def __call__(self, y: Any, target: Any, mask: Any = None) -> tuple[float, Array]:
        """The loss and its gradient.

        Args:
            y: (..., V), such as (T, N, V).
            target: what the loss takes.
            mask: (...), True where a row counts; weights >= 0 are allowed; None: all count.

        Returns:
            the value, and dy of y's shape and dtype.

        Raises:
            ArgumentError, ArgumentTypeError: shapes or dtypes do not fit, no row counts, or NaN stands in y or target
                in a row that counts.
        """
        value, dy = self._evaluate(y, target, mask)
        if math.isnan(value):
            self._find_nan(as_array("y", y), target, mask)
        return value, dy

    def _evaluate(self, y: Any, target: Any, mask: Any = None, backend: Backend | None = None) -> tuple[float, Array]:
        """As a call, but NaN in gives NaN out: for a caller who knows better where it comes from, and who computes."""
        y = as_array("y", y)
        if y.dtype.kind != "f" or y.ndim < 1 or y.shape[-1] < 1:
            raise wrong_type("y", describe(y), "an array of floats (real numbers), (..., V) with V >= 1")
        rows, size = math.prod(y.shape[:-1]), y.shape[-1]
        wanted, weights = self._counted(y, target, mask)
        wanted = wanted.reshape((rows, size) if wanted.shape == y.shape else rows)
        weights = weights.reshape(rows, 1)
        outputs = y.reshape(rows, size).astype(weights.dtype, copy=False)
        value, dy = (backend or default_backend()).loss(self._schedule, outputs, wanted, weights, y.dtype)
        return value, dy.reshape(y.shape)

    def counted_rows(self, target: Any, counts: Array) -> Array:
        """Which of the rows (...) count, of those that do by a mask, `counts` (...) booleans; y is not needed."""
        return counts

    def _counted(self, y: Array, target: Any, mask: Any) -> tuple[Array, Array]:
        """(the targets, see `_wanted`, the weight of every row (...)), of the dtype in which the loss is computed.

        This is y's, but at least float32: in float16 1/N has three digits, and is 0 for N above 33 million.
        """
        weights = _weights(mask, y.shape[:-1])
        wanted, counts = self._wanted(target, y.shape, y.dtype, weights != 0)
        weights = np.where(counts, weights, 0.0)
        if self.reduction == "mean":
            with np.errstate(over="ignore"):
                count = float(np.sum(weights))
            if count == 0.0:
                cause = "target" if not counts.all() and mask is None else "y" if mask is None else "mask"
                raise wrong(cause, "no row that counts", "at least one, for a mean")
            weights = weights / count if count < math.inf else np.full_like(weights, math.inf)
        with np.errstate(over="ignore"):
            rounded = weights.astype(y.dtype)
        if not np.isfinite(rounded).all():
            largest = float(_weights(mask, y.shape[:-1]).max())
            raise wrong("mask", f"weights up to {largest:g}", f"weights whose sum {y.dtype} can hold")
        work = np.result_type(y.dtype, np.float32)
        return wanted if wanted.dtype.kind == "i" else wanted.astype(work, copy=False), weights.astype(work, copy=False)

    def _wanted(self, target: Any, shape: tuple[int, ...], dtype: Any, counts: Array) -> tuple[Array, Array]:
        """As `_target`, in the form in which a backend takes it: classes (...) may stay whole numbers (int64)."""
        return self._target(target, shape, dtype, counts)

    def _target(self, target: Any, shape: tuple[int, ...], dtype: Any, counts: Array) -> tuple[Array, Array]:
        """(the targets as rows (..., V) of this dtype, which rows count), for outputs of this shape.

        `counts` (...) says which rows do so far; of the others nothing is looked at, and 0 stands in their place.
        """
        array = as_array("target", target)
        if array.dtype.kind not in "fiub":
            raise wrong_type("target", describe(array), "numbers")
        if array.shape != shape:
            raise wrong("target", describe(array), f"y's shape {shape}")
        if not counts.all():
            array = np.where(counts[..., None], array, 0)
        array = array.astype(np.uint8) if array.dtype.kind == "b" else array
        return checks.array("target", array, shape, np.dtype(dtype)), counts

    def _find_nan(self, y: Array, target: Any, mask: Any) -> None:
        """An error that says where a row that counts holds NaN. There is none where the NaN was made from inf."""
        wanted, weights = self._counted(y, target, mask)
        for name, array in (("y", y), ("target", wanted)):
            if array.dtype.kind == "i":
                continue
            found = np.argwhere(np.isnan(array) & (weights != 0)[..., None])
            if len(found):
                place = found[0].tolist()
                raise wrong(name, f"NaN at {place}", "numbers in every row that counts (mask says which do)")

    def __getstate__(self) -> dict[str, Any]:
        """The options, those of somebody's own loss among them."""
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return False
        mine, theirs = self.__getstate__(), other.__getstate__()
        return mine.keys() == theirs.keys() and all(_equal(mine[name], theirs[name]) for name in mine)

    def __hash__(self) -> int:
        return hash((type(self), self.reduction))  # other options may be anything

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__getstate__().items())})"


def has_own_call(loss: Loss) -> bool:
    """Whether it is somebody's own that says itself what a call gives."""
    return getattr(loss.__call__, "__func__", None) is not Loss.__call__


def evaluate_by(backend: Backend, loss: Loss, y: Array, target: Any, mask: Any = None) -> tuple[float, Array]:
    """`loss(y, target, mask)` by this backend; NaN in gives NaN out. One with a call of its own does as it does."""
    return loss(y, target, mask) if has_own_call(loss) else loss._evaluate(y, target, mask, backend)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)


def _weights(mask: Any, rows: tuple[int, ...]) -> Array:
    """The weight of every row, float64."""
    if mask is None:
        return np.ones(rows)
    array = as_array("mask", mask)
    if array.shape != rows:
        raise wrong("mask", describe(array), f"shape {rows}, y's without the last axis")
    if array.dtype.kind not in "fiub":
        raise wrong_type("mask", describe(array), "numbers or booleans")
    weights = array.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise wrong("mask", "a negative or non-finite weight", "weights >= 0")
    return weights


class SoftmaxCrossEntropy(Loss):
    """−log softmax(y)[target] = log Σ exp(y) − y[target], in nats; dy = softmax(y) − one-hot(target).

    The target is integer classes (...), or probabilities (..., V) of y's shape.

    Args:
        reduction: "mean" or "sum", see the module.
        ignore_index: a row of this class does not count, as in torch.nn.functional.cross_entropy: it has no part in the
            sum, in the mean's divisor and in dy. Where all rows are ignored the sum is 0, and the mean, for which
            PyTorch gives NaN, is an error.
    """

    expression = staticmethod(_softmax_cross_entropy)

    def __init__(self, reduction: str = "mean", ignore_index: int = -100) -> None:
        super().__init__(reduction)
        if isinstance(ignore_index, bool) or not isinstance(ignore_index, (int, np.integer)):
            raise wrong_type("ignore_index", describe(ignore_index), "a whole number")
        self.ignore_index = int(ignore_index)

    def counted_rows(self, target: Any, counts: Array) -> Array:
        array = as_array("target", target)
        if array.dtype.kind not in "iu" or array.shape != counts.shape:  # probabilities; or an error of the call
            return counts
        return np.asarray(counts & (array != self.ignore_index))

    def _target(self, target: Any, shape: tuple[int, ...], dtype: Any, counts: Array) -> tuple[Array, Array]:
        wanted, counts = self._wanted(target, shape, dtype, counts)
        return (wanted if wanted.shape == shape else one_hot(wanted, shape[-1], dtype)), counts

    def _wanted(self, target: Any, shape: tuple[int, ...], dtype: Any, counts: Array) -> tuple[Array, Array]:
        array = as_array("target", target)
        classes = array.dtype.kind in "iu"
        if not classes and (array.shape == shape or array.dtype.kind not in "fb"):
            return super()._target(target, shape, dtype, counts)
        if not classes or array.shape != shape[:-1]:
            raise wrong(
                "target",
                describe(array),
                f"integer classes of shape {shape[:-1]}, or probabilities of shape {shape}",
            )
        counts = self.counted_rows(array, counts)
        bad = np.argwhere(counts & ((array < 0) | (array >= shape[-1])))
        if len(bad):
            place = tuple(bad[0].tolist())
            raise wrong(
                "target",
                f"the class {array[place]}" + (f" at {list(place)}" if place else ""),
                f"classes from 0 to {shape[-1] - 1}, or {self.ignore_index} where a row does not count",
            )
        return np.where(counts, array, 0).astype(np.int64, copy=False), counts


class SquaredError(Loss):
    """½ Σ (y − target)²."""

    expression = staticmethod(_squared_error)


class SigmoidSquaredError(Loss):
    """½ Σ (target − σ(y))²: sigmoid output, squared error, as textbook three-layer networks have it; y is before σ."""

    expression = staticmethod(_sigmoid_squared_error)


class SigmoidCrossEntropy(Loss):
    """−Σ [target log σ(y) + (1 − target) log(1 − σ(y))] = Σ softplus(y) − target·y, in nats; y is before the σ."""

    expression = staticmethod(_sigmoid_cross_entropy)


class Pinball(Loss):
    """Σ max(q u, (q − 1) u) with u = target − y, for every level q: what quantiles minimise (Koenker & Bassett, 1978).

    y is (..., K * Q): of each of K numbers Q quantiles side by side, in the order of the levels. The target is
    (..., K); NaN stands there for a number that is not known, which counts nothing, and so does a row of which none is
    known. At u = 0 the derivative is that in the middle, 1/2 − q.

    Its numbers differ from column to column, which no expression of a row has: NumPy computes it, and a step of
    training is not one call of machine code.

    Args:
        quantiles: the levels q, increasing, between 0 and 1.
        reduction: "mean" or "sum", see the module.
    """

    def __init__(self, quantiles: Iterable[float] = (0.1, 0.5, 0.9), reduction: str = "mean") -> None:
        self.quantiles = levels("quantiles", quantiles)
        self.reduction = one_of("reduction", reduction, "mean", "sum")

    def _evaluate(self, y: Any, target: Any, mask: Any = None, backend: Backend | None = None) -> tuple[float, Array]:
        y = as_array("y", y)
        count = len(self.quantiles)
        if y.dtype.kind != "f" or y.ndim < 1 or y.shape[-1] < 1 or y.shape[-1] % count:
            expected = f"an array of floats (real numbers), (..., V), V a multiple of the {count} quantiles"
            raise wrong_type("y", describe(y), expected)
        wanted, weights = self._counted(y, target, mask)
        q = np.array(self.quantiles, weights.dtype)
        u = wanted[..., None] - y.reshape(*wanted.shape, count)
        slope = np.where(np.isnan(wanted)[..., None], 0, np.where(u > 0, -q, np.where(u < 0, 1 - q, 0.5 - q)))
        slope = slope.astype(weights.dtype, copy=False)
        # NaN of y, where the target is known, becomes the value's; where nothing counts it does not
        slope *= weights[..., None, None]
        u[slope == 0] = 0
        dy = np.where(np.isnan(u), u, slope).astype(y.dtype, copy=False)
        return -float(np.sum(slope * u, dtype=np.float64)), dy.reshape(y.shape)

    def counted_rows(self, target: Any, counts: Array) -> Array:
        array = as_array("target", target)
        if array.dtype.kind != "f" or array.shape[:-1] != counts.shape:
            return counts  # whole numbers are known; or an error of the call
        return np.asarray(counts & ~np.isnan(array).all(-1))

    def _target(self, target: Any, shape: tuple[int, ...], dtype: Any, counts: Array) -> tuple[Array, Array]:
        array = as_array("target", target)
        own = (*shape[:-1], shape[-1] // len(self.quantiles))
        if array.dtype.kind not in "fiu":
            raise wrong_type("target", describe(array), "numbers")
        if array.shape != own:
            raise wrong("target", describe(array), f"shape {own}: y's, one for every {len(self.quantiles)} quantiles")
        return array.astype(dtype, copy=False), self.counted_rows(array, counts)


publish("gated.losses", Loss, Pinball, SoftmaxCrossEntropy, SquaredError, SigmoidSquaredError, SigmoidCrossEntropy)
