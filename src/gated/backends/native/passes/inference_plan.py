"""The plan of a forward pass without a tape: memory, tables, and what the threads do.

Many sequences: one program from x_t to the output; the pre-activations never leave the registers. Few sequences, or
matrices that are too large for the caches: the products with x of a piece of time ahead, all at once, and then the loop
over it, piece by piece. Of the states only the latest are kept, in a ring of two rows per sequence.

Legend: T steps, N sequences, `sizes` the length of every dimension.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gated.backends.native.machine.programs import InferenceCode
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.regions import PAGE, Region, Spec
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.pass_plan import PassPlan, Shapes
from gated.backends.native.passes.plan import RenewalPlan, is_elementwise
from gated.backends.native.threads.groups import step_rows, turn_back
from gated.backends.native.threads.pool import Team
from gated.backends.native.tuning import tuning_for
from gated.lru import Lru
from gated.program.layout import parameter_numbers
from gated.program.rows import CALLER, ROW, line_of

Array = np.ndarray[Any, Any]


class Side(NamedTuple):
    """Which of so many directions: where its part of an output's row lies, and whether it goes from the end."""

    number: int = 0
    sides: int = 1

    @property
    def backwards(self) -> bool:
        return self.number == 1


class InferencePlan(PassPlan):
    """Memory, tables and courses of a forward pass that keeps nothing but the output.

    Attributes:
        fixed: memory for the packed parameters. work: for everything else.
        ahead: whether the products with x are made ahead.
        renewal: what makes the first course pack the parameters only if they have changed; None for large ones.
        first, again: what the threads do with parameters, and with those that are packed.
        only_pack: what packs them.
        row_numbers: of equally long sequences; for others a call brings its own.
    """

    def __init__(self, programs: InferenceCode, shapes: Shapes, ahead: bool, side: Side) -> None:
        graph, sizes = programs.layout.schedule.graph, shapes.sizes
        self.fixed = Region("fixed", shapes.dtype, shapes.width)
        super().__init__(shapes, ["fixed", "work", "x", "y", "steps", "rows"], graph.parameters, self.fixed)
        self.programs, self.layout, self.ahead, self.side = programs, programs.layout, ahead, side
        self._place()
        self.before = self._over_rows(programs.before) if ahead else None
        self.loop = self._over_steps(programs.scan if ahead else programs.infer)
        self.pack.close(self.sheet)
        members, numbers = shapes.cut.members, parameter_numbers(graph, sizes)
        self.renewal = None
        copies = sum(numbers.values()) * shapes.dtype.itemsize
        if self.fixed.bytes + self.work.bytes + copies <= tuning_for(host().machine).kept:
            self.renewal = RenewalPlan(self.fixed, numbers, members)
            self.renewal.close(self.sheet, self.pack)
        self.first, self.again, self.only_pack = Course(members), Course(members), Course(1)
        self._set_courses()
        self.row_numbers = shapes.groups.step_rows()
        self.row_numbers[:, line_of(ROW)] = self.row_numbers[:, line_of(CALLER)]  # nothing has another order
        if side.backwards:
            turn_back(self.row_numbers)
        self.all_rows = step_rows(np.array([shapes.rows]), shapes.rows)

    @property
    def start(self) -> int:
        """Where `work` begins, in bytes, if it lies behind `fixed`."""
        return -(-self.fixed.bytes // PAGE) * PAGE

    @property
    def bytes(self) -> int:
        """Of both."""
        return self.start + self.work.bytes

    @property
    def y_size(self) -> int:
        """Of a row of the output, all directions side by side."""
        return self.side.sides * self.shapes.sizes[self.layout.y.dim]

    def _given(self, name: str, size: int) -> Spec:
        if name != "y":
            return super()._given(name, size)
        offset = self.side.number * size * self.shapes.dtype.itemsize
        return Spec(offset, self.side.sides * size, self.shapes.rows, size)

    def _set_courses(self) -> None:
        if self.renewal is None:
            self.first.jobs(self.common.pack, self.pack)
        else:
            for function in (self.common.compare, self.common.copy, self.common.renew):
                self.first.jobs(function, self.renewal)
        for course in (self.first, self.again):
            self._run_moves(course, self.x, "x", True)
            self._run_rows(course, self.before)
            self._run_steps(course, self.loop)
            self._run_moves(course, self.y, "y", False)
        self.only_pack.jobs(self.common.pack, self.pack)
        for course in (self.first, self.again, self.only_pack):
            course.close(self.sheet)

    def _place(self) -> None:
        layout, shapes = self.layout, self.shapes
        sizes, rows = shapes.sizes, shapes.rows
        self._place_constants(layout.values, self.fixed)
        place = layout.values[layout.schedule.graph.input_leaf(layout.schedule.graph.inputs[0])]
        loops = (self.programs.before, self.programs.scan) if self.ahead else (self.programs.infer,)
        copied = is_elementwise(loops, place)
        self.x = self.where[place] = self._rows_of("x", self.work, sizes[place.dim], copied)
        if self.ahead:
            made = [layout.values[node] for node in layout.before]
            self.work.columns(made, rows, [sizes[place.dim] for place in made])
            self.where.update((place, ("work", self.work.specs[place])) for place in made)
        for k, place in enumerate(layout.ring_new):
            spec = self.work.add(("ring", k), 2 * shapes.sequences + shapes.groups.apart, sizes[place.dim])
            self.where[place] = self.where[layout.ring_previous[k]] = "work", spec
        self.y = self.where[layout.y] = self._rows_of("y", self.work, sizes[layout.y.dim], True)

    def ring(self, work: memory.Lease, k: int, group: int) -> Array:
        """(2, sequences of the group, size): the k-th state after even and after odd steps."""
        groups = self.shapes.groups
        first, stop = groups.edges[group : group + 2]
        spec, size = self.work.specs["ring", k], self.work.dtype.itemsize
        row = 2 * first + group * groups.gap
        stride = spec.stride * size
        shape, strides = (2, stop - first, spec.size), ((stop - first) * stride, stride, size)
        return work.array(spec.offset + row * stride, shape, strides, self.work.dtype)


_cache: Lru[Any, InferencePlan] = Lru(tuning_for().plans_kept)


def inference_plan(
    programs: InferenceCode,
    sizes: tuple[tuple[str, int], ...],
    dtype: np.dtype[Any],
    shape: tuple[int, int, int],
    ahead: bool,
    team: Team,
    side: Side,
) -> InferencePlan:
    """For (steps, sequences, rows)."""

    def make() -> InferencePlan:
        shapes = Shapes.of(programs.layout.schedule.graph, dict(sizes), dtype, shape, team)
        return InferencePlan(programs, shapes, ahead, side)

    return _cache.get((programs, sizes, dtype, shape, ahead, team, side), make)
