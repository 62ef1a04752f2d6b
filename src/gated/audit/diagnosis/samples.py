"""Values, adjoints and somebody's gradients on random samples.

T steps, S samples of one sequence each, every sample with parameters of its own; D inputs, and H for every other
dimension. Values and adjoints of a step are (S, H); their gradients are (S, ...), that of x is (T, S, D).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.audit.diagnosis.alphabet import Alphabet
from gated.audit.diagnosis.backward_graph import DY, BackwardGraph, start
from gated.audit.diagnosis.roads import FIRST, LAST, MEAN, Factor, Road, Shift
from gated.language.functions import FUNCTIONS
from gated.language.graph import Matrix, Node, is_constant, is_elementwise

Array = NDArray[np.float64]
# (parameters, x (T, N, D), initial states (N, H), dy (T, N, H)) -> gradients: parameters, "x", states
Gradients = Callable[[dict[str, Array], Array, list[Array], Array], Mapping[str, Any]]
TOLERANCE = 1e-8
TINY = 1e-12
INPUTS, UNITS, SAMPLES = 4, 5, 10
SIZE = 0.7  # of the numbers that are drawn: every gate moves, none is shut


def norm(values: Any) -> float:
    return float(np.linalg.norm(np.ravel(values)))


def near(one: Array, other: Array) -> bool:
    return norm(one - other) <= TOLERANCE * norm(other)


@dataclass(frozen=True)
class Setting:
    """Sizes and kind of samples: which states start away from zero, and whether the loss sees the last step only."""

    initial: tuple[str, ...]
    last_only: bool = False
    inputs: int = INPUTS
    units: int = UNITS
    samples: int = SAMPLES

    def sized(self, graph: BackwardGraph, inputs: int, units: int, samples: int) -> Setting:
        """The same with other sizes; a cell in which unit k sees input k alone has as many inputs as units."""
        alike = graph.input.dim in {graph.graph.dims[state] for state in graph.graph.states}
        return replace(self, inputs=units if alike else inputs, units=units, samples=samples)

    def lengths(self, graph: BackwardGraph) -> dict[str, int]:
        """Of every dimension of a cell."""
        return dict.fromkeys(graph.graph.free_dims, self.units) | {graph.input.dim: self.inputs}


class Samples:
    """Random samples, and what `mine` says about them."""

    def __init__(self, graph: BackwardGraph, mine: Gradients, setting: Setting, steps: int, seed: int) -> None:
        self.graph, self.T, self.S, self.units = graph, steps, setting.samples, setting.units
        rng = np.random.default_rng(seed)
        dims = setting.lengths(graph)

        def draw(*shape: int) -> Array:
            return rng.normal(scale=SIZE, size=shape)

        self.parameters = {n: draw(self.S, *(dims[d] for d in dim)) for n, dim in graph.cell.parameters.items()}
        self.x, self.dy = draw(steps, self.S, setting.inputs), draw(steps, self.S, setting.units)
        if setting.last_only:
            self.dy[:-1] = 0.0
        self.initial = {s: draw(self.S, setting.units) * (s in setting.initial) for s in graph.states}
        self.theirs = self._ask(mine, setting)
        self.values: list[dict[Node, Any]] = []
        self.adjoints: list[dict[str, Array]] = [{DY: dy} for dy in self.dy]
        self._forward()

    def _ask(self, mine: Gradients, setting: Setting) -> dict[str, Array]:
        def one(s: int) -> Mapping[str, Any]:
            states = [value[[s]] for value in self.initial.values()]
            return mine({n: v[s] for n, v in self.parameters.items()}, self.x[:, [s]], states, self.dy[:, [s]])

        return self.as_theirs([one(s) for s in range(self.S)], setting)

    def as_theirs(self, said: Sequence[Mapping[str, Any]], setting: Setting) -> dict[str, Array]:
        """The gradients that `mine` gave for each sample, together, by the names of the graph."""
        theirs = {n: np.stack([np.asarray(g[n], float) for g in said]) for n in said[0]}
        if "x" in theirs:
            theirs["x"] = theirs["x"][:, :, 0].swapaxes(0, 1)
        for state in self.graph.states:
            gradient = theirs.pop(state, None)
            if gradient is not None and state in setting.initial:
                theirs[start(state)] = gradient[:, 0]
        return {name: value for name, value in theirs.items() if name in self.graph.gradients}

    def _forward(self) -> None:
        graph, previous = self.graph, dict(self.initial)
        vectors = {node: self.parameters[name] for name, node in graph.vectors.items()}
        for t in range(self.T):
            self.values.append({graph.input: self.x[t], **vectors, **{graph.states[s]: v for s, v in previous.items()}})
            for quantity in graph.steps.quantities:
                self.values[t][quantity.symbol] = self.value(quantity.definition, t)
            outputs = zip(graph.graph.states, graph.graph.outputs, strict=True)
            previous = {state: self.value(graph.symbols.get(node, node), t) for state, node in outputs}

    def value(self, factor: Factor, t: int) -> Any:
        if isinstance(factor, Shift):
            return self.value(factor.node, t + factor.by) if t + factor.by >= 0 else 0.0
        known = self.values[t]
        if factor not in known:
            if is_constant(factor):
                return factor.attr
            args = [self.value(arg, t) for arg in factor.args]
            known[factor] = (
                FUNCTIONS[factor.attr].numpy(*args) if is_elementwise(factor) else self._product(factor, args)
            )
        return known[factor]

    def _product(self, node: Node, args: Sequence[Array]) -> Array:
        return np.add.reduce([self.apply(matrix, arg) for matrix, arg in zip(node.attr, args, strict=True)])

    def apply(self, matrix: Matrix, vector: Array) -> Array:
        return np.einsum("sij,si->sj" if matrix.transposed else "sij,sj->si", self.parameters[matrix.name], vector)

    def road(self, road: Road, t: int) -> Any:
        """What a road brings to step t; 0 if it comes from beyond the last one, or its mask leaves it out."""
        t += road.later
        if t >= self.T or (road.mask == LAST and t < self.T - 1) or (road.mask == FIRST and t > 0):
            return 0.0
        product = self.adjoints[t][road.source] * (road.coefficient / (self.T if road.mask == MEAN else 1))
        for op in road.operations:
            product = self.apply(op, product) if isinstance(op, Matrix) else product * self.value(op, t)
        if road.operand is None:
            return product
        return product[:, :, None] * self.value(road.operand, t)[:, None, :]

    def gradient(self, name: str, road: Road) -> Array:
        """What a road brings to one of the gradients, in the shape of theirs."""
        shape = self.theirs[name].shape
        if name in self.graph.starts:
            return np.broadcast_to(self.road(road, -1), shape)
        if name == "x":
            return np.stack([np.broadcast_to(self.road(road, t), shape[1:]) for t in range(self.T)])
        return np.broadcast_to(
            np.add.reduce([np.broadcast_to(self.road(road, t), shape) for t in range(self.T)]), shape
        )

    def put(self, node: str, t: int, roads: Sequence[Road]) -> None:
        """Set the adjoint of a node to the sum of roads."""
        total = np.zeros((self.S, self.units))
        for road in roads:
            total = total + self.road(road, t)
        self.adjoints[t][node] = total

    def column(self, road: Road, t: int, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(self.road(road, t), shape).ravel()


def measured(samples: Samples, alphabet: Alphabet) -> dict[str, list[Array]]:
    """Node -> what each matrix says of its adjoint: (T, S, H), NaN at the steps of which it says nothing.

    The gradient of a matrix is G = Σₜ δₜ vₜᵀ. If no more steps than columns are summed, the v are independent and
    δ = G pinv(V). A gradient that is no such sum names another operand, and is read with that one.
    """
    found: dict[str, list[Array]] = {}
    for name, (road, *others) in samples.graph.shown.items():
        if name not in samples.theirs or others or road.operand is None:
            continue
        operand, size = road.operand, samples.graph.size
        like = [v for v in alphabet.values if size(v.dim) == size(operand.dim) and v is not operand]
        for value in [operand, *like]:
            adjoint = _read_off(samples, samples.theirs[name], value)
            if adjoint is not None:
                found.setdefault(road.source, []).append(road.coefficient * adjoint)
                break
    return found


def _read_off(samples: Samples, gradient: Array, operand: Node) -> Array | None:
    values = np.stack([samples.value(operand, t) for t in range(samples.T)], 1)  # (S, T, columns)
    seen = np.linalg.norm(values, axis=2).min(axis=0) > TINY
    adjoint = np.zeros((samples.S, samples.T, gradient.shape[1]))
    adjoint[:, seen] = np.linalg.pinv(values[:, seen].swapaxes(1, 2)) @ gradient.swapaxes(1, 2)
    if norm(np.einsum("sth,std->shd", adjoint, values) - gradient) > TOLERANCE * norm(gradient):
        return None
    adjoint = adjoint.swapaxes(0, 1)
    adjoint[np.linalg.norm(adjoint, axis=(1, 2)) < TINY] = np.nan
    return adjoint
