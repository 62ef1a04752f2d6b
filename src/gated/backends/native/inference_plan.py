"""The plan of a forward pass without a tape: memory, tables, and what the threads do.

Many sequences: one program from x_t to the output; the pre-activations never leave the registers. Few sequences, or
matrices that are too large for the caches: the products with x of a piece of time ahead, all at once, and then the loop
over it, piece by piece. Of the states only the latest are kept, in a ring of two rows per sequence.

Legend: T steps, N sequences, `sizes` the length of every dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from gated.backends.native import memory
from gated.backends.native.course import Course
from gated.backends.native.emit import STEP_ROWS
from gated.backends.native.groups import Cut, Groups, cut, gap_between, step_rows
from gated.backends.native.lowering import CALLER, CONSTANT, ROW, Place
from gated.backends.native.plan import (
    DTYPES,
    LoopPlan,
    MovePlan,
    PackPlan,
    RenewalPlan,
    Where,
    is_elementwise,
    parameter_numbers,
)
from gated.backends.native.pool import Team
from gated.backends.native.programs import Common, Inference, Loop, common
from gated.backends.native.regions import Region, Sheet, Spec
from gated.backends.native.target import host
from gated.language.graph import Node

Array = np.ndarray[Any, Any]
KEPT = 4 << 20  # bytes up to which a call's memory is kept, with the packed parameters and copies of them


class InferencePlan:
    """Memory and tables for T steps of N sequences, R rows in all.

    Attributes:
        equal: whether all sequences are equally long; if not, a call brings its row numbers.
        fixed: memory for the packed parameters. work: for everything else.
        ahead: whether the products with x are made ahead.
        renewal: what makes the first course pack the parameters only if they have changed; None for large ones.
        first, again: what the threads do with parameters, and with those that are packed.
        only_pack: what packs them.
    """

    def __init__(
        self,
        programs: Inference,
        sizes: Mapping[str, int],
        dtype: np.dtype[Any],
        parameters: Sequence[str],
        shape: tuple[int, int, int],
        shared: Cut,
        ahead: bool,
    ) -> None:
        self.programs, self.layout, self.sizes, self.ahead = programs, programs.layout, sizes, ahead
        width = host().machine.width(DTYPES[dtype])
        self.fixed, self.work = Region("fixed", dtype, width), Region("work", dtype, width)
        graph = self.layout.schedule.graph
        dims = graph.dims.values()
        self.cut = shared
        self.shape = shape
        self.steps, self.sequences, self.rows = shape
        self.equal = self.rows == self.steps * self.sequences
        self.groups = Groups(self.steps, shared.edges, gap_between([sizes[dim] for dim in dims], dtype.itemsize))
        bases = ["team", "fixed", "work", "x", "y", "steps", "rows"]
        self.sheet = Sheet([*bases, *(("parameter", name) for name in parameters)])
        self.pack = PackPlan()
        self.where: dict[Place, Where] = {}
        self._place()
        self.before = self._loop(programs.before, "rows", 1) if programs.before and ahead else None
        self.loop = self._loop(programs.scan if ahead else programs.infer, "steps", self.steps)
        self.pack.close(self.sheet)
        self.renewal = None
        numbers = parameter_numbers(graph, sizes)
        if self.fixed.bytes + self.work.bytes + sum(numbers.values()) * dtype.itemsize <= KEPT:
            self.renewal = RenewalPlan(self.fixed, numbers, shared.members)
            self.renewal.close(self.sheet, self.pack)
        self.common = code = common(DTYPES[dtype])  # held: the code lives as long
        self.first, self.again, self.only_pack = (Course(members) for members in (shared.members, shared.members, 1))
        if self.renewal is None:
            self.first.jobs(code.pack, self.pack)
        else:
            for function in (code.compare, code.copy, code.renew):
                self.first.jobs(function, self.renewal)
        self.only_pack.jobs(code.pack, self.pack)
        self.only_pack.close(self.sheet)
        self.by_sequences = [self._set_course(course, code) for course in (self.first, self.again)]
        self.row_numbers = self.groups.step_rows()
        kinds = ("counts", *STEP_ROWS)
        self.row_numbers[:, kinds.index(ROW)] = self.row_numbers[:, kinds.index(CALLER)]  # nothing has another order
        self.all_rows = step_rows(np.array([self.rows]), self.rows)

    def _set_course(self, course: Course, code: Common) -> int | None:
        """Returns the phase in which threads share the sequences of the time loop, if there is one."""
        by_sequences = None
        self._move(course, code, self.x, "x", True)
        if self.before:
            course.rows(self.before, self.rows)
        if self.cut.columns:
            course.columns(self.loop, self.sequences)
        elif len(self.groups) == 1:
            by_sequences = course.rows(self.loop, self.sequences)
        else:
            course.own_rows(self.loop, list(pairwise(self.groups.edges)))
        self._move(course, code, self.y, "y", False)
        course.close(self.sheet)
        return by_sequences

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
        layout, sizes, rows = self.layout, self.sizes, self.rows
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
        loops = (self.programs.before, self.programs.scan) if self.ahead else (self.programs.infer,)
        self.x = self.where[place] = self._caller("x", place, is_elementwise(loops, place))
        if self.ahead:
            made = [layout.values[node] for node in layout.before]
            self.work.columns(made, rows, [sizes[place.dim] for place in made])
            self.where.update((place, ("work", self.work.specs[place])) for place in made)
        for k, place in enumerate(layout.ring_new):
            spec = self.work.add(("ring", k), 2 * self.sequences + self.groups.apart, sizes[place.dim])
            self.where[place] = self.where[layout.ring_previous[k]] = "work", spec
        self.y = self.where[layout.y] = self._caller("y", layout.y, True)

    def _caller(self, name: str, place: Place, whole_vectors: bool) -> Where:
        size, rows = self.sizes[place.dim], self.rows
        if whole_vectors and size % self.work.width:
            return "work", self.work.add(name, rows, size)
        return name, Spec(0, size, rows, size)

    def _loop(self, loop: Loop, base: str, steps: int) -> LoopPlan:
        plan = LoopPlan(loop, self.sheet, self.sizes, self.work)
        for number, matrices in enumerate(loop.program.panels):
            plan.panel(number, self.pack.panel(matrices, self.fixed, self.sizes), "fixed")
        rows = self.sequences + self.groups.apart if base == "steps" else self.rows
        for place in loop.program.places:
            if place.name.startswith("scratch"):
                plan.put(place, ("work", self.work.add((base, place), rows, self.sizes[place.dim])))
            else:
                plan.put(place, self.where[place])
        plan.steps(steps, base, len(self.groups) if base == "steps" else 1)
        if self.cut.columns and base == "steps":
            plan.share_columns(self.cut.members)
        return plan

    def ring(self, work: memory.Lease, k: int, group: int) -> Array:
        """(2, sequences of the group, size): the k-th state after even and after odd steps."""
        first, stop = self.groups.edges[group : group + 2]
        spec, size = self.work.specs["ring", k], self.work.dtype.itemsize
        row = 2 * first + group * self.groups.gap
        stride = spec.stride * size
        shape, strides = (2, stop - first, spec.size), ((stop - first) * stride, stride, size)
        return work.array(spec.offset + row * stride, shape, strides, self.work.dtype)


@lru_cache(maxsize=64)
def inference_plan(
    programs: Inference,
    sizes: tuple[tuple[str, int], ...],
    dtype: np.dtype[Any],
    shape: tuple[int, int, int],
    ahead: bool,
    team: Team,
) -> InferencePlan:
    """For (steps, sequences, rows)."""
    steps, sequences, rows = shape
    lengths, graph = dict(sizes), programs.layout.schedule.graph
    region = Region("", dtype, host().machine.width(DTYPES[dtype]))
    shared = cut(graph, lengths, rows, sequences, region, rows == steps * sequences, team)
    return InferencePlan(programs, lengths, dtype, tuple(graph.parameters), shape, shared, ahead)
