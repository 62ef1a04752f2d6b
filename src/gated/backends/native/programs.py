"""The forward and backward programs of a schedule: where every value lies, and the machine code, compiled once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from gated.backends.native.emit import Emitter, Table
from gated.backends.native.lowering import CONSTANT, NEW, PREVIOUS, ROW, SEQUENCE, Place, Program, lower
from gated.backends.native.target import Compiled, host
from gated.language.graph import Node, is_leaf, topological
from gated.schedule import Schedule
from gated.schedule.passes import gather_products
from gated.schedule.schedule import CONSTANT as CONSTANT_LEVEL
from gated.schedule.schedule import INPUT, STATE


@dataclass(frozen=True, eq=False)
class Loop:
    """One compiled time loop."""

    program: Program
    table: Table
    code: Compiled

    @property
    def operands(self) -> list[Place]:
        """The operand of every term, in the order of the panels."""
        return [term.operand for block in self.program.blocks for term in block.terms]


@dataclass(frozen=True, eq=False)
class Programs:
    """Everything compiled for one schedule and dtype. Places map what the runtime has to what the code reads.

    Attributes:
        forward, backward: the loops.
        saved: node -> place of its values over all rows, made by the forward loop.
    """

    forward: Loop
    backward: Loop


def value_places(schedule: Schedule) -> dict[Node, Place]:
    """Where the values of level 0, 1 and the saved ones of level 2 lie."""
    places: dict[Node, Place] = {}
    for node in schedule.graph.order:
        level = schedule.level[node]
        if node.op != "constant" and level <= INPUT:
            places[node] = Place(f"value{len(places)}", CONSTANT if level == CONSTANT_LEVEL else ROW, node.dim)
    for node in schedule.saved:
        places[node] = Place(f"value{len(places)}", ROW, node.dim)
    return places


def state_place(schedule: Schedule, k: int, rows: str) -> Place:
    name = schedule.graph.states[k]
    return Place(f"state{k}", rows, schedule.graph.dims[name])


def running_place(schedule: Schedule, k: int) -> Place:
    return Place(f"running{k}", SEQUENCE, schedule.seeds[k].dim)


def kept_places(schedule: Schedule) -> dict[Node, Place]:
    return {node: Place(f"kept{i}", ROW, node.dim) for i, node in enumerate(schedule.kept)}


def dy_place(schedule: Schedule) -> Place:
    return Place("dy", ROW, schedule.seeds[0].dim)


def lower_forward(schedule: Schedule) -> Program:
    """The body of the forward loop."""
    known = {node for node in schedule.graph.order if schedule.level[node] < STATE}
    new = gather_products([*schedule.outputs, *schedule.saved], known)
    wanted = topological([new[node] for node in [*schedule.outputs, *schedule.saved]])
    places = value_places(schedule)
    available: dict[Node, tuple[Place, ...]] = {
        new.get(node, node): (place,) for node, place in places.items() if schedule.level[node] < STATE
    }
    for k, name in enumerate(schedule.graph.states):
        available[schedule.graph.state_leaf(name)] = (state_place(schedule, k, PREVIOUS),)
    results = [(new[node], places[node]) for node in schedule.saved]
    results += [(new[node], state_place(schedule, k, NEW)) for k, node in enumerate(schedule.outputs)]
    program = [node for node in wanted if node not in available and node.op not in ("leaf", "constant")]
    return lower(program, available, results)


def lower_backward(schedule: Schedule) -> Program:
    """The body of the backward loop."""
    available: dict[Node, tuple[Place, ...]] = {node: (place,) for node, place in value_places(schedule).items()}
    for k, name in enumerate(schedule.graph.states):
        available[schedule.graph.state_leaf(name)] = (state_place(schedule, k, PREVIOUS),)
        places: tuple[Place, ...] = (running_place(schedule, k),)
        available[schedule.seeds[k]] = (*places, dy_place(schedule)) if k == 0 else places
    results = list(kept_places(schedule).items())
    results += [(node, running_place(schedule, k)) for k, node in enumerate(schedule.previous)]
    program = [node for node in schedule.backward_step if node not in available and node.op != "constant"]
    return lower(program, available, results)


_cache: OrderedDict[Any, Programs] = OrderedDict()
_lock = threading.Lock()
CACHED_PROGRAMS = 64


def programs_of(schedule: Schedule, dtype: str) -> Programs:
    """Compiled programs, from the cache of this process if possible."""
    graph = schedule.graph
    key = (graph.outputs, graph.states, graph.inputs, tuple(graph.parameters.items()), dtype)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    made = Programs(_compile(lower_forward(schedule), dtype, False), _compile(lower_backward(schedule), dtype, True))
    with _lock:
        _cache[key] = made
        while len(_cache) > CACHED_PROGRAMS:
            _cache.popitem(last=False)
    return made


def _compile(program: Program, dtype: str, reverse: bool) -> Loop:
    emitter = Emitter(program, dtype, host().machine, reverse)
    return Loop(program, emitter.table, Compiled(emitter.emit()))


__all__ = ["Loop", "Programs", "is_leaf", "programs_of"]
