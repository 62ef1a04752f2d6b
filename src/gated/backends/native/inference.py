"""Forward without a tape: whole sequences, or a stream step by step. See `inference_plan`.

What a call has leased, filled in and packed is kept with the plan, if it is small, and taken up again by the next call
with the same parameters and sizes; those are packed again if a single bit has changed.
"""

from __future__ import annotations

import ctypes
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from gated.backends.native import memory
from gated.backends.native.addresses import address_of, parameter_addresses
from gated.backends.native.emit import STEP_ROWS
from gated.backends.native.groups import step_rows
from gated.backends.native.inference_plan import InferencePlan, inference_plan
from gated.backends.native.lowering import RING_NEW, RING_PREVIOUS
from gated.backends.native.plan import DTYPES, Call, Where, put_computed
from gated.backends.native.pool import Team, edges_by_steps, pool, team_for
from gated.backends.native.programs import inference
from gated.backends.native.regions import PAGE
from gated.locks import fork_safe_lock
from gated.schedule import Schedule

Array = np.ndarray[Any, Any]
FEW = 4  # sequences: fewer are too few for a tile of rows
CACHE = 256 << 10  # bytes of pre-activations that stay in the second-level cache
KEPT = 4 << 20  # bytes up to which a call's memory is kept, with the packed parameters
ALL_KEPT = 16 << 20  # bytes of all that are kept


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
        self.packed: Array | None = None  # the parameters as they are packed, where they can be compared
        groups = range(len(plan.groups))
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
        groups = self.plan.groups.slices
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
        plan = self.plan
        steps = plan.row_numbers if plan.equal else step_rows(counts, plan.sequences)
        if self._call is None:
            self._call = self.tables(x, y, steps)
        else:
            self._call.rebase("x", address_of(x))
            self._call.rebase("y", address_of(y))
            if not plan.equal:
                self._call.rebase("steps", address_of(steps))
        course, phase = plan.again, plan.by_sequences[1]
        if parameters is not None and self._changed(parameters):
            self.compute(parameters)
            course, phase = plan.first, plan.by_sequences[0]
        if not plan.equal and phase is not None:
            course.recut(self._call.numbers, phase, edges_by_steps(counts, plan.sequences, course.members))
        self._call.run(course.program, course.members, course.alone)

    def _changed(self, parameters: Mapping[str, Array]) -> bool:
        """Whether they must be packed."""
        numbers = getattr(parameters, "numbers", None)
        if numbers is None or self.bytes > KEPT:
            return True
        if self.packed is not None and _same(self.packed, numbers):
            return False
        self.bytes += numbers.nbytes if self.packed is None else 0
        self.packed = numbers.copy()  # before they are packed: what another thread writes meanwhile is packed next time
        return True


@cache
def _memcmp() -> Any:
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    function = library.memcmp
    function.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
    return function


def _same(a: Array, b: Array) -> bool:
    """Whether two arrays of one shape and dtype are the same bits."""
    return not _memcmp()(address_of(a), address_of(b), a.nbytes)


class _Kept:
    """What calls have left for others, the least recently used forgotten."""

    def __init__(self) -> None:
        self.calls: OrderedDict[Any, Prepared] = OrderedDict()
        self.bytes = 0
        self.lock = fork_safe_lock()

    def take(self, plan: InferencePlan, parameters: Mapping[str, Array]) -> Prepared:
        """What an earlier call with these parameters has left, or a new one."""
        with self.lock:
            found = self.calls.pop(self._key(plan, parameter_addresses(parameters)), None)
            if found is None:
                return Prepared(plan, parameters)
            self.bytes -= found.bytes
        return found

    def leave(self, prepared: Prepared) -> None:
        """For a later call."""
        if prepared.bytes > KEPT:
            return
        with self.lock:
            key = self._key(prepared.plan, prepared.parameters)
            if key in self.calls:  # of a call at the same time
                return
            self.calls[key] = prepared
            self.bytes += prepared.bytes
            while self.bytes > ALL_KEPT:
                self.bytes -= self.calls.popitem(last=False)[1].bytes

    def forget(self) -> None:
        with self.lock:
            self.calls.clear()
            self.bytes = 0

    @staticmethod
    def _key(plan: InferencePlan, parameters: list[int]) -> Any:
        # a kept call holds its plan, so that the id stands for no other; after fork there is another team
        return id(plan), tuple(parameters), pool().address


_kept = _Kept()


def find_plan(
    schedule: Schedule,
    sizes: Mapping[str, int],
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    few: bool = False,
    alone: bool = False,
) -> InferencePlan:
    """For (steps, sequences, rows); `alone`: in one thread."""
    programs = inference(schedule, DTYPES[dtype])
    team = Team(1) if alone else team_for(shape[1])
    return inference_plan(programs, tuple(sizes.items()), dtype, shape, few, team)


def infer(
    schedule: Schedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    x: Array,
    counts: Array,
    states: Sequence[Array],
) -> tuple[Array, list[Array]]:
    """The output of every step, (R, size), and each sequence's last states, (N, size) each, in packed order."""
    sequences = len(states[0])
    y = memory.empty((len(x), states[0].shape[1]), x.dtype)
    last = list(states)
    few = sequences < FEW
    longest = _longest(schedule, sizes, sequences, x.dtype.itemsize) if few else len(counts)
    first: Prepared | None = None
    row = 0
    for t in range(0, len(counts), max(1, longest)):
        part_counts = counts[t : t + longest]
        rows = slice(row, row + _rows(part_counts))
        row = rows.stop
        plan = find_plan(schedule, sizes, (len(part_counts), sequences, row - rows.start), x.dtype, few)
        if first is None:
            first = part = _kept.take(plan, parameters)
        elif plan is not part.plan:
            part = Prepared(plan, parameters, first.fixed)
        part.put(last)
        part.run(x[rows], y[rows], part_counts, None if t else parameters)
        if plan.equal:
            last = part.take(len(part_counts))
        else:
            last = part.take_each((part_counts[:, None] > np.arange(sequences)).sum(axis=0))
    if first is None:
        return y, [state.copy() for state in states]
    _kept.leave(first)
    return y, last


def _rows(counts: Array) -> int:
    """Of these steps; the counts fall."""
    return len(counts) * int(counts[0]) if len(counts) and counts[0] == counts[-1] else int(counts.sum())


def _longest(schedule: Schedule, sizes: Mapping[str, int], sequences: int, itemsize: int) -> int:
    """Steps of few sequences whose pre-activations stay in the cache."""
    numbers = sum(sizes[node.dim] for node in schedule.before if node.dim in sizes)
    return max(16, CACHE // max(1, numbers * itemsize * sequences))


class Stepper:
    """One time step at a time for N sequences, in preallocated memory.

    Attributes:
        x: (N, D), where the input of the next step is to be written.
        y: (N, size), the output of the last step; the next one overwrites it.
    """

    def __init__(
        self,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        sequences: int,
        dtype: np.dtype[Any],
    ) -> None:
        self._parameters = parameters
        self._prepared = Prepared(find_plan(schedule, sizes, (1, sequences, sequences), dtype, alone=True), parameters)
        plan, work = self._prepared.plan, self._prepared.work
        self.x = self._buffer(plan.x, work)
        self.y = self._buffer(plan.y, work)
        even, odd = plan.row_numbers, plan.row_numbers.copy()
        kinds = ("counts", *STEP_ROWS)
        one, other = kinds.index(RING_PREVIOUS), kinds.index(RING_NEW)
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
