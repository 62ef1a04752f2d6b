"""What carries nothing on from step to step: a graph without states, a table, any layer without a state.

Legend: N sequences, P parameters of the whole network, R rows of derivatives that are being carried.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gated.backends import Backend
from gated.learning.realtime.links import Link, Puller

Array = np.ndarray[Any, Any]
Rows = slice | Array  # of the N, those from which something is learnt


class Map(Protocol):
    """One step of it.

    Attributes:
        start, stop: where its parameters lie in the network's vector.
        backend: who computes.
    """

    start: int
    stop: int
    backend: Backend

    def forward(self, x: Array) -> tuple[Array, Any]:
        """x (N, D) or ids (N,) -> y (N, V), and what is kept for the derivatives."""
        ...

    def pull(self, kept: Any, rows: Array, into: Array) -> Array | None:
        """From rows (N, R, V), ∂/∂y, to ∂/∂x (N, R, D), None where there is no way; the parameters' are added to into.

        Args:
            into: (N, R, at least stop).
        """
        ...

    def gradient(self, kept: Any, dy: Array, rows: Rows, into: Array) -> Array | None:
        """As `pull` of dy (N, V), summed over the sequences in `rows` (the others may hold NaN); into (P,)."""
        ...


class _Summed:
    """`gradient`, by `pull`."""

    def gradient(self: Any, kept: Any, dy: Array, rows: Rows, into: Array) -> Array | None:
        own = np.zeros((len(dy), 1, len(into)), dy.dtype)
        with np.errstate(all="ignore"):
            dx = self.pull(kept, dy[:, None], own)
            self.backend.add(self.backend.sum_rows((own[:, 0],), rows), into)
        return None if dx is None else np.asarray(dx[:, 0])


class GraphMap(_Summed):
    """A link without states."""

    def __init__(self, link: Link) -> None:
        self.link, self.puller, self.output, self.backend = link, Puller(link), link.graph.outputs[0], link.backend
        self.start, self.stop = link.start, link.stop

    def forward(self, x: Array) -> tuple[Array, Any]:
        values = self.puller.evaluate(x, ())
        return self.link.full(values[self.output], len(x), self.output), values

    def pull(self, kept: Any, rows: Array, into: Array) -> Array | None:
        return self.puller.pull(kept, {self.output: rows}, into)[self.puller.input]


class TableMap:
    """A look-up: the input is a row number for each sequence.

    Args:
        table: (K, size), a view into the network's vector.
        start: where it begins there.
    """

    def __init__(self, table: Array, start: int, backend: Backend) -> None:
        self.table, self.start, self.stop, self.backend = table, start, start + table.size, backend

    def forward(self, x: Array) -> tuple[Array, Any]:
        return self.backend.look_up(self.table, x), x

    def pull(self, kept: Any, rows: Array, into: Array) -> Array | None:
        width = rows.shape[2]
        for n, number in enumerate(kept.tolist()):
            first = self.start + number * width
            self.backend.add(rows[n], into[n, :, first : first + width])
        return None

    def gradient(self, kept: Any, dy: Array, rows: Rows, into: Array) -> Array | None:
        for n in range(len(dy))[rows] if isinstance(rows, slice) else np.flatnonzero(rows):
            self.pull(kept[n : n + 1], dy[n][None, None], into[None, None])
        return None


class LayerMap(_Summed):
    """A layer without a state that tells no equations: by its own forward and backward, one sequence after the other.

    So each row of derivatives has parameters' gradients of its own, which `backward` would sum; it takes N·R calls.
    """

    def __init__(self, layer: Any, start: int, backend: Backend) -> None:
        self.layer, self.start, self.stop, self.backend = layer, start, start + layer.theta.size, backend

    def forward(self, x: Array) -> tuple[Array, Any]:
        ran = [self.layer.forward(x[None, n : n + 1]) for n in range(len(x))]
        return np.concatenate([y[0] for y, *_ in ran]), [tape for *_, tape in ran]

    def pull(self, kept: Any, rows: Array, into: Array) -> Array | None:
        found: list[list[Any]] = []
        for n, tape in enumerate(kept):
            found.append([])
            for r, dy in enumerate(rows[n]):
                dx, _, grads = self.layer.backward(tape, dy[None, None])
                self.backend.add(grads.vector, into[n, r, self.start : self.stop])
                found[-1].append(None if dx is None else dx[0, 0])
        return None if found[0][0] is None else np.array(found)
