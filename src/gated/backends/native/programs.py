"""The programs of a schedule: where every value lies, and the machine code, compiled once.

    before    rows -> rows      the products with x_t and what else depends on no state
    forward   time loop
    backward  time loop, backwards
    after     rows -> rows      dx, and what the parameters' gradients need beyond what the loop kept

The first and the last are lowered as the loops are; to them all rows belong to one step.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gated.backends.native.emit import Emitter, Table
from gated.backends.native.lowering import CONSTANT, NEW, PREVIOUS, ROW, SEQUENCE, Place, Program, lower
from gated.backends.native.outer import emit_outer
from gated.backends.native.target import Compiled, host
from gated.language.graph import Matrix, Node, topological
from gated.schedule import Schedule
from gated.schedule.passes import gather_products
from gated.schedule.schedule import CONSTANT as CONSTANT_LEVEL
from gated.schedule.schedule import INPUT, STATE

Available = dict[Node, tuple[Place, ...]]


class Layout:
    """The places of a schedule: one memory array for each value that outlives a block."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        graph = schedule.graph
        low = [node for node in graph.order if node.op != "constant" and schedule.level[node] <= INPUT]
        low = list(dict.fromkeys([graph.input_leaf(graph.inputs[0]), *low]))
        self.values: dict[Node, Place] = {}
        for node in [*low, *schedule.saved]:
            rows = CONSTANT if schedule.level[node] == CONSTANT_LEVEL else ROW
            self.values[node] = Place(f"value{len(self.values)}", rows, node.dim)
        dims = [graph.dims[name] for name in graph.states]
        self.leaves = [graph.state_leaf(name) for name in graph.states]
        self.previous = [Place(f"state{k}", PREVIOUS, dim) for k, dim in enumerate(dims)]
        self.new = [Place(f"state{k}", NEW, dim) for k, dim in enumerate(dims)]
        self.packed = [Place(f"before{k}", ROW, dim) for k, dim in enumerate(dims)]  # previous states, row by row
        self.running = [Place(f"running{k}", SEQUENCE, dim) for k, dim in enumerate(dims)]
        self.dy = Place("dy", ROW, dims[0])
        self.kept = {node: Place(f"kept{i}", ROW, node.dim) for i, node in enumerate(schedule.kept)}

    def low(self) -> Available:
        """What exists before the time loop."""
        return {node: (place,) for node, place in self.values.items() if self.schedule.level[node] < STATE}


def _operations(nodes: Sequence[Node], available: Available) -> list[Node]:
    return [node for node in nodes if node not in available and node.op not in ("leaf", "constant")]


def lower_before(layout: Layout) -> Program:
    """x_t to all that depends on nothing else."""
    schedule = layout.schedule
    level = schedule.level
    given = {node: p for node, p in layout.low().items() if level[node] == CONSTANT_LEVEL or node.op == "leaf"}
    made = [node for node in schedule.before if level[node] == INPUT]
    return lower(made, given, [(node, layout.values[node]) for node in made if node in before_results(schedule)])


def before_results(schedule: Schedule) -> set[Node]:
    """The values of level 1 that something else than their own program looks at."""
    users = [*schedule.step, *schedule.backward_step, *schedule.after]
    wanted = {arg for node in users for arg in node.args} | set(schedule.graph.names) | set(schedule.outputs)
    wanted |= {operand for pairs in schedule.products.values() for _, operand in pairs}
    wanted |= {*schedule.previous, *schedule.inputs, *schedule.vectors.values()}
    return {node for node in schedule.before if schedule.level[node] == INPUT and node in wanted}


