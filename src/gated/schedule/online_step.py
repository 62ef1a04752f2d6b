"""A whole step of online learning as one program: the cell, its head, the loss, and what traces and weights need.

    forward   new states, prediction y, and the decay and growth of the traces     at every step
    errors    the adjoints of the head, up to the matrix between it and the cell   at a step with a target
    pushes    ∂L/∂h' times the slopes: what traces and operands are multiplied     at a step with a target
              with to give the weights' gradients

Everything is an expression of values of one step. Head and loss are put together as one graph and differentiated in
reverse mode; what the cell needs comes from `schedule.traces`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gated.calculus import reverse_mode
from gated.language.graph import (
    ONE_DIM,
    Graph,
    Matrix,
    Node,
    is_leaf,
    is_product,
    leaf,
    product,
    rewrite,
    topological,
    with_args,
)
from gated.schedule.traces import TracePlan

CELL, HEAD = "rnn", "head"  # whose parameters they are, for `named`


def named(part: str, parameter: str) -> str:
    """What a parameter of the cell, or of the head, is called in a step: the two may have some of one name."""
    return f"{part} {parameter}"


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


@dataclass(frozen=True, eq=False)
class StepPlan:
    """See the module.

    Attributes:
        states: leaves, the states before.
        x, target, weight: leaves; the weight of the row in the loss is one number.
        new: the new states.
        y: the prediction.
        backs: products with transposed matrices; their operands are the end of `errors`.
        learnt: one per parameter, the cell's first.
    """

    states: tuple[Node, ...]
    x: Node
    target: Node
    weight: Node
    new: tuple[Node, ...]
    y: Node
    backs: tuple[Node, ...]
    learnt: tuple[LearntParameter, ...]

    @property
    def forward(self) -> list[Node]:
        """What the first program computes."""
        wanted = [*self.new, self.y]
        for one in self.learnt:
            wanted += one.decay.values()
            for push in one.pushes:
                wanted += [*push.grow.values(), *([] if push.operand is None else [push.operand])]
        return list(dict.fromkeys(wanted))

    @property
    def errors(self) -> list[Node]:
        """What the second computes."""
        return list(dict.fromkeys(node.args[0] for node in self.backs))

    @property
    def pushes(self) -> list[Node]:
        """What the third computes."""
        wanted = [push.delta for one in self.learnt for push in one.pushes]
        for one in self.learnt:
            wanted += [*one.reach.values(), *one.past.values()]
        return list(dict.fromkeys(wanted))


def plan_step(traces: TracePlan, head: Graph | None, loss: Graph) -> StepPlan:
    """The program of one step.

    Args:
        traces: of the cell.
        head: of a dense layer on the cell's output; without one, the loss looks at the output itself.
        loss: a map of y and target to one number per row.
    """
    graph = traces.graph
    leaves = [*map(graph.state_leaf, graph.states), graph.input_leaf(graph.inputs[0])]
    cell = rebuilt([*traces.order, *graph.outputs, *leaves], {}, CELL)
    dim = graph.dims[graph.states[0]]
    top = leaf("input", "the output", dim)
    above = _above(head, loss, top)
    final = {top: cell[graph.outputs[0]], above.seed: leaf("input", "the weight", above.y.dim)}
    wanted = [above.y, above.dh, *(delta for uses in above.uses.values() for _, delta in uses)]
    done = rebuilt(wanted, final)
    dh = done[above.dh]
    jobs = [_cell_job(traces, name, cell, dh) for name in traces.uses]
    for name, uses in above.uses.items():
        pushes = tuple(Push(None if v is None else done[v], {}, done[delta]) for v, delta in uses)
        jobs.append(LearntParameter(name, *above.shapes[name], (), {}, {}, {}, pushes))
    return StepPlan(
        states=tuple(cell[leaf] for leaf in leaves[:-1]),
        x=cell[leaves[-1]],
        target=above.target,
        weight=final[above.seed],
        new=tuple(cell[node] for node in graph.outputs),
        y=done[above.y],
        backs=tuple(node for node in topological([dh]) if is_product(node) and node.attr[0].transposed),
        learnt=tuple(jobs),
    )


@dataclass(frozen=True, eq=False)
class _Above:
    """Head and loss as one graph over the cell's output, and its derivatives."""

    y: Node
    target: Node
    seed: Node
    dh: Node
    uses: dict[str, list[tuple[Node | None, Node]]]  # parameter -> (operand, delta) pairs
    shapes: dict[str, tuple[str, str | None]]


def _above(head: Graph | None, loss: Graph, top: Node) -> _Above:
    y = top
    shapes: dict[str, tuple[str, str | None]] = {}
    vectors: dict[str, Node] = {}
    if head is not None:
        x = head.input_leaf(head.inputs[0])
        dims = {dim: named(HEAD, dim) for shape in head.parameters.values() for dim in shape} | {x.dim: top.dim}
        y = rebuilt(head.outputs, {x: top}, HEAD, dims)[head.outputs[0]]
        for name, shape in head.parameters.items():
            rows, *cols = (dims[dim] for dim in shape)
            shapes[named(HEAD, name)] = rows, cols[0] if cols else None
            if not cols:
                vectors[named(HEAD, name)] = leaf("vector", named(HEAD, name), rows)
    target, seed = leaf("input", "the target", y.dim), leaf("input", "the weight", ONE_DIM)
    names = {loss.input_leaf("y"): y, loss.input_leaf("target"): target}
    adjoints = reverse_mode([rebuilt(loss.outputs, names)[loss.outputs[0]]], [seed])
    uses: dict[str, list[tuple[Node | None, Node]]] = {}
    for matrix, pairs in adjoints.products.items():
        uses[matrix.name] = [(operand, delta) for delta, operand in pairs]
    uses |= {name: [(None, adjoints.get(vector))] for name, vector in vectors.items()}
    return _Above(y, target, seed, adjoints.get(top), {name: uses[name] for name in shapes}, shapes)


def _cell_job(traces: TracePlan, name: str, cell: Mapping[Node, Node], dh: Node) -> LearntParameter:
    own = traces.traces[name]
    rows, *cols = traces.graph.parameters[name]
    pushes = tuple(
        Push(
            None if use.operand is None else cell[use.operand],
            {k: cell[node] for k, node in use.grow.items() if k in own},
            dh * cell[use.direct],
        )
        for use in traces.uses[name]
    )
    decay = {(k, j): cell[node] for (k, j), node in traces.decay.items() if k in own and j in own}
    reach = {k: dh * cell[node] for k, node in traces.error.items() if k in own}
    past = {j: dh * cell[node] for j, node in traces.past.items() if j in own}
    return LearntParameter(named(CELL, name), rows, cols[0] if cols else None, own, decay, reach, past, pushes)


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
