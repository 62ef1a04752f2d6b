"""The native backend: machine code made from the cell's schedule, from the products with x to the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends.interface import (
    Array,
    AtRest,
    Batch,
    Chain,
    Given,
    Pass,
    Scan,
    Stepper,
    Trained,
    Update,
    stale,
    takes_pass,
)
from gated.backends.native.machine.programs import training
from gated.backends.native.machine.target import Host, host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes import inference, maps, stepper, training_step
from gated.backends.native.passes.layer_plan import LayerBackwardPlan, LayerForwardPlan
from gated.backends.native.passes.layer_tape import TapeStates, TapeValues
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.passes.plan import DTYPES, Call, put_computed
from gated.backends.native.passes.row_numbers import RowNumbers
from gated.backends.native.passes.training_plan import BackwardPlan, ForwardPlan
from gated.backends.native.passes.vectors import NativeVectors
from gated.backends.native.threads.groups import shape_with_room
from gated.backends.native.threads.pool import Team, pool, team_for
from gated.backends.native.tuning import tuning_for
from gated.backends.reference import ReferenceBackend
from gated.language.graph import Node, is_constant
from gated.lru import Lru
from gated.schedule import CellSchedule


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
        """For sequences of these lengths."""
        if self.numbers is not None:
            return self.numbers
        room = self.forward.shapes.sequences  # initial states have so many rows: behind them are the others
        return RowNumbers.of_lengths(counts, rows, sequences, room)


_cache: Lru[Any, _Plans] = Lru(tuning_for().plans_kept)


def _find_plans(given: Pass) -> _Plans:
    here, team = host(), team_for(given.sequences)
    shape, varying = shape_with_room(len(given.counts), given.sequences, len(given.x), team.threads)
    if varying:
        shape = 1, *shape[1:]  # T is told
    # by identity, which is found sooner: plans hold both
    key = id(given.schedule), id(here), given.x.dtype.char, *shape, varying, *team, *given.sizes.items()
    return _cache.get(key, lambda: _plans(given, here, shape, varying, team))


def _plans(given: Pass, here: Host, shape: tuple[int, int, int], varying: bool, team: Team) -> _Plans:
    programs = training(given.schedule, DTYPES[given.x.dtype])
    shapes = Shapes.of(programs.layout.schedule.graph, given.sizes, given.x.dtype, shape, team, varying)
    names, groups = list(given.parameters), shapes.groups
    forward = LayerForwardPlan(programs, shapes, names)
    numbers = None if varying else RowNumbers.of(groups.step_rows(), groups.all_rows(shape[2]))
    return _Plans(forward, LayerBackwardPlan(forward, names), (given.schedule, here), numbers)


class NativeBackend(NativeVectors, ReferenceBackend):
    """See `interface.Backend`. float32 and float64; other dtypes are the reference's."""

    name = "native"

    @takes_pass
    def forward(self, given: Pass) -> Scan:
        x, counts, sequences = given.x, given.counts, given.sequences
        if x.dtype not in DTYPES:
            return super().forward(given)
        plans = _find_plans(given)
        plan, numbers = plans.forward, plans.numbers_of(counts, sequences, len(x))
        tape, work = memory.lease(plan.tape.bytes), memory.work(plan.work.bytes)
        first, first_at = _fitting(given.states, sequences, plan.state_sizes, x.dtype)
        y, at = memory.placed((len(x), plan.state_sizes[0]), x.dtype)
        put_computed(plan.computed, plan.tape, tape, given.schedule, given.parameters)
        last = [] if plan.shapes.varying else [np.empty((sequences, size), x.dtype) for size in plan.state_sizes]
        arrays = address_of(x), at, *numbers.places, *first_at, *map(address_of, last)
        vectors = parameter_addresses(given.parameters)
        _run(plan, [*numbers.told, tape.address, work.address, *arrays, *vectors], counts, sequences)
        memory.done(work)
        states = TapeStates(plan, tape, sequences, len(x))
        if plan.shapes.varying:
            rows = numbers.last(counts, sequences)
            last = [states.whole(k)[rows] for k in range(len(states))]
        scan = Scan.of(given, y, states, last, TapeValues(plan, tape, states))
        scan.own = plans, tape, numbers, plan.seal.digest(tape)
        return scan

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype not in DTYPES:
            return super().backward(scan, dy, dstates, gradients)
        plans, tape, numbers, digest = scan.own
        plan: LayerBackwardPlan = plans.backward
        sequences, dtype = len(scan.last[0]), scan.dtype
        work = memory.work(plan.work.bytes)
        last, last_at = _fitting(dstates, sequences, plan.state_sizes, dtype)
        dy = np.ascontiguousarray(dy)
        if plan.gathered:
            before = numbers.before(scan.counts)
            for k in range(len(last)):
                plan.work.view(work, ("packed", k))[: scan.rows] = scan.states.whole(k)[before]  # type: ignore[attr-defined]
        for key in plan.full:
            plan.work.view(work, key)[...] = _single(scan, key[1])
        dx, at = memory.placed((scan.rows, plan.shapes.sizes["input"]), dtype)
        first = [np.empty((sequences, size), dtype) for size in plan.state_sizes]
        arrays = address_of(dy), at, *numbers.places, *last_at, *map(address_of, first)
        vectors = *parameter_addresses(gradients), *parameter_addresses(scan.parameters)
        _run(plan, [*numbers.told, tape.address, work.address, *arrays, *vectors], scan.counts, sequences)
        if plan.seal.digest(work) != digest:
            raise stale()
        memory.done(work)
        for name in plan.without_gradient:
            gradients[name][...] = 0
        if plan.dx is None:
            dx[...] = _single(scan, plan.dx_node)
        return dx, first

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        if chain.dtype not in DTYPES:
            return super().infer_chain(chain, theta, given)
        return inference.infer_chain(self, chain, theta, given)

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        if chain.dtype not in DTYPES:
            return super().stream(chain, theta, sequences)
        return stepper.Stepper(chain, theta, sequences)

    def map(
        self,
        schedule: CellSchedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        sealed: bool = True,
    ) -> tuple[Array, Scan]:
        if maps.takes(schedule, inputs, sealed):
            return maps.run(schedule, sizes, parameters, inputs, sealed)
        return super().map(schedule, sizes, parameters, inputs, sealed)

    def map_backward(self, scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
        if maps.made_by_run(scan):
            return maps.run_back(scan, dy, gradients)
        return super().map_backward(scan, dy, gradients)

    def loss(
        self, schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
    ) -> tuple[float, Array]:
        if maps.takes_loss(schedule, (y, target, weights), dtype):
            return maps.run_loss(schedule, y, target, weights)
        return super().loss(schedule, y, target, weights, dtype)

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        if not training_step.takes(chain, loss, theta, batch, update):
            return None
        return training_step.run(chain, loss, theta, batch, update)


def _run(plan: ForwardPlan | BackwardPlan, addresses: list[int], counts: Array, sequences: int) -> None:
    """Fill in the tables and run the plan's course; `addresses` in the order of its bases."""
    course = plan.course
    call = Call(plan.sheet, [pool().address, *addresses])
    if not plan.shapes.equal:
        course.recut(call.numbers, counts, sequences)
    call.run(course.program, course.members, course.alone)
    plan.sheet.done(call.numbers, call.address)


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


def _single(scan: Scan, node: Node) -> Any:
    """The value of a node that has no rows."""
    return node.attr if is_constant(node) else scan.values[node]
