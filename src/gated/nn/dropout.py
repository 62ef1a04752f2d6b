"""Numbers left out at random while a network learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gated.errors import as_array, wrong
from gated.nn import checks
from gated.nn.claims import Description, Shape, Weight
from gated.nn.layer import Layer
from gated.nn.parameters import ParameterVector
from gated.nn.recurrent import dropout_mask

Array = np.ndarray[Any, Any]


class Dropout(Layer, kind="dropout"):
    """y = x, but in a `forward` with an `rng` each number is 0 with this probability, and the others 1/(1−p) times.

    Between the levels of a `Recurrent` its own argument does this, within the same call of machine code; this layer
    does it elsewhere. It has no parameters.

    Args:
        size: numbers of a row.
        probability: p, of a zero.
        dtype: "float32" or "float64".
    """

    def __init__(self, size: int, probability: float = 0.5, *, dtype: Any = "float32") -> None:
        self.input_size = self.output_size = checks.size("size", size)
        self.probability = checks.probability("probability", probability)
        self.dtype = checks.dtype(dtype)
        self.params = ParameterVector({}, self.dtype)

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, *, rng: np.random.Generator | None = None
    ) -> tuple[Array, tuple[()], Array | None]:
        """x (..., size) -> y of this shape, no state, the mask; without an rng x as it is, and no mask."""
        x = self._checked("x", x)
        if rng is None or not self.probability:
            return x, (), None
        mask = dropout_mask(rng, x.shape, self.probability, self.dtype)
        return x * mask, (), mask

    def _checked(self, name: str, value: Any) -> Array:
        array = as_array(name, value)
        if array.ndim == 0:
            raise wrong(name, "one number", f"shape (..., {self.input_size})")
        return checks.array(name, array, (*array.shape[:-1], self.input_size), self.dtype)

    def backward(self, tape: Array | None, dy: Any, dstate: Any = None) -> tuple[Array, tuple[()], ParameterVector]:
        """dy of y's shape -> dx, no state, no parameters."""
        dy = self._checked("dy", dy)
        if tape is not None and tape.shape != dy.shape:
            raise wrong("dy", f"shape {dy.shape}", f"{tape.shape}, that of y")
        return dy if tape is None else dy * tape, (), self.params.like()

    def config(self) -> dict[str, Any]:
        own = {"size": self.input_size, "probability": self.probability, "dtype": self.dtype.name}
        return {"kind": "dropout", **own}

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        checks.size("size", own.get("size"))
        yield from ()

    def __repr__(self) -> str:
        return f"Dropout({self.input_size}, {self.probability:g})"
