"""The programs of a schedule: where every value lies, and the machine code, compiled once.

    before    rows -> rows      the products with x_t and what else depends on no state
    forward   time loop
    backward  time loop, backwards
    after     rows -> rows      dx, and what the parameters' gradients need beyond what the loop kept

    infer     time loop         forward in one piece; nothing is kept but the output
    scan      time loop         the same after `before`: for so few sequences, or so large matrices, that a product
                                over many steps at once is worth the memory

`before` and `after` are lowered as the loops are; to them all rows belong to one step. `Common` has what does not
depend on the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.emit import Module, Table
from gated.backends.native.codegen.gradients import emit_gradients
from gated.backends.native.codegen.moves import emit_move
from gated.backends.native.codegen.panels import emit_pack
from gated.backends.native.codegen.renewal import emit_renewal
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.machine.target import Compiled, host
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Matrix, Node, topological
from gated.lru import Lru
from gated.program.layout import Available, Layout
from gated.program.lowering import Place, Program, lower
from gated.schedule import Schedule
from gated.schedule.passes import gather_products
from gated.schedule.schedule import CONSTANT as CONSTANT_LEVEL
from gated.schedule.schedule import INPUT, STATE


def _operations(nodes: Sequence[Node], available: Available) -> list[Node]:
    return [node for node in nodes if node not in available and node.op not in ("leaf", "constant")]


def lower_before(layout: Layout) -> Program:
    """x_t to all that depends on nothing else."""
    schedule = layout.schedule
    level = schedule.level
    given = {node: p for node, p in layout.low().items() if level[node] == CONSTANT_LEVEL or node.op == "leaf"}
    made = [node for node in schedule.before if level[node] == INPUT]
    return lower(made, given, [(node, layout.values[node]) for node in layout.before])


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
    return lower(_needed(layout, schedule.after, available), available, list(layout.results.items()))


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
    available = {node: p for node, p in layout.low().items() if level[node] <= level_known or node.op == "leaf"}
    available |= {leaf: (layout.ring_previous[k],) for k, leaf in enumerate(layout.leaves)}
    results = [(node, layout.ring_new[k]) for k, node in enumerate(outputs)] + [(outputs[0], layout.y)]
    return lower(_operations(topological(outputs), available), available, results)


@dataclass(frozen=True, eq=False)
class Loop:
    """One compiled program: its table, function and the function's address."""

    program: Program
    table: Table
    run: Callable[[int, int, int], None]
    address: int
    code: Compiled  # held: the function lives as long as its module

    @cached_property
    def operands(self) -> dict[Place, list[int]]:
        """Place -> the terms (numbered as the panels) of which it is the operand."""
        found: dict[Place, list[int]] = {}
        terms = [term for block in self.program.blocks for term in block.terms]
        for number, term in enumerate(terms):
            found.setdefault(term.operand, []).append(number)
        return found


@dataclass(frozen=True, eq=False)
class Training:
    """Forward and backward, compiled for one schedule and dtype."""

    layout: Layout
    before: Loop | None
    forward: Loop
    backward: Loop
    after: Loop | None
    groups: dict[Node, list[tuple[Node, Matrix]]]  # operand -> the (δ, matrix) pairs that multiply it


@dataclass(frozen=True, eq=False)
class Inference:
    """Forward without a tape, compiled for one schedule and dtype."""

    layout: Layout
    infer: Loop
    before: Loop | None
    scan: Loop


@dataclass(frozen=True, eq=False)
class Common:
    """What all cells share: addresses of functions (table, share, shares)."""

    pack: int
    compare: int
    copy: int
    renew: int
    seal: int
    move: int
    matrix_gradients: int
    vector_gradients: int
    code: Compiled


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


