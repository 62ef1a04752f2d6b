"""The parts of a network's training step: for each link its plans, and what they add to the step's course.

Each part has its memory in the step's region, "memory"; the parameters lie behind "theta", their gradients behind
"gradient". What a part needs for its own time only lies in `Assembly.work`, which all share.

Legend: R rows, N sequences.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gated.backends.native.codegen.table_rows import LOOK_UP_JOB, SUM_JOB
from gated.backends.native.machine.programs import MapCode, TrainingCode
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.assembly import Assembly
from gated.backends.native.passes.head_plan import HeadPlan
from gated.backends.native.passes.map_plan import LossPlan, MapBackwardPlan, MapForwardPlan
from gated.backends.native.passes.pass_plan import ROWS, PassPlan, Shapes
from gated.backends.native.passes.plan import At, put_computed
from gated.backends.native.passes.sealed_plan import GradientPlan, SealedPlan
from gated.backends.native.passes.table_scan_plan import TableBackwardPlan, TableForwardPlan
from gated.backends.native.passes.training_plan import BackwardPlan, ForwardPlan
from gated.backends.native.threads.groups import all_rows
from gated.backends.native.tuning import tuning_for
from gated.backends.reference import last_states
from gated.backends.whole_step import MapLink, ScanLink, Starts, TableLink, parameters_in
from gated.language.graph import is_constant
from gated.program.layout import parameter_numbers

Array = np.ndarray[Any, Any]
NOWHERE: At = (0, None)


@dataclass(frozen=True)
class Flow:
    """Where a link's input and output lie, and the adjoints of both; NOWHERE for those that nobody needs."""

    x: At
    y: At
    dx: At = NOWHERE
    dy: At = NOWHERE


class Part:
    """Of a step. `members`: threads that share its work."""

    members = 1

    def place(self, step: Assembly) -> None:
        """Ask for memory."""

    def forward(self, step: Assembly) -> None:
        """Add the phases of the forward pass."""

    def backward(self, step: Assembly) -> None:
        """Add those of the backward pass."""

    def prepare(self, lease: memory.Lease, theta: Array) -> None:
        """Before a call: what NumPy computes of the parameters."""


class TablePart(Part):
    """Rows of a table."""

    def __init__(self, link: TableLink, flow: Flow, rows: int) -> None:
        self.link, self.flow, self.rows = link, flow, rows

    def place(self, step: Assembly) -> None:
        step.claim(self.link.start, self.link.count * self.link.size)
        size = 8 * (3 * self.rows + 2 * self.link.count)
        self.chain, self.chains = step.memory.place(size), step.memory.place(8)
        self.wrong = step.refusals.ask(2)

    def forward(self, step: Assembly) -> None:
        link = self.link
        fields: dict[str, int | At] = {
            "table": step.theta(link.start),
            "ids": self.flow.x,
            "out": self.flow.y,
            "rows": step.rows,
            "size": link.size,
            "count": link.count,
            "wrong": step.refusals.at(self.wrong),
        }
        step.task("look_up", [fields[name] for name in LOOK_UP_JOB])

    def backward(self, step: Assembly) -> None:
        with step.gradients_of(self.link.start, self.link.count * self.link.size):
            self._sum(step)

    def _sum(self, step: Assembly) -> None:
        link, rows, chain = self.link, self.rows, self.chain
        step.clear(step.gradient(link.start), link.count, link.size)
        fields: dict[str, int | At] = {
            "ids": self.flow.x,
            "dy": self.flow.dy,
            "into": step.gradient(link.start),
            "rows": step.rows,
            "size": link.size,
            "count": link.count,
            "next": (chain, "memory"),
            "ends": (chain + 24 * rows, "memory"),
            "firsts": (chain + 8 * rows, "memory"),
            "chains": (self.chains, "memory"),
            "wrong": step.refusals.at(self.wrong + 1),
        }
        step.task("look_up_backward", [fields[name] for name in SUM_JOB])


