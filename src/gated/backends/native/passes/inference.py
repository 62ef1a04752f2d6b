"""Forward without a tape: whole sequences, or a stream step by step. See `inference_plan` and `chain`.

What a call has leased, filled in and packed is kept, if it is small, and taken up again by the next call with the same
parameters and sizes; those are packed again if a single bit has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from gated.backends.interface import Pass, StackPass
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes.chain import Chain, lengths_of
from gated.backends.native.passes.inference_plan import Side
from gated.backends.native.passes.plan import Where
from gated.backends.native.passes.prepared import Prepared, find_plan, steps_ahead
from gated.backends.native.threads.groups import step_rows, step_work
from gated.backends.native.threads.pool import Team, pool, team_for, threads_for
from gated.backends.native.tuning import TRIED, tuning_for
from gated.lru import Lru
from gated.program.rows import RING_NEW, RING_PREVIOUS, line_of

Array = np.ndarray[Any, Any]

# what calls have left for later ones: chains, and single directions whose time is cut into pieces
_kept: Lru[Any, Any] = Lru(tuning_for().all_kept, lambda prepared: prepared.bytes)


def infer(given: Pass) -> tuple[Array, list[Array]]:
    """The output of every step, (R, size), and each sequence's last states, (N, size) each, in packed order."""
    y, last = infer_stack(StackPass.of(given))
    return y, [state[0] for state in last]


def infer_stack(given: StackPass) -> tuple[Array, list[Array]]:
    """See `interface.Backend.infer_stack`."""
    x = given.x
    y, at = memory.placed((len(x), given.size), x.dtype)
    if not len(x):
        return y, [state.copy() for state in given.states]
    if given.counts is not None and given.counts[-1] == given.sequences:  # which are equally long nevertheless
        given = given._replace(counts=None)
    team = team_for(given.sequences)
    last = [np.empty_like(state) for state in given.states]
    # what plans depend on, and the addresses in a call; after fork there is another pool
    shape = given.steps, given.sequences, len(x), x.dtype, given.counts is None
    addresses = [parameter_addresses(own) for own in given.parameters]
    key = given.stack, shape, team, host(), pool().address, *addresses, *TRIED.items()
    chain: Chain | None = _kept.find(key)
    if chain is not None and chain.busy.acquire(blocking=False):
        try:
            chain.run(x, at, given.states, last, given.parameters, given.counts)
        finally:
            chain.busy.release()
        return y, last
    chain = _chain(given, team)
    if chain is None:
        _one_by_one(given, team, y, last)
    else:
        chain.run(x, at, given.states, last, given.parameters, given.counts)
        _kept.leave(key, chain)
    return y, last


def _chain(given: StackPass, team: Team) -> Chain | None:
    """All of a stack, unless its memory is too large to be kept, or products with x are made piece by piece."""
    stack, dtype, shape = given.stack, given.x.dtype, (given.steps, given.sequences, len(given.x))
    plans, at_once = [], []
    for sizes in stack.items:
        ahead = steps_ahead(stack.schedule, sizes, given.sequences, dtype.itemsize)
        if 0 < ahead < given.steps:
            return None
        own = _for_each(given, sizes, team)
        at_once.append(own is not None)
        sides = [Side(number, stack.directions) for number in range(stack.directions)]
        plans.append([find_plan(stack.schedule, sizes, shape, dtype, ahead > 0, own or team, side) for side in sides])
    flat = [plan for sides in plans for plan in sides]
    if any(plan.renewal is None for plan in flat) or sum(plan.bytes for plan in flat) > tuning_for().all_kept:
        return None
    return Chain(plans, given.parameters, at_once)


