"""Forward without a tape: whole sequences, or a stream step by step. See `inference_plan`.

What a call has leased, filled in and packed is kept, if it is small, and taken up again by the next call with the same
parameters and sizes; those are packed again if a single bit has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from gated.backends.interface import Pass
from gated.backends.native.machine.programs import inference
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.memory.regions import PAGE
from gated.backends.native.passes.inference_plan import InferencePlan, inference_plan
from gated.backends.native.passes.plan import DTYPES, Call, Where, put_computed
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.threads.pool import Team, pool, team_for
from gated.backends.native.tuning import tuning_for
from gated.lru import Lru
from gated.program.layout import parameter_numbers
from gated.program.rows import RING_NEW, RING_PREVIOUS, line_of
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]


class Prepared:
    """A plan with memory: what can run again and again. Used by one call at a time.

    Attributes:
        parameters: addresses of all of them.
    """

    def __init__(self, plan: InferencePlan, parameters: Mapping[str, Array], fixed: memory.Lease | None = None) -> None:
        self.plan, self.parameters = plan, parameter_addresses(parameters)
        start = 0 if fixed is not None else -(-plan.fixed.bytes // PAGE) * PAGE
        whole = memory.lease(start + plan.work.bytes)
        self.fixed = whole if fixed is None else fixed
        self.work = whole.part(start)
        self.bytes = start + plan.work.bytes
        self.team = pool().address
        if plan.renewal is not None and fixed is None:
            plan.renewal.flags_in(self.fixed)[0] = 0
        groups = range(len(plan.shapes.groups))
        self._rings = [[plan.ring(self.work, k, g) for g in groups] for k in range(len(plan.layout.ring_new))]
        self._call: Call | None = None

    def compute(self, parameters: Mapping[str, Array]) -> None:
        """What depends on the parameters alone."""
        plan = self.plan
        put_computed(plan.computed, plan.fixed, self.fixed, plan.layout.schedule, parameters)

    def tables(self, x: Array, y: Array, steps: Array) -> Call:
        """For this input and output."""
        arrays = map(address_of, (x, y, steps, self.plan.all_rows))
        own = self.team, self.fixed.address, self.work.address
        return Call(self.plan.sheet, [*own, *arrays, *self.parameters])

    def put(self, states: Sequence[Array]) -> None:
        """Set the states before the first step, (N, size) each."""
        groups = self.plan.shapes.groups.slices
        for state, rings in zip(states, self._rings, strict=True):
            for ring, group in zip(rings, groups, strict=True):
                ring[0] = state[group]

    def take(self, steps: int) -> list[Array]:
        """The states after so many steps, (N, size) each: copies."""
        return [np.concatenate([ring[steps % 2] for ring in rings]) for rings in self._rings]

    def take_each(self, steps: Array) -> list[Array]:
        """The same after so many steps of each sequence, which are all in one group."""
        return [ring[steps % 2, np.arange(len(steps))] for (ring,) in self._rings]

    def run(self, x: Array, y: Array, counts: Array, parameters: Mapping[str, Array] | None) -> None:
        """All steps: x (R, D) to y (R, size). `parameters`, unless they are packed."""
        plan, shapes = self.plan, self.plan.shapes
        steps = plan.row_numbers if shapes.equal else step_rows(counts, shapes.sequences)
        if self._call is None:
            self._call = self.tables(x, y, steps)
        else:
            self._call.rebase("x", address_of(x))
            self._call.rebase("y", address_of(y))
            if not shapes.equal:
                self._call.rebase("steps", address_of(steps))
        if parameters is not None:
            self.compute(parameters)
        course = plan.again if parameters is None else plan.first
        if not shapes.equal:
            course.recut(self._call.numbers, counts, shapes.sequences)
        self._call.run(course.program, course.members, course.alone)


# what calls have left for later ones
_kept: Lru[Any, Prepared] = Lru(tuning_for().all_kept, lambda prepared: prepared.bytes)


def find_plan(
    schedule: CellSchedule,
    sizes: tuple[tuple[str, int], ...],
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    ahead: bool,
    team: Team,
) -> InferencePlan:
    """For (steps, sequences, rows)."""
    return inference_plan(inference(schedule, DTYPES[dtype]), sizes, dtype, shape, ahead, team)


def infer(given: Pass) -> tuple[Array, list[Array]]:
    """The output of every step, (R, size), and each sequence's last states, (N, size) each, in packed order."""
    x, counts, parameters, sequences = given.x, given.counts, given.parameters, given.sequences
    y = memory.empty((len(x), given.states[0].shape[1]), x.dtype)
    last = list(given.states)
    lengths, team = tuple(given.sizes.items()), team_for(sequences)
    ahead = _steps_ahead(given.schedule, lengths, sequences, x.dtype.itemsize)
    first: Prepared | None = None
    row = 0
    for t in range(0, len(counts), ahead or len(counts) or 1):
        part_counts = counts[t : t + ahead] if ahead else counts
        shape = len(part_counts), sequences, _rows(part_counts)
        rows = slice(row, row + shape[2])
        row = rows.stop
        sought = given.schedule, lengths, shape, x.dtype, ahead > 0, team
        if first is None:
            # what a plan depends on, and the addresses in a call; after fork there is another pool
            key = *sought, host(), tuple(parameter_addresses(parameters)), pool().address
            first = part = _kept.take(key) or Prepared(find_plan(*sought), parameters)
        elif (part.plan.shapes.steps, part.plan.shapes.rows) != (shape[0], shape[2]):
            part = Prepared(find_plan(*sought), parameters, first.fixed)
        part.put(last)
        part.run(x[rows], y[rows], part_counts, None if t else parameters)
        if part.plan.shapes.equal:
            last = part.take(len(part_counts))
        else:
            last = part.take_each((part_counts[:, None] > np.arange(sequences)).sum(axis=0))
    if first is None:
        return y, [state.copy() for state in given.states]
    if first.plan.renewal is not None:
        _kept.leave(key, first)
    return y, last


