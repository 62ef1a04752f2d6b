"""Where the values of a schedule lie: one memory array (a Place) for each value that outlives a block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gated.language.graph import ONE_DIM, Graph, Node, is_constant, is_elementwise
from gated.program.lowering import Place
from gated.program.rows import CALLER, NEW, PREVIOUS, RING_NEW, RING_PREVIOUS, ROW, SEQUENCE, SINGLE, RowKind
from gated.schedule import CellSchedule
from gated.schedule.schedule import INPUT, PARAMETER, STATE

Available = dict[Node, tuple[Place, ...]]


@dataclass(frozen=True, eq=False)
class Layout:
    """The places of a schedule.

    Attributes:
        schedule: what is laid out.
        values: forward nodes that lie in memory: the inputs, the parameter vectors, levels 0 and 1, what is saved.
        saved: what the forward loop leaves for the backward pass and for the user.
        again: what the backward pass computes again instead.
        before: the values of level 1 that something else than their own program looks at.
        passing: those of them that only the forward loop looks at.
        leaves: the states at t-1.
        previous, new: the states at t-1 and at t, all of them kept.
        ring_previous, ring_new: the same where only the latest are kept.
        packed: the states at t-1, for a program that has no time steps.
        running: the adjoints of the states.
        y, dy: the output and its adjoint.
        kept: what the backward loop leaves for the program after it.
        results: what that program makes.
        factors: adjoint of a vector parameter -> two vectors that have rows, of which it is the product: it is not made
            row by row, but where the rows are summed up.
    """

    schedule: CellSchedule
    values: dict[Node, Place]
    saved: tuple[Node, ...]
    again: tuple[Node, ...]
    before: tuple[Node, ...]
    passing: tuple[Node, ...]
    leaves: tuple[Node, ...]
    previous: tuple[Place, ...]
    new: tuple[Place, ...]
    ring_previous: tuple[Place, ...]
    ring_new: tuple[Place, ...]
    packed: tuple[Place, ...]
    running: tuple[Place, ...]
    y: Place
    dy: Place
    kept: dict[Node, Place]
    results: dict[Node, Place]
    factors: dict[Node, tuple[Node, ...]]

    @staticmethod
    def of(schedule: CellSchedule, backward: bool = True) -> Layout:
        """A place of its own for everything; without `backward` only for what a forward pass needs."""
        graph, level = schedule.graph, schedule.level
        low = [node for node in graph.order if not is_constant(node) and level[node] <= INPUT]
        fixed = fixed_below(schedule) if backward else []
        low = list(dict.fromkeys([*map(graph.input_leaf, graph.inputs), *low, *fixed]))
        values: dict[Node, Place] = {}
        again = _cheap(schedule)
        saved = [node for node in schedule.saved if node not in again]
        for node in [*low, *saved]:
            rows = SINGLE if level[node] == PARAMETER else ROW
            values[node] = Place(f"value{len(values)}", rows, node.dim)
        dims = [graph.dims[name] for name in graph.states]

        def places(name: str, rows: RowKind) -> tuple[Place, ...]:
            return tuple(Place(f"{name}{k}", rows, dim) for k, dim in enumerate(dims))

        new = places("state", NEW)
        # a saved value that is a new state lies with the states
        for k, node in reversed(list(enumerate(schedule.outputs))):
            if node in saved and node.dim == new[k].dim:
                values[node] = new[k]
        kept = {node: Place(f"kept{i}", ROW, node.dim) for i, node in enumerate(schedule.kept)}
        forward_only, others = _readers(schedule, backward)
        before = [node for node in schedule.before if level[node] == INPUT and node in forward_only | others]
        wanted = [*schedule.inputs, *schedule.vectors.values()]
        wanted += [delta for pairs in schedule.products.values() for delta, _ in pairs]
        known = {*values, *kept, *(graph.state_leaf(name) for name in graph.states)}
        with_rows = {node for node in known if schedule.level.get(node, STATE) > PARAMETER}
        factors = _factors(schedule, with_rows) if backward else {}
        missing = [node for node in dict.fromkeys(wanted) if node not in {*known, *factors} and not is_constant(node)]
        return Layout(
            schedule=schedule,
            values=values,
            saved=tuple(saved),
            again=tuple(again),
            before=tuple(before),
            passing=tuple(node for node in before if node not in others),
            leaves=tuple(graph.state_leaf(name) for name in graph.states),
            previous=places("state", PREVIOUS),
            new=new,
            ring_previous=places("ring", RING_PREVIOUS),
            ring_new=places("ring", RING_NEW),
            packed=places("before", PREVIOUS),
            running=places("running", SEQUENCE),
            y=Place("y", CALLER, dims[0]),
            dy=Place("dy", CALLER, dims[0]),
            kept=kept,
            results={node: Place(f"result{i}", ROW, node.dim) for i, node in enumerate(missing)},
            factors=factors,
        )

    def low(self) -> Available:
        """What exists before the time loop."""
        return {node: (place,) for node, place in self.values.items() if self.schedule.level[node] < STATE}


def _factors(schedule: CellSchedule, with_rows: set[Node]) -> dict[Node, tuple[Node, ...]]:
    """See `Layout.factors`."""
    elsewhere = {*schedule.inputs, *with_rows, *(arg for node in schedule.after for arg in node.args)}
    elsewhere |= {node for pairs in schedule.products.values() for pair in pairs for node in pair}
    return {
        node: node.args
        for node in schedule.vectors.values()
        if node.operation.multiplies
        and node not in elsewhere
        and all(arg in with_rows and arg.dim == node.dim != ONE_DIM for arg in node.args)
    }


def fixed_below(schedule: CellSchedule) -> list[Node]:
    """What only the backward pass looks at and depends on parameters and lengths alone."""
    level, own = schedule.level, set(schedule.graph.order)
    read = dict.fromkeys(arg for node in [*schedule.backward_step, *schedule.after] for arg in node.args)
    return [node for node in read if level[node] == PARAMETER and node not in own and not is_constant(node)]


def parameter_numbers(graph: Graph, sizes: Mapping[str, int]) -> dict[str, int]:
    """Parameter -> how many numbers it has."""
    return {name: math.prod(sizes[dim] for dim in shape) for name, shape in graph.parameters.items()}


def _cheap(schedule: CellSchedule) -> list[Node]:
    """Saved values that are one function of others that stay: to compute them again costs less than memory does."""
    operands = {node for pairs in schedule.products.values() for pair in pairs for node in pair}
    kept = {*schedule.graph.names, *schedule.outputs, *operands, *schedule.vectors.values(), *schedule.inputs}
    draws = {schedule.graph.input_leaf(name) for name in schedule.graph.draws}
    found = []
    for node in schedule.saved:
        stays = [is_constant(arg) or arg in draws or (arg in schedule.saved and arg in kept) for arg in node.args]
        if is_elementwise(node) and node not in kept and all(stays):
            found.append(node)
    return found


def _readers(schedule: CellSchedule, backward: bool) -> tuple[set[Node], set[Node]]:
    """What the forward loop looks at, and what anything else does."""
    step = {arg for node in schedule.step for arg in node.args}
    if not backward:
        return step, set(schedule.outputs)
    others = {arg for node in [*schedule.backward_step, *schedule.after] for arg in node.args}
    others |= {*schedule.graph.names, *schedule.outputs, *schedule.previous, *schedule.inputs}
    others |= set(schedule.vectors.values())
    others |= {node for pairs in schedule.products.values() for pair in pairs for node in pair}
    return step, others
