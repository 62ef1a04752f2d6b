"""A training pass whose inputs are rows of a small table: what depends on a row alone is made once for each of them.

Forward, the products with x are made for the V rows of the table instead of R rows, and looked up by number. Backward,
the adjoints δ are summed for each number first: for a sum S of δ over the rows with one number, the gradient of W is
Σ S vᵀ over the rows v of the table, and the adjoint of a row of the table is Wᵀ S, as if there were only V rows.

Legend: R rows, V rows of the table, D their length.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from gated.backends.native.codegen.table_rows import LOOK_UP_JOB, SUM_JOB
from gated.backends.native.machine.programs import TrainingCode, vectors
from gated.backends.native.memory.regions import Region, Spec
from gated.backends.native.passes.course import Entry
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.passes.plan import DTYPES, JobPlan, LoopPlan, MovePlan, Where, is_elementwise
from gated.backends.native.passes.training_plan import BackwardPlan, ForwardPlan
from gated.language.graph import Matrix, Node
from gated.program.lowering import Place
from gated.program.rows import SINGLE

Field = int | tuple[int, Hashable]
MORE = "table", "table rows", "ids", "wrong"


def fits_table(programs: TrainingCode, size: int, width: int) -> bool:
    """Whether a pass can be made so: the loops do not look at x, and what is behind them is linear in the adjoints."""
    layout, before, after = programs.layout, programs.before, programs.after
    if before is None or after is None:
        return False
    graph, schedule = layout.schedule.graph, layout.schedule
    x, dx = layout.values[graph.input_leaf(graph.inputs[0])], schedule.inputs[0]
    operands = dict(programs.groups)
    mine = {matrix.name for _, matrix in operands.pop(graph.input_leaf(graph.inputs[0]), [])}
    others = {matrix.name for pairs in operands.values() for _, matrix in pairs}
    summed = [*schedule.vectors.values(), *(delta for pairs in programs.groups.values() for delta, _ in pairs)]
    seen = {place for place in after.program.places if place.rows is not SINGLE and not place.scratch}
    return (
        set(layout.results) == {dx}
        and x not in programs.forward.program.places
        and x not in programs.backward.program.places
        and seen <= {x, layout.results[dx], *layout.kept.values()}
        and all(node in layout.kept for node in summed)
        and not mine & others
        and (size % width == 0 or not is_elementwise([before, after], x))
    )


class TableForwardPlan(ForwardPlan):
    """A forward pass; see the module. Bases besides: "table" (V, D), "table rows" (row numbers of V rows), "ids" (R,)
    in the pass's own order, "wrong"."""

    more_bases = MORE

    def __init__(self, programs: TrainingCode, shapes: Shapes, parameters: Sequence[str], count: int) -> None:
        self.count_rows, self.vectors = count, vectors(DTYPES[shapes.dtype])
        super().__init__(programs, shapes, parameters, sealed=False)

    def _columns(self, region: Region, keys: Sequence[Hashable], rows: int, sizes: Sequence[int]) -> None:
        region.block(keys, rows, sizes)  # whole rows are looked up

    def _place_input(self) -> None:
        graph = self.layout.schedule.graph
        place = self.layout.values[graph.input_leaf(graph.inputs[0])]
        size = self.shapes.sizes[place.dim]
        self.x, self.where[place] = [], ("table", Spec(0, size, self.count_rows, size))

    def _lay_before(self) -> LoopPlan | None:
        made = [self.layout.values[node] for node in self.layout.before]
        sizes = [self.shapes.sizes[place.dim] for place in made]
        self.tape.block([("table", place) for place in made], self.count_rows, sizes)
        own = {place: self.where[place] for place in made}
        self.where.update({place: ("tape", self.tape.specs["table", place]) for place in made})
        loop = self.programs.before
        assert loop is not None
        plan = self._loop(loop, "table rows", 1, self.count_rows, 1)
        self.where.update(own)
        first, target = self.tape.specs["table", made[0]], own[made[0]][1]
        self.look_up = JobPlan()
        fields: dict[str, Field] = {
            "table": (first.offset, "tape"),
            "ids": (0, "ids"),
            "out": (target.offset, "tape"),
            "rows": self.count,
            "size": first.stride,
            "count": self.count_rows,
            "wrong": (0, "wrong"),
        }
        self.look_up.add(*(fields[name] for name in LOOK_UP_JOB))
        self.look_up.close(self.sheet)
        return plan

    def _run_before(self) -> None:
        assert self.before is not None
        self.course.rows(self.before, self.count_rows)
        self.course.jobs(self.vectors.addresses["look_up"], self.look_up)