class _Planned(Part):
    """A part with plans."""

    def __init__(self) -> None:
        self._work: dict[PassPlan, int] = {}

    def _place_work(self, step: Assembly, *plans: PassPlan) -> None:
        """Shared memory, or a piece of its own for a plan into which NumPy writes before the call."""
        for plan in plans:
            if getattr(plan, "computed", None) or getattr(plan, "full", None):
                self._work[plan] = step.memory.place(plan.work.bytes)
            else:
                step.share(plan.work.bytes)

    def _bases(self, step: Assembly, plan: PassPlan, starts: Starts, own: Mapping[Hashable, At]) -> dict[Hashable, At]:
        work = self._work.get(plan)
        where: At = step.work if work is None else (work, "memory")
        found: dict[Hashable, At] = {"team": (0, "team"), "work": where, ROWS: (0, ROWS), **own}
        for name, start in starts.items():
            found["parameter", name] = step.theta(start)
            found["gradient", name] = step.gradient(start)
        return found

    def _back(self, step: Assembly, plan: GradientPlan, starts: Starts, own: Mapping[Hashable, At]) -> None:
        """The phases of a backward pass."""
        with step.gradients_of(*_span(plan, starts)):
            columns = plan.shapes.cut.columns
            step.include(plan.sheet, plan.course, self._bases(step, plan, starts, own), columns)
            self._clear(step, plan, starts, plan.shapes.sizes)

    def _compute(self, plan: SealedPlan, link: MapLink, lease: memory.Lease, theta: Array) -> None:
        """What a map makes of its parameters alone."""
        if plan.computed:
            parameters = parameters_in(theta, plan.graph, plan.shapes.sizes, link.starts)
            put_computed(
                plan.computed, plan.work, lease.part(self._work[plan]), link.schedule, parameters, plan.shapes.sizes
            )

    def _clear(self, step: Assembly, plan: GradientPlan, starts: Starts, sizes: Mapping[str, int]) -> None:
        """Gradients that no job writes."""
        parameters = plan.schedule.graph.parameters
        for name in plan.without_gradient:
            *rows, columns = (sizes[dim] for dim in parameters[name])
            step.clear(step.gradient(starts[name]), math.prod(rows), columns)


class MapPart(_Planned):
    """A function without states."""

    def __init__(self, link: MapLink, flow: Flow, code: MapCode, shapes: Shapes) -> None:
        super().__init__()
        self.link, self.flow, self.members = link, flow, shapes.cut.members
        names = list(link.starts)
        self.plan = MapForwardPlan(code, shapes, names, sealed=False)
        self.back = MapBackwardPlan(self.plan, names)
        self.numbers = shapes.groups.all_rows(shapes.rows)

    def place(self, step: Assembly) -> None:
        step.claim(*_span(self.back, self.link.starts))
        self.tape = step.memory.place(self.plan.tape.bytes)
        self._place_work(step, self.plan, self.back)

    def _own(self, backward: bool) -> dict[Hashable, At]:
        flow, (name,) = self.flow, self.plan.lowered.schedule.graph.inputs
        rows: At = (0, "rows") if self.plan.shapes.varying else (address_of(self.numbers), None)
        found: dict[Hashable, At] = {"tape": (self.tape, "memory"), "rows": rows}
        found |= {("input", name): flow.x, "y": flow.y}
        return found | {"dy": flow.dy, ("adjoint", name): flow.dx} if backward else found

    def forward(self, step: Assembly) -> None:
        step.include(
            self.plan.sheet, self.plan.course, self._bases(step, self.plan, self.link.starts, self._own(False))
        )

    def backward(self, step: Assembly) -> None:
        self._back(step, self.back, self.link.starts, self._own(True))

    def prepare(self, lease: memory.Lease, theta: Array) -> None:
        for plan in (self.plan, self.back):
            self._compute(plan, self.link, lease, theta)


class HeadPart(_Planned):
    """The last map, with the loss behind it."""

    def __init__(self, link: MapLink, flow: Flow, plan: HeadPlan) -> None:
        super().__init__()
        self.link, self.flow, self.plan, self.members = link, flow, plan, plan.course.members

    def place(self, step: Assembly) -> None:
        step.claim(*_span(self.plan, self.link.starts))
        self.sums = step.losses.ask(self.plan.pieces)
        self._place_work(step, self.plan)

    def backward(self, step: Assembly) -> None:
        own: dict[Hashable, At] = {"x": self.flow.x, "dx": self.flow.dx, "sums": step.losses.at(self.sums)}
        own |= {"target": (0, "target"), "weights": (0, "weights")}
        if self.plan.varying:
            named = [(kind, k) for kind in ("rows", "steps", "count") for k in range(self.plan.pieces)]
            own |= {key: (0, ("head", *key)) for key in named}
        else:
            self.numbers = self.plan.row_numbers(self.plan.shapes.rows)  # held: the tables know them by address alone
            own |= {key: (address_of(array), None) for key, array in self.numbers.items()}
        self._back(step, self.plan, self.link.starts, own)

    def prepare(self, lease: memory.Lease, theta: Array) -> None:
        self._compute(self.plan, self.link, lease, theta)