def lower_forward(layout: Layout) -> Program:
    """The body of the forward loop."""
    schedule = layout.schedule
    known = {node for node in schedule.graph.order if schedule.level[node] < STATE}
    new = gather_products([*schedule.outputs, *schedule.saved], known)
    wanted = topological([new[node] for node in [*schedule.outputs, *schedule.saved]])
    available = layout.low() | {leaf: (layout.previous[k],) for k, leaf in enumerate(layout.leaves)}
    results = [(new[node], layout.values[node]) for node in schedule.saved]
    results += [(new[node], layout.new[k]) for k, node in enumerate(schedule.outputs)]
    return lower(_operations(wanted, available), available, results)


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
    return lower(_operations(schedule.backward_step, available), available, results)


def lower_after(layout: Layout) -> tuple[Program, dict[Node, Place]]:
    """What is left when the backward loop has ended, and where its results lie."""
    schedule = layout.schedule
    available: Available = {node: (place,) for node, place in {**layout.values, **layout.kept}.items()}
    available |= {leaf: (layout.packed[k],) for k, leaf in enumerate(layout.leaves)}
    wanted = [*schedule.inputs, *schedule.vectors.values()]
    wanted += [delta for pairs in schedule.products.values() for delta, _ in pairs]
    missing = [node for node in dict.fromkeys(wanted) if node not in available and node.op != "constant"]
    results = {node: Place(f"result{i}", ROW, node.dim) for i, node in enumerate(missing)}
    return lower(_operations(schedule.after, available), available, list(results.items())), results


@dataclass(frozen=True, eq=False)
class Loop:
    """One compiled program."""

    program: Program
    table: Table
    code: Compiled

    @cached_property
    def operands(self) -> dict[Place, list[int]]:
        """Place -> the terms (numbered as the panels) of which it is the operand."""
        found: dict[Place, list[int]] = {}
        terms = [term for block in self.program.blocks for term in block.terms]
        for number, term in enumerate(terms):
            found.setdefault(term.operand, []).append(number)
        return found

    @cached_property
    def places(self) -> frozenset[Place]:
        return frozenset(self.program.places)


@dataclass(frozen=True, eq=False)
class Programs:
    """Everything compiled for one schedule and dtype."""

    layout: Layout
    before: Loop | None
    forward: Loop
    backward: Loop
    after: Loop | None
    results: dict[Node, Place]
    outer: Compiled
    groups: dict[Node, list[tuple[Node, Matrix]]]  # operand -> the (δ, matrix) pairs that multiply it


_cache: OrderedDict[Any, Programs] = OrderedDict()
_outer: dict[str, Compiled] = {}
_lock = threading.RLock()
CACHED_PROGRAMS = 64


def programs_of(schedule: Schedule, dtype: str) -> Programs:
    """Compiled programs, from the cache of this process if possible."""
    graph = schedule.graph
    key = (
        graph.outputs,
        graph.states,
        graph.inputs,
        tuple(graph.parameters.items()),
        tuple(graph.names.items()),
        dtype,
    )
    with _lock:
        if key not in _cache:
            _cache[key] = _make(schedule, dtype)
            while len(_cache) > CACHED_PROGRAMS:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        return _cache[key]


def _make(schedule: Schedule, dtype: str) -> Programs:
    layout = Layout(schedule)
    after, results = lower_after(layout)
    if dtype not in _outer:
        _outer[dtype] = Compiled(emit_outer(dtype, host().machine))
    groups: dict[Node, list[tuple[Node, Matrix]]] = {}
    for matrix, pairs in schedule.products.items():
        for delta, operand in pairs:
            groups.setdefault(operand, []).append((delta, matrix))
    return Programs(
        layout,
        _compile(lower_before(layout), dtype),
        _compile(lower_forward(layout), dtype),  # type: ignore[arg-type]
        _compile(lower_backward(layout), dtype, reverse=True),  # type: ignore[arg-type]
        _compile(after, dtype),
        results,
        _outer[dtype],
        groups,
    )


def _compile(program: Program, dtype: str, reverse: bool = False) -> Loop | None:
    if not program.blocks:
        return None
    emitter = Emitter(program, dtype, host().machine, reverse)
    return Loop(program, emitter.table, Compiled(emitter.emit()))
