"""The plan of a forward and a backward pass: memory, tables, jobs. Legend as in `interface`: T, N, R, D."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence

from gated.backends.native.machine.programs import TrainingCode
from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Region
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.pass_plan import PassPlan, Shapes
from gated.backends.native.passes.plan import (
    JobPlan,
    MovePlan,
    SealPlan,
    Where,
)
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Graph, Node
from gated.program.layout import parameter_numbers
from gated.program.lowering import Place
from gated.program.rows import SINGLE


class _TrainingPlan(PassPlan):
    """A pass with its one course.

    Attributes:
        seal: what tells whether the parameters are those of the other pass.
    """

    reordered = "x", "dx"

    def __init__(
        self, graph: Graph, shapes: Shapes, bases: Sequence[Hashable], parameters: Sequence[str], region: Region | None
    ) -> None:
        super().__init__(shapes, bases, parameters)
        self.course = Course(shapes.cut.members)
        self.seal = SealPlan(
            self.work if region is None else region, parameter_numbers(graph, shapes.sizes), shapes.cut.members
        )

    def _run_packing(self) -> None:
        self.pack.close(self.sheet)
        self.seal.close(self.sheet, self.pack)
        self.course.jobs(self.common.seal, self.seal)


class ForwardPlan(_TrainingPlan):
    """Memory, tables and jobs of a forward pass.

    Attributes:
        tape: memory that the backward pass needs.
        x, y: where the input and the output lie.
        computed: nodes of the parameters alone, which NumPy computes.
    """

    def __init__(self, programs: TrainingCode, shapes: Shapes, parameters: Sequence[str]) -> None:
        self.programs, self.layout = programs, programs.layout
        self.tape = Region("tape", shapes.dtype, shapes.width)
        bases = ["tape", "work", "x", "y", "steps", "rows"]
        super().__init__(self.layout.schedule.graph, shapes, bases, parameters, self.tape)
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
        self._run_packing()
        self._run_moves(self.course, self.x, "x", True)
        self._run_rows(self.course, self.before)
        self._run_steps(self.course, self.forward)
        self._run_moves(self.course, self.y, "y", False)
        self.course.close(self.sheet)

    def _place_input(self) -> None:
        graph = self.layout.schedule.graph
        place = self.layout.values[graph.input_leaf(graph.inputs[0])]
        # a copy, whatever the order: the caller may write to the array before the backward pass
        self.x = self.where[place] = "tape", self.tape.add(place, self.shapes.rows, self.shapes.sizes[place.dim])

    def _place_values(self) -> None:
        layout, sizes = self.layout, self.shapes.sizes
        self._place_constants(layout.values, self.tape)
        made = [layout.values[node] for node in layout.before]
        self.tape.columns(made, self.shapes.rows, [sizes[place.dim] for place in made])
        for node in layout.saved:
            if layout.values[node] not in self.tape.specs and layout.values[node] not in layout.new:
                self.tape.add(layout.values[node], self.shapes.rows, sizes[node.dim])
        for key, spec in self.tape.specs.items():
            if isinstance(key, Place):
                self.where[key] = "tape", spec


class BackwardPlan(_TrainingPlan):
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
        bases = ["tape", "work", "dy", "dx", "steps", "rows", *(("gradient", name) for name in parameters)]
        super().__init__(programs.layout.schedule.graph, shapes, bases, parameters, None)
        self.forward, self.programs, self.layout = forward, programs, programs.layout
        self.gathered = not shapes.equal
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
        for jobs in itertools.chain(*self.jobs):
            jobs.close(self.sheet)
        self._run_packing()
        self._run_moves(self.course, self.dy, "dy", True)
        self._run_steps(self.course, self.backward)
        self._run_rows(self.course, self.after)
        self._run_moves(self.course, self.dx, "dx", False)
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
        return None if place is None or place.rows == SINGLE else self.where[place]

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
                target, lost = self._target(matrix.name, group), self._lost(matrix.name, m * n, group, rows)
                jobs.add(*left, *right, target, lost, m, n, rows, again)
                done.add(matrix.name)

    def _lost(self, name: str, size: int, group: int, rows: int) -> int | tuple[int, Hashable]:
        """Room for what is lost when many pieces are added; 0, none, for a few."""
        numbers = tuning_for(host().machine)
        if rows <= numbers.few_pieces * numbers.piece:
            return 0
        key = "lost", group, name
        if key not in self.work.specs:
            self.work.add(key, 1, size)
        return self.work.specs[key].offset, "work"

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
