"""A whole training step in one call of machine code. See `interface.Backend.train` and `step_plan`."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from gated.backends.interface import Array, Batch, Chain, Trained, Update
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.pass_plan import ROWS
from gated.backends.native.passes.plan import DTYPES, Call
from gated.backends.native.passes.step_parts import ScanPart
from gated.backends.native.passes.step_plan import GO, LOSS, NORM, StepPlan, StepShape
from gated.backends.native.passes.update_numbers import RULES
from gated.backends.native.threads.groups import all_rows, shape_with_room, step_rows
from gated.backends.native.threads.pool import pool, team_for
from gated.backends.native.tuning import tuning_for
from gated.backends.whole_step import MapLink, ScanLink, TableLink
from gated.lru import Lru
from gated.program.maps import is_loss, is_map
from gated.program.rows import PREVIOUS, ROW, line_of
from gated.schedule import CellSchedule

_cache: Lru[Any, StepPlan] = Lru(tuning_for().plans_kept)
_is_loss = lru_cache(maxsize=256)(is_loss)
FLOAT = np.dtype(np.float64)


@lru_cache(maxsize=256)
def _joins(chain: Chain) -> bool:
    """Whether there is machine code for every link."""
    maps = (link.schedule for link, _ in chain.links if isinstance(link, MapLink))
    return chain.dtype in DTYPES and all(map(is_map, maps))


def _fits(chain: Chain, theta: Array, batch: Batch, update: Update | None) -> bool:
    """Whether all arrays have the shapes and dtypes of which machine code is told nothing."""
    rows, dtype, whole = len(batch.weights), chain.dtype, np.dtype(np.int64)
    first, last = chain.links[0][0], chain.links[-1][0]
    expected = [(theta, (max(len(theta), chain.reach),), dtype), (batch.weights, (rows, 1), dtype)]
    if isinstance(first, TableLink):
        expected.append((batch.x, (rows,), whole))
    else:
        expected.append((batch.x, (rows, first.input_size), dtype))
    classes = batch.target.ndim == 1
    expected.append((batch.target, (rows,) if classes else (rows, last.size), whole if classes else dtype))
    if batch.mirror is not None:
        expected.append((batch.mirror, (rows,), whole))
    for k, mask in batch.masks.items():
        link = chain.links[k][0]
        expected.append((mask, (rows, link.input_size) if isinstance(link, ScanLink) else (), dtype))
    drawn = {k: link for k, link in chain.scans.items() if link.draws_size}
    for k, own in batch.draws.items() if batch.draws.keys() == drawn.keys() else ():
        expected += [(array, (rows, drawn[k].draws_size), dtype) for array in own]
    for buffer in update.buffers.values() if update is not None else ():
        expected.append((buffer, (chain.numbers,), dtype))
    changed = [theta, *(update.buffers.values() if update is not None else ())]
    counts = batch.counts
    return (
        0 < int(counts.sum()) == rows
        and 0 < int(counts[0]) <= batch.sequences
        and all(a.shape == shape and a.dtype == kind and a.flags.c_contiguous for a, shape, kind in expected)
        and all(array.flags.writeable for array in changed)
        and (batch.mirror is not None or not chain.turned)
        and {k: len(own) for k, own in batch.draws.items()} == {k: len(link.starts) for k, link in drawn.items()}
    )


def takes(chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None) -> bool:
    """Whether `run` knows what to do."""
    rule = update is None or (isinstance(update.rule, FunctionType) and update.rule in RULES)
    return rule and _joins(chain) and _is_loss(loss) and _fits(chain, theta, batch, update)


def run(chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None) -> Trained | None:
    """See `interface.Backend.train`."""
    rule: tuple[str | None, tuple[str, ...], tuple[float, ...]] = (None, (), ())
    if update is not None:
        rule = RULES[update.rule](**update.numbers)
    kernel, names, values = rule
    plan = _plan(chain, loss, batch, kernel)
    lease = memory.lease(plan.memory.bytes)
    gradient, at = memory.placed((chain.numbers,), chain.dtype)
    buffers = [update.buffers[name] for name in names] if update is not None else []
    numbers = _numbers(plan, batch) if plan.wanted.varying else {}
    mirror = batch.x if batch.mirror is None else batch.mirror
    arrays = [batch.x, batch.target, batch.weights, mirror, *(batch.masks[k] for k in plan.wanted.masked)]
    arrays += [array for k in plan.drawn for array in batch.draws[k]]
    arrays += [*_ids(plan, batch), *buffers]
    told = [number if isinstance(number, int) else address_of(number) for number in numbers.values()]
    call = Call(plan.sheet, [pool().address, lease.address, address_of(theta), at, *map(address_of, arrays), *told])
    _begin(plan, lease, theta, batch)
    floats = call.numbers.view(FLOAT)
    floats[plan.limit] = np.inf if update is None else update.limit
    if update is not None:
        floats[plan.numbers] = values
    for course in plan.courses:
        if plan.wanted.varying:
            course.recut(call.numbers, batch.counts, batch.sequences)
        call.run(course.program, course.members, course.alone)
    return _found(plan, lease, gradient, batch, update)


def _plan(chain: Chain, loss: CellSchedule, batch: Batch, kernel: str | None) -> StepPlan:
    masked, team = tuple(sorted(batch.masks)), team_for(batch.sequences)
    room, varying = shape_with_room(len(batch.counts), batch.sequences, len(batch.weights), team.threads)
    shape = StepShape(*room, varying, loss, batch.target.ndim == 1, kernel, masked, team, batch.inwards)
    return _cache.get((chain, shape, host()), lambda: StepPlan(chain, shape))


def _ids(plan: StepPlan, batch: Batch) -> list[Array]:
    """The ids in the order of the rows of the time loop behind a table, for each direction."""
    found = []
    for k in plan.tables:
        part = plan.parts[k]
        assert isinstance(part, ScanPart)
        groups = part.shapes.groups
        for direction in plan.directions:
            ids = batch.x if direction == 0 or batch.mirror is None else batch.x[batch.mirror]
            if len(groups) > 1:
                ids = ids.reshape(plan.wanted.steps, -1)
                ids = np.concatenate([ids[:, which].reshape(-1) for which in groups.slices])
            found.append(ids)
    return found


def _numbers(plan: StepPlan, batch: Batch) -> dict[Hashable, int | Array]:
    """What the bases stand for by which the plan is told of lengths, in their order (see `StepPlan._bases`)."""
    rows, sequences, counts = len(batch.weights), plan.wanted.sequences, batch.counts
    steps = step_rows(counts, sequences, plan.wanted.steps)
    first = np.repeat(steps[0, line_of(PREVIOUS), : len(counts)], counts)
    inside = np.arange(rows) - np.repeat(steps[0, line_of(ROW), : len(counts)], counts)
    found: dict[Hashable, int | Array] = {ROWS: rows, "steps": steps, "rows": all_rows(rows, sequences)}
    found["previous"] = first + inside
    found["loss steps"] = 0 if plan.loss is None else plan.loss.row_numbers(rows)
    found |= {(ROWS, size): rows * size for size in plan.masked_sizes}
    if plan.head is not None:
        numbers, pieces = plan.head.row_numbers(rows), range(plan.head.pieces)
        found |= {(kind, k): numbers[kind, k] for kind in ("rows", "steps") for k in pieces}
        found |= {("count", k): count for k, count in enumerate(plan.head.counts(rows))}
    return found


def _begin(plan: StepPlan, lease: memory.Lease, theta: Array, batch: Batch) -> None:
    """What is expected in memory."""
    refusals, (zeros, widest) = plan.step.refusals, plan.step.zeros
    lease.array(refusals.offset, (refusals.count,), (8,), np.dtype(np.int64))[...] = 0
    lease.array(zeros, (widest,), (theta.itemsize,), theta.dtype)[...] = 0
    for k, part in enumerate(plan.parts):
        if isinstance(part, ScanPart):
            states = None if batch.states is None else batch.states.get(k)
            for direction, own in enumerate(part.directions):
                own.begin(lease, None if states is None else [state[direction] for state in states])
        part.prepare(lease, theta)


def _found(plan: StepPlan, lease: memory.Lease, gradient: Array, batch: Batch, update: Update | None) -> Trained | None:
    results = lease.array(plan.results.offset, (5,), (8,), FLOAT)
    refusals = plan.step.refusals
    if lease.array(refusals.offset, (refusals.count,), (8,), np.dtype(np.int64)).any():
        return None
    went = bool(lease.array(plan.results.offset + 8 * GO, (1,), (8,), np.dtype(np.int64))[0])
    scans = {k: part.directions for k, part in enumerate(plan.parts) if isinstance(part, ScanPart)}
    last = {k: _both([one.last(lease, batch.counts, batch.sequences) for one in own]) for k, own in scans.items()}
    found = Trained(float(results[LOSS]), float(results[NORM]), went and update is not None, gradient, last)
    if not batch.inwards:
        return found
    first = {k: _both([one.first(lease, batch.sequences) for one in own]) for k, own in scans.items()}
    return found._replace(first=first, dx=_dx(plan, lease, batch))


def _dx(plan: StepPlan, lease: memory.Lease, batch: Batch) -> Array | None:
    """The adjoint of the batch, a copy; None of ids."""
    offset, base = plan.dx
    if base is None:
        return None
    (_, size), itemsize = batch.x.shape, batch.x.itemsize
    return lease.array(offset, batch.x.shape, (size * itemsize, itemsize), batch.x.dtype).copy()


def _both(sides: list[list[Array]]) -> list[Array]:
    """For each state those of all directions, (K, N, size)."""
    return (
        [state[None] for state in sides[0]] if len(sides) == 1 else [np.stack(own) for own in zip(*sides, strict=True)]
    )