class LossPart(Part):
    """A loss of whatever comes last."""

    def __init__(self, flow: Flow, plan: LossPlan) -> None:
        self.flow, self.plan, self.members = flow, plan, plan.course.members

    def place(self, step: Assembly) -> None:
        self.sums = step.losses.ask(1)
        self.values = step.memory.place(self.plan.shapes.rows * step.memory.dtype.itemsize)
        step.share(self.plan.work.bytes)

    def backward(self, step: Assembly) -> None:
        own: dict[Hashable, At] = {"team": (0, "team"), "work": step.work, "y": self.flow.y, "dy": self.flow.dy}
        own |= {"values": (self.values, "memory"), "sum": step.losses.at(self.sums)}
        steps: At = (0, "loss steps") if self.plan.shapes.varying else (address_of(self.plan.steps), None)
        own |= {"target": (0, "target"), "weights": (0, "weights"), "steps": steps, ROWS: (0, ROWS)}
        step.include(self.plan.sheet, self.plan.course, own)


class DirectionPart(_Planned):
    """A time loop.

    Args:
        inwards: the adjoints of the initial states are read after the call: nobody else may use their memory.
    """

    def __init__(
        self, link: ScanLink, starts: Starts, flow: Flow, code: TrainingCode, shapes: Shapes, inwards: bool
    ) -> None:
        super().__init__()
        self.inwards = inwards
        self.schedule, self.starts, self.flow, self.members = link.schedule, starts, flow, shapes.cut.members
        self.plan, self.back = self._plans(code, shapes, list(starts))
        if not shapes.varying:
            self.rows, self.steps = shapes.groups.all_rows(shapes.rows), shapes.groups.step_rows()

    def _plans(self, code: TrainingCode, shapes: Shapes, names: list[str]) -> tuple[ForwardPlan, BackwardPlan]:
        plan = ForwardPlan(code, shapes, names, sealed=False)
        return plan, BackwardPlan(plan, names, self.flow.dx != NOWHERE)

    def place(self, step: Assembly) -> None:
        step.claim(*_span(self.back, self.starts))
        self.tape = step.memory.place(self.plan.tape.bytes)
        if self.inwards:
            self._work[self.back] = step.memory.place(self.back.work.bytes)
        else:
            self._place_work(step, self.back)
        step.share(self.plan.work.bytes)
        if self.back.gathered:
            self.gathered = step.refusals.ask(len(self.back.layout.running))

    def _gather(self, step: Assembly, work: int, base: Hashable) -> None:
        """The states before every row, which lie elsewhere where sequences end."""
        for k in range(len(self.back.layout.running)):
            states, packed = self.plan.tape.specs["state", k], self.back.work.specs["packed", k]
            fields: dict[str, int | At] = {
                "table": (self.tape + states.offset, "memory"),
                "ids": (0, "previous"),
                "out": (work + packed.offset, base),
                "rows": step.rows,
                "size": states.stride,
                "count": states.rows,
                "wrong": step.refusals.at(self.gathered + k),
            }
            step.task("look_up", [fields[name] for name in LOOK_UP_JOB])

    def _own(self) -> dict[Hashable, At]:
        tape: dict[Hashable, At] = {"tape": (self.tape, "memory")}
        if self.plan.shapes.varying:
            return tape | {"steps": (0, "steps"), "rows": (0, "rows")}
        return tape | {"steps": (address_of(self.steps), None), "rows": (address_of(self.rows), None)}

    def forward(self, step: Assembly) -> None:
        own = self._own() | {"x": self.flow.x, "y": self.flow.y}
        bases = self._bases(step, self.plan, self.starts, own)
        step.include(self.plan.sheet, self.plan.course, bases, self.plan.shapes.cut.columns)

    def backward(self, step: Assembly) -> None:
        offset, base = self._bases(step, self.back, {}, {})["work"]
        for k in range(len(self.back.layout.running)):
            spec = self.back.work.specs["running", k]
            step.clear((offset + spec.offset, base), spec.rows, spec.stride)
        if self.back.gathered:
            self._gather(step, offset, base)
        self._back(step, self.back, self.starts, self._own() | {"dy": self.flow.dy, "dx": self.flow.dx})

    def prepare(self, lease: memory.Lease, theta: Array) -> None:
        plan, back, tape = self.plan, self.back, lease.part(self.tape)
        if plan.computed:
            parameters = parameters_in(theta, plan.graph, plan.shapes.sizes, self.starts)
            put_computed(plan.computed, plan.tape, tape, self.schedule, parameters, plan.shapes.sizes)
        for key in back.full:
            node = key[1]
            value = node.attr if is_constant(node) else plan.tape.view(tape, plan.layout.values[node])[0]
            back.work.view(lease.part(self._work[back]), key)[...] = value

    def begin(self, lease: memory.Lease, states: Sequence[Array] | None) -> None:
        """Set the initial states, (N, size) each; None for zeros."""
        tape, groups = lease.part(self.tape), self.plan.shapes.groups
        for k in range(len(self.plan.layout.new)):
            own = self.plan.tape.view(tape, ("state", k))
            initial = np.zeros((groups.edges[-1], own.shape[1]), own.dtype) if states is None else states[k]
            groups.put_initial(own, initial)

    def last(self, lease: memory.Lease, counts: Array, sequences: int) -> list[Array]:
        """The states after each sequence's last step, (N, size) each: copies."""
        tape, groups = lease.part(self.tape), self.plan.shapes.groups
        own = [self.plan.tape.view(tape, ("state", k)) for k in range(len(self.plan.layout.new))]
        if not self.plan.shapes.varying:
            return [groups.last(array) for array in own]
        there = groups.edges[-1] + int(counts.sum())  # the rest is room
        return [array[:sequences] for array in last_states([array[:there] for array in own], counts)]

    def first(self, lease: memory.Lease, sequences: int) -> list[Array]:
        """The adjoints of the initial states, (N, size) each: copies."""
        work, groups = lease.part(self._work[self.back]), self.plan.shapes.groups
        own = [self.back.work.view(work, ("running", k)) for k in range(len(self.back.layout.running))]
        if self.plan.shapes.varying:
            return [array[:sequences].copy() for array in own]
        return [groups.first(array) for array in own]


