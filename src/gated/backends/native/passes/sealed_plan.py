"""What the plans of passes that belong together share: a seal of the parameters, and the jobs of their gradients."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence

from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Region
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.pass_plan import ROWS, PassPlan, Shapes
from gated.backends.native.passes.plan import JobPlan, MovePlan, SealPlan, Where
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Graph, Matrix, Node
from gated.program.layout import parameter_numbers
from gated.schedule import CellSchedule


class SealedPlan(PassPlan):
    """A pass with its one course.

    Args:
        sealed: whether a seal is made.

    Attributes:
        graph: of the equations.
        seal: what tells whether the parameters are those of the other pass.
    """

    told: tuple[str, ...] = (ROWS,)

    def __init__(
        self,
        graph: Graph,
        shapes: Shapes,
        bases: Sequence[Hashable],
        parameters: Sequence[str],
        region: Region | None,
        sealed: bool = True,
    ) -> None:
        super().__init__(shapes, bases, parameters)
        self.graph, self.course, self.sealed = graph, Course(shapes.cut.members), sealed
        self.seal = SealPlan(
            self.work if region is None else region, parameter_numbers(graph, shapes.sizes), shapes.cut.members
        )

    def _run_packing(self) -> None:
        self.pack.close(self.sheet)
        if self.sealed:
            self.seal.close(self.sheet, self.pack)
            self.course.jobs(self.common.seal, self.seal)
        else:
            self.course.jobs(self.common.pack, self.pack)


class GradientPlan(SealedPlan):
    """A pass that ends with the parameters' gradients, into the bases ("gradient", name).

    Args:
        operands: operand -> the (δ, matrix) pairs that multiply it.

    Attributes:
        full: keys of arrays for nodes without rows of their own (constants) that a gradient needs row by row.
        jobs: for each group, those of the gradients of matrices and of vectors.
        written: the parameters whose gradients they make; each group but the first leaves its part in `work`.
        without_gradient: the parameters whose gradient no job writes: it is zero.
    """

    def __init__(
        self,
        schedule: CellSchedule,
        operands: Mapping[Node, Sequence[tuple[Node, Matrix]]],
        shapes: Shapes,
        bases: Sequence[Hashable],
        parameters: Sequence[str],
        sealed: bool = True,
    ) -> None:
        bases = [*bases, *(("gradient", name) for name in parameters)]
        super().__init__(schedule.graph, shapes, bases, parameters, None, sealed)
        self.schedule, self.operands = schedule, operands
        self.jobs: list[tuple[JobPlan, JobPlan]] = []
        self.full: list[tuple[str, Node, int]] = []
        written = {matrix.name for pairs in operands.values() for _, matrix in pairs} | set(schedule.vectors)
        self.written = sorted(written)
        fixed = schedule.graph.fixed
        self.without_gradient = [name for name in parameters if name not in written and name not in fixed]

    @abstractmethod
    def _find(self, node: Node) -> Where | None:
        """Where a node lies row by row; None if it has no rows."""

    @abstractmethod
    def _first_row(self, node: Node, group: int) -> int:
        """Where a group's rows of a node begin."""

    def _factors(self, node: Node) -> tuple[Node, ...]:
        """What is multiplied row by row and summed up as the gradient of a vector: the node, or two others."""
        return (node,)

    def _run_gradients(self) -> None:
        for jobs in itertools.chain(*self.jobs):
            jobs.close(self.sheet)
        for function, plans in zip(
            (self.common.matrix_gradients, self.common.vector_gradients), zip(*self.jobs, strict=True), strict=False
        ):
            if len(plans) == 1:
                self.course.jobs(function, plans[0])
            else:
                self.course.own_jobs(function, plans)
        self._run_sums()

    def _run_sums(self) -> None:
        """What the other groups have made of a gradient is added to the first one's."""
        graph, sizes = self.schedule.graph, self.shapes.sizes
        sums = MovePlan()
        for name in self.written:
            *rows, columns = (sizes[dim] for dim in graph.parameters[name])
            for group in range(1, len(self.shapes.groups)):
                shape = (math.prod(rows), 1, columns)
                sums.rows(self._target(name, group), self._target(name, 0), shape, (columns, 0, columns, 0), add=True)
        sums.close(self.sheet)
        self.course.jobs(self.common.move, sums)

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
        graph, shapes = self.schedule.graph, self.shapes
        vectors, numbers = self.schedule.vectors, parameter_numbers(graph, shapes.sizes)
        for group in range(len(shapes.groups)):
            if group:
                for name in self.written:
                    self.work.add(("sum", group, name), 1, numbers[name])
            matrix_jobs, vector_jobs = JobPlan(), JobPlan()
            rows = self.count if len(shapes.groups) == 1 else shapes.groups.count(group, shapes.rows)
            self._matrix_jobs(matrix_jobs, group, rows)
            for name, node in vectors.items():
                size = shapes.sizes[graph.parameters[name][0]]
                first, *second = self._factors(node)
                source = self._from(self._row_by_row(first, size), self._first_row(first, group))
                times: tuple[int | tuple[int, Hashable], int] = (0, 0)
                for other in second:
                    times = self._from(self._row_by_row(other, size), self._first_row(other, group))
                vector_jobs.add(*source, *times, rows, size, self._target(name, group))
            self.jobs.append((matrix_jobs, vector_jobs))

    def _matrix_jobs(self, jobs: JobPlan, group: int, rows: int | tuple[int, Hashable], again: bool = False) -> None:
        """Of so many rows of a group; `again`: they are added to what others have left."""
        shapes = self.shapes
        done: set[str] = set()
        most = shapes.groups.count(group, shapes.rows)
        for operand, pairs in self.operands.items():
            for delta, matrix in pairs:
                m, n = shapes.sizes[matrix.rows], shapes.sizes[matrix.cols]
                left = self._from(self._row_by_row(delta, m), self._first_row(delta, group))
                right = self._from(self._row_by_row(operand, n), self._first_row(operand, group))
                target, lost = self._target(matrix.name, group), self._lost(matrix.name, m * n, group, most)
                jobs.add(*left, *right, target, lost, m, n, rows, int(again or matrix.name in done))
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

    def _target(self, name: str, group: int) -> tuple[int, Hashable]:
        return (self.work.specs["sum", group, name].offset, "work") if group else (0, ("gradient", name))

    def _from(self, where: Where, row: int) -> tuple[tuple[int, Hashable], int]:
        """Address and stride of an array from one of its rows on."""
        base, spec = where
        return (spec.offset + row * spec.stride * self.shapes.dtype.itemsize, base), spec.stride
