"""A layer's own passes in one direction: forward over a batch, and back. See `layer_plan`.

What a call has found and filled in stays with the parameters, and is taken up again by the next call of the same sizes:
plans, and their tables, which are as they should be wherever all arrays lie where they lay before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends.interface import Array, AtRest, Pass, Scan, stale
from gated.backends.native.machine.programs import training
from gated.backends.native.machine.target import Host, host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes.layer_plan import LayerBackwardPlan, LayerForwardPlan
from gated.backends.native.passes.layer_tables import FilledTables
from gated.backends.native.passes.layer_tape import LayerScan, TapeStates
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.passes.plan import DTYPES, put_computed
from gated.backends.native.passes.row_numbers import RowNumbers
from gated.backends.native.threads.groups import shape_with_room
from gated.backends.native.threads.pool import Team, pool, team_for
from gated.backends.native.tuning import TRIED, tuning_for
from gated.language.graph import Node, is_constant
from gated.lru import Lru


@dataclass(frozen=True, eq=False)
class _Plans:
    """Both plans for one set of sizes, or for all of different lengths that fit; and row numbers, if they are the same.

    Attributes:
        held: what stands in the key of these plans by its identity alone.
        numbers: of equally long sequences.
    """

    forward: LayerForwardPlan
    backward: LayerBackwardPlan
    held: tuple[Any, ...]
    numbers: RowNumbers | None = None

    def numbers_of(self, counts: Array, sequences: int, rows: int) -> RowNumbers:
        """For sequences of these different lengths."""
        room = self.forward.shapes.sequences  # initial states have so many rows: behind them are the others
        return RowNumbers.of_lengths(counts, rows, sequences, room)


_cache: Lru[Any, _Plans] = Lru(tuning_for().plans_kept)


def _find_plans(given: Pass, here: Host, team: Team) -> _Plans:
    shape, varying = shape_with_room(len(given.counts), given.sequences, len(given.x), team.threads)
    if varying:
        shape = 1, *shape[1:]  # T is told
    # by identity, which is found sooner: plans hold both
    key = id(given.schedule), id(here), given.x.dtype.char, *shape, varying, *team, *given.sizes.items()
    return _cache.get((*key, *TRIED.items()), lambda: _plans(given, here, shape, varying, team))


def _plans(given: Pass, here: Host, shape: tuple[int, int, int], varying: bool, team: Team) -> _Plans:
    programs = training(given.schedule, DTYPES[given.x.dtype])
    shapes = Shapes.of(programs.layout.schedule.graph, given.sizes, given.x.dtype, shape, team, varying)
    names, groups = list(given.parameters), shapes.groups
    forward = LayerForwardPlan(programs, shapes, names)
    numbers = None if varying else RowNumbers.of(groups.step_rows(), groups.all_rows(shape[2]))
    return _Plans(forward, LayerBackwardPlan(forward, names), (given.schedule, here), numbers)


class _Kept:
    """What calls leave with the parameters.

    Attributes:
        key: what the plans were found by.
    """

    def __init__(self, key: Any, plans: _Plans, before: _Kept | None) -> None:
        self.key, self.plans = key, plans
        same = before if before is not None and before.plans is plans else None
        self.forward: FilledTables = same.forward if same else FilledTables(plans.forward)
        self.backward: FilledTables = same.backward if same else FilledTables(plans.backward)


def _left(parameters: Mapping[str, Array]) -> list[_Kept]:
    """What calls have left, if anything. Parameters that stay the same object have room for it: an attribute `kept`."""
    known: list[_Kept] | None = getattr(parameters, "kept", None)
    return [] if known is None else known


def run(given: Pass) -> Scan:
    """See `interface.Backend.forward`."""
    schedule, sizes, parameters, x, counts, states = given
    sequences, rows, dtype = len(states[0]), len(x), x.dtype
    here, team, tried = host(), team_for(sequences), tuple(TRIED.items()) if TRIED else ()
    left, key = _left(parameters), (len(counts), sequences, rows, dtype, here, team, schedule, tried, sizes)
    kept = left[0] if left else None
    if kept is None or kept.key != key:
        # a copy of the sizes: nobody knows that theirs stay the same
        kept = _Kept((*key[:-1], dict(sizes)), _find_plans(given, here, team), kept)
        left[:] = [kept]
    plans, plan = kept.plans, kept.plans.forward
    numbers = plans.numbers or plans.numbers_of(counts, sequences, rows)
    tape, work = memory.lease(plan.tape.bytes), memory.work(plan.work.bytes)
    first, first_at = _fitting(states, sequences, plan.state_sizes, dtype)
    y, at = memory.placed((rows, plan.state_sizes[0]), dtype)
    if plan.computed:
        put_computed(plan.computed, plan.tape, tape, schedule, parameters, plan.shapes.sizes)
    last, last_at = _new_states(sequences, () if plan.shapes.varying else plan.state_sizes, dtype)
    fixed = pool().address, *numbers.told, tape.address, work.address, *numbers.places
    arrays = address_of(x), at, *first_at, *last_at
    table = kept.forward.take()
    digest = table.run(counts, sequences, tape, fixed, arrays, parameter_addresses(parameters))
    kept.forward.give(table)
    memory.done(work)
    if plan.shapes.varying:
        inside, ends = TapeStates(plan, tape, sequences, rows), numbers.last(counts, sequences)
        last = [inside.whole(k)[ends] for k in range(len(inside))]
    return LayerScan(given, y, last, (plans, tape, numbers, digest))


def run_back(
    scan: LayerScan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
) -> tuple[Array, list[Array]]:
    """See `interface.Backend.backward`."""
    plans, tape, numbers, digest = scan.own
    plan: LayerBackwardPlan = plans.backward
    _, _, parameters, _, counts, _ = scan.given
    left = _left(parameters)
    kept = left[0] if left else None
    if kept is None or kept.plans is not plans:
        kept = _Kept((), plans, None)
    sequences, dtype = len(scan.last[0]), scan.y.dtype
    work = memory.work(plan.work.bytes)
    last, last_at = _fitting(dstates, sequences, plan.state_sizes, dtype)
    dy = np.ascontiguousarray(dy)
    if plan.gathered:
        before = numbers.before(counts)
        for k in range(len(last)):
            plan.work.view(work, ("packed", k))[: scan.rows] = scan.states.whole(k)[before]
    for key in plan.full:
        plan.work.view(work, key)[...] = _single(scan, key[1])
    dx, at = memory.placed((len(scan.y), plan.width), dtype)
    first, first_at = _new_states(sequences, plan.state_sizes, dtype)
    fixed = pool().address, *numbers.told, tape.address, work.address, *numbers.places
    arrays = address_of(dy), at, *last_at, *first_at, *parameter_addresses(gradients)
    table = kept.backward.take()
    found = table.run(counts, sequences, work, fixed, arrays, parameter_addresses(parameters))
    kept.backward.give(table)
    memory.done(work)
    if found != digest:
        raise stale()
    for name in plan.without_gradient:
        gradients[name][...] = 0
    for columns, node in plan.alike:
        dx[:, columns] = _single(scan, node)
    return dx, first


def _fitting(
    states: Sequence[Array], sequences: int, sizes: Sequence[int], dtype: np.dtype[Any]
) -> tuple[Sequence[Array], Sequence[int]]:
    """States as machine code reads them, (N, size) each, contiguous and of this dtype; and their addresses."""
    if isinstance(states, AtRest) and states[0].dtype == dtype:
        return states, states.addresses
    shapes = [(sequences, size) for size in sizes]
    found = [
        state
        if state.shape == shape and state.dtype == dtype and state.flags.c_contiguous
        else np.ascontiguousarray(np.broadcast_to(state, shape), dtype)
        for state, shape in zip(states, shapes, strict=True)
    ]
    return found, [address_of(state) for state in found]


def _new_states(sequences: int, sizes: Sequence[int], dtype: np.dtype[Any]) -> tuple[list[Array], Sequence[int]]:
    """New states, (N, size) each, and their addresses."""
    if len(sizes) == 2 and sizes[0] == sizes[1]:  # as most cells have: in one piece, which is sooner had
        both = np.empty((2, sequences, sizes[0]), dtype)
        first = address_of(both)
        return [both[0], both[1]], (first, first + both.strides[0])
    found = [np.empty((sequences, size), dtype) for size in sizes]
    return found, [address_of(state) for state in found]


def _single(scan: Scan, node: Node) -> Any:
    """The value of a node that has no rows."""
    return node.attr if is_constant(node) else scan.values[node]