def _for_each(given: StackPass, sizes: tuple[tuple[str, int], ...], team: Team) -> Team | None:
    """The threads of each direction, if all of a layer run at once; None if they had better share every step."""
    directions = given.stack.directions
    if directions == 1 or (team.threads % directions and team.threads < given.sequences):
        return None
    work = directions * step_work(given.stack.schedule.graph, dict(sizes), len(given.x))
    if threads_for(work, team.threads) < directions:
        return None
    # no more than there are sequences: such as share columns would have to meet without the others
    return Team(min(team.threads // directions, given.sequences))


def _one_by_one(given: StackPass, team: Team, y: Array, last: Sequence[Array]) -> None:
    """Layer after layer and direction after direction: the output into y (R, size), the last states into `last`."""
    stack, x = given.stack, given.x
    for layer in range(len(stack.sizes)):
        target = y if layer + 1 == len(stack.sizes) else memory.empty(y.shape, y.dtype)
        for number in range(stack.directions):
            k = layer * stack.directions + number
            for own, state in zip(last, given.states, strict=True):
                own[k] = state[k]
            _in_pieces(given, k, team, x, target, last)
        x = target


def _in_pieces(given: StackPass, k: int, team: Team, x: Array, y: Array, states: Sequence[Array]) -> None:
    """One layer in one direction, piece of time by piece: x (R, D) into its columns of y (R, size).

    `states`: the initial ones, the k-th of (K, N, size) each, and afterwards the last ones.
    """
    stack, sequences = given.stack, given.sequences
    side, sizes = Side(k % stack.directions, stack.directions), stack.items[k // stack.directions]
    parameters = given.parameters[k]
    counts = np.full(given.steps, sequences) if given.counts is None else given.counts
    ahead = steps_ahead(stack.schedule, sizes, sequences, x.dtype.itemsize)
    begin = np.concatenate([[0], np.cumsum(counts)]).tolist()
    length = ahead or given.steps
    pieces = [(t, min(t + length, given.steps)) for t in range(0, given.steps, length)]
    first: Prepared | None = None
    for t, stop in reversed(pieces) if side.backwards else pieces:
        rows = slice(begin[t], begin[stop])
        shape = stop - t, sequences, rows.stop - rows.start
        sought = stack.schedule, sizes, shape, x.dtype, ahead > 0, team, side
        packed = first is not None
        if first is None:
            key = *sought, host(), parameter_addresses(parameters), pool().address
            first = part = _kept.take(key) or Prepared(find_plan(*sought), parameters)
        elif (part.plan.shapes.steps, part.plan.shapes.rows) != (shape[0], shape[2]):
            part = Prepared(find_plan(*sought), parameters, first.fixed)
        _run(part, x[rows], y[rows], (states, k), counts[t:stop], None if packed else parameters)
    if first is not None and first.plan.renewal is not None:
        _kept.leave(key, first)


def _run(
    part: Prepared, x: Array, y: Array, states: tuple[Sequence[Array], int], counts: Array, parameters: Any
) -> None:
    """Some steps. `states`: (K, N, size) each, and which of the K; `parameters`, unless they are packed."""
    plan, shapes = part.plan, part.plan.shapes
    lengths = steps = None
    if not shapes.equal:
        lengths, steps = (
            lengths_of(counts, shapes.sequences),
            step_rows(counts, shapes.sequences, backwards=plan.side.backwards),
        )
    part.point(address_of(x), address_of(y), steps)
    part.put(*states, lengths)
    if parameters is not None:
        part.compute(parameters)
    course = plan.again if parameters is None else plan.first
    if not shapes.equal:
        part.recut(course, counts)
    part.call.run(course.program, course.members, course.alone)
    part.take(shapes.steps, *states, lengths)


class Stepper:
    """One time step at a time for N sequences, in preallocated memory.

    Attributes:
        x: (N, D), where the input of the next step is to be written.
        y: (N, size), the output of the last step; the next one overwrites it.
    """

    def __init__(self, given: Pass) -> None:
        self._parameters, sequences = given.parameters, given.sequences
        shape = 1, sequences, sequences
        plan = find_plan(given.schedule, tuple(given.sizes.items()), shape, given.x.dtype, False, Team(1), Side())
        self._prepared = Prepared(plan, given.parameters)
        work = self._prepared.work
        self.x = self._buffer(plan.x, work)
        self.y = self._buffer(plan.y, work)
        even, odd = plan.row_numbers, plan.row_numbers.copy()
        one, other = line_of(RING_PREVIOUS), line_of(RING_NEW)
        odd[:, [one, other]] = even[:, [other, one]]
        self._held = [even, odd]
        self._calls = [self._prepared.tables(address_of(self.x), address_of(self.y), rows) for rows in self._held]
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
        self._prepared.put([state[None] for state in states])

    def take(self) -> list[Array]:
        """Copies of the states, (N, size) each."""
        return self._prepared.copies(self._steps & 1)

    def refresh(self) -> None:
        """Read the parameters again."""
        self._prepared.compute(self._parameters)
        course = self._prepared.plan.only_pack
        self._calls[0].run(course.program, 1, course.alone)
