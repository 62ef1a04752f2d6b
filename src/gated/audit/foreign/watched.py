"""The matrix of an output layer, watched: what it is multiplied by, and what its products are worth.

Where their class computes a loss, the hidden states are what its output matrix V is multiplied by, and their adjoints
are what comes back through its transpose. Both are read, and the adjoints set, at these products: whatever the loss
is, the recurrence behind it is audited as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Log:
    """Of one run: the operands of V, and the adjoints (T, 1, H) that its transpose is to bring.

    Args:
        ascending: their backward pass asks for the adjoints from the first step on.
    """

    def __init__(self, ascending: bool = False) -> None:
        self.seen: list[Array] = []
        self.asked = 0
        self.exchanged = False  # all at once
        self.adjoints: Array | None = None
        self.ascending = ascending

    def forward(self, operand: Array) -> None:
        self.seen.append(np.array(operand))

    def backward(self, result: Array) -> Array:
        """What the product with the transpose is to be."""
        if self.adjoints is None:
            return result
        T, _, H = self.adjoints.shape
        if result.size == T * H and T > 1:
            self.exchanged = True
            return self._all(result.shape)
        step = self.asked if self.ascending else T - 1 - self.asked
        self.asked += 1
        if not 0 <= step < T or result.size != H:
            raise ValueError("products with the output matrix that are not one a step")
        return self.adjoints[step].reshape(result.shape).copy()

    def _all(self, shape: tuple[int, ...]) -> Array:
        assert self.adjoints is not None
        flat = self.adjoints[:, 0]
        units_last = shape[-1] == flat.shape[1]
        return (flat if units_last else flat.T).reshape(shape).copy()


class Watched(np.ndarray):
    """V, (H, O) or, `flipped`, (O, H): a product over H is of the forward pass, one over O of the backward pass."""

    log: Log | None
    flipped: bool

    def __array_finalize__(self, of: Any) -> None:
        self.log = getattr(of, "log", None)
        self.flipped = getattr(of, "flipped", False)

    @property
    def T(self) -> Any:  # noqa: N802 - as NumPy calls it
        turned = np.ndarray.transpose(self)
        turned.flipped = not self.flipped
        return turned

    def transpose(self, *axes: Any) -> Any:
        return self.T

    def dot(self, other: Any, out: Any = None) -> Any:
        return product(np.dot, self, other)

    def __array_ufunc__(self, ufunc: Any, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc is np.matmul and method == "__call__":
            return product(np.matmul, *inputs)
        out = kwargs.pop("out", ())
        into = {"out": tuple(bare(v) for v in out)} if out else {}
        result = getattr(ufunc, method)(*(bare(v) for v in inputs), **kwargs, **into)
        return out[0] if out else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.dot:
            return product(np.dot, *args[:2])
        if function is np.transpose:
            return self.T
        return function(*_bare_all(args), **{k: bare(v) for k, v in kwargs.items()})


def bare(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Watched) else value


def _bare_all(values: Any) -> Any:
    return type(values)(_bare_all(v) if isinstance(v, (list, tuple)) else bare(v) for v in values)


def product(function: Callable[..., Any], left: Any, right: Any) -> Any:
    """One with V or its transpose: noted if it is over the units, exchanged if it is over the outputs."""
    result = function(bare(left), bare(right))
    on_right = isinstance(right, Watched)
    matrix, other = (right, left) if on_right else (left, right)
    if matrix.log is None:
        return result
    over_units = on_right != matrix.flipped
    if over_units:
        matrix.log.forward(bare(other))
        return result
    return matrix.log.backward(np.asarray(result))


def watch(matrix: Array, flipped: bool, log: Log) -> Watched:
    seen = np.array(matrix).view(Watched)
    seen.log, seen.flipped = log, flipped
    return seen
