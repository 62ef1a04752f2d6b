"""The parts of a chain that learns online, put one upon the other: what each computes in a step, and its derivatives.

A cell passes the error of a step on through its input as `schedule.traces` has it; maps are differentiated in reverse
mode, those on the last cell together with the loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gated.calculus import reverse_mode
from gated.language.graph import (
    ONE_DIM,
    Graph,
    Matrix,
    Node,
    constant,
    is_leaf,
    is_product,
    leaf,
    product,
    rewrite,
    with_args,
)
from gated.schedule.traces import TracePlan

CELL, HEAD = "rnn", "head"  # whose parameters they are, for `named`


def named(part: str, parameter: str) -> str:
    """What a parameter of a part is called in a step: two parts may have some of one name."""
    return f"{part} {parameter}"


def part_names(cells: Iterable[bool]) -> list[str]:
    """What the parts are called, by whether they are cells: "rnn", "rnn1", "head", ..."""
    found: list[str] = []
    for is_cell in cells:
        kind = CELL if is_cell else HEAD
        before = sum(name.startswith(kind) for name in found)
        found.append(f"{kind}{before or ''}")
    return found


@dataclass(frozen=True, eq=False)
class Push:
    """One use of a parameter. `operand` is what a matrix is applied to, None for a vector (which counts as times 1)."""

    operand: Node | None
    grow: dict[int, Node]  # state -> what the trace grows by, times the operand
    delta: Node  # what the gradient grows by, times the operand


@dataclass(frozen=True, eq=False)
class LearntParameter:
    """A parameter: what moves its traces, and what its gradient is made of.

    trace'[k] = Σ decay[k, j] trace[j] + Σ grow[k] v
    gradient  = Σ reach[k] trace'[k] + Σ past[j] trace[j] + Σ delta v
    """

    name: str  # "rnn W.i", "head b.y"
    rows: str
    cols: str | None
    traces: tuple[int, ...]
    decay: dict[tuple[int, int], Node]
    reach: dict[int, Node]
    past: dict[int, Node]
    pushes: tuple[Push, ...]


class Cell:
    """A recurrent layer.

    Args:
        name: for its parameters.
        x: its input; None for the first of the chain, whose input is a leaf.

    Attributes:
        x, output: nodes.
        states, new: before the step and after it.
        dims: what its lengths are called.
    """

    def __init__(self, traces: TracePlan, name: str, x: Node | None) -> None:
        graph = traces.graph
        own, states = graph.input_leaf(graph.inputs[0]), [graph.state_leaf(state) for state in graph.states]
        dims = _dims(graph, name, x)
        put = {}
        if x is not None:
            put = {node: leaf("state", named(name, node.attr[1]), dims[node.dim]) for node in states} | {own: x}
        self.traces, self.name, self.dims = traces, name, [dims]
        self._nodes = rebuilt([*traces.order, *graph.outputs, *states, own], put, name, dims)
        self.x, self.states = self._nodes[own], [self._nodes[node] for node in states]
        self.new = [self._nodes[node] for node in graph.outputs]
        self.output = self.new[0]

    def back(self, error: Node) -> tuple[list[LearntParameter], Node]:
        """From ∂L/∂h' what its parameters learn from, and ∂L/∂x of this step."""
        below: Node = constant(0.0)
        for through, slope in self.traces.input:
            delta = error * self._nodes[slope]
            if through is not None:
                delta = product([self._nodes[through].attr[0].T], [delta])
            below = below + delta
        return [self._learnt(name, error) for name in self.traces.uses], below

    def _learnt(self, name: str, error: Node) -> LearntParameter:
        traces, nodes = self.traces, self._nodes
        own = traces.traces[name]
        rows, *cols = (self.dims[0][dim] for dim in traces.graph.parameters[name])
        pushes = tuple(
            Push(
                None if use.operand is None else nodes[use.operand],
                {k: nodes[node] for k, node in use.grow.items() if k in own},
                error * nodes[use.direct],
            )
            for use in traces.uses[name]
        )
        decay = {(k, j): nodes[node] for (k, j), node in traces.decay.items() if k in own and j in own}
        reach = {k: error * nodes[node] for k, node in traces.error.items() if k in own}
        past = {j: error * nodes[node] for j, node in traces.past.items() if j in own}
        return LearntParameter(named(self.name, name), rows, cols[0] if cols else None, own, decay, reach, past, pushes)


