"""A plan of inference with memory and filled-in tables: what can run again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gated.backends.native.machine.programs import inference
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.inference_plan import InferencePlan, Side, inference_plan
from gated.backends.native.passes.plan import DTYPES, Call, put_computed
from gated.backends.native.threads.pool import Team, pool
from gated.backends.native.tuning import tuning_for
from gated.program.layout import parameter_numbers
from gated.schedule import CellSchedule

Array = np.ndarray[Any, Any]


class Prepared:
    """A plan with memory. Used by one call at a time.

    Attributes:
        parameters: addresses of all of them.
        call: the tables, once `point` has said where the arrays lie.
    """

    call: Call

    def __init__(self, plan: InferencePlan, parameters: Mapping[str, Array], fixed: memory.Lease | None = None) -> None:
        self.plan, self.parameters = plan, parameter_addresses(parameters)
        start = 0 if fixed is not None else plan.start
        whole = memory.lease(start + plan.work.bytes)
        self.fixed = whole if fixed is None else fixed
        self.work = whole.part(start)
        self.bytes = start + plan.work.bytes
        self.team = pool().address
        if plan.renewal is not None and fixed is None:
            plan.renewal.flags_in(self.fixed)[0] = 0
        groups = range(len(plan.shapes.groups))
        self._rings = [[plan.ring(self.work, k, g) for g in groups] for k in range(len(plan.layout.ring_new))]
        # for each state: of every group the rows in the caller's order, and those after even and after odd steps
        slices = plan.shapes.groups.slices
        self._turns = [
            [(rows, ring[0], ring[1]) for rows, ring in zip(slices, own, strict=True)] for own in self._rings
        ]
        self._at: tuple[int, int] | None = None  # the last x and y

    def compute(self, parameters: Mapping[str, Array]) -> None:
        """What depends on the parameters alone."""
        plan = self.plan
        put_computed(plan.computed, plan.fixed, self.fixed, plan.layout.schedule, parameters)

    def tables(self, x: int, y: int, steps: Array) -> Call:
        """For an input and an output at these addresses."""
        own = self.team, self.fixed.address, self.work.address
        arrays = x, y, address_of(steps), address_of(self.plan.all_rows)
        return Call(self.plan.sheet, [*own, *arrays, *self.parameters])

    def point(self, x: int, y: int, steps: Array | None) -> None:
        """Say where x (R, D), y (R, size) and, if the sequences are not equally long, the row numbers lie."""
        if self._at is None:
            self.call = self.tables(x, y, self.plan.row_numbers if steps is None else steps)
        else:
            if self._at != (x, y):
                self._at = 0, 0  # Ctrl-C may come at any moment
                self.call.rebase("x", x)
                self.call.rebase("y", y)
            if steps is not None:
                self.call.rebase("steps", address_of(steps))
        self._at = x, y

    def put(self, states: Sequence[Array], k: int = 0, lengths: Array | None = None) -> None:
        """Set the states before the first step to the k-th of (K, N, size) each.

        Args:
            lengths: (N,) if they are not all the same; the sequences are all in one group then.
        """
        if lengths is None:
            for state, groups in zip(states, self._turns, strict=True):
                for rows, even, _ in groups:
                    even[...] = state[k, rows]
        else:
            turns = (self.plan.shapes.steps - lengths) % 2 if self.plan.side.backwards else 0
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
        """The states after so many steps, (N, size) each."""
        return [np.concatenate([ring[steps % 2] for ring in rings]) for rings in self._rings]

    def recut(self, course: Course, counts: Array) -> None:
        """Have the threads share sequences of different lengths evenly; counts (T,) in packed order."""
        course.recut(self.call.numbers, counts, self.plan.shapes.sequences)


def find_plan(
    schedule: CellSchedule,
    sizes: tuple[tuple[str, int], ...],
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    ahead: bool,
    team: Team,
    side: Side,
) -> InferencePlan:
    """For (steps, sequences, rows)."""
    return inference_plan(inference(schedule, DTYPES[dtype]), sizes, dtype, shape, ahead, team, side)


@lru_cache(maxsize=64)
def _numbers(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...]) -> tuple[int, int]:
    """How many there are: of parameters, and of pre-activations in a row."""
    lengths = dict(sizes)
    parameters = sum(parameter_numbers(schedule.graph, lengths).values())
    return parameters, sum(lengths[node.dim] for node in schedule.before if node.dim in lengths)


def steps_ahead(schedule: CellSchedule, sizes: tuple[tuple[str, int], ...], sequences: int, itemsize: int) -> int:
    """For how many steps the products with x are made ahead; 0: they are not.

    Steps whose pre-activations stay in the cache, but at least so many that the products are worth it.
    """
    parameters, made = _numbers(schedule, sizes)
    numbers = tuning_for(host().machine)
    if sequences >= numbers.few and parameters * itemsize <= numbers.large:
        return 0
    return max(numbers.ahead_least, numbers.ahead // max(1, made * itemsize * sequences))
