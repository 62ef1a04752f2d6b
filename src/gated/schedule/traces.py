"""The program of online learning with traces, for one cell: forward mode with the recurrent matrices cut.

A trace is ∂s/∂w for a state s of a unit and a weight w of the same unit, carried from step to step. With the matrices
cut, what a unit remembers depends on its own weights alone, and the whole derivative is elementwise:

    ∂s'_k/∂w  =  Σ_j decay[k, j] ⊙ ∂s_j/∂w  +  Σ_uses grow[k] ⊙ v         at every step     (1)
    ∂L/∂w     =  dh ⊙ (Σ_k error[k] ⊙ ∂s'_k/∂w  +  Σ_uses direct ⊙ v)     where L is known  (2)

v is what the weight is applied to at this step, h' the output, dh = ∂L/∂h'. For an LSTM decay is the forget gate (and
what the peepholes add to it), error is o (1 - tanh² c): the error reaches the cell state and the output gate of the
current step and nothing else. Hochreiter & Schmidhuber (1997), "Long short-term memory", appendix; Gers, Schmidhuber &
Cummins (2000), "Learning to forget", where decay becomes f. Here all four are found from the cell's equations.
"""

from __future__ import annotations

from dataclasses import dataclass

from gated.calculus.slopes import Slopes, weighted_states
from gated.errors import wrong
from gated.language.graph import Graph, Node, is_constant, leaf, topological


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
        ArgumentError: some parameter reaches the output only through a matrix: it would never learn.
    """
    cut = () if peepholes else weighted_states(graph)
    slopes = Slopes(graph, cut)
    output = graph.outputs[0]
    decay = _decays(slopes)
    memory = tuple(sorted({j for _, j in decay}))
    decay = {(k, j): node for (k, j), node in decay.items() if k in memory}
    new = {k: graph.outputs[k] for k in memory}
    error: dict[int, Node] = {}
    for k, node in new.items():
        slope = slopes.from_source([output], node, held=new.values())[0]
        if not is_constant(slope, 0.0) and all(new[j] is not node for j in error):
            error[k] = slope
    reaching = _reaching(error, decay)
    decay = {pair: node for pair, node in decay.items() if pair[0] in reaching}
    instant = {arg.attr[1] for node in cut for arg in node.args if arg.op == "leaf" and arg.attr[0] == "vector"}
    uses, traces = {}, {}
    for name in graph.parameters:
        held = () if name in instant else tuple(new.values())
        uses[name] = tuple(_use(slopes, operand, source, held, reaching) for operand, source in _sources(graph, name))
        traces[name] = () if name in instant else _traced(uses[name], decay)
    plan = TracePlan(graph, tuple(sorted(reaching)), decay, error, uses, traces, _input_paths(slopes), ())
    _check_all_learn(plan)
    return _ordered(plan)


def _decays(slopes: Slopes) -> dict[tuple[int, int], Node]:
    graph = slopes.graph
    found = {}
    for j, name in enumerate(graph.states):
        for k, slope in enumerate(slopes.from_source(graph.outputs, graph.state_leaf(name))):
            if not is_constant(slope, 0.0):
                found[k, j] = slope
    return found


def _reaching(error: dict[int, Node], decay: dict[tuple[int, int], Node]) -> set[int]:
    """The states that the output depends on, now or later."""
    found = set(error)
    while more := {j for k, j in decay if k in found} - found:
        found |= more
    return found


def _sources(graph: Graph, name: str) -> list[tuple[Node | None, Node]]:
    shape = graph.parameters[name]
    if len(shape) == 1:
        return [(None, leaf("vector", name, shape[0]))]
    return [(node.args[0], node) for node in graph.order if node.op == "product" and node.attr[0].name == name]


def _use(slopes: Slopes, operand: Node | None, source: Node, held: tuple[Node, ...], reaching: set[int]) -> Use:
    graph = slopes.graph
    grow = slopes.from_source(graph.outputs, source)
    direct = slopes.from_source(graph.outputs[:1], source, held)[0]
    return Use(operand, {k: grow[k] for k in sorted(reaching) if not is_constant(grow[k], 0.0)}, direct)


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


def _check_all_learn(plan: TracePlan) -> None:
    graph = plan.graph
    lost = [
        name
        for name in graph.parameters
        if not plan.traces[name] and all(is_constant(use.direct, 0.0) for use in plan.uses[name])
    ]
    if lost:
        through = dict.fromkeys(name for parameter in lost for name in _matrices_after(graph, parameter))
        raise wrong(
            "algorithm",
            f"'online' for the cell {graph.name}",
            f"a cell whose output every parameter reaches elementwise: {', '.join(lost)} reach {graph.output_names[0]} "
            f"only through the matrix {', '.join(through)}, so one trace per weight does not hold the derivative; "
            "algorithm='rtrl' or backpropagation through time does",
        )


def _matrices_after(graph: Graph, parameter: str) -> list[str]:
    """The matrices that are applied to something made with this parameter."""
    sources = {source for _, source in _sources(graph, parameter)}
    return [
        node.attr[0].name
        for node in graph.order
        if node.op == "product" and node not in sources and sources & set(topological(node.args))
    ]


def _ordered(plan: TracePlan) -> TracePlan:
    wanted = [*plan.graph.outputs, *plan.decay.values(), *plan.error.values(), *(node for _, node in plan.input)]
    for uses in plan.uses.values():
        for use in uses:
            wanted += [*use.grow.values(), use.direct]
    order = tuple(node for node in topological(wanted) if node.op != "leaf")
    return TracePlan(plan.graph, plan.memory, plan.decay, plan.error, plan.uses, plan.traces, plan.input, order)
