"""The programs of a schedule, for a backend to run: each as blocks, and where every value lies.

    before    rows -> rows      the products with x_t and what else depends on no state
    forward   time loop
    backward  time loop, backwards
    after     rows -> rows      dx, and what the parameters' gradients need beyond what the loop kept

    infer     time loop         forward in one piece; nothing is kept but the output
    scan      time loop         the same after `before`: for so few sequences, or so large matrices, that a product
                                over many steps at once is worth the memory

`before` and `after` are lowered as the loops are; to them all rows belong to one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gated.language.graph import Matrix, Node, is_atom, is_leaf, topological
from gated.program.layout import Available, Layout
from gated.program.lowering import Program, lower
from gated.schedule import CellSchedule
from gated.schedule.passes import gather_products
from gated.schedule.schedule import INPUT, PARAMETER, STATE

BACKWARDS = ("backward",)  # the programs that run from the last step to the first


@dataclass(frozen=True, eq=False)
class TrainingPrograms:
    """Forward and backward.

    Attributes:
        programs: before, forward, backward, after; `before` and `after` may be empty.
        groups: operand -> the (δ, matrix) pairs that multiply it, of which the matrices' gradients are made.
    """

    layout: Layout
    programs: dict[str, Program]
    groups: dict[Node, list[tuple[Node, Matrix]]]


@dataclass(frozen=True, eq=False)
class InferencePrograms:
    """Forward without a tape.

    Attributes:
        programs: infer, before, scan; `before` may be empty.
    """

    layout: Layout
    programs: dict[str, Program]


def training_programs(schedule: CellSchedule) -> TrainingPrograms:
    """Lay out and lower a schedule for forward and backward passes."""
    layout = _in_place(Layout.of(schedule))
    programs = {
        "before": lower_before(layout),
        "forward": lower_forward(layout),
        "backward": lower_backward(layout),
        "after": lower_after(layout),
    }
    return TrainingPrograms(layout, programs, operand_groups(schedule))


def operand_groups(schedule: CellSchedule) -> dict[Node, list[tuple[Node, Matrix]]]:
    """Operand -> the (δ, matrix) pairs that multiply it, of which the matrices' gradients are made."""
    groups: dict[Node, list[tuple[Node, Matrix]]] = {}
    for matrix, pairs in schedule.products.items():
        for delta, operand in pairs:
            groups.setdefault(operand, []).append((delta, matrix))
    return groups


def inference_programs(schedule: CellSchedule) -> InferencePrograms:
    """Lay out and lower a schedule for forward passes that keep nothing but the output."""
    layout = Layout.of(schedule, backward=False)
    programs = {
        "infer": lower_infer(layout, PARAMETER),
        "before": lower_before(layout),
        "scan": lower_infer(layout, INPUT),
    }
    return InferencePrograms(layout, programs)


def _operations(nodes: Sequence[Node], available: Available) -> list[Node]:
    return [node for node in nodes if node not in available and not is_atom(node)]


def lower_before(layout: Layout) -> Program:
    """x_t to all that depends on nothing else."""
    schedule = layout.schedule
    level = schedule.level
    given = {node: p for node, p in layout.low().items() if level[node] == PARAMETER or is_leaf(node)}
    made = [node for node in schedule.before if level[node] == INPUT]
    return _by_rows(lower(made, given, [(node, layout.values[node]) for node in layout.before]))


def lower_forward(layout: Layout) -> Program:
    """The body of the forward loop."""
    schedule = layout.schedule
    known = {node for node in schedule.graph.order if schedule.level[node] < STATE}
    new = gather_products([*schedule.outputs, *layout.saved], known)
    wanted = topological([new[node] for node in [*schedule.outputs, *layout.saved]])
    available = layout.low() | {leaf: (layout.previous[k],) for k, leaf in enumerate(layout.leaves)}
    results = [(new[node], layout.values[node]) for node in layout.saved]
    results += [(new[node], layout.new[k]) for k, node in enumerate(schedule.outputs)]
    results.append((new[schedule.outputs[0]], layout.y))
    return lower(_operations(wanted, available), available, list(dict.fromkeys(results)))


def lower_backward(layout: Layout) -> Program:
    """The body of the backward loop."""
    schedule = layout.schedule
    available: Available = {node: (place,) for node, place in layout.values.items()}
    for k, leaf in enumerate(layout.leaves):
        available[leaf] = (layout.previous[k],)
        running = layout.running[k]
        available[schedule.seeds[k]] = (running, layout.dy) if k == 0 else (running,)
    results = list(layout.kept.items())
    results += [(node, layout.running[k]) for k, node in enumerate(schedule.previous)]
    return lower(_needed(layout, schedule.backward_step, available), available, results)


def lower_after(layout: Layout) -> Program:
    """What is left when the backward loop has ended."""
    schedule = layout.schedule
    available: Available = {node: (place,) for node, place in {**layout.values, **layout.kept}.items()}
    available |= {leaf: (layout.packed[k],) for k, leaf in enumerate(layout.leaves)}
    wanted = topological(layout.results, lambda node: () if node in available else node.args)
    nodes = [node for node in schedule.after if node in set(wanted)]
    return _by_rows(lower(_needed(layout, nodes, available), available, list(layout.results.items())))


def _by_rows(program: Program) -> Program:
    """A program over all rows at once, in which reductions cut into blocks what would else stay in registers."""
    return replace(program, by_rows=any(block.reductions for block in program.blocks))


def _needed(layout: Layout, nodes: Sequence[Node], available: Available) -> list[Node]:
    """The operations, and before them those of the forward pass that they need again."""
    arguments = {arg for node in nodes for arg in node.args}
    return _operations([*(node for node in layout.again if node in arguments), *nodes], available)


def lower_infer(layout: Layout, level_known: int) -> Program:
    """Forward without a tape: to the output and the new states, from what is known up to a level and from x_t."""
    schedule = layout.schedule
    level = schedule.level
    known = {node for node in schedule.graph.order if level[node] <= level_known}
    new = gather_products(schedule.outputs, known)
    outputs = [new[node] for node in schedule.outputs]
    available = {node: p for node, p in layout.low().items() if level[node] <= level_known or is_leaf(node)}
    available |= {leaf: (layout.ring_previous[k],) for k, leaf in enumerate(layout.leaves)}
    results = [(node, layout.ring_new[k]) for k, node in enumerate(outputs)] + [(outputs[0], layout.y)]
    return lower(_operations(topological(outputs), available), available, results)


def _in_place(layout: Layout) -> Layout:
    """Let saved values overwrite the pre-activations that nobody needs once they are known.

    Half of the memory that a step touches is then in the cache already.
    """
    blocks = lower_forward(layout).blocks
    last = {place: i for i, block in enumerate(blocks) for places in block.loads.values() for place in places}
    first = {place: i for i, block in enumerate(blocks) for _, place in block.stores}
    operands = {term.operand for block in blocks for term in block.terms}
    free = [node for node in layout.passing if layout.values[node] not in operands]
    values = dict(layout.values)
    for saved in layout.saved:
        place = values[saved]
        if place in layout.new:
            continue
        for node in free:
            if node.dim == saved.dim and last.get(values[node], -1) <= first.get(place, -1):
                values[saved] = values[node]
                free.remove(node)
                break
    return replace(layout, values=values)