def _training(schedule: Schedule, dtype: str) -> Training:
    layout = _in_place(Layout.of(schedule))
    programs = {
        "before": lower_before(layout),
        "forward": lower_forward(layout),
        "backward": lower_backward(layout),
        "after": lower_after(layout),
    }
    code = _compiled("training", dtype, programs)
    groups: dict[Node, list[tuple[Node, Matrix]]] = {}
    for matrix, pairs in schedule.products.items():
        for delta, operand in pairs:
            groups.setdefault(operand, []).append((delta, matrix))
    return Training(
        layout,
        code.get("before"),
        code["forward"],
        code["backward"],
        code.get("after"),
        groups,
    )


def _inference(schedule: Schedule, dtype: str) -> Inference:
    layout = Layout.of(schedule, backward=False)
    programs = {
        "infer": lower_infer(layout, CONSTANT_LEVEL),
        "before": lower_before(layout),
        "scan": lower_infer(layout, INPUT),
    }
    code = _compiled("inference", dtype, programs)
    return Inference(layout, code["infer"], code.get("before"), code["scan"])


def _compiled(kind: str, dtype: str, programs: dict[str, Program]) -> dict[str, Loop]:
    """All programs of one kind in one module; one that has nothing to do is left out."""
    programs = {name: program for name, program in programs.items() if program.blocks}

    def build() -> ir.Module:
        module = Module(dtype, host().machine)
        for name, program in programs.items():
            module.add(name, program, reverse=name == "backward")
        return module.module

    # the key is made from the programs, whose tables the code reads, and not from what they were derived from
    code = Compiled.cached(fingerprint(kind, dtype, programs), build)
    return {
        name: Loop(program, Table(program), code.function(name), code.address(name), code)
        for name, program in programs.items()
    }


def _common(dtype: str) -> Common:
    def build() -> ir.Module:
        module = ir.Module("common")
        math = VectorMath(module, PRECISIONS[dtype], host().machine.width(dtype))
        emit_pack(module, math)
        emit_renewal(module, math)
        emit_move(module, math)
        emit_gradients(module, math, host().machine)
        return module

    code = Compiled.cached(f"common {dtype}", build)
    names = "pack", "compare", "copy", "renew", "seal", "move", "matrix_gradients", "vector_gradients"
    return Common(**{name: code.address(name) for name in names}, code=code)


class _Cache:
    """What was compiled in this process."""

    def __init__(self) -> None:
        most = tuning_for().programs_kept
        self.made: Lru[Any, Any] = Lru(most)
        self.seen: Lru[Any, tuple[Schedule, Any]] = Lru(most)  # the same by objects: quicker to find

    def forget(self) -> None:
        """Everything is made anew."""
        self.made.forget()
        self.seen.forget()

    def of_schedule(self, schedule: Schedule, kind: str, dtype: str, make: Callable[[Schedule, str], Any]) -> Any:
        """What `make` makes of a schedule, for this processor. Equal schedules share it."""
        quick = id(schedule), kind, dtype, host()

        def find() -> tuple[Schedule, Any]:  # the schedule is held, so that its id stands for no other
            return schedule, self.made.get((*_identity(schedule), *quick[1:]), lambda: make(schedule, dtype))

        return self.seen.get(quick, find)[1]


_cache = _Cache()


def _identity(schedule: Schedule) -> tuple[Any, ...]:
    """What programs depend on."""
    graph = schedule.graph
    return graph.outputs, graph.states, graph.inputs, tuple(graph.parameters.items()), tuple(graph.names.items())


def training(schedule: Schedule, dtype: str) -> Training:
    """The programs for forward and backward, from this process's cache if possible."""
    found: Training = _cache.of_schedule(schedule, "training", dtype, _training)
    return found


def inference(schedule: Schedule, dtype: str) -> Inference:
    """The program without a tape."""
    found: Inference = _cache.of_schedule(schedule, "inference", dtype, _inference)
    return found


def common(dtype: str) -> Common:
    """The kernels that all cells share."""
    found: Common = _cache.made.get(("common", host(), dtype), lambda: _common(dtype))
    return found
