"""Online learning of gated cells with traces, as the LSTM papers of 1997 and 2000 define it, in NumPy.

No backward pass through time, no Jacobian of all with respect to all: each weight has a trace, the derivative of its
own unit's memory; the traces move on at every step, and the error of a step meets them there and reaches nothing else
(see `gated.schedule.traces` for the two formulas and the papers). What flows through a recurrent matrix is left out.

In a stack, the error of a step goes down to the layers below through the input matrices of that same step.

Cost: as many numbers as parameters (for each sequence and each state that remembers: one in an LSTM), and as many
multiplications, twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gated.backends import Backend, backend_of
from gated.language.graph import ONE_DIM, Node, is_constant
from gated.learning.realtime.chain import Branches, ChainLink, SideBySide, links_of, map_of
from gated.learning.realtime.links import Link, program_of
from gated.learning.realtime.maps import Map, Rows
from gated.learning.realtime.row import Row
from gated.schedule.traces import TracePlan, Use, plan_traces

Array = np.ndarray[Any, Any]
Terms = list[tuple["Array | float", ...]]
Roads = list[tuple[dict[tuple[int, str], Array], int, Array]]  # (traces, state, the error that has reached it)


class Traces:
    """The algorithm: `forward`, then `gradient` if the loss of that step is known. See the module.

    Args:
        network: layers that tell their equations (`Layer.equations`) or have no state: Recurrent (one direction, no
            dropout), Dense, Embedding, others' own.
        batch: N.
        peepholes: False leaves the peepholes out of the traces; see `gated.schedule.traces.plan_traces`.
        backend: who computes; the network's own if None.

    Raises:
        ArgumentError: a cell for which this is not defined; the message says which parameters and why.
    """

    def __init__(self, network: Any, batch: int, peepholes: bool = True, backend: Backend | None = None) -> None:
        links_of(network)  # the network is checked before all else
        self.row = Row(network)
        links, self.backend = links_of(network, backend, self.row), backend or backend_of(network)
        self.gradient_vector = np.zeros(network.theta.size, network.dtype)
        self._nodes = [_node(link, batch, peepholes, self.gradient_vector) for link in links]

    def forward(self, x: Array) -> Array:
        """One step: x (N, D), ids (N,) or rows of several inputs (see `Row`) -> y (N, V); states and traces move on."""
        return _through(self._nodes, self.row.begin(x))

    def gradient(self, dy: Array) -> Array:
        """The gradient for ∂L/∂y (N, V) at the step of the last `forward`. The vector is reused by the next call."""
        self.gradient_vector[...] = 0
        # not the rows that a mask leaves out: their values may be NaN, which 0 does not take away
        _back(self._nodes, dy, self.backend.rows_not_zero(dy))
        return self.gradient_vector

    def arrays(self) -> dict[str, Array]:
        """The states and traces by name, as they are kept: "rnn.l0.state.h", "rnn.l0.trace.c.W.i", ..."""
        return {name: array for node in self._nodes for name, array in node.arrays().items()}


class _Map:
    """What carries nothing on."""

    def __init__(self, map_: Map, gradient: Array) -> None:
        self.map, self.into = map_, gradient

    def forward(self, x: Array) -> Array:
        self.x = x
        y, self.kept = self.map.forward(x)
        return y

    def gradient(self, dy: Array, rows: Rows) -> Array:
        dx = self.map.gradient(self.kept, dy, rows, self.into)
        return np.zeros_like(self.x) if dx is None else dx

    def arrays(self) -> dict[str, Array]:
        return {}


class _Branches(SideBySide):
    """Chains side by side."""

    def forward(self, x: Array) -> Array:
        return self.total([_through(chain, x) for chain in self.chains])

    def gradient(self, dy: Array, rows: Rows) -> Array:
        return self.total([_back(chain, dy, rows) for chain in self.chains])


class _Cell:
    """One recurrent layer: its states and the traces of its parameters, (N, rows, cols) or (N, rows)."""

    def __init__(self, link: Link, batch: int, peepholes: bool, gradient: Array) -> None:
        self.link, self.backend = link, link.backend
        self.plan: TracePlan = plan_traces(link.graph, peepholes)
        self.program = program_of([*self.plan.order])
        self.direct = {
            name: [use for use in uses if not is_constant(use.direct, 0.0)] for name, uses in self.plan.uses.items()
        }
        self.states = [np.zeros((batch, size), gradient.dtype) for size in link.state_sizes]
        self.traces = {
            (k, name): np.zeros((batch, *self._trace_shape(k, name)), gradient.dtype)
            for name, states in self.plan.traces.items()
            for k in states
        }
        # the traces before the step, where the output looks past the new states at the old ones
        self.before = {pair: np.zeros_like(trace) for pair, trace in self.traces.items() if pair[0] in self.plan.past}
        self.into = gradient
        # the gradients of all matrices and vectors; of a matrix that is made of parameters, an array of its own
        self.made = {name: np.zeros_like(link.parameters[name]) for name in (link.made.matrices if link.made else ())}
        self.sums = self.made | {
            name: gradient[start:stop].reshape(link.own[name].shape) for name, (start, stop) in link.spans.items()
        }

    def _trace_shape(self, k: int, name: str) -> tuple[int, ...]:
        """That of the parameter; a single number has a trace in every unit of a state."""
        graph, shape = self.link.graph, self.link.parameters[name].shape
        return (self.link.state_sizes[k],) if graph.parameters[name] == (ONE_DIM,) else shape

    def forward(self, x: Array) -> Array:
        self.values = values = self.link.values(x, self.states)
        self.link.run(self.program, values)
        for pair, kept in self.before.items():
            kept[...] = self.traces[pair]
        with np.errstate(all="ignore"):
            for name, states in self.plan.traces.items():
                moved = [self._moved(name, k) for k in states]  # all from the traces before
                for k, trace in zip(states, moved, strict=True):
                    self.traces[k, name][...] = trace
        # the values of the states before are still looked at by `gradient`
        self.states = [
            self.link.full(values[node], len(x), leaf)
            for leaf, node in zip(self.link.states, self.link.graph.outputs, strict=True)
        ]
        return self.states[0]

    def _moved(self, name: str, k: int) -> Array | float:
        terms: Terms = [(0.0,)]
        for j in self.plan.traces[name]:
            if (k, j) in self.plan.decay:
                old = self.traces[j, name]
                terms.append((self._units(self.plan.decay[k, j], old.ndim), old))
        terms += [self._applied(use.grow[k], use) for use in self.plan.uses[name] if k in use.grow]
        return self.backend.sum_of_products(terms)

    def gradient(self, dh: Array, rows: Rows) -> Array:
        with np.errstate(all="ignore"):
            roads = [
                (traces, k, self._times(dh, self.values[slope]))
                for traces, slopes in ((self.traces, self.plan.error), (self.before, self.plan.past))
                for k, slope in slopes.items()
            ]
            for array in self.made.values():
                array[...] = 0
            for name in self.plan.uses:
                for term in self._terms(name, dh, roads):
                    part = self.backend.sum_rows(term, rows)
                    if self.link.graph.parameters[name] == (ONE_DIM,):  # a single number collects from all units
                        part = part.sum(keepdims=True)
                    self.backend.add(part, self.sums[name])
            self.link.add_made(self.made, self.into)
            return self._input(dh)

    def _terms(self, name: str, dh: Array, roads: Roads) -> Iterator[tuple[Array, ...]]:
        """The factors of what each sequence adds to a parameter's gradient."""
        for traces, k, reached in roads:
            if (k, name) in traces:
                trace = traces[k, name]
                yield _spread(reached, trace.ndim), trace
        for use in self.direct[name]:
            delta = self._times(dh, self.values[use.direct])
            yield (delta,) if use.operand is None else (delta[:, :, None], self._operand(use))

    def _times(self, one: Array, other: Array | float) -> Any:
        return self.backend.sum_of_products([(one, other)])

    def _input(self, dh: Array) -> Array:
        """∂L/∂x of this step, (N, D)."""
        total = self.link.full(0.0, len(dh), self.link.input)
        for product, slope in self.plan.input:
            delta = self._times(dh, self.values[slope])
            if product is not None:
                delta = self.backend.pull(delta, self.link.parameters[product.attr[0].name])
            elif self.link.input.dim == ONE_DIM:  # a single number collects from all units
                delta = delta.sum(axis=-1, keepdims=True)
            self.backend.add(delta, total)
        return total

    def _applied(self, slope: Node, use: Use) -> tuple[Array | float, ...]:
        """The factors of what a use of the parameter adds to a trace."""
        if use.operand is None:
            return (self.values[slope],)
        return self._units(slope, 3), self._operand(use)

    def _operand(self, use: Use) -> Array:
        v = np.asarray(self.values[use.operand])  # type: ignore[index]
        return v[..., None, :] if v.ndim else v

    def _units(self, node: Node, ndim: int) -> Array | float:
        """A value with one number per unit, to be multiplied with a trace of so many axes."""
        value = np.asarray(self.values[node])
        return value if value.ndim == 0 or ndim == 2 else value[..., None]

    def arrays(self) -> dict[str, Array]:
        name, states = self.link.name, self.link.graph.states
        own = {f"{name}.state.{key}": array for key, array in zip(states, self.states, strict=True)}
        return own | {f"{name}.trace.{states[k]}.{key}": array for (k, key), array in self.traces.items()}


def _node(link: ChainLink, batch: int, peepholes: bool, gradient: Array) -> _Map | _Cell | _Branches:
    if isinstance(link, Branches):
        chains = [[_node(inner, batch, peepholes, gradient) for inner in chain] for chain in link.chains]
        return _Branches(chains, link.backend)
    if isinstance(link, Link) and link.graph.states:
        return _Cell(link, batch, peepholes, gradient)
    return _Map(map_of(link), gradient)


def _through(chain: Sequence[Any], x: Array) -> Array:
    for node in chain:
        x = node.forward(x)
    return x


def _back(chain: Sequence[Any], dy: Array, rows: Rows) -> Array:
    for node in reversed(chain):
        dy = node.gradient(dy, rows)
    return dy


def _spread(value: Array, ndim: int) -> Array:
    return value[..., None] if ndim == 3 else value
