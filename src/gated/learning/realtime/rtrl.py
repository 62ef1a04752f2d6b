"""Exact learning in real time: the Jacobian of all states with respect to all parameters, carried from step to step.

Williams & Zipser (1989), "A learning algorithm for continually running fully recurrent neural networks", for any
cell and any stack of layers: with S all states of one layer (R numbers per sequence) and P the parameters up to and
with that layer,

    J' = ∂S'/∂S J + ∂S'/∂x J_below + ∂S'/∂θ directly            J, J' (N, R, P)

∂L/∂θ at a step is ∂L/∂y pulled back to the uppermost states and multiplied with their J. No tape is kept; the result is
the whole gradient of this step's loss, as backpropagation through time from the beginning gives it. A tied layer is a
link for each of its uses; what comes from its parameters is added in one place.

Cost, per layer: memory 2 N R P numbers, and one product of 2 N R² P operations each step (a matrix product of (R, R)
with (R, P) for each sequence, made by BLAS). For an LSTM of H units, R = 2 H and P ≈ 4 H², that is 16 H³ numbers and
32 H⁴ operations; backpropagation through T steps takes T H numbers and 16 H² operations per step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from gated.backends import Backend, backend_of
from gated.errors import ArgumentError
from gated.learning.realtime.chain import Branches, ChainLink, SideBySide, flat, links_of, map_of
from gated.learning.realtime.links import Link, Puller
from gated.learning.realtime.maps import Map
from gated.learning.realtime.row import Row

Array = np.ndarray[Any, Any]
MEMORY_LIMIT = 2**30


class RTRLCost(NamedTuple):
    """What exact real-time learning takes."""

    bytes: int  # of the Jacobians
    operations: int  # multiplications and additions of the Jacobian products, per step


def rtrl_cost(network: Any, batch: int = 1) -> RTRLCost:
    """What exact learning in real time would cost a network, by formula; makes no arrays.

    Per layer, with R numbers of state per sequence and P parameters up to it and with it: 2 N R P numbers of memory,
    and 2 N R² P operations each step.

    Args:
        network: as for `Online`.
        batch: N.
    """
    return _cost(links_of(network), batch, network.dtype.itemsize)


def _cost(links: Sequence[ChainLink], batch: int, itemsize: int) -> RTRLCost:
    numbers = operations = below = 0  # `below`: rows x parameters of the recurrent layer underneath
    for link, width in zip(flat(links), _widths(links), strict=True):
        if isinstance(link, Link) and link.graph.states:
            rows = sum(link.state_sizes)
            numbers += 2 * rows * width
            operations += 2 * rows * rows * width + 2 * rows * below
            below = link.state_sizes[0] * width
    return RTRLCost(batch * numbers * itemsize, batch * operations)


def _widths(links: Sequence[ChainLink]) -> list[int]:
    """For each of `flat`, how many parameters its output depends on: up to its own last, or that of a link below."""
    return list(accumulate((link.stop for link in flat(links)), max))


class RealTime:
    """The algorithm: `forward`, then `gradient` if the loss of that step is known. See the module.

    Args:
        network: layers that tell their equations (`Layer.equations`) or have no state: Recurrent (one direction, no
            dropout), Dense, Embedding, others' own.
        batch: N.
        memory_limit: bytes that the Jacobians may take.
        backend: who computes; the network's own if None.

    Raises:
        ArgumentError: they would take more.
    """

    def __init__(
        self, network: Any, batch: int, memory_limit: int = MEMORY_LIMIT, backend: Backend | None = None
    ) -> None:
        links_of(network)  # the network is checked before all else
        self.row = Row(network)
        self.links = links_of(network, backend, self.row)
        self.backend = backend or backend_of(network)
        self.batch, self.dtype, self.size = batch, network.dtype, network.theta.size
        needed = _cost(self.links, batch, self.dtype.itemsize).bytes
        if needed > memory_limit:
            raise ArgumentError(
                f"memory_limit: got {memory_limit} bytes, expected at least {needed} for the Jacobians of "
                f"{self.size} parameters and batch {batch}; raise it, make the network smaller or choose "
                "algorithm='online'"
            )
        widths = iter(_widths(self.links))
        self._nodes = [_node(link, batch, self.dtype, widths) for link in self.links]
        self.gradient_vector = np.zeros(self.size, self.dtype)

    def forward(self, x: Array) -> Array:
        """One step: x (N, D), ids (N,), or rows of several inputs (see `Row`) -> y (N, V); states and Jacobians move
        on."""
        x = self.row.begin(x)
        for i, node in enumerate(self._nodes):
            x = node.forward(x, self._nodes[:i])
        return x

    def gradient(self, dy: Array) -> Array:
        """∂L/∂θ, for ∂L/∂y (N, V) at the step of the last `forward`. The vector is reused by the next call."""
        into = np.zeros((self.batch, 1, self.size), self.dtype)
        with np.errstate(all="ignore"):
            _carry(self._nodes, dy[:, None, :], into)
            # not the rows that a mask leaves out: their values may be NaN, which 0 does not take away
            self.gradient_vector[...] = self.backend.sum_rows((into[:, 0],), self.backend.rows_not_zero(dy))
        return self.gradient_vector

    def arrays(self) -> dict[str, Array]:
        """The states and Jacobians by name, as they are kept: "rnn.l0.state.h", "rnn.l0.jacobian", ..."""
        return {name: array for node in self._nodes for name, array in node.arrays().items()}


class _Map:
    """What carries nothing on."""

    def __init__(self, map_: Map) -> None:
        self.map = map_

    def forward(self, x: Array, below: Sequence[Any]) -> Array:
        y, self.kept = self.map.forward(x)
        return y

    def carry(self, rows: Array, into: Array, below: Sequence[Any]) -> None:
        """Add rows · ∂(output)/∂θ to into, (N, R, P)."""
        _carry(below, self.map.pull(self.kept, rows, into), into)

    def arrays(self) -> dict[str, Array]:
        return {}


class _Branches(SideBySide):
    """Chains side by side; below each are those below it, and then its own."""

    def forward(self, x: Array, below: Sequence[Any]) -> Array:
        return self.total([self._run(chain, x, below) for chain in self.chains])

    def _run(self, chain: Sequence[Any], x: Array, below: Sequence[Any]) -> Array:
        for i, node in enumerate(chain):
            x = node.forward(x, [*below, *chain[:i]])
        return x

    def carry(self, rows: Array, into: Array, below: Sequence[Any]) -> None:
        for chain in self.chains:
            _carry([*below, *chain], rows, into)


class _Cell:
    """One recurrent layer: its states and their Jacobian."""

    def __init__(self, link: Link, batch: int, dtype: Any, width: int) -> None:
        self.link, self.puller, self.width, self.backend = link, Puller(link), width, link.backend
        self.states = [np.zeros((batch, size), dtype) for size in link.state_sizes]
        rows = sum(link.state_sizes)
        self.jacobian, self._next = np.zeros((2, batch, rows, width), dtype)
        stops = np.cumsum(link.state_sizes).tolist()
        self.parts = [slice(stop - size, stop) for stop, size in zip(stops, link.state_sizes, strict=True)]
        self._unit = np.eye(rows, dtype=dtype)[None]

    def forward(self, x: Array, below: Sequence[Any]) -> Array:
        graph, puller = self.link.graph, self.puller
        values = puller.evaluate(x, self.states)
        rows: dict[Any, Array] = {}
        for node, part in zip(graph.outputs, self.parts, strict=True):
            unit = np.broadcast_to(self._unit[:, :, part], (len(x), self._unit.shape[1], part.stop - part.start))
            rows[node] = self.backend.sum_of_products([(rows[node],), (unit,)]) if node in rows else unit
        self._next[...] = 0
        found = puller.pull(values, rows, self._next)
        transition = np.zeros((len(x), self._unit.shape[1], self._unit.shape[1]), self.jacobian.dtype)
        for state, part in zip(puller.states, self.parts, strict=True):
            if found[state] is not None:
                transition[:, :, part] = found[state]
        with np.errstate(all="ignore"):  # NaN in, NaN out
            self.backend.add(self.backend.pull(transition, self.jacobian), self._next)
        _carry(below, found[puller.input], self._next)
        self.jacobian, self._next = self._next, self.jacobian
        # fresh arrays: a new state may be one of the states before, which is not to be overwritten yet
        self.states = [
            self.link.full(values[node], len(x), leaf) for leaf, node in zip(puller.states, graph.outputs, strict=True)
        ]
        return self.states[0]

    def carry(self, rows: Array, into: Array, below: Sequence[Any]) -> None:
        self.backend.add(self.backend.pull(rows, self.jacobian[:, self.parts[0]]), into[:, :, : self.width])

    def arrays(self) -> dict[str, Array]:
        name = self.link.name
        states = zip(self.link.graph.states, self.states, strict=True)
        return {**{f"{name}.state.{key}": array for key, array in states}, f"{name}.jacobian": self.jacobian}


def _node(link: ChainLink, batch: int, dtype: Any, widths: Iterator[int]) -> _Map | _Cell | _Branches:
    if isinstance(link, Branches):
        chains = [[_node(inner, batch, dtype, widths) for inner in chain] for chain in link.chains]
        return _Branches(chains, link.backend)
    width = next(widths)
    return _Cell(link, batch, dtype, width) if isinstance(link, Link) and link.graph.states else _Map(map_of(link))


def _carry(nodes: Sequence[Any], rows: Array | None, into: Array) -> None:
    """Add rows · ∂(output of the uppermost node)/∂θ."""
    if rows is not None and nodes:
        nodes[-1].carry(rows, into, nodes[:-1])
