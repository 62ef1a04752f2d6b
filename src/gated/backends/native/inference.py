"""Forward without a tape: whole sequences, or a stream step by step.

Many sequences: one program from x_t to the output; the pre-activations never leave the registers. Few sequences: the
products with x of a piece of time at once, whose results stay in the second-level cache, and then the loop over it.
Of the states only the latest are kept, in a ring of two rows per sequence.

Legend: T steps, N sequences, D inputs, `sizes` the length of every dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from gated.backends.native import memory
from gated.backends.native.addresses import address_of, parameter_addresses
from gated.backends.native.course import Course
from gated.backends.native.emit import STEP_ROWS
from gated.backends.native.groups import Cut, Groups, cut, gap_between, step_rows
from gated.backends.native.lowering import CALLER, CONSTANT, RING_NEW, RING_PREVIOUS, ROW, Place
from gated.backends.native.plan import (
    DTYPES,
    Call,
    LoopPlan,
    MovePlan,
    PackPlan,
    Where,
    is_elementwise,
    put_computed,
)
from gated.backends.native.pool import company, pool
from gated.backends.native.programs import Common, Inference, Loop, common, inference
from gated.backends.native.regions import PAGE, Region, Sheet, Spec
from gated.backends.native.target import host
from gated.language.graph import Node
from gated.schedule import Schedule

Array = np.ndarray[Any, Any]
FEW = 4  # sequences: fewer are too few for a tile of rows
CACHE = 256 << 10  # bytes of pre-activations that stay in the second-level cache


class InferencePlan:
    """Memory and tables for T steps of N sequences.

    Attributes:
        fixed: memory for the packed parameters. work: for everything else.
        few: whether the products with x are made ahead.
        first, again: what the threads do, the first time and while the parameters stay packed.
        only_pack: what packs them.
    """

    def __init__(
        self,
        programs: Inference,
        sizes: Mapping[str, int],
        dtype: np.dtype[Any],
        parameters: Sequence[str],
        steps: int,
        shared: Cut,
        few: bool,
    ) -> None:
        self.programs, self.layout, self.sizes, self.few = programs, programs.layout, sizes, few
        width = host().machine.width(DTYPES[dtype])
        self.fixed, self.work = Region("fixed", dtype, width), Region("work", dtype, width)
        dims = self.layout.schedule.graph.dims.values()
        self.cut = shared
        self.groups = Groups(steps, shared.edges, gap_between([sizes[dim] for dim in dims], dtype.itemsize))
        self.steps, self.sequences = steps, shared.edges[-1]
        bases = ["team", "fixed", "work", "x", "y", "steps", "rows"]
        self.sheet = Sheet([*bases, *(("parameter", name) for name in parameters)])
        self.pack = PackPlan()
        self.where: dict[Place, Where] = {}
        self._place()
        self.before = self._loop(programs.before, "rows", 1) if programs.before and few else None
        self.loop = self._loop(programs.scan if few else programs.infer, "steps", steps)
        self.pack.close(self.sheet)
        code = common(DTYPES[dtype])
        self.first, self.again, self.only_pack = (Course(members) for members in (shared.members, shared.members, 1))
        self.first.jobs(code.pack, self.pack)
        self.only_pack.jobs(code.pack, self.pack)
        self.only_pack.close(self.sheet)
        for course in (self.first, self.again):
            self._set_course(course, code)
        self.row_numbers = self.groups.step_rows()
        kinds = ("counts", *STEP_ROWS)
        self.row_numbers[:, kinds.index(ROW)] = self.row_numbers[:, kinds.index(CALLER)]  # nothing has another order
        self.all_rows = step_rows(np.array([steps * self.sequences]), steps * self.sequences)

    def _set_course(self, course: Course, code: Common) -> None:
        self._move(course, code, self.x, "x", True)
        if self.before:
            course.rows(self.before, self.steps * self.sequences)
        if self.cut.columns:
            course.columns(self.loop, self.sequences)
        elif len(self.groups) == 1:
            course.rows(self.loop, self.sequences)
        else:
            course.own_rows(self.loop, list(pairwise(self.groups.edges)))
        self._move(course, code, self.y, "y", False)
        course.close(self.sheet)

    def _move(self, course: Course, code: Common, where: Where, name: str, inwards: bool) -> None:
        """Between the caller's array and the copy that can be used in whole vectors, if there is one."""
        base, spec = where
        if base == name:
            return
        sides = [((0, name), (spec.size, 0)), ((spec.offset, base), (spec.stride, 0))]
        (source, source_strides), (target, target_strides) = sides if inwards else reversed(sides)
        moves = MovePlan()
        moves.rows(source, target, (spec.rows, 1, spec.size), (*source_strides, *target_strides))
        moves.close(self.sheet)
        course.jobs(code.move, moves)

    def _place(self) -> None:
        layout, sizes, rows = self.layout, self.sizes, self.steps * self.sequences
        self.x_leaf = layout.schedule.graph.input_leaf(layout.schedule.graph.inputs[0])
        self.computed: list[tuple[Node, Place]] = []
        for node, place in layout.values.items():
            if place.rows == CONSTANT:
                spec = self.fixed.add(place, 1, sizes[place.dim])
                self.where[place] = "fixed", spec
                if node.op == "leaf":
                    self.pack.vector(node.attr[1], self.fixed, spec)
                else:
                    self.computed.append((node, place))
        place = layout.values[self.x_leaf]
        loops = (self.programs.before, self.programs.scan) if self.few else (self.programs.infer,)
        self.x = self.where[place] = self._caller("x", place, is_elementwise(loops, place))
        if self.few:
            made = [layout.values[node] for node in layout.before]
            self.work.columns(made, rows, [sizes[place.dim] for place in made])
            self.where.update((place, ("work", self.work.specs[place])) for place in made)
        for k, place in enumerate(layout.ring_new):
            spec = self.work.add(("ring", k), 2 * self.sequences + self.groups.apart, sizes[place.dim])
            self.where[place] = self.where[layout.ring_previous[k]] = "work", spec
        self.y = self.where[layout.y] = self._caller("y", layout.y, True)

    def _caller(self, name: str, place: Place, whole_vectors: bool) -> Where:
        size, rows = self.sizes[place.dim], self.steps * self.sequences
        if whole_vectors and size % self.work.width:
            return "work", self.work.add(name, rows, size)
        return name, Spec(0, size, rows, size)

    def _loop(self, loop: Loop, base: str, steps: int) -> LoopPlan:
        plan = LoopPlan(loop, self.sheet, self.sizes, self.work)
        for number, matrices in enumerate(loop.program.panels):
            plan.panel(number, self.pack.panel(matrices, self.fixed, self.sizes), "fixed")
        rows = self.sequences + self.groups.apart if base == "steps" else self.steps * self.sequences
        for place in loop.program.places:
            if place.name.startswith("scratch"):
                plan.put(place, ("work", self.work.add((base, place), rows, self.sizes[place.dim])))
            else:
                plan.put(place, self.where[place])
        plan.steps(steps, base, len(self.groups) if base == "steps" else 1)
        if self.cut.columns and base == "steps":
            plan.share_columns(self.cut.members)
        return plan

    def ring(self, work: memory.Lease, k: int, group: int, steps: int) -> Array:
        """The rows that hold the k-th state of a group after `steps` steps."""
        first, stop = self.groups.edges[group : group + 2]
        spec, size = self.work.specs["ring", k], self.work.dtype.itemsize
        row = 2 * first + group * self.groups.gap + (stop - first) * (steps % 2)
        shape, strides = (stop - first, spec.size), (spec.stride * size, size)
        return work.array(spec.offset + row * strides[0], shape, strides, self.work.dtype)