def _rows(counts: Array) -> int:
    """Of these steps; the counts fall."""
    return len(counts) * int(counts[0]) if len(counts) and counts[0] == counts[-1] else int(counts.sum())


@lru_cache(maxsize=64)
def _numbers(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...]) -> tuple[int, int]:
    """How many there are: of parameters, and of pre-activations in a row."""
    lengths = dict(sizes)
    parameters = sum(parameter_numbers(schedule.graph, lengths).values())
    return parameters, sum(lengths[node.dim] for node in schedule.before if node.dim in lengths)


def _steps_ahead(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...], sequences: int, itemsize: int) -> int:
    """For how many steps the products with x are made ahead; 0: they are not.

    Steps whose pre-activations stay in the cache, but at least so many that the products are worth it.
    """
    parameters, made = _numbers(schedule, sizes)
    numbers = tuning_for(host().machine)
    if sequences >= numbers.few and parameters * itemsize <= numbers.large:
        return 0
    return max(numbers.ahead_least, numbers.ahead // max(1, made * itemsize * sequences))


class Stepper:
    """One time step at a time for N sequences, in preallocated memory.

    Attributes:
        x: (N, D), where the input of the next step is to be written.
        y: (N, size), the output of the last step; the next one overwrites it.
    """

    def __init__(self, given: Pass) -> None:
        self._parameters, sequences = given.parameters, given.sequences
        sought = given.schedule, tuple(given.sizes.items()), (1, sequences, sequences), given.x.dtype, False, Team(1)
        self._prepared = Prepared(find_plan(*sought), given.parameters)
        plan, work = self._prepared.plan, self._prepared.work
        self.x = self._buffer(plan.x, work)
        self.y = self._buffer(plan.y, work)
        even, odd = plan.row_numbers, plan.row_numbers.copy()
        one, other = line_of(RING_PREVIOUS), line_of(RING_NEW)
        odd[:, [one, other]] = even[:, [other, one]]
        self._held = [even, odd]
        self._calls = [self._prepared.tables(self.x, self.y, rows) for rows in self._held]
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
        self._prepared.compute(self._parameters)
        course = self._prepared.plan.only_pack
        self._calls[0].run(course.program, 1, course.alone)