class TableDirectionPart(DirectionPart):
    """A time loop behind a table."""

    def __init__(
        self,
        table: TableLink,
        direction: int,
        link: ScanLink,
        flow: Flow,
        code: TrainingCode,
        shapes: Shapes,
        inwards: bool,
    ) -> None:
        self.table, self.direction = table, direction
        super().__init__(link, link.starts[direction], flow, code, shapes, inwards)
        self.table_rows = all_rows(table.count, 0)

    def _plans(self, code: TrainingCode, shapes: Shapes, names: list[str]) -> tuple[ForwardPlan, BackwardPlan]:
        plan = TableForwardPlan(code, shapes, names, self.table.count)
        return plan, TableBackwardPlan(plan, names, tuning_for().zeros)

    def place(self, step: Assembly) -> None:
        super().place(step)
        step.claim(self.table.start, self.table.count * self.table.size)
        self.chains = step.memory.place(8 * (3 * self.plan.shapes.rows + 2 * self.table.count + 1))
        self.wrong = step.refusals.ask(1)

    def _bases(self, step: Assembly, plan: PassPlan, starts: Starts, own: Mapping[Hashable, At]) -> dict[Hashable, At]:
        found = super()._bases(step, plan, starts, own)
        found |= {"table": step.theta(self.table.start), "table rows": (address_of(self.table_rows), None)}
        found |= {"ids": (0, ("ids", self.direction)), "wrong": step.refusals.at(self.wrong)}
        return found | {"zeros": (step.zeros[0], "memory"), "chains": (self.chains, "memory")}

    def backward(self, step: Assembly) -> None:
        with step.gradients_of(self.table.start, self.table.count * self.table.size):
            self.flow = replace(self.flow, dx=step.gradient(self.table.start))
            super().backward(step)


