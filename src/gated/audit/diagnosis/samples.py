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

from gated.audit.diagnosis.backward_graph import DY, BackwardGraph, start
from gated.audit.diagnosis.roads import AT_LOSS, BUT_FIRST, BUT_LAST, FIRST, LAST, MEAN, Factor, Road, Shift
from gated.language.functions import FUNCTIONS
from gated.language.graph import Matrix, Node, is_constant, is_elementwise

Array = NDArray[np.float64]
# (parameters, x (T, N, D), initial states (N, H), dy (T, N, H)) -> gradients: parameters, "x", states
Gradients = Callable[[dict[str, Array], Array, list[Array], Array], Mapping[str, Any]]
TOLERANCE = 1e-8
TINY = 1e-12
INPUTS, UNITS, SAMPLES = 4, 5, 10
ENOUGH = 12  # numbers to explain one value by; a sample has up to 50
SIZE = 0.7  # of the numbers that are drawn: every gate moves, none is shut


def norm(values: Any) -> float:
    """Euclidean; of numbers whose squares are too large as well, which a backward pass with an edit in it may give."""
    flat = np.ravel(values)
    with np.errstate(over="ignore"):
        found = float(np.linalg.norm(flat))
    if found == np.inf and np.isfinite(flat).all():
        largest = float(np.abs(flat).max())
        found = largest * float(np.linalg.norm(flat / largest))
    return found


def near(one: Array, other: Array) -> bool:
    """Whether two values are the same as far as both are known: NaN is unknown."""
    both = np.isfinite(one) & np.isfinite(other)
    return bool(both.any()) and norm(one[both] - other[both]) <= TOLERANCE * norm(other[both])


def known(value: Array) -> bool:
    """Whether enough of a value is known to explain it."""
    return int(np.isfinite(value).sum()) >= ENOUGH


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
        if graph.shown_by_input is not None:
            inputs = max(inputs, units + 1)
        return replace(self, inputs=units if alike else inputs, units=units, samples=samples)

    @property
    def other(self) -> Setting:
        """Fewer samples of other sizes, equal if these are: to verify."""
        return replace(self, inputs=7 if self.inputs == self.units else 6, units=7, samples=3)

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
        self.of_loss: Callable[[int], dict[str, Array]] = self.adjoints.__getitem__  # over all steps; a model sets it
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

    def last_step(self, mine: Gradients) -> dict[str, Array]:
        """What `mine` says of the last step by itself, where sums over time have one term."""
        end, states = self.T - 1, self.graph.states.values()
        start = [np.broadcast_to(self.value(state, end), (self.S, self.units)) for state in states]
        said = [
            mine(
                {n: v[s] for n, v in self.parameters.items()},
                self.x[end:, [s]],
                [value[[s]] for value in start],
                self.dy[end:, [s]],
            )
            for s in range(self.S)
        ]
        return {n: np.stack([np.asarray(g[n], float) for g in said]) for n in self.parameters if n in said[0]}

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
            step = (t + factor.by) % self.T if factor.wraps else t + factor.by
            return self.value(factor.node, step) if step >= 0 else np.zeros_like(self.value(factor.node, 0))
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
        if t >= self.T or not _counts(road.mask, t, self.T - 1):
            return 0.0
        if road.mask == AT_LOSS:
            return self.along(road, self.of_loss(t)[road.source], t)
        return self.along(road, self.adjoints[t][road.source], t)

    def along(self, road: Road, adjoint: Array, t: int) -> Array:
        """What becomes of an adjoint of step t on a road."""
        product = adjoint * (road.coefficient / (self.T if road.mask == MEAN else 1))
        for op in road.operations:
            product = self.apply(op, product) if isinstance(op, Matrix) else product * self.value(op, t)
        if road.operand is None:
            return product
        return product[:, :, None] * self.value(road.operand, t)[:, None, :]

    def gradient(self, name: str, road: Road) -> Array:
        """What a road brings to one of the gradients, in the shape of theirs."""
        shape = self.theirs[name].shape
        if name in self.graph.starts:
            return _shaped(self.road(road, -1), shape)
        if name == "x":
            return np.stack([_shaped(self.road(road, t), shape[1:]) for t in range(self.T)])
        return np.add.reduce([_shaped(self.road(road, t), shape) for t in range(self.T)])

    def put(self, node: str, t: int, roads: Sequence[Road]) -> None:
        """Set the adjoint of a node to the sum of roads."""
        self.adjoints[t][node] = self.total(roads, t)

    def total(self, roads: Sequence[Road], t: int) -> Array:
        """What roads bring to step t together."""
        total = np.zeros((self.S, self.units))
        for road in roads:
            total = total + self.road(road, t)
        return total

    def meaning(self, road: Road, t: int) -> tuple[object, Array]:
        """Where a road starts, and what it makes of any adjoint of this step or of one before: the same for two
        wordings of one product. (A value of the step before is not that which a first state stands for.)"""
        probe = np.linspace(1.0, 2.0, self.S * self.units).reshape(self.S, self.units)
        ends = [step + road.later for step in range(t + 1) if step + road.later < self.T]
        made = [self.along(road, probe, end) for end in ends]
        return (road.source, road.later, road.mask), np.stack(made) if made else probe

    def said(self, t: int) -> tuple[tuple[str, bytes], ...]:
        """The adjoints of a step as a key; nothing beyond the last."""
        return tuple((n, v.tobytes()) for n, v in self.adjoints[t].items()) if t < self.T else ()

    def column(self, road: Road, t: int, shape: tuple[int, ...]) -> Array:
        return _shaped(self.road(road, t), shape).ravel()


def _counts(mask: str, t: int, last: int) -> bool:
    if mask in (LAST, BUT_LAST):
        return (t == last) == (mask == LAST)
    return mask not in (FIRST, BUT_FIRST) or (t == 0) == (mask == FIRST)


def _shaped(value: Any, shape: tuple[int, ...]) -> Array:
    same: bool = np.shape(value) == shape  # as a rule; broadcasting takes its time
    return value if same else np.broadcast_to(value, shape)


def undone(samples: Samples, road: Road, value: Array, t: int) -> Array:
    """The adjoint that becomes this value on a road of factors; NaN where a factor is zero."""
    factor = samples.along(road, np.ones_like(value), t)
    with np.errstate(all="ignore"):
        return np.where(factor == 0, np.nan, value / factor)
