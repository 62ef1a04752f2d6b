"""The plan of a forward and a backward pass: memory, tables, jobs. Legend as in `interface`: T, N, R, D."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends.native.course import Course
from gated.backends.native.groups import Cut, Groups
from gated.backends.native.lowering import CONSTANT, Place
from gated.backends.native.plan import (
    DTYPES,
    JobPlan,
    LoopPlan,
    MovePlan,
    PackPlan,
    Where,
    is_elementwise,
    parameter_numbers,
)
from gated.backends.native.programs import Loop, Training, common
from gated.backends.native.regions import Region, Sheet, Spec
from gated.language.graph import Node

REORDERED = ("x", "dx")  # what a pass keeps in its own order


@dataclass(frozen=True)
class Shapes:
    """What a plan depends on: T, N, R, how threads share them, the lengths of all dimensions, dtype, vector width."""

    steps: int
    sequences: int
    rows: int
    cut: Cut
    groups: Groups
    sizes: dict[str, int]
    dtype: np.dtype[Any]
    width: int


class _Plan:
    """What both passes share: a sheet, working memory, jobs of packing, where every place lies, and the course.

    Attributes:
        course: what the threads do.
        by_sequences: the phase in which they share the sequences of the time loop, if there is one.
    """

    def __init__(self, shapes: Shapes, bases: Sequence[Hashable], parameters: Sequence[str]) -> None:
        self.shapes = shapes
        self.work = Region("work", shapes.dtype, shapes.width)
        self.sheet = Sheet(["team", *bases, *(("parameter", name) for name in parameters)])
        self.pack = PackPlan()
        self.course = Course(shapes.cut.members)
        self.common = common(DTYPES[shapes.dtype])
        self.where: dict[Place, Where] = {}
        self.by_sequences: int | None = None

    def _rows_of(self, name: str, region: Region, size: int, whole_vectors: bool) -> Where:
        """A caller's (R, size) array: used as it is, or copied to where its rows can be used in whole vectors.

        The input and its adjoint are copied into the pass's own order too.
        """
        reordered = name in REORDERED and len(self.shapes.groups) > 1
        if reordered or (whole_vectors and size % self.shapes.width):
            return region.name, region.add(name, self.shapes.rows, size)
        return name, Spec(0, size, self.shapes.rows, size)

    def _over_rows(self, loop: Loop | None) -> LoopPlan | None:
        return None if loop is None else self._loop(loop, "rows", 1, self.shapes.rows, len(self.shapes.groups))

    def _over_steps(self, loop: Loop) -> LoopPlan:
        return self._loop(loop, "steps", self.shapes.steps, self.shapes.sequences, len(self.shapes.groups))

    def _loop(self, loop: Loop, base: str, steps: int, sequences: int, groups: int = 1) -> LoopPlan:
        sizes = self.shapes.sizes
        plan = LoopPlan(loop, self.sheet, sizes, self.work)
        for number, matrices in enumerate(loop.program.panels):
            plan.panel(number, self.pack.panel(matrices, self.work, sizes))
        for place in loop.program.places:
            if place.name.startswith("scratch"):
                rows = sequences + (self.shapes.groups.apart if base == "steps" else 0)
                plan.put(place, ("work", self.work.add((base, place), rows, sizes[place.dim])))
            else:
                plan.put(place, self.where[place])
        plan.steps(steps, base, groups)
        if self.shapes.cut.columns and base == "steps":
            plan.share_columns(self.shapes.cut.members)
        return plan

    # phases

    def _run_steps(self, plan: LoopPlan) -> None:
        cut = self.shapes.cut
        if cut.columns:
            self.course.columns(plan, self.shapes.sequences)
        elif len(self.shapes.groups) == 1:
            self.by_sequences = self.course.rows(plan, self.shapes.sequences)
        else:
            self.course.own_rows(plan, list(itertools.pairwise(cut.edges)))

    def _run_rows(self, plan: LoopPlan | None) -> None:
        groups = self.shapes.groups
        if plan is not None and len(groups) == 1:
            self.course.rows(plan, self.shapes.rows)
        elif plan is not None:
            self.course.own_rows(plan, [(0, groups.count(g, self.shapes.rows)) for g in range(len(groups))])

    def _run_moves(self, where: Where | None, name: str, inwards: bool) -> None:
        """Between the caller's array and this pass's own copy of it, if there is one."""
        if where is None or where[0] == name:
            return
        base, spec = where
        shapes, groups, itemsize = self.shapes, self.shapes.groups, self.shapes.dtype.itemsize
        apart = name in REORDERED and len(groups) > 1
        plans = []
        for group, (first, stop) in enumerate(itertools.pairwise(groups.edges if apart else (0, shapes.sequences))):
            count = stop - first
            shape = (shapes.steps, count, spec.size) if apart else (shapes.rows, 1, spec.size)
            row = groups.row(group) if apart else 0
            own = spec.offset + row * spec.stride * itemsize, base
            own_strides = (count if apart else 1) * spec.stride, spec.stride
            caller = first * spec.size * itemsize, name
            caller_strides = (shapes.sequences if apart else 1) * spec.size, spec.size
            plans.append(MovePlan())
            if inwards:
                plans[-1].rows(caller, own, shape, (*caller_strides, *own_strides))
            else:
                plans[-1].rows(own, caller, shape, (*own_strides, *caller_strides))
            plans[-1].close(self.sheet)
        if apart:
            self.course.own_jobs(self.common.move, plans)
        else:
            self.course.jobs(self.common.move, plans[0])


class ForwardPlan(_Plan):
    """Memory, tables and jobs of a forward pass.

    Attributes:
        tape: memory that the backward pass needs.
        x, y: where the input and the output lie.
        computed: nodes of the parameters alone, which NumPy computes.
    """

    def __init__(self, programs: Training, shapes: Shapes, parameters: Sequence[str]) -> None:
        super().__init__(shapes, ["tape", "work", "x", "y", "steps", "rows"], parameters)
        self.programs, self.layout = programs, programs.layout
        self.tape = Region("tape", shapes.dtype, shapes.width)
        self._place_input()
        self._place_values()
        for k, place in enumerate(self.layout.previous):
            spec = self.tape.add(("state", k), shapes.sequences + shapes.rows, shapes.sizes[place.dim])
            self.where[place] = self.where[self.layout.new[k]] = "tape", spec
        self.y = self.where[self.layout.y] = self._rows_of("y", self.work, shapes.sizes[self.layout.y.dim], True)
        self.before = self._over_rows(programs.before)
        self.forward = self._over_steps(programs.forward)
        self._set_course()

    def _set_course(self) -> None:
        self.pack.close(self.sheet)
        self.course.jobs(self.common.pack, self.pack)
        self._run_moves(self.x, "x", True)
        self._run_rows(self.before)
        self._run_steps(self.forward)
        self._run_moves(self.y, "y", False)
        self.course.close(self.sheet)

    def _place_input(self) -> None:
        p = self.programs
        self.x_leaf = self.layout.schedule.graph.input_leaf(self.layout.schedule.graph.inputs[0])
        place = self.layout.values[self.x_leaf]
        copied = is_elementwise((p.before, p.forward, p.backward, p.after), place)
        self.x = self.where[place] = self._rows_of("x", self.tape, self.shapes.sizes[place.dim], copied)

    def _place_values(self) -> None:
        layout, sizes = self.layout, self.shapes.sizes
        self.computed: list[tuple[Node, Place]] = []
        for node, place in layout.values.items():
            if place.rows == CONSTANT:
                spec = self.tape.add(place, 1, sizes[place.dim])
                if node.op == "leaf":
                    self.pack.vector(node.attr[1], self.tape, spec)
                else:
                    self.computed.append((node, place))
        made = [layout.values[node] for node in layout.before]
        self.tape.columns(made, self.shapes.rows, [sizes[place.dim] for place in made])
        for node in layout.saved:
            if layout.values[node] not in self.tape.specs and layout.values[node] not in layout.new:
                self.tape.add(layout.values[node], self.shapes.rows, sizes[node.dim])
        for key, spec in self.tape.specs.items():
            if isinstance(key, Place):
                self.where[key] = "tape", spec


class BackwardPlan(_Plan):
    """Memory, tables and jobs of a backward pass.

    Attributes:
        dy, dx: where the adjoints of output and input lie; dx is None where it is no array.
        full: keys of arrays for nodes without rows of their own (constants) that a gradient needs row by row.
        jobs: for each group, those of the gradients of matrices and of vectors.
        written: the parameters whose gradients they make; each group but the first leaves its part in `work`.
        without_gradient: the parameters whose gradient no job writes: it is zero.
        gathered: whether the states before every row must be gathered, since sequences end.
    """

    def __init__(self, forward: ForwardPlan, parameters: Sequence[str]) -> None:
        shapes, programs = forward.shapes, forward.programs
        bases = ["tape", "work", "x", "dy", "dx", "steps", "rows", *(("gradient", name) for name in parameters)]
        super().__init__(shapes, bases, parameters)
        self.forward, self.programs, self.layout = forward, programs, programs.layout
        self.gathered = shapes.rows != shapes.steps * shapes.sequences
        self.where = dict(forward.where)
        self._place_adjoints()
        self.backward = self._over_steps(programs.backward)
        self.after = self._over_rows(programs.after)
        self.jobs: list[tuple[JobPlan, JobPlan]] = []
        self.written: list[str] = []
        self.full: list[tuple[str, Node, int]] = []
        self.without_gradient = list(parameters)
        if shapes.rows:
            self._gradients()
        self._set_course()

    def _set_course(self) -> None:
        for jobs in (self.pack, *itertools.chain(*self.jobs)):
            jobs.close(self.sheet)
        self._run_moves(self.dy, "dy", True)
        self.course.jobs(self.common.pack, self.pack)
        self._run_steps(self.backward)
        self._run_rows(self.after)
        self._run_moves(self.dx, "dx", False)
        for function, plans in zip(
            (self.common.matrix_gradients, self.common.vector_gradients), zip(*self.jobs, strict=True), strict=False
        ):
            if len(plans) == 1:
                self.course.jobs(function, plans[0])
            else:
                self.course.own_jobs(function, plans)
        self._run_sums()
        self.course.close(self.sheet)

    def _run_sums(self) -> None:
        """What the other groups have made of a gradient is added to the first one's."""
        graph, sizes = self.layout.schedule.graph, self.shapes.sizes
        sums = MovePlan()
        for name in self.written:
            *rows, columns = (sizes[dim] for dim in graph.parameters[name])
            for group in range(1, len(self.shapes.groups)):
                shape = (math.prod(rows), 1, columns)
                sums.rows(self._target(name, group), self._target(name, 0), shape, (columns, 0, columns, 0), add=True)
        sums.close(self.sheet)
        self.course.jobs(self.common.move, sums)

    def _place_adjoints(self) -> None:
        layout, sizes, rows = self.layout, self.shapes.sizes, self.shapes.rows
        self.dy = self.where[layout.dy] = self._rows_of("dy", self.work, sizes[layout.dy.dim], True)
        # the adjoints of all gates that multiply one operand lie side by side
        deltas = dict.fromkeys(delta for pairs in self.programs.groups.values() for delta, _ in pairs)
        kept = [*(node for node in deltas if node in layout.kept), *(n for n in layout.kept if n not in deltas)]
        self.work.columns([layout.kept[node] for node in kept], rows, [sizes[node.dim] for node in kept])
        for place in layout.kept.values():
            self.where[place] = "work", self.work.specs[place]
        self.dx_node = layout.schedule.inputs[0]
        for node, place in layout.results.items():
            if node is self.dx_node:
                self.where[place] = self._rows_of("dx", self.work, sizes[place.dim], True)
            else:
                self.where[place] = "work", self.work.add(place, rows, sizes[place.dim])
        sequences = self.shapes.sequences + self.shapes.groups.apart
        for k, place in enumerate(layout.running):
            self.where[place] = "work", self.work.add(("running", k), sequences, sizes[place.dim])
            if self.gathered:
                self.where[layout.packed[k]] = "work", self.work.add(("packed", k), rows, sizes[place.dim])
            else:
                self.where[layout.packed[k]] = self.where[layout.previous[k]]
        self.dx = self._find(self.dx_node)

    def _find(self, node: Node) -> Where | None:
        """Where a node lies row by row; None if it has no rows."""
        layout = self.layout
        if node in layout.leaves:
            return self.where[layout.packed[layout.leaves.index(node)]]
        place = layout.kept.get(node) or layout.results.get(node) or layout.values.get(node)
        return None if place is None or place.rows == CONSTANT else self.where[place]

    def _row_by_row(self, node: Node, size: int) -> Where:
        found = self._find(node)
        if found is None:
            key = "full", node, size  # a plain number may be needed with several lengths
            if key not in self.work.specs:
                self.work.add(key, self.shapes.rows, size)
                self.full.append(key)
            found = "work", self.work.specs[key]
        return found

    def _gradients(self) -> None:
        """The jobs of each group; all but the first sum into memory of their own."""
        graph, shapes = self.layout.schedule.graph, self.shapes
        vectors, numbers = self.layout.schedule.vectors, parameter_numbers(graph, shapes.sizes)
        written = {matrix.name for pairs in self.programs.groups.values() for _, matrix in pairs} | set(vectors)
        self.without_gradient = [name for name in self.without_gradient if name not in written]
        for group in range(len(shapes.groups)):
            if group:
                for name in written:
                    self.work.add(("sum", group, name), 1, numbers[name])
            matrix_jobs, vector_jobs = JobPlan(), JobPlan()
            self._matrix_jobs(matrix_jobs, group)
            for name, node in vectors.items():
                size = shapes.sizes[graph.parameters[name][0]]
                source = self._from(self._row_by_row(node, size), self._first_row(node, group))
                rows = shapes.groups.count(group, shapes.rows)
                vector_jobs.add(*source, rows, size, self._target(name, group))
            self.jobs.append((matrix_jobs, vector_jobs))
        self.written = sorted(written)

    def _matrix_jobs(self, jobs: JobPlan, group: int) -> None:
        shapes, groups = self.shapes, self.shapes.groups
        done: set[str] = set()
        for operand, pairs in self.programs.groups.items():
            rows = groups.count(group, shapes.rows)
            for delta, matrix in pairs:
                m, n = shapes.sizes[matrix.rows], shapes.sizes[matrix.cols]
                left = self._from(self._row_by_row(delta, m), self._first_row(delta, group))
                right = self._from(self._row_by_row(operand, n), self._first_row(operand, group))
                again = int(matrix.name in done)
                jobs.add(*left, *right, self._target(matrix.name, group), m, n, rows, again)
                done.add(matrix.name)

    def _first_row(self, node: Node, group: int) -> int:
        """Where a group's rows of a node begin."""
        groups = self.shapes.groups
        if node in self.layout.leaves:
            return 0 if self.gathered else groups.state_row(group)
        place = self.layout.values.get(node)
        return groups.new_row(group) if place in self.layout.new else groups.row(group)

    def _target(self, name: str, group: int) -> tuple[int, Hashable]:
        return (self.work.specs["sum", group, name].offset, "work") if group else (0, ("gradient", name))

    def _from(self, where: Where, row: int) -> tuple[tuple[int, Hashable], int]:
        """Address and stride of an array from one of its rows on."""
        base, spec = where
        return (spec.offset + row * spec.stride * self.shapes.dtype.itemsize, base), spec.stride
