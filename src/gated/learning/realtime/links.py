"""A graph at one place of a network, and derivatives that are pulled back through it at one step.

Legend: N sequences, P parameters of the whole network, R rows of derivatives that are being carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends import Backend
from gated.backends.reference.made import gradients_of, make
from gated.calculus.made import made_matrices
from gated.calculus.slopes import Slopes
from gated.language.graph import ONE_DIM, Node, is_constant, is_leaf, is_product, is_reduction, leaf, topological
from gated.language.over_units import is_size, size_value
from gated.language.reductions import REDUCTIONS
from gated.nn.equations import Equations
from gated.nn.parameters import ParameterVector
from gated.schedule.grouping import group_products

Array = np.ndarray[Any, Any]
Values = dict[Node, "Array | float"]


class Link:
    """One graph at one place of the network: a Dense, one layer of a Recurrent, or what a layer tells of itself.

    Attributes:
        layer, level: the name of the layer, and which of its parts with states.
        graph: the equations, where every matrix is a parameter.
        made: what of the matrices is made of others; None if nothing is.
        sizes: dimension symbol -> length.
        parameters: name in the graph -> view into the network's vector, or a matrix that every `run` makes again.
        own: the layer's own parameters, views. spans: their (start, stop) in the network's vector.
        start, stop: of all spans.
        input, states: the leaves of the graph that stand for the first input and for the states.
        vectors: leaf -> the parameter, for those that are no matrices.
        backend: who computes.

    Args:
        further: the other inputs at the step at work, see `Row`.
    """

    def __init__(
        self,
        layer: str,
        part: Equations,
        params: ParameterVector,
        start: int,
        dtype: np.dtype[Any],
        backend: Backend,
        further: Mapping[str, Array],
    ) -> None:
        self.backend, self._further = backend, further
        self.layer, self.level, self.graph, self.dtype = layer, part.level, part.graph.core, dtype
        self.made, held = made_matrices(part.graph), part.graph.fixed
        self.own = {
            name: params.fixed_view(part.parameters[name]) if name in held else params[part.parameters[name]]
            for name in part.graph.parameters
        }
        self.spans: dict[str, tuple[int, int]] = {}  # of what is learned
        self.sizes: dict[str, int] = {}
        for name, shape in part.graph.parameters.items():
            if name not in held:
                first, last = params.span(part.parameters[name])
                self.spans[name] = start + first, start + last
            self.sizes.update(zip(shape, self.own[name].shape, strict=True))
        self.sizes.update(part.sizes)
        self.sizes[ONE_DIM] = 1
        graph = self.graph
        shapes = {name: tuple(self.sizes[dim] for dim in dims) for name, dims in graph.parameters.items()}
        self.parameters = {n: self.own[n] if n in self.own else np.empty(s, dtype) for n, s in shapes.items()}
        self.input, self.states = graph.input_leaf(graph.inputs[0]), [graph.state_leaf(name) for name in graph.states]
        self._others = {graph.input_leaf(name): f"{layer}.{name}" for name in graph.inputs[1:]}
        vectors = {name: shape[0] for name, shape in graph.parameters.items() if len(shape) == 1}
        self.vectors = {leaf("vector", name, dim): self.parameters[name] for name, dim in vectors.items()}
        self.start = min((first for first, _ in self.spans.values()), default=start)
        self.stop = max((last for _, last in self.spans.values()), default=start)

    @property
    def name(self) -> str:
        return f"{self.layer}.l{self.level}" if self.graph.states else self.layer

    @property
    def state_sizes(self) -> list[int]:
        return [self.sizes[self.graph.dims[name]] for name in self.graph.states]

    def values(self, x: Array, states: Sequence[Array]) -> Values:
        """What the program starts from: the inputs (N, D), the states (N, size), the vectors."""
        found: Values = {self.input: x, **dict(zip(self.states, states, strict=True)), **self.vectors}
        found.update((node, self._further[name]) for node, name in self._others.items())
        return found

    def run(self, program: Sequence[Any], values: Values) -> None:
        """Compute a program (from `program_of`) into `values`."""
        if self.made is not None:
            make(self.made, self.own, self.parameters)
        self.backend.evaluate(program, self.parameters, values)

    def add_made(self, found: dict[str, Array], into: Array) -> None:
        """Add to `into` (..., P) what parameters get from the gradients (..., rows, cols) of what is made of them.

        Args:
            found: of those that have one.
        """
        if self.made is None or not found:
            return
        for name in self.made.matrices:
            found.setdefault(name, np.zeros(self.parameters[name].shape, self.dtype))
        for name, gradient in gradients_of(self.made, self.own, found).items():
            start, stop = self.spans[name]
            self.backend.add(np.reshape(gradient, (*into.shape[:-1], stop - start)), into[..., start:stop])

    def full(self, value: Any, rows: int, node: Node) -> Array:
        """A value as a fresh (rows, size) array."""
        result = np.empty((rows, self.sizes[node.dim]), self.dtype)
        result[...] = value
        return result


def program_of(outputs: Sequence[Node]) -> list[Any]:
    """All that the outputs need beyond leaves, in order, products of one operand together."""
    return group_products([node for node in topological(outputs) if not is_leaf(node)])


class Puller:
    """Pulls derivatives back through one link at one step: exact, by slopes and matrices in turn.

    Rows ∂(anything)/∂(outputs) of the link become rows with respect to its states, its input and its parameters. The
    slopes come from forward mode (`gated.calculus.slopes`).
    """

    def __init__(self, link: Link) -> None:
        self.link, self.backend = link, link.backend
        graph = link.graph
        slopes = Slopes(graph)
        self.mixing = slopes.mixing
        self.states, self.input, self.vectors = link.states, link.input, list(link.vectors)
        sinks = list(dict.fromkeys([*graph.outputs, *slopes.operands]))
        self.slopes: dict[Node, list[tuple[Node, Node]]] = {}  # source -> (sink, slope) pairs
        for source in [*self.mixing, *self.vectors, *self.states, self.input]:
            found = zip(sinks, slopes.from_source(sinks, source), strict=True)
            self.slopes[source] = [(sink, slope) for sink, slope in found if not is_constant(slope, 0.0)]
        needed = [slope for pairs in self.slopes.values() for _, slope in pairs]
        reduced = [node for node in self.mixing if is_reduction(node)]
        self.partials = {node: REDUCTIONS[node.attr].derivative(node.args, node) for node in reduced}
        needed += [partial for partials in self.partials.values() for partial in partials]
        self.program = program_of([*graph.outputs, *slopes.operands, *needed])
        self.lengths = {node: size_value(node, link.sizes) for node in topological(needed) if is_size(node)}

    def evaluate(self, x: Array, states: Sequence[Array]) -> Values:
        """All values of one step: x (N, D), the states before it (N, size)."""
        values = {**self.link.values(x, states), **self.lengths}
        self.link.run(self.program, values)
        return values

    def pull(self, values: Values, rows: Mapping[Node, Array], into: Array | None) -> dict[Node, Array | None]:
        """From rows (N, R, size) for each output to rows for each state and the input; None where there is no way.

        Args:
            values: of `evaluate`.
            rows: output -> ∂/∂output.
            into: (N, R, at least the link's stop): what comes from the link's parameters is added; None: not wanted.
        """
        with np.errstate(all="ignore"):
            sinks = dict(rows)
            through: dict[Node, Array | None] = {}
            for node in reversed(self.mixing):
                g = self._through(sinks, node, values)
                if is_product(node):
                    through[node] = g
                if g is not None:
                    for operand, back in zip(node.args, self._back(node, g, values), strict=True):
                        both = operand in sinks
                        sinks[operand] = self.backend.sum_of_products([(sinks[operand],), (back,)]) if both else back
            if into is not None:
                self._add_parameters(values, sinks, through, into)
            return {source: self._through(sinks, source, values) for source in [*self.states, self.input]}

    def _back(self, node: Node, g: Array, values: Values) -> list[Array]:
        """From rows (N, R, size) for a product or a reduction to those for its operands."""
        if is_product(node):
            return [self.backend.pull(g, self.link.parameters[node.attr[0].name])]
        found = []
        for operand, partial in zip(node.args, self.partials[node], strict=True):
            rows = self.backend.sum_of_products([(g, _by_row(values[partial]))])
            found.append(np.broadcast_to(rows, (*rows.shape[:2], self.link.sizes[operand.dim])))
        return found

    def _through(self, sinks: Mapping[Node, Array], source: Node, values: Values) -> Array | None:
        found = [(sinks[sink], _by_row(values[slope])) for sink, slope in self.slopes[source] if sink in sinks]
        terms: list[tuple[Array, ...]] = [*found]
        if source.dim == ONE_DIM:  # a single number collects from all units
            terms = [(self.backend.sum_of_products([term]).sum(axis=-1, keepdims=True),) for term in found]
        return self.backend.sum_of_products(terms) if terms else None

    def _add_parameters(
        self, values: Values, sinks: Mapping[Node, Array], through: Mapping[Node, Array | None], into: Array
    ) -> None:
        count, rows = into.shape[:2]
        made: dict[str, Array] = {}
        for product, g in through.items():
            name, link = product.attr[0].name, self.link
            if g is not None and name not in link.own:
                part = made.setdefault(name, np.zeros((count, rows, *link.parameters[name].shape), link.dtype))
            elif g is not None and name in link.spans:
                start, stop = link.spans[name]
                part = into[:, :, start:stop].reshape(count, rows, *link.parameters[name].shape)
            else:
                continue
            v = np.asarray(values[product.args[0]])
            operand = v[:, None, None, :] if v.ndim == 2 else v
            self.backend.add(self.backend.sum_of_products([(g[..., None], operand)]), part)
        self.link.add_made(made, into)
        for vector in self.vectors:
            if vector.attr[1] not in self.link.spans:
                continue
            g = self._through(sinks, vector, values)
            if g is not None:
                start, stop = self.link.spans[vector.attr[1]]
                self.backend.add(g, into[:, :, start:stop])


def _by_row(value: Array | float) -> Array:
    """A value of (N, size), or of fewer axes, to be multiplied with rows (N, R, size)."""
    value = np.asarray(value)
    return value[:, None, :] if value.ndim == 2 else value
