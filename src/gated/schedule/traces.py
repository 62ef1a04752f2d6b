"""The program of online learning with traces, for one cell: forward mode with the recurrent matrices cut.

A trace is ∂s/∂w for a state s of a unit and a weight w of the same unit, carried from step to step. With the matrices
cut, what a unit remembers depends on its own weights alone, and the whole derivative is elementwise:

    ∂s'_k/∂w = Σ_j decay[k, j] ⊙ ∂s_j/∂w + Σ_uses grow[k] ⊙ v                                   at every step     (1)
    ∂L/∂w    = dh ⊙ (Σ_k error[k] ⊙ ∂s'_k/∂w + Σ_j past[j] ⊙ ∂s_j/∂w + Σ_uses direct ⊙ v)       where L is known  (2)

v is what the weight is applied to at this step, h' the output, dh = ∂L/∂h'. In (2) the output is a function of three
things: of the new states, with slopes `error`; of the states before the step where it reads them itself, past the new
ones, with slopes `past` (a highway gate, an output gate that looks at the old cell); and of what the weight is applied
to, with slopes `direct`. Each of the three is the slope with the other two held, so that every road is counted once.

For an LSTM decay is the forget gate (and what the peepholes add to it), error is o (1 - tanh² c), past is nothing: the
error reaches the cell state and the output gate of the current step and nothing else. Hochreiter & Schmidhuber (1997),
"Long short-term memory", appendix; Gers, Schmidhuber & Cummins (2000), "Learning to forget", where decay becomes f.
Here all five are found from the cell's equations.

Where no matrix is applied to anything that depends on a parameter, now or before, nothing is cut, and (2) is the whole
gradient.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from gated.calculus.slopes import Slopes, weighted_states
from gated.errors import wrong
from gated.language.graph import (
    Graph,
    Node,
    constant,
    is_constant,
    is_leaf,
    is_product,
    is_reduction,
    leaf,
    topological,
)


@dataclass(frozen=True, eq=False)
class Use:
    """One place where a parameter enters. `operand` is what a matrix is applied to, None for a vector."""

    operand: Node | None
    grow: dict[int, Node]  # k -> ∂s'_k/∂(M v) or ∂s'_k/∂p, where it is not 0
    direct: Node


@dataclass(frozen=True, eq=False)
class TracePlan:
    """See the module. States are counted in the order of the cell.

    Attributes:
        graph: the cell.
        memory: the states that flow elementwise into the next step: those that have traces.
        decay: (k, j) -> ∂s'_k/∂s_j for k, j in memory, where it is not 0.
        error: k -> ∂h'/∂s'_k, where it is not 0.
        past: j -> ∂h'/∂s_j with the new states held, where it is not 0.
        uses: parameter -> its uses.
        traces: parameter -> the states of which it has a trace; none for a weight that acts on the output at once.
        input: what carries the error to the cell's input at the same step: pairs (product M v of the input, or None
            for the input itself; ∂h'/∂that).
        order: all that (1) and (2) need beyond the leaves, each node after its arguments.
    """

    graph: Graph
    memory: tuple[int, ...]
    decay: dict[tuple[int, int], Node]
    error: dict[int, Node]
    past: dict[int, Node]
    uses: dict[str, tuple[Use, ...]]
    traces: dict[str, tuple[int, ...]]
    input: tuple[tuple[Node | None, Node], ...]
    order: tuple[Node, ...]


def plan_traces(graph: Graph, peepholes: bool = True) -> TracePlan:
    """The plan of a cell.

    Args:
        graph: of the cell.
        peepholes: False leaves out what passes a vector weight on a state (p ⊙ c): no error flows through it, in time
            or within the step, and the weight itself has no trace but learns from the current step alone.

    Raises:
        ArgumentError: some parameter reaches the output only through what is cut: it would never learn; or units are
            summed up.
    """
    _require_elementwise(graph)
    cut = () if peepholes else weighted_states(graph)
    slopes = Slopes(graph, cut)
    decay = _decays(slopes)
    memory = tuple(sorted({j for _, j in decay}))
    decay = {(k, j): node for (k, j), node in decay.items() if k in memory}
    new = {graph.outputs[k]: k for k in reversed(memory)}  # two states that are one value count once
    error = _moving({k: _slope(slopes, node, [other for other in new if other is not node]) for node, k in new.items()})
    past = _moving({j: _slope(slopes, graph.state_leaf(graph.states[j]), new) for j in memory})
    reaching = _reaching({*error, *past}, decay)
    decay = {pair: node for pair, node in decay.items() if pair[0] in reaching}
    instant = {arg.attr[1] for node in cut for arg in node.args if is_leaf(arg, "vector")}
    uses, traces = {}, {}
    for name in graph.parameters:
        if name in graph.fixed:
            continue
        held = () if name in instant else tuple(new)
        uses[name] = tuple(_use(slopes, operand, source, held, reaching) for operand, source in _sources(graph, name))
        traces[name] = () if name in instant else _traced(uses[name], decay)
    plan = TracePlan(graph, tuple(sorted(reaching)), decay, error, past, uses, traces, _input_paths(slopes), ())
    _check_all_learn(plan)
    if not peepholes:
        _check_learns_as_much(plan, plan_traces(graph))
    return _ordered(plan)


def _require_elementwise(graph: Graph) -> None:
    for node in graph.order:
        if is_reduction(node):
            raise wrong(
                "algorithm",
                f"'online' for the cell {graph.name}",
                "a cell without sums over the units (sum, mean, max, dot, norm, softmax, layer_norm): through such a "
                "number every unit depends on the weights of all, so one trace per weight does not hold the "
                "derivative; algorithm='rtrl' or backpropagation through time does",
            )


def _decays(slopes: Slopes) -> dict[tuple[int, int], Node]:
    graph = slopes.graph
    found = {}
    for j, name in enumerate(graph.states):
        for k, slope in enumerate(slopes.from_source(graph.outputs, graph.state_leaf(name))):
            if not is_constant(slope, 0.0):
                found[k, j] = slope
    return found


def _moving(slopes: dict[int, Node]) -> dict[int, Node]:
    """Those that are not 0, in the order of the states."""
    return {k: slope for k, slope in sorted(slopes.items()) if not is_constant(slope, 0.0)}


def _slope(slopes: Slopes, source: Node, held: Collection[Node]) -> Node:
    """How the output moves with a value while others are held; not at all if the value is one of these."""
    return constant(0.0) if source in held else slopes.from_source(slopes.graph.outputs[:1], source, held)[0]


def _reaching(direct: set[int], decay: dict[tuple[int, int], Node]) -> set[int]:
    """The states that the output depends on, now or later; `direct`: those that it depends on within the step."""
    found = set(direct)
    while more := {j for k, j in decay if k in found} - found:
        found |= more
    return found


def _sources(graph: Graph, name: str) -> list[tuple[Node | None, Node]]:
    shape = graph.parameters[name]
    if len(shape) == 1:
        return [(None, leaf("vector", name, shape[0]))]
    return [(node.args[0], node) for node in graph.order if is_product(node) and node.attr[0].name == name]


def _use(slopes: Slopes, operand: Node | None, source: Node, held: tuple[Node, ...], reaching: set[int]) -> Use:
    graph = slopes.graph
    grow = slopes.from_source(graph.outputs, source)
    return Use(
        operand,
        {k: grow[k] for k in sorted(reaching) if not is_constant(grow[k], 0.0)},
        _slope(slopes, source, held),
    )


def _traced(uses: tuple[Use, ...], decay: dict[tuple[int, int], Node]) -> tuple[int, ...]:
    found = {k for use in uses for k in use.grow}
    while more := {k for k, j in decay if j in found} - found:
        found |= more
    return tuple(sorted(found))


def _input_paths(slopes: Slopes) -> tuple[tuple[Node | None, Node], ...]:
    graph = slopes.graph
    x = graph.input_leaf(graph.inputs[0])
    sources = [(node, node) for node in slopes.products if node.args[0] is x] + [(None, x)]
    pairs = [(node, slopes.from_source(graph.outputs[:1], source)[0]) for node, source in sources]
    return tuple((node, slope) for node, slope in pairs if not is_constant(slope, 0.0))


def _lost(plan: TracePlan) -> list[str]:
    """The parameters whose gradient is always 0."""
    return [
        name
        for name in plan.uses
        if not plan.traces[name] and all(is_constant(use.direct, 0.0) for use in plan.uses[name])
    ]


def _check_all_learn(plan: TracePlan) -> None:
    graph = plan.graph
    after = {
        name: found for name in _lost(plan) if (found := _matrices_after(graph, name))
    }  # 0 is right for the others
    if after:
        through = dict.fromkeys(matrix for found in after.values() for matrix in found)
        raise wrong(
            "algorithm",
            f"'online' for the cell {graph.name}",
            f"a cell whose output every parameter reaches elementwise: {', '.join(after)} reach "
            f"{graph.output_names[0]} only through the matrix {', '.join(through)}, so one trace per weight does not "
            "hold the derivative; algorithm='rtrl' or backpropagation through time does",
        )


def _check_learns_as_much(plan: TracePlan, whole: TracePlan) -> None:
    """`whole`: the plan with the peepholes."""
    lost = [name for name in _lost(plan) if name not in _lost(whole)]
    if lost:
        graph = plan.graph
        raise wrong(
            "peepholes",
            f"False for the cell {graph.name}",
            f"True: {', '.join(lost)} reach {graph.output_names[0]} only through a product with a vector weight",
        )


def _matrices_after(graph: Graph, parameter: str) -> list[str]:
    """The matrices between a parameter and the output: those met first, in the same step or in a later one."""
    needed = _needed(graph)
    reached = {source for _, source in _sources(graph, parameter)}
    while True:
        moved: set[Node] = set()
        for node in graph.order:
            if node in reached or moved.intersection(node.args):
                moved.add(node)
        products = [node for node in graph.order if node in needed and is_product(node)]
        found = [node.attr[0].name for node in products if moved.intersection(node.args)]
        states = {graph.state_leaf(s) for s, new in zip(graph.states, graph.outputs, strict=True) if new in moved}
        if found or states <= reached:
            return list(dict.fromkeys(found))
        reached |= states


def _needed(graph: Graph) -> set[Node]:
    """All nodes that the output hangs on, now or later."""
    needed = set(topological(graph.outputs[:1]))
    while True:
        pairs = zip(graph.states, graph.outputs, strict=True)
        more = set(topological([new for name, new in pairs if graph.state_leaf(name) in needed])) - needed
        if not more:
            return needed
        needed |= more


def _ordered(plan: TracePlan) -> TracePlan:
    wanted = [*plan.graph.outputs, *plan.decay.values(), *plan.error.values(), *plan.past.values()]
    wanted += [node for _, node in plan.input]
    for uses in plan.uses.values():
        for use in uses:
            wanted += [*use.grow.values(), use.direct]
    order = tuple(node for node in topological(wanted) if not is_leaf(node))
    return replace(plan, order=order)
