"""One row for a whole sequence: the mean, the maximum or the last of what a layer has at its steps.

Legend: T steps, N sequences, H numbers of a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gated.errors import uncopied, wrong
from gated.nn import checks
from gated.nn.claims import Description, Shape, Weight
from gated.nn.layer import Layer
from gated.nn.packing import checked_lengths
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_tape
from gated.number_checks import one_of

Array = np.ndarray[Any, Any]
WAYS = "mean", "max", "last"


@dataclass(eq=False)
class PoolTape:
    """What a forward pass leaves: the lengths (N,), and of a maximum where it was, (T, N, H) booleans."""

    layer: Pool
    steps: int
    lengths: Array
    hits: Array | None

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("tape", "it belongs to one forward pass: keep y, or run forward again")


class Pool(Layer, kind="pool"):
    """Of a sequence (T, N, H) one row each, (N, H), made of the steps within its length; of no steps, zeros.

    A layer of a `gated.WiredNetwork`: what reads it has no steps. It has no parameters.

    Args:
        size: H.
        way: "mean"; "max", number by number, where the adjoint of a tie is shared evenly; or "last", the last step of
            what was read forward, and of what was read backward the first one: each direction's last state.
        directions: 2: the second half of the numbers was read backward; this matters for "last".
        batch_first: x is (N, T, H).
        dtype: "float32" or "float64".
    """

    fresh = True
    stepless = True

    def __init__(
        self, size: int, way: str = "mean", *, directions: int = 1, batch_first: bool = False, dtype: Any = "float32"
    ) -> None:
        self.input_size = self.output_size = checks.size("size", size)
        self.way = one_of("way", way, *WAYS)
        self.directions = checks.size("directions", directions, most=2)
        if self.input_size % self.directions:
            raise wrong("size", str(self.input_size), "an even number for 2 directions")
        self.batch_first = checks.flag("batch_first", batch_first)
        self.dtype = checks.dtype(dtype)
        self.params = ParameterVector({}, self.dtype)

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None
    ) -> tuple[Array, tuple[()], PoolTape]:
        """x (T, N, H) -> y (N, H), no state, the tape. What x holds beyond the lengths (N,) is not looked at."""
        shape = ("N", "T", self.input_size) if self.batch_first else ("T", "N", self.input_size)
        x = self._turned(checks.array("x", x, shape, self.dtype))
        steps, sequences = x.shape[:2]
        ends = np.full(sequences, steps) if lengths is None else checked_lengths(lengths, steps, sequences)
        hits = None
        if self.way == "mean":
            y = self._within(x, ends, 0).sum(axis=0) / np.maximum(ends, 1)[:, None].astype(self.dtype)
        elif self.way == "max":
            y, hits = self._most(x, ends)
        else:
            y = self._last(x, ends)
        return y, (), PoolTape(self, steps, ends, hits)

    def _turned(self, array: Array) -> Array:
        return array.swapaxes(0, 1) if self.batch_first else array

    def _within(self, x: Array, ends: Array, other: float) -> Array:
        """x with another number beyond the ends."""
        steps = x.shape[0]
        if (ends == steps).all():
            return x
        return np.where(_inside(steps, ends), x, self.dtype.type(other))

    def _most(self, x: Array, ends: Array) -> tuple[Array, Array]:
        if not x.shape[0]:
            return np.zeros(x.shape[1:], self.dtype), np.zeros(x.shape, bool)
        within = self._within(x, ends, -np.inf)
        most = within.max(axis=0)
        hits = within == most
        if not ends.all():
            most[ends == 0], hits[:, ends == 0] = 0, False
        return most, hits

    def _last(self, x: Array, ends: Array) -> Array:
        y = np.zeros(x.shape[1:], self.dtype)
        forward, some = self._forward_numbers, np.flatnonzero(ends)
        y[some, :forward] = x[ends[some] - 1, some, :forward]
        if forward < self.input_size:
            y[some, forward:] = x[0, some, forward:]
        return y

    @property
    def _forward_numbers(self) -> int:
        return self.input_size // self.directions

    def backward(self, tape: PoolTape, dy: Any, dstate: Any = None) -> tuple[Array, tuple[()], ParameterVector]:
        """dy (N, H) -> dx, of x's shape; no state, no parameters.

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the tape is of another layer.
        """
        if not isinstance(tape, PoolTape) or tape.layer is not self:
            refuse_tape(tape, self)
        steps, ends = tape.steps, tape.lengths
        dy = checks.array("dy", dy, (len(ends), self.input_size), self.dtype)
        if self.way == "last":
            dx = np.zeros((steps, *dy.shape), self.dtype)
            forward, some = self._forward_numbers, np.flatnonzero(ends)
            dx[ends[some] - 1, some, :forward] = dy[some, :forward]
            if forward < self.input_size:
                dx[0, some, forward:] = dy[some, forward:]
        else:
            hits = _inside(steps, ends) if tape.hits is None else tape.hits
            share = dy / np.maximum(hits.sum(axis=0), 1).astype(self.dtype)
            dx = np.where(hits, share, self.dtype.type(0))
        return np.ascontiguousarray(self._turned(dx)), (), self.params.like()

    def config(self) -> dict[str, Any]:
        return {
            "kind": "pool",
            "size": self.input_size,
            "way": self.way,
            "directions": self.directions,
            "batch_first": self.batch_first,
            "dtype": self.dtype.name,
        }

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        checks.size("size", own.get("size"))
        yield from ()

    def __repr__(self) -> str:
        return f"Pool({self.input_size}, {self.way!r}" + ", directions=2" * (self.directions == 2) + ")"


def _inside(steps: int, ends: Array) -> Array:
    """(T, N, 1): where a step lies within the length."""
    return (np.arange(steps)[:, None] < ends)[:, :, None]
