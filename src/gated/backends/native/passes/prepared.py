"""Plans without a tape with memory and filled-in tables: what can run again and again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gated.backends.native.codegen.table_rows import LOOK_UP_JOB
from gated.backends.native.machine.programs import inference, mapping
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.inference_plan import InferencePlan, Side, inference_plan
from gated.backends.native.passes.kept_plan import KeptPlan
from gated.backends.native.passes.map_plan import MapInferencePlan
from gated.backends.native.passes.pass_plan import TOLD_BASES, Shapes
from gated.backends.native.passes.plan import DTYPES, Call, put_computed
from gated.backends.native.passes.row_numbers import RowNumbers
from gated.backends.native.passes.tasks import kernels
from gated.backends.native.threads.groups import step_work
from gated.backends.native.threads.pool import Team, pool, threads_for
from gated.backends.native.tuning import tuning_for
from gated.backends.whole_step import MapLink, Starts, TableLink, parameters_in
from gated.lru import Lru
from gated.program.layout import parameter_numbers
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]


class Prepared:
    """A plan with memory. Used by one call at a time.

    Args:
        theta: where the parameters are.
        fixed: packed parameters, of the same ones in another such part.

    Attributes:
        parameters: the addresses of all of them.
        call: the tables, once `point` has said where the arrays lie.
    """

    call: Call
    plan: KeptPlan

    def __init__(self, plan: KeptPlan, theta: Array, starts: Starts, fixed: memory.Lease | None = None) -> None:
        self.plan, self.starts, first = plan, starts, address_of(theta)
        self.parameters = [first + theta.itemsize * starts[name] for name in plan.schedule.graph.parameters]
        start = 0 if fixed is not None else plan.start
        whole = memory.lease(start + plan.work.bytes)
        self.fixed = whole if fixed is None else fixed
        self.work = whole.part(start)
        self.bytes = start + plan.work.bytes
        self.team = pool().address
        if plan.renewal is not None and fixed is None:
            plan.renewal.flags_in(self.fixed)[0] = 0
        self._at: tuple[int, int] | None = None  # the last x and y

    def compute(self, theta: Array) -> None:
        """What depends on the parameters alone."""
        plan = self.plan
        if plan.computed:
            parameters = parameters_in(theta, plan.schedule.graph, plan.shapes.sizes, self.starts)
            put_computed(plan.computed, plan.fixed, self.fixed, plan.schedule, parameters, plan.shapes.sizes)

    def tables(self, x: int, y: int, steps: Array | None = None, told: RowNumbers | None = None) -> Call:
        """For an input and an output at these addresses; `steps`: other row numbers than those of the plan."""
        places = address_of(self.plan.row_numbers if steps is None else steps), address_of(self.plan.all_rows)
        own: list[int] = []
        if told is not None:
            places, own = told.places, told.told
        return Call(
            self.plan.sheet,
            [self.team, *own, self.fixed.address, self.work.address, x, y, *places, *self.parameters],
        )

    def point(self, x: int, y: int, told: RowNumbers | None = None) -> None:
        """Say where x (R, D) and y (R, size) lie, and if the sequences are not equally long how long they are."""
        if self._at is None:
            self.call = self.tables(x, y, told=told)
        else:
            if self._at != (x, y):
                self._at = 0, 0  # Ctrl-C may come at any moment
                self.call.rebase("x", x)
                self.call.rebase("y", y)
            if told is not None:
                for base, value in zip(TOLD_BASES, told.told, strict=True):
                    self.call.rebase(base, value)
                self.call.rebase("rows", told.places[1])
        self._at = x, y

    def recut(self, course: Course, counts: Array) -> None:
        """Have the threads share sequences of different lengths evenly; counts (T,) in packed order."""
        course.recut(self.call.numbers, counts, self.plan.shapes.sequences)


class PreparedScan(Prepared):
    """A time loop, with the ring of its states."""

    plan: InferencePlan

    def __init__(self, plan: InferencePlan, theta: Array, starts: Starts, fixed: memory.Lease | None = None) -> None:
        super().__init__(plan, theta, starts, fixed)
        groups = range(len(plan.shapes.groups))
        self._rings = [[plan.ring(self.work, k, g) for g in groups] for k in range(len(plan.layout.ring_new))]
        # for each state: of every group the rows in the caller's order, and those after even and after odd steps
        slices = plan.shapes.groups.slices
        self._turns = [
            [(rows, ring[0], ring[1]) for rows, ring in zip(slices, own, strict=True)] for own in self._rings
        ]
        # the same, (1, N, size) each, if there is one group: what most calls have, found sooner
        self._whole = [(ring[0][None], ring[1][None]) for (ring,) in self._rings] if len(groups) == 1 else []

    def put(self, states: Sequence[Array], k: int = 0, steps: int = 0, lengths: Array | None = None) -> None:
        """Set the states before the first of so many steps to the k-th of (K, N, size) each.

        Args:
            lengths: (N,) if they are not all the same; the sequences are all in one group then.
        """
        if lengths is None and self._whole and len(states[0]) == 1:
            for state, (even, _) in zip(states, self._whole, strict=True):
                even[...] = state
        elif lengths is None:
            for state, groups in zip(states, self._turns, strict=True):
                for rows, even, _ in groups:
                    even[...] = state[k, rows]
        else:
            turns = (steps - lengths) % 2 if self.plan.side.backwards else 0
            for state, (ring,) in zip(states, self._rings, strict=True):
                ring[turns, np.arange(len(lengths))] = state[k]

    def take(self, steps: int, into: Sequence[Array], k: int = 0, lengths: Array | None = None) -> None:
        """Copy the states after so many steps to the k-th of (K, N, size) each. `lengths`: see `put`."""
        if lengths is None:
            for target, groups in zip(into, self._turns, strict=True):
                for rows, *after in groups:
                    target[k, rows] = after[steps % 2]
        else:
            turns = steps % 2 if self.plan.side.backwards else lengths % 2
            for target, (ring,) in zip(into, self._rings, strict=True):
                target[k] = ring[turns, np.arange(len(lengths))]

    def copies(self, steps: int) -> list[Array]:
        """The states after so many steps, (1, N, size) each."""
        turn = steps % 2
        if self._whole:
            return [turns[turn].copy() for turns in self._whole]
        return [np.concatenate([group[1 + turn] for group in groups])[None] for groups in self._turns]


class TablePlan:
    """The rows of a table by number: one phase. `rows`: how many there are, unless calls tell."""

    kept, bytes = True, 0

    def __init__(self, link: TableLink, rows: int, dtype: np.dtype[Any], members: int) -> None:
        self.link, self.rows = link, rows
        self.kernels = kernels(dtype)  # held: the code lives as long
        self.sheet, self.first = self.kernels.course("look_up", members)
        self.again = self.first


class PreparedTable:
    """Such a plan with its one number of memory, which is no longer 0 after an id that is none."""

    def __init__(self, plan: TablePlan, theta: Array) -> None:
        self.plan, self.bytes = plan, 64
        self._wrong = memory.empty((1,), np.dtype(np.int64))
        self._wrong[0] = 0
        link, table = plan.link, address_of(theta) + theta.itemsize * plan.link.start
        fields = {"table": table, "rows": plan.rows, "size": link.size, "count": link.count}
        fields["wrong"] = address_of(self._wrong)
        self.call = Call(plan.sheet, [fields.get(name, 0) for name in LOOK_UP_JOB])

    def point(self, x: int, y: int, told: RowNumbers | None = None) -> None:
        self.call.rebase("ids", x)
        self.call.rebase("out", y)
        if told is not None:
            self.call.rebase("rows", told.told[0])

    def check(self) -> None:
        """After a run.

        Raises:
            IndexError: an id was none of the table's; its row is not written.
        """
        if self._wrong[0]:
            self._wrong[0] = 0
            raise IndexError(f"an id outside of 0 to {self.plan.link.count - 1}")


Part = PreparedScan | Prepared | PreparedTable
Plan = InferencePlan | MapInferencePlan | TablePlan


def prepared(plan: Plan, theta: Array, starts: Starts) -> Part:
    """A plan with memory, for parameters in theta."""
    if isinstance(plan, TablePlan):
        return PreparedTable(plan, theta)
    kind = PreparedScan if isinstance(plan, InferencePlan) else Prepared
    return kind(plan, theta, starts)  # type: ignore[arg-type]


def find_plan(
    schedule: CellSchedule,
    sizes: tuple[tuple[str, int], ...],
    shape: tuple[int, int, int],
    varying: bool,
    dtype: np.dtype[Any],
    ahead: bool,
    team: Team,
    side: Side,
) -> InferencePlan:
    """Of a time loop, see `inference_plan`."""
    return inference_plan(inference(schedule, DTYPES[dtype]), sizes, dtype, shape, varying, ahead, team, side)


_plans: Lru[Any, MapInferencePlan | TablePlan] = Lru(tuning_for().plans_kept)


def plan_without_states(
    link: MapLink | TableLink, rows: int, varying: bool, dtype: np.dtype[Any], threads: int
) -> MapInferencePlan | TablePlan:
    """Of a link that goes through so many rows (or fewer, if they vary), shared by at most so many threads."""
    if isinstance(link, TableLink):
        moved = 2 * rows * link.size * dtype.itemsize / tuning_for(host().machine).bytes_a_nanosecond
        members = threads_for(moved, threads)
        what = link, rows, dtype, members
        return _plans.get((*what, host()), lambda: TablePlan(*what))
    members = threads_for(step_work(link.schedule.graph, link.sizes, rows), threads)

    def make() -> MapInferencePlan:
        shapes = Shapes.of_rows(link.sizes, dtype, rows, members, varying=varying)
        return MapInferencePlan(mapping(link.schedule, DTYPES[dtype]), shapes)

    return _plans.get((link.schedule, tuple(link.sizes.items()), rows, varying, dtype, members, host()), make)


@lru_cache(maxsize=64)
def _numbers(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...]) -> tuple[int, int]:
    """How many there are: of parameters, and of pre-activations in a row."""
    lengths = dict(sizes)
    parameters = sum(parameter_numbers(schedule.graph, lengths).values())
    return parameters, sum(lengths[node.dim] for node in schedule.before if node.dim in lengths)


def parameter_count(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...]) -> int:
    """Numbers in all parameters of a time loop."""
    return _numbers(schedule, sizes)[0]


def steps_ahead(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...], sequences: int, itemsize: int) -> int:
    """For how many steps the products with x are made ahead; 0: they are not.

    Steps whose pre-activations stay in the cache, but at least so many that the products are worth it.
    """
    parameters, made = _numbers(schedule, sizes)
    numbers = tuning_for(host().machine)
    if sequences >= numbers.few and parameters * itemsize <= numbers.large:
        return 0
    return max(numbers.ahead_least, numbers.ahead // max(1, made * itemsize * sequences))