class ScanPart(Part):
    """A time loop; or two over the same input, whose outputs lie side by side.

    Args:
        draws: of each direction, where those lie that belong beside its input.
    """

    def __init__(
        self,
        link: ScanLink,
        flow: Flow,
        code: TrainingCode,
        shapes: Shapes,
        mask: At | None,
        table: TableLink | None = None,
        inwards: bool = False,
        draws: Sequence[At] = (),
    ) -> None:
        self.draws = draws
        self.link, self.flow, self.code, self.shapes, self.mask, self.table = link, flow, code, shapes, mask, table
        self.inwards = inwards
        self.members, self.rows = shapes.cut.members, shapes.rows
        self.inputs = link.input_size
        self.size = link.size // len(link.starts)  # of one direction's output
        self.with_dx = flow.dx != NOWHERE
        self.directions: list[DirectionPart] = []

    def place(self, step: Assembly) -> None:
        def array(size: int) -> At:
            return step.memory.place(self.rows * size * step.memory.dtype.itemsize), "memory"

        flow, both = self.flow, len(self.link.starts) > 1
        self.x = flow.x if self.mask is None else array(self.inputs)
        flows = [Flow(self.x, flow.y, flow.dx, flow.dy)]
        if both:
            self.turned, self.spare = step.refusals.ask(4), array(max(self.inputs, self.size))
            flows = [Flow(self.x, array(self.size), flow.dx, array(self.size))]
            dx = array(self.inputs) if self.with_dx else NOWHERE
            flows += [Flow(array(self.inputs), array(self.size), dx, array(self.size))]
        self.given = [own.x for own in flows]
        if self.draws:
            flows = [replace(own, x=array(self.inputs + self.link.draws_size)) for own in flows]
        for direction, own in enumerate(flows):
            part = self._direction(direction, own)
            part.place(step)
            self.directions.append(part)

    def _direction(self, direction: int, flow: Flow) -> DirectionPart:
        if self.table is not None:
            return TableDirectionPart(self.table, direction, self.link, flow, self.code, self.shapes, self.inwards)
        return DirectionPart(self.link, self.link.starts[direction], flow, self.code, self.shapes, self.inwards)

    def _turn(self, step: Assembly, source: At, target: At, size: int, number: int) -> None:
        """Each sequence from its end to its beginning."""
        fields: dict[str, int | At] = {"table": source, "ids": (0, "mirror"), "out": target, "rows": step.rows}
        fields |= {"size": size, "count": step.rows, "wrong": step.refusals.at(self.turned + number)}
        step.task("look_up", [fields[name] for name in LOOK_UP_JOB])

    def forward(self, step: Assembly) -> None:
        itemsize = step.memory.dtype.itemsize
        if self.mask is not None:
            step.move(self.flow.x, self.x, (step.rows, self.inputs), (self.inputs, self.inputs))
            step.multiply(self.x, self.mask, self.inputs)
        if len(self.directions) > 1 and self.table is None:
            self._turn(step, self.x, self.given[1], self.inputs, 0)
        self._join(step)
        for part in self.directions:
            part.forward(step)
        if len(self.directions) > 1:
            one, other = self.directions
            self._turn(step, other.flow.y, self.spare, self.size, 1)
            offset, base = self.flow.y
            strides = self.size, self.link.size
            step.move(one.flow.y, (offset, base), (step.rows, self.size), strides)
            step.move(self.spare, (offset + self.size * itemsize, base), (step.rows, self.size), strides)

    def _join(self, step: Assembly) -> None:
        """The input and the draws of each direction, side by side."""
        size, drawn = self.inputs, self.link.draws_size
        for part, given, draws in zip(self.directions, self.given, self.draws, strict=False):
            offset, base = part.flow.x
            step.move(given, (offset, base), (step.rows, size), (size, size + drawn))
            target = offset + size * step.memory.dtype.itemsize, base
            step.move(draws, target, (step.rows, drawn), (drawn, size + drawn))

    def backward(self, step: Assembly) -> None:
        itemsize = step.memory.dtype.itemsize
        if len(self.directions) > 1:
            one, other = self.directions
            offset, base = self.flow.dy
            shape, strides = (step.rows, self.size), (self.link.size, self.size)
            step.move((offset, base), one.flow.dy, shape, strides)
            step.move((offset + self.size * itemsize, base), self.spare, shape, strides)
            self._turn(step, self.spare, other.flow.dy, self.size, 2)
        for part in self.directions:
            part.backward(step)
        if len(self.directions) > 1 and self.with_dx:
            self._turn(step, self.directions[1].flow.dx, self.spare, self.inputs, 3)
            step.move(self.spare, self.flow.dx, (step.rows, self.inputs), (self.inputs, self.inputs), add=True)
        if self.mask is not None and self.with_dx:
            step.multiply(self.flow.dx, self.mask, self.inputs)

    def prepare(self, lease: memory.Lease, theta: Array) -> None:
        for part in self.directions:
            part.prepare(lease, theta)


def _span(plan: GradientPlan, starts: Starts) -> tuple[int, int]:
    """Where a part's parameters begin, and how many numbers they are: they lie one behind the other."""
    numbers = parameter_numbers(plan.schedule.graph, plan.shapes.sizes)
    learned = {name: start for name, start in starts.items() if name not in plan.schedule.graph.fixed}
    return (min(learned.values()), sum(numbers[name] for name in learned)) if learned else (-1, 0)
