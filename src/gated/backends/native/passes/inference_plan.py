"""The plan of a forward pass without a tape: memory, tables, and what the threads do.

Many sequences: one program from x_t to the output; the pre-activations never leave the registers. Few sequences, or
matrices that are too large for the caches: the products with x of a piece of time ahead, all at once, and then the loop
over it, piece by piece. Of the states only the latest are kept, in a ring of two rows per sequence.

Legend: T steps, N sequences, `sizes` the length of every dimension.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gated.backends.interface import input_columns, input_width
from gated.backends.native.machine.programs import InferenceCode
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.regions import Spec
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.kept_plan import KeptPlan
from gated.backends.native.passes.pass_plan import Between, Shapes
from gated.backends.native.passes.plan import is_elementwise
from gated.backends.native.threads.groups import turn_back
from gated.backends.native.threads.pool import Team
from gated.backends.native.tuning import tuning_for
from gated.lru import Lru
from gated.program.rows import CALLER, ROW, line_of

Array = np.ndarray[Any, Any]


class Side(NamedTuple):
    """Which of so many directions: where its part of an output's row lies, and whether it goes from the end."""

    number: int = 0
    sides: int = 1

    @property
    def backwards(self) -> bool:
        return self.number == 1


class InferencePlan(KeptPlan):
    """Memory, tables and courses of a time loop.

    Attributes:
        ahead: whether the products with x are made ahead.
        row_numbers: of equally long sequences; for others a call brings its own.
    """

    def __init__(self, programs: InferenceCode, shapes: Shapes, ahead: bool, side: Side) -> None:
        super().__init__(programs.layout.schedule, shapes)
        self.programs, self.layout, self.ahead, self.side = programs, programs.layout, ahead, side
        self._place()
        self.before = self._over_rows(programs.before) if ahead else None
        self.loop = self._over_steps(programs.scan if ahead else programs.infer)
        self._close()
        self.row_numbers = shapes.groups.step_rows()
        self.row_numbers[:, line_of(ROW)] = self.row_numbers[:, line_of(CALLER)]  # nothing has another order
        if side.backwards:
            turn_back(self.row_numbers)

    @property
    def y_size(self) -> int:
        """Of a row of the output, all directions side by side."""
        return self.side.sides * self.shapes.sizes[self.layout.y.dim]

    def _given(self, name: str, size: int) -> Spec:
        if name != "y":
            return super()._given(name, size)
        offset = self.side.number * size * self.shapes.dtype.itemsize
        return Spec(offset, self.side.sides * size, self.shapes.rows, size)

    def _run(self, course: Course) -> None:
        self._run_moves(course, self.x, "x", True)
        self._run_rows(course, self.before)
        self._run_steps(course, self.loop)
        self._run_moves(course, self._between(self.y, "y"), "y", False)

    def _place(self) -> None:
        layout, shapes = self.layout, self.shapes
        sizes, rows = shapes.sizes, shapes.rows
        self._place_constants(layout.values, self.fixed)
        self._place_input()
        if self.ahead:
            made = [layout.values[node] for node in layout.before]
            self.work.columns(made, rows, [sizes[place.dim] for place in made])
            self.where.update((place, ("work", self.work.specs[place])) for place in made)
        for k, place in enumerate(layout.ring_new):
            spec = self.work.add(("ring", k), 2 * shapes.sequences + shapes.groups.apart, sizes[place.dim])
            self.where[place] = self.where[layout.ring_previous[k]] = "work", spec
        self.y = self.where[layout.y] = self._rows_of("y", self.work, sizes[layout.y.dim], True)

    def _place_input(self) -> None:
        """Used as it is where it is multiplied by matrices alone; the columns of one array where there are several."""
        graph, sizes, self.x = self.layout.schedule.graph, self.shapes.sizes, list[Between]()
        loops = (self.programs.before, self.programs.scan) if self.ahead else (self.programs.infer,)
        width = input_width(graph, sizes)
        for name, columns in input_columns(graph, sizes).items():
            place = self.layout.values[graph.input_leaf(name)]
            whole, size = is_elementwise(loops, place), sizes[place.dim]
            if size == width:
                self.where[place] = self._rows_of("x", self.work, size, whole)
                self.x += self._between(self.where[place], "x")
            elif whole:
                self.where[place] = "work", self.work.add(place, self.shapes.rows, size)
                self.x.append((self.where[place], self._columns_of(columns, width)))
            else:
                self.where[place] = "x", self._columns_of(columns, width)

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
    varying: bool,
    ahead: bool,
    team: Team,
    side: Side,
) -> InferencePlan:
    """For (steps, sequences, rows); if they vary, for any number of steps, and at most as many sequences and rows."""
    if varying:
        shape = 1, *shape[1:]

    def make() -> InferencePlan:
        shapes = Shapes.of(programs.layout.schedule.graph, dict(sizes), dtype, shape, team, varying)
        return InferencePlan(programs, shapes, ahead, side)

    return _cache.get((programs, sizes, dtype, shape, varying, ahead, team, side), make)