class Maps:
    """Maps one upon the other, and perhaps the loss on them, as one graph.

    Args:
        names: of each, for its parameters.
        x: as for `Cell`.
        loss: a map of the output and a target to one number.

    Attributes:
        x, output: nodes.
        target, seed: with a loss, leaves: the target and the row's weight, which is the error to begin with.
        dims: of each, what its lengths are called.
    """

    states: Sequence[Node] = ()
    new: Sequence[Node] = ()

    def __init__(
        self, graphs: Sequence[Graph], names: Sequence[str], x: Node | None, loss: Graph | None = None
    ) -> None:
        self.x = graphs[0].input_leaf(graphs[0].inputs[0]) if x is None else x
        self._top = y = leaf("input", "the output", self.x.dim)
        self._shapes: dict[str, tuple[str, ...]] = {}
        self.dims: list[dict[str, str]] = []
        for graph, name in zip(graphs, names, strict=True):
            dims = _dims(graph, name, None if x is None and not self.dims else y)
            y = rebuilt(graph.outputs, {graph.input_leaf(graph.inputs[0]): y}, name, dims)[graph.outputs[0]]
            self._shapes |= {named(name, key): tuple(dims[dim] for dim in s) for key, s in graph.parameters.items()}
            self.dims.append(dims)
        self.output = rebuilt([y], {self._top: self.x})[y]
        self.target, self.seed = leaf("input", "the target", y.dim), leaf("input", "the weight", y.dim)
        self._error = leaf("input", "the error", y.dim if loss is None else ONE_DIM)
        end = y
        if loss is not None:
            put = {loss.input_leaf("y"): y, loss.input_leaf("target"): self.target}
            end = rebuilt(loss.outputs, put)[loss.outputs[0]]
        self._adjoints = reverse_mode([end], [self._error])

    def back(self, error: Node) -> tuple[list[LearntParameter], Node]:
        """From ∂L/∂(output), or from the weight of a row in the loss, as that of `Cell`."""
        adjoints = self._adjoints
        uses: dict[str, list[tuple[Node | None, Node]]] = {name: [] for name in self._shapes}
        for matrix, pairs in adjoints.products.items():
            uses[matrix.name] = [(operand, delta) for delta, operand in pairs]
        for name, (rows, *cols) in self._shapes.items():
            if not cols:
                uses[name] = [(None, adjoints.get(leaf("vector", name, rows)))]
        below = adjoints.get(self._top)
        wanted = [below, *(node for pairs in uses.values() for pair in pairs for node in pair if node is not None)]
        done = rebuilt(wanted, {self._top: self.x, self._error: error})
        learnt = []
        for name, (rows, *cols) in self._shapes.items():
            pushes = tuple(Push(None if v is None else done[v], {}, done[delta]) for v, delta in uses[name])
            learnt.append(LearntParameter(name, rows, cols[0] if cols else None, (), {}, {}, {}, pushes))
        return learnt, done[below]


def _dims(graph: Graph, name: str, x: Node | None) -> dict[str, str]:
    """What the lengths of a part are called: as they are in the first one, whose input is none of another part."""
    shapes = [dim for shape in graph.parameters.values() for dim in shape]
    dims = dict.fromkeys([*graph.dims.values(), *shapes, *(node.dim for node in graph.order)])
    if x is None:
        return {dim: dim for dim in dims}
    return {dim: dim if dim == ONE_DIM else named(name, dim) for dim in dims} | {graph.dims[graph.inputs[0]]: x.dim}


def rebuilt(
    outputs: Iterable[Node], put: Mapping[Node, Node], prefix: str = "", dims: Mapping[str, str] | None = None
) -> dict[Node, Node]:
    """Every node below `outputs` (and they) built again, with other nodes put in the place of some.

    Args:
        put: node -> what stands in its place.
        prefix: before the names of parameters.
        dims: length -> its new name.
    """
    sizes = dims or {}

    def rule(node: Node, args: tuple[Node, ...]) -> Node:
        if node in put:
            return put[node]
        if is_leaf(node):
            name = named(prefix, node.attr[1]) if is_leaf(node, "vector") and prefix else node.attr[1]
            return leaf(node.attr[0], name, sizes.get(node.dim, node.dim))
        if is_product(node):
            return product([_renamed(matrix, prefix, sizes) for matrix in node.attr], args)
        return with_args(node, args)

    return rewrite(outputs, rule)


def _renamed(matrix: Matrix, prefix: str, dims: Mapping[str, str]) -> Matrix:
    family = named(prefix, matrix.family) if prefix else matrix.family
    rows, cols = (dims.get(dim, dim) for dim in (matrix.rows, matrix.cols))
    return Matrix(family, matrix.member, rows, cols, matrix.transposed)