class TableBackwardPlan(BackwardPlan):
    """A backward pass; see the module. "dx" is the gradient of the table. Bases besides: those of the forward pass,
    and "zeros" (Z,), "chains" (3 R + 2 V + 1 whole numbers).

    Args:
        zeros: Z.
    """

    more_bases = (*MORE, "zeros", "chains")

    def __init__(self, forward: TableForwardPlan, parameters: Sequence[str], zeros: int) -> None:
        self.zeros, self.count_rows, self.vectors = zeros, forward.count_rows, forward.vectors
        super().__init__(forward, parameters)

    def _columns(self, region: Region, keys: Sequence[Hashable], rows: int, sizes: Sequence[int]) -> None:
        region.block(keys, rows, sizes)  # whole rows are added up

    def _place_dx(self, size: int) -> Where:
        if size % self.shapes.width:
            return "work", self.work.add("dx", self.count_rows, size)
        return "dx", Spec(0, size, self.count_rows, size)

    def _lay_after(self) -> LoopPlan | None:
        loop, sizes = self.programs.after, self.shapes.sizes
        assert loop is not None
        keys = [("sum", place) for place in self.kept]
        self.work.block(keys, self.count_rows, [sizes[place.dim] for place in self.kept])
        own = {place: self.where[place] for place in self.kept}
        self.sums: dict[Place, Where] = {place: ("work", self.work.specs["sum", place]) for place in self.kept}
        self.where.update(self.sums)
        plan = self._loop(loop, "table rows", 1, self.count_rows, 1)
        self.where.update(own)
        self._lay_sums()
        return plan

    def _lay_sums(self) -> None:
        """Clear the sums; then add to each those of its rows."""
        into, source = self.sums[self.kept[0]][1], self.where[self.kept[0]][1]
        stride, self.clear = into.stride, MovePlan()
        shape, itemsize = (self.count_rows, stride), self.shapes.dtype.itemsize
        self.clear.zeros((0, "zeros"), self.zeros, (into.offset, "work"), shape, itemsize)
        self.clear.close(self.sheet)
        rows = self.shapes.rows
        fields: dict[str, Field] = {
            "ids": (0, "ids"),
            "dy": (source.offset, "work"),
            "into": (into.offset, "work"),
            "rows": self.count,
            "size": stride,
            "count": self.count_rows,
            "next": (0, "chains"),
            "ends": (24 * rows, "chains"),
            "firsts": (8 * rows, "chains"),
            "chains": (24 * rows + 16 * self.count_rows, "chains"),
            "wrong": (0, "wrong"),
        }
        self.summing = JobPlan()
        self.summing.add(*(fields[name] for name in SUM_JOB))
        self.summing.close(self.sheet)

    def _run_after(self) -> None:
        course, addresses = self.course, self.vectors.addresses
        assert self.after is not None
        course.jobs(self.common.move, self.clear)
        course.add([Entry(addresses["chain"], self.summing.start, 0, 1)])
        course.jobs(addresses["sum_rows"], self.summing)
        course.rows(self.after, self.count_rows)
        for (_, spec), _ in self.dx:
            move, strides = MovePlan(), (spec.stride, 0, spec.size, 0)
            move.rows((spec.offset, "work"), (0, "dx"), (self.count_rows, 1, spec.size), strides)
            move.close(self.sheet)
            course.jobs(self.common.move, move)

    # gradients: those of the matrices that multiply x are of the table's rows

    def _gradients(self) -> None:
        graph = self.layout.schedule.graph
        mine = self.operands.get(graph.input_leaf(graph.inputs[0]), [])
        self.operands = {node: pairs for node, pairs in self.operands.items() if pairs is not mine}
        names = {matrix.name for _, matrix in mine}
        self.written = [name for name in self.written if name not in names]
        super()._gradients()
        self.of_table = JobPlan()
        self._table_jobs(self.of_table, mine)
        self.of_table.close(self.sheet)

    def _table_jobs(self, jobs: JobPlan, pairs: Sequence[tuple[Node, Matrix]]) -> None:
        done: set[str] = set()
        for delta, matrix in pairs:
            m, n = self.shapes.sizes[matrix.rows], self.shapes.sizes[matrix.cols]
            left = self._from(self.sums[self.layout.kept[delta]], 0)
            right = (0, "table"), n
            lost = self._lost(matrix.name, m * n, 0, self.count_rows)
            jobs.add(
                *left, *right, (0, ("gradient", matrix.name)), lost, m, n, self.count_rows, int(matrix.name in done)
            )
            done.add(matrix.name)

    def _run_gradients(self) -> None:
        self.course.jobs(self.common.matrix_gradients, self.of_table)
        super()._run_gradients()