class Prepared:
    """A plan with its parameters packed: what can run again and again while they do not change."""

    def __init__(self, plan: InferencePlan, parameters: Mapping[str, Array], fixed: memory.Lease | None = None) -> None:
        self.plan, self.parameters = plan, parameters
        start = 0 if fixed is not None else -(-plan.fixed.bytes // PAGE) * PAGE
        whole = memory.lease(start + plan.work.bytes)
        self.fixed = whole if fixed is None else fixed
        self.work = whole.part(start)

    def compute(self) -> None:
        """What depends on the parameters alone."""
        plan = self.plan
        put_computed(plan.computed, plan.fixed, self.fixed, plan.layout.schedule, self.parameters)

    def call(self, x: Array, y: Array, steps: Array) -> Call:
        """Tables for this input and output."""
        addresses = map(address_of, (x, y, steps, self.plan.all_rows))
        own = pool().address, self.fixed.address, self.work.address
        return Call(self.plan.sheet, [*own, *addresses, *parameter_addresses(self.parameters)])

    def put(self, states: Sequence[Array]) -> None:
        """Set the states before the first step, (N, size) each."""
        edges = self.plan.groups.edges
        for k, state in enumerate(states):
            for group in range(len(edges) - 1):
                self.plan.ring(self.work, k, group, 0)[...] = state[edges[group] : edges[group + 1]]

    def take(self, steps: int) -> list[Array]:
        """The states after so many steps, (N, size) each: copies."""
        groups = range(len(self.plan.groups))
        count = len(self.plan.layout.ring_new)
        return [np.concatenate([self.plan.ring(self.work, k, g, steps) for g in groups]) for k in range(count)]

    def run(self, x: Array, y: Array, pack: bool) -> None:
        """All steps: x (T·N, D) to y (T·N, size)."""
        course = self.plan.again
        if pack:
            self.compute()
            course = self.plan.first
        self.call(x, y, self.plan.row_numbers).run(course.program, course.members, course.alone)


@lru_cache(maxsize=64)
def _plan(
    programs: Inference,
    sizes: tuple[tuple[str, int], ...],
    dtype: np.dtype[Any],
    shape: tuple[int, int],
    few: bool,
    those: tuple[int, float],
) -> InferencePlan:
    steps, sequences = shape
    lengths, graph = dict(sizes), programs.layout.schedule.graph
    region = Region("", dtype, host().machine.width(DTYPES[dtype]))
    shared = cut(graph, lengths, steps * sequences, sequences, region, True, those)
    return InferencePlan(programs, lengths, dtype, tuple(graph.parameters), steps, shared, few)


def prepare(
    schedule: Schedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    few: bool = False,
    fixed: memory.Lease | None = None,
    alone: bool = False,
) -> Prepared:
    """Ready to run (steps, sequences), `alone`: in one thread.

    `fixed`: the packed parameters of another one with the same `few`.
    """
    programs = inference(schedule, DTYPES[dtype])
    those = (1, 0.0) if alone else company(shape[1])
    plan = _plan(programs, tuple(sizes.items()), dtype, shape, few, those)
    return Prepared(plan, parameters, fixed)


def infer(
    schedule: Schedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    x: Array,
    counts: Array,
    states: Sequence[Array],
) -> tuple[Array, list[Array]]:
    """The output of every step, (R, size), and each sequence's last states, (N, size) each, in packed order."""
    sequences = len(states[0])
    y = memory.empty((len(x), states[0].shape[1]), x.dtype)
    last = [state.copy() for state in states]
    few = sequences < FEW
    fixed: memory.Lease | None = None
    row = 0
    for steps, running in _pieces(counts, _longest(schedule, sizes, sequences, x.dtype.itemsize)):
        part = prepare(schedule, sizes, parameters, (steps, running), x.dtype, few, fixed)
        part.put([state[:running] for state in last])
        rows = slice(row, row + steps * running)
        part.run(x[rows], y[rows], pack=fixed is None)
        fixed, row = part.fixed, rows.stop
        for array, new in zip(last, part.take(steps), strict=True):
            array[:running] = new
    return y, last


def _longest(schedule: Schedule, sizes: Mapping[str, int], sequences: int, itemsize: int) -> int:
    """Steps of few sequences whose pre-activations stay in the cache."""
    if sequences >= FEW:
        return 1 << 62
    numbers = sum(sizes[node.dim] for node in schedule.before if node.dim in sizes)
    return max(16, CACHE // max(1, numbers * itemsize * sequences))


def _pieces(counts: Array, longest: int) -> list[tuple[int, int]]:
    """(steps, running sequences): runs of steps in which the same sequences run."""
    if len(counts) and counts[0] == counts[-1] and len(counts) <= longest:
        return [(len(counts), int(counts[0]))] if counts[0] else []
    pieces: list[tuple[int, int]] = []
    edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), len(counts)]
    for first, stop in zip(edges, edges[1:], strict=False):
        while first < stop and counts[first]:
            steps = min(longest, stop - first)
            pieces.append((steps, int(counts[first])))
            first += steps
    return pieces


