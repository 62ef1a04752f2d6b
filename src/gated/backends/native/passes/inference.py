"""Networks without a tape: whole sequences. See `network_pass`.

What a call has leased, filled in and packed is kept, if it is small, and taken up again by the next call with the same
parameters and sizes; those are packed again if a single bit has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array, Chain, Given
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.inference_plan import Side
from gated.backends.native.passes.network_pass import NetworkPass
from gated.backends.native.passes.prepared import (
    Plan,
    PreparedScan,
    find_plan,
    parameter_count,
    plan_without_states,
    steps_ahead,
)
from gated.backends.native.passes.row_numbers import RowNumbers
from gated.backends.native.threads.groups import columns_pay, shape_with_room, step_work
from gated.backends.native.threads.pool import Team, pool, team_for, threads_for
from gated.backends.native.tuning import TRIED, tuning_for
from gated.backends.reference import lengths_of, without_states
from gated.backends.whole_step import ScanLink
from gated.lru import Lru

# what calls have left for later ones: networks, and single directions whose time is cut into pieces
_kept: Lru[Any, Any] = Lru(tuning_for().all_kept, lambda prepared: prepared.bytes)


def infer_chain(arithmetic: Any, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
    """See `interface.Backend.infer_chain`; the arithmetic is that of links that are run one by one."""
    x = given.x
    if not len(x):
        last = {k: [state.copy() for state in states] for k, states in given.states.items()}
        return memory.empty((0, chain.size), chain.dtype), last
    if given.counts is not None and given.counts[-1] == given.sequences:  # which are equally long nevertheless
        given = given._replace(counts=None)
    team = _team(chain, theta, given.sequences)
    # what plans depend on, and the addresses in a call; after fork there is another pool
    shape, varying = (given.steps, given.sequences, len(x)), given.counts is not None
    if varying:
        shape, _ = shape_with_room(*shape, team.threads)
    sizes = shape[1:] if varying else shape
    key = chain, sizes, varying, team, host(), pool().address, address_of(theta), *TRIED.items()
    found: NetworkPass | None = _kept.find(key)
    if found is not None and found.busy.acquire(blocking=False):
        try:
            return found.run(theta, given)
        finally:
            found.busy.release()
    found = _whole(chain, theta, given, shape, team)
    if found is None:
        return _one_by_one(arithmetic, chain, theta, given, team)
    result = found.run(theta, given)
    _kept.leave(key, found)
    return result


def _team(chain: Chain, theta: Array, sequences: int) -> Team:
    """The threads, and whether they may share the columns of a time loop where each could have sequences of its own."""
    team = team_for(sequences)
    if not 1 < team.threads <= sequences or not columns_pay(theta.nbytes, sequences):
        return team
    loops = [parameter_count(link.schedule, link.items) * theta.itemsize for link in chain.scans.values()]
    large = [size for size in loops if columns_pay(size, sequences)]
    meet = bool(large) and columns_pay(min(large), sequences, team.threads, pool().latency())
    return team._replace(meet=meet)


def _whole(chain: Chain, theta: Array, given: Given, shape: tuple[int, int, int], team: Team) -> NetworkPass | None:
    """All of a network, unless its memory is too large to be kept, or products with x are made piece by piece.

    `shape`: (T, N, R) for which there is room.
    """
    rows, varying = shape[2], given.counts is not None
    plans: list[list[Plan]] = []
    at_once = []
    for link, _ in chain.links:
        own = None
        if isinstance(link, ScanLink):
            ahead = steps_ahead(link.schedule, link.items, given.sequences, chain.dtype.itemsize)
            if 0 < ahead < given.steps:
                return None
            own = _for_each(link, rows, given.sequences, team)
            sides = [Side(number, len(link.starts)) for number in range(len(link.starts))]
            which = link.schedule, link.items, shape, varying, chain.dtype, ahead > 0, own or team
            plans.append([find_plan(*which, side) for side in sides])
        else:
            plans.append([plan_without_states(link, rows, varying, chain.dtype, team.threads)])
        at_once.append(own is not None)
    flat = [plan for sides in plans for plan in sides]
    if not all(plan.kept for plan in flat) or sum(plan.bytes for plan in flat) > tuning_for().all_kept:
        return None
    return NetworkPass(chain, theta, plans, at_once)


def _for_each(link: ScanLink, rows: int, sequences: int, team: Team) -> Team | None:
    """The threads of each direction, if all of a link run at once; None if they had better share every step."""
    directions = len(link.starts)
    if directions == 1 or (team.threads % directions and team.threads < sequences):
        return None
    work = directions * step_work(link.schedule.graph, link.sizes, rows)
    if threads_for(work, team.threads) < directions:
        return None
    # no more than there are sequences: such as share columns would have to meet without the others
    return Team(min(team.threads // directions, sequences))


def _one_by_one(
    arithmetic: Any, chain: Chain, theta: Array, given: Given, team: Team
) -> tuple[Array, dict[int, list[Array]]]:
    """Link after link and direction after direction."""
    x, last = given.x, {k: [state.copy() for state in states] for k, states in given.states.items()}
    for k, (link, _) in enumerate(chain.links):
        if isinstance(link, ScanLink):
            y = memory.empty((len(x), link.size), chain.dtype)
            for number in range(len(link.starts)):
                _in_pieces(link, theta, given, team, number, (x, y), last[k])
            x = y
        else:
            x = without_states(arithmetic, link, theta, x)
    return x, last


def _in_pieces(
    link: ScanLink,
    theta: Array,
    given: Given,
    team: Team,
    number: int,
    xy: tuple[Array, Array],
    states: Sequence[Array],
) -> None:
    """One direction of a link, piece of time by piece: x (R, D) into its columns of y (R, size).

    `states`: the initial ones, (K, N, size) each, and afterwards the last ones.
    """
    sequences, dtype, starts = given.sequences, theta.dtype, link.starts[number]
    side, (x, y) = Side(number, len(link.starts)), xy
    counts = np.full(given.steps, sequences) if given.counts is None else given.counts
    ahead = steps_ahead(link.schedule, link.items, sequences, dtype.itemsize)
    begin = np.concatenate([[0], np.cumsum(counts)]).tolist()
    length = ahead or given.steps
    pieces = [(t, min(t + length, given.steps)) for t in range(0, given.steps, length)]
    first: PreparedScan | None = None
    for t, stop in reversed(pieces) if side.backwards else pieces:
        rows = slice(begin[t], begin[stop])
        shape = stop - t, sequences, rows.stop - rows.start
        varying = shape[2] != shape[0] * shape[1]
        sought = link.schedule, link.items, shape, varying, dtype, ahead > 0, team, side
        packed = first is not None
        if first is None:
            key = *sought, host(), address_of(theta), tuple(starts.values()), pool().address
            first = part = _kept.take(key) or PreparedScan(find_plan(*sought), theta, starts)
        elif part.plan is not (plan := find_plan(*sought)):
            part = PreparedScan(plan, theta, starts, first.fixed)
        _run(part, x[rows], y[rows], (states, number), counts[t:stop], None if packed else theta)
    if first is not None and first.plan.kept:
        _kept.leave(key, first)


def _run(
    part: PreparedScan,
    x: Array,
    y: Array,
    states: tuple[Sequence[Array], int],
    counts: Array,
    theta: Array | None,
) -> None:
    """Some steps. `states`: (K, N, size) each, and which of the K; `theta`, unless the parameters are packed."""
    plan, shapes = part.plan, part.plan.shapes
    lengths = told = None
    if not shapes.equal:
        lengths = lengths_of(counts, shapes.sequences)
        told = RowNumbers.of_lengths(counts, len(x), shapes.sequences, shapes.sequences, plan.side.backwards)
    part.point(address_of(x), address_of(y), told)
    part.put(*states, len(counts), lengths)
    if theta is not None:
        part.compute(theta)
    course = plan.again if theta is None else plan.first
    if not shapes.equal:
        part.recut(course, counts)
    part.call.run(course.program, course.members, course.alone)
    part.take(len(counts), *states, lengths)
