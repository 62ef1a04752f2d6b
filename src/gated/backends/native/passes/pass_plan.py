"""What the plans of all passes share: a sheet, working memory, where every place lies, and what the threads do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gated.backends.native.codegen.last_block import Fields
from gated.backends.native.machine.programs import CompiledProgram, common
from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Region, Sheet, Spec
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.plan import DTYPES, LINES, LoopPlan, MovePlan, PackPlan, Where
from gated.backends.native.threads.groups import Cut, Groups, cut, gap_between
from gated.backends.native.threads.pool import Team
from gated.backends.native.tuning import tuning_for
from gated.language.graph import ONE_DIM, Graph, Matrix, Node, is_leaf
from gated.program.lowering import Place
from gated.program.rows import SINGLE

# bases of the sheet of a plan whose rows vary: numbers, no addresses
TOLD = ROWS, SEQUENCES, STEPS = "how many rows", "how many sequences", "how many steps"
LINE_BASES = tuple(("steps", line) for line in LINES)  # where each line of the steps' row numbers lies
TOLD_BASES: tuple[Hashable, ...] = (*TOLD, *LINE_BASES)

Between = tuple[Where, Spec]  # a pass's own array, and how the caller's lies


@dataclass(frozen=True)
class Shapes:
    """What a plan depends on: T, N, R, how threads share them, the lengths of all dimensions, dtype, vector width.

    Attributes:
        varying: whether the sequences are of different lengths, or there are not always so many rows.
    """

    steps: int
    sequences: int
    rows: int
    cut: Cut
    groups: Groups
    sizes: dict[str, int]
    dtype: np.dtype[Any]
    width: int
    varying: bool = False

    @staticmethod
    def of(
        graph: Graph,
        sizes: Mapping[str, int],
        dtype: np.dtype[Any],
        shape: tuple[int, int, int],
        team: Team,
        varying: bool | None = None,
    ) -> Shapes:
        """For (T, N, R) and so many threads; they vary if that is said, or if R is not T N."""
        steps, sequences, rows = shape
        varying = rows != steps * sequences if varying is None else varying
        region = Region("", dtype, host().machine.width(DTYPES[dtype]))
        shared = cut(graph, sizes, rows, sequences, region, not varying, team)
        groups = Groups(steps, shared.edges, gap_between([sizes[dim] for dim in graph.dims.values()], dtype.itemsize))
        return Shapes(*shape, shared, groups, {**sizes, ONE_DIM: 1}, dtype, region.width, varying)

    @staticmethod
    def of_rows(
        sizes: Mapping[str, int],
        dtype: np.dtype[Any],
        rows: int,
        members: int,
        at_once: int | None = None,
        varying: bool = False,
    ) -> Shapes:
        """For R rows that know nothing of each other: of one step, or so many `at_once`, as a sequence each."""
        sequences = min(rows, at_once or rows)
        steps, whole = -(-rows // sequences), (0, sequences)
        width = host().machine.width(DTYPES[dtype])
        shared = Cut(min(members, sequences), whole)
        groups = Groups(steps, whole)
        return Shapes(steps, sequences, rows, shared, groups, {**sizes, ONE_DIM: 1}, dtype, width, varying)

    @property
    def equal(self) -> bool:
        """Whether all sequences are equally long."""
        return not self.varying


class PassPlan:
    """Memory, tables and courses of a pass.

    Attributes:
        reordered: names of the caller's arrays that are copied into the pass's own order, if it has one.
        told: what every call says if the lengths vary, R and perhaps N and T being what there is room for (the bases
            ROWS, SEQUENCES, STEPS); and how many sequences run at each step. Of T steps no room is needed where each
            line of their row numbers has a base: ("steps", its name).
        count: the number of rows in a table.
        panels: where packed parameters lie.
    """

    reordered: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    def __init__(
        self, shapes: Shapes, bases: Sequence[Hashable], parameters: Iterable[str], panels: Region | None = None
    ) -> None:
        self.shapes = shapes
        self.work = Region("work", shapes.dtype, shapes.width)
        self.panels = self.work if panels is None else panels
        own: list[Hashable] = [*self.told] if shapes.varying else []
        self.count: int | tuple[int, Hashable] = (0, ROWS) if ROWS in own else shapes.rows
        self._each_line = STEPS in own
        if self._each_line:
            own += LINE_BASES
        self.common = common(DTYPES[shapes.dtype])  # held: the code lives as long
        self.sheet = Sheet(["team", *own, *bases, *(("parameter", name) for name in parameters)], self.common.filler)
        self.pack = PackPlan()
        self.where: dict[Place, Where] = {}
        self._packed: dict[tuple[Matrix, ...], int] = {}

    @property
    def _row_groups(self) -> int:
        """Groups of a program over all rows at once: in the caller's order there is one."""
        return len(self.shapes.groups) if self.reordered else 1

    def _rows_of(self, name: str, region: Region, size: int, whole_vectors: bool) -> Where:
        """A caller's (R, size) array: used as it is, or copied to where its rows can be used in whole vectors.

        What is reordered is copied into the pass's own order too.
        """
        apart = name in self.reordered and len(self.shapes.groups) > 1
        if apart or (whole_vectors and size % self.shapes.width):
            return region.name, region.add(name, self.shapes.rows, size)
        return name, self._given(name, size)

    def _given(self, name: str, size: int) -> Spec:
        """How a caller's (R, size) array lies."""
        return Spec(0, size, self.shapes.rows, size)

    def _columns_of(self, own: slice, width: int) -> Spec:
        """How these columns of a caller's (R, width) array lie."""
        return Spec(own.start * self.shapes.dtype.itemsize, width, self.shapes.rows, own.stop - own.start)

    def _between(self, where: Where | None, name: str) -> list[Between]:
        """This pass's own copy of a caller's array, and how that lies; nothing if there is no copy."""
        return [] if where is None or where[0] == name else [(where, self._given(name, where[1].size))]

    def _columns(self, region: Region, keys: Sequence[Hashable], rows: int, sizes: Sequence[int]) -> None:
        region.columns(keys, rows, sizes)

    def _place_constants(self, values: Mapping[Node, Place], region: Region) -> None:
        """Room for what has one row for all: parameter vectors are packed, the rest is for NumPy to compute."""
        self.computed: list[tuple[Node, Place]] = []
        for node, place in values.items():
            if place.rows == SINGLE:
                spec = region.add(place, 1, self.shapes.sizes[place.dim])
                self.where[place] = region.name, spec
                if is_leaf(node, "vector"):
                    self.pack.vector(node.attr[1], region, spec)
                else:
                    self.computed.append((node, place))

    # tables

    def _over_rows(self, loop: CompiledProgram | None) -> LoopPlan | None:
        return None if loop is None else self._loop(loop, "rows", 1, self.shapes.rows, self._row_groups)

    def _over_steps(self, loop: CompiledProgram) -> LoopPlan:
        shapes = self.shapes
        sequences = shapes.sequences + shapes.groups.apart
        steps = None if self._each_line else shapes.steps
        plan = self._loop(loop, "steps", steps, sequences, len(shapes.groups))
        if shapes.cut.columns:
            plan.share_columns(shapes.cut.members)
        return plan

    def _loop(self, loop: CompiledProgram, base: Hashable, steps: int | None, rows: int, groups: int) -> LoopPlan:
        """`steps`: how many, or None if calls tell; `rows`: of an array that every step uses again."""
        sizes = self.shapes.sizes
        plan = LoopPlan(loop, self.sheet, sizes, self.work)
        for number, matrices in enumerate(loop.program.panels):
            plan.panel(number, self._panel(matrices), self.panels.name)
        for place in loop.program.places:
            if place.scratch:
                plan.put(place, ("work", self._scratch(base, place, rows)))
            else:
                plan.put(place, self.where[place])
        for number in loop.program.in_pieces:
            block = loop.program.blocks[number]
            if sizes[block.terms[0].operand.dim] > tuning_for(host().machine).product_piece:
                numbers = rows * self.work.padded(sizes[block.dim]) * Fields.most(block)
                plan.sums(number, self.work.place(numbers * self.shapes.dtype.itemsize))
        if steps is None:
            plan.told_steps((0, STEPS), base)
        else:
            plan.steps(steps, base, groups)
        return plan

    def _panel(self, matrices: tuple[Matrix, ...]) -> int:
        """Where a packed matrix lies, which is packed once."""
        if matrices not in self._packed:
            self._packed[matrices] = self.pack.panel(matrices, self.panels, self.shapes.sizes)
        return self._packed[matrices]

    def _scratch(self, base: Hashable, place: Place, rows: int) -> Spec:
        found = self.work.specs.get((base, place))
        return self.work.add((base, place), rows, self.shapes.sizes[place.dim]) if found is None else found

    # phases

    def _run_steps(self, course: Course, plan: LoopPlan) -> None:
        cut = self.shapes.cut
        if cut.columns:
            course.columns(plan, self.shapes.sequences)
        elif len(self.shapes.groups) == 1:
            course.sequences(plan, self.shapes.sequences)
        else:
            course.own_rows(plan, list(pairwise(cut.edges)))

    def _run_rows(self, course: Course, plan: LoopPlan | None) -> None:
        groups = self.shapes.groups
        if plan is not None and self._row_groups == 1:
            course.rows(plan, self.shapes.rows)
        elif plan is not None:
            course.own_rows(plan, [(0, groups.count(g, self.shapes.rows)) for g in range(len(groups))])

    def _run_moves(self, course: Course, between: Sequence[Between], name: str, inwards: bool) -> None:
        """Between a caller's array and this pass's own copies of it, or of its columns."""
        plans = self._moves(between, name, inwards)
        for plan in plans:
            plan.close(self.sheet)
        if len(plans) > 1:
            course.own_jobs(self.common.move, plans)
        elif plans:
            course.jobs(self.common.move, plans[0])

    def _moves(self, between: Sequence[Between], name: str, inwards: bool) -> list[MovePlan]:
        """The jobs of `_run_moves`: none, one table for all members, or one for each group."""
        shapes, groups, itemsize = self.shapes, self.shapes.groups, self.shapes.dtype.itemsize
        apart = name in self.reordered and len(groups) > 1
        plans: list[MovePlan] = []
        if not between:
            return plans
        for group, (first, stop) in enumerate(pairwise(groups.edges if apart else (0, shapes.sequences))):
            count = stop - first
            row = groups.row(group) if apart else 0
            plans.append(MovePlan())
            for (base, spec), given in between:
                shape = (shapes.steps, count, spec.size) if apart else (self.count, 1, spec.size)
                own = spec.offset + row * spec.stride * itemsize, base
                own_strides = (count if apart else 1) * spec.stride, spec.stride
                caller = given.offset + first * given.stride * itemsize, name
                caller_strides = (shapes.sequences if apart else 1) * given.stride, given.stride
                if inwards:
                    plans[-1].rows(caller, own, shape, (*caller_strides, *own_strides))
                else:
                    plans[-1].rows(own, caller, shape, (*own_strides, *caller_strides))
        return plans
