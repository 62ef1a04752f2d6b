"""The programs of functions without states, over rows: dense layers and losses. To them all rows belong to one step.

    forward   rows -> rows      the function
    backward  rows -> rows      adjoints of the inputs, and what the parameters' gradients need

    loss      rows -> rows      a loss: one number for each row, and its derivative by the first input

The caller's arrays are used where they lie, in `tight` places. Legend: R rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gated.language.graph import ONE_DIM, Matrix, Node, is_atom, is_constant, topological
from gated.program.layout import Available
from gated.program.lowering import Place, Program, lower
from gated.program.rows import ROW, SINGLE
from gated.program.time_loops import operand_groups
from gated.schedule import CellSchedule
from gated.schedule.schedule import INPUT, PARAMETER


@dataclass(frozen=True, eq=False)
class MapPrograms:
    """A function without states, and its derivative.

    Attributes:
        programs: forward, backward.
        given: the inputs, in the order of the function, and the seed: the caller's.
        single: what depends on the parameters alone.
        output: the caller's.
        saved: what the backward program needs beyond the output.
        inputs: adjoint of each input -> where the caller wants it.
        made: what else the parameters' gradients need.
        groups: operand -> the (δ, matrix) pairs that multiply it.
    """

    schedule: CellSchedule
    programs: dict[str, Program]
    given: dict[Node, Place]
    single: dict[Node, Place]
    output: Place
    saved: dict[Node, Place]
    inputs: dict[Node, Place]
    made: dict[Node, Place]
    groups: dict[Node, list[tuple[Node, Matrix]]]


@dataclass(frozen=True, eq=False)
class LossPrograms:
    """A loss.

    Attributes:
        programs: loss.
        y, target, weight: what goes in; the weight is the adjoint of the row's value.
        value, dy: what comes out.
    """

    programs: dict[str, Program]
    y: Place
    target: Place
    weight: Place
    value: Place
    dy: Place


def is_map(schedule: CellSchedule) -> bool:
    """Whether `map_programs` knows what to do: all that comes out, or is summed over the rows, is there row by row."""
    results = [*schedule.outputs, *schedule.inputs]
    summed = [
        *schedule.vectors.values(),
        *(node for pairs in schedule.products.values() for pair in pairs for node in pair),
    ]
    return (
        not schedule.graph.states
        and len(schedule.outputs) == 1
        and len(set(results)) == len(results)
        and not any(is_atom(node) for node in results)
        and all(schedule.level[node] > PARAMETER for node in [*results, *summed])
    )


def is_loss(schedule: CellSchedule) -> bool:
    """Whether `loss_programs` knows what to do: two inputs of one length to one number, without parameters."""
    graph, results = schedule.graph, [*schedule.outputs, schedule.inputs[0]]
    lengths = {graph.dims[name] for name in graph.inputs}
    return (
        not graph.states
        and not graph.parameters
        and len(graph.inputs) == 2
        and len(lengths) == 1
        and ONE_DIM not in lengths
        and [node.dim for node in schedule.outputs] == [ONE_DIM]
        and not any(is_atom(node) for node in results)
    )


def map_programs(schedule: CellSchedule) -> MapPrograms:
    """Lay out and lower a map."""
    graph, level = schedule.graph, schedule.level
    leaves = [graph.input_leaf(name) for name in graph.inputs]
    given = {leaf: _row(f"input{i}", leaf.dim, tight=True) for i, leaf in enumerate(leaves)}
    single = {
        node: Place(f"single{i}", SINGLE, node.dim)
        for i, node in enumerate(node for node in graph.order if level[node] == PARAMETER and not is_constant(node))
    }
    output, own = schedule.outputs[0], _row("y", schedule.outputs[0].dim, tight=True)
    wanted = [*schedule.vectors.values(), *(delta for pairs in schedule.products.values() for delta, _ in pairs)]
    read = [arg for node in schedule.after for arg in node.args] + wanted
    read += [operand for pairs in schedule.products.values() for _, operand in pairs]
    made = [node for node in schedule.before if level[node] == INPUT]
    saved = {node: _row(f"saved{i}", node.dim) for i, node in enumerate(made) if node in read and node is not output}
    forward: Available = {node: (place,) for node, place in {**given, **single}.items()}
    program = _lowered(made, forward, [(output, own), *saved.items()])

    seed = schedule.seeds[0]
    given[seed] = _row("dy", seed.dim, tight=True)
    known = {**given, **single, output: own, **saved}
    inputs = {node: _row(f"dx{i}", node.dim, tight=True) for i, node in enumerate(schedule.inputs)}
    missing = [node for node in dict.fromkeys(wanted) if node not in {**known, **inputs} and not is_constant(node)]
    results = {node: _row(f"result{i}", node.dim) for i, node in enumerate(missing)}
    backward: Available = {node: (place,) for node, place in known.items()}
    after = [node for node in schedule.after if not is_atom(node)]
    programs = {"forward": program, "backward": _lowered(after, backward, [*inputs.items(), *results.items()])}
    groups = operand_groups(schedule)
    return MapPrograms(schedule, programs, given, single, own, saved, inputs, results, groups)


def loss_programs(schedule: CellSchedule, one_hot: bool) -> LossPrograms:
    """Lower a loss; `one_hot`: of targets that are whole numbers."""
    graph, value, dy = schedule.graph, schedule.outputs[0], schedule.inputs[0]
    y, target = (graph.input_leaf(name) for name in graph.inputs)
    seed = schedule.seeds[0]
    given = {
        y: _row("y", y.dim, tight=True),
        target: Place("target", ROW, target.dim, tight=not one_hot, one_hot=one_hot),
    }
    given[seed] = _row("weight", ONE_DIM, tight=True)
    made = {value: _row("value", ONE_DIM, tight=True), dy: _row("dy", y.dim, tight=True)}
    nodes = [node for node in topological([value, dy]) if not is_atom(node)]
    program = lower(nodes, {node: (place,) for node, place in given.items()}, list(made.items()))
    return LossPrograms({"loss": program}, given[y], given[target], given[seed], made[value], made[dy])


def _lowered(nodes: Sequence[Node], available: Available, results: Sequence[tuple[Node, Place]]) -> Program:
    return replace(lower(nodes, available, results), long_operands=True)


def _row(name: str, dim: str, tight: bool = False) -> Place:
    return Place(name, ROW, dim, tight=tight)