class Stepper:
    """One time step at a time for N sequences, in preallocated memory.

    Attributes:
        x: (N, D), where the input of the next step is to be written.
        y: (N, size), the output of the last step; the next one overwrites it.
    """

    def __init__(
        self,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        sequences: int,
        dtype: np.dtype[Any],
    ) -> None:
        self._prepared = prepare(schedule, sizes, parameters, (1, sequences), dtype, alone=True)
        plan, work = self._prepared.plan, self._prepared.work
        self.x = self._buffer(plan.x, work)
        self.y = self._buffer(plan.y, work)
        even, odd = plan.row_numbers, plan.row_numbers.copy()
        kinds = ("counts", *STEP_ROWS)
        one, other = kinds.index(RING_PREVIOUS), kinds.index(RING_NEW)
        odd[:, [one, other]] = even[:, [other, one]]
        self._held = [even, odd]
        self._calls = [self._prepared.call(self.x, self.y, rows) for rows in self._held]
        self.refresh()
        run, start = plan.loop.loop.run, plan.loop.start
        self._run = [partial(run, call.address + start, 0, sequences) for call in self._calls]
        self._steps = 0

    def _buffer(self, where: Where, work: memory.Lease) -> Array:
        base, spec = where
        if base == "work":
            return self._prepared.plan.work.view(work, "x" if where is self._prepared.plan.x else "y")
        return memory.empty((spec.rows, spec.size), self._prepared.plan.work.dtype)

    def step(self) -> Array:
        """From `x` to `y`."""
        self._run[self._steps & 1]()
        self._steps += 1
        return self.y

    def put(self, states: Sequence[Array]) -> None:
        """Begin again from these states, (N, size) each."""
        self._steps = 0
        self._prepared.put(states)

    def take(self) -> list[Array]:
        """Copies of the states, (N, size) each."""
        return self._prepared.take(self._steps & 1)

    def refresh(self) -> None:
        """Read the parameters again."""
        self._prepared.compute()
        course = self._prepared.plan.only_pack
        self._calls[0].run(course.program, 1, course.alone)
