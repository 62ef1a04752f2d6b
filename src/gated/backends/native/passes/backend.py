"""The native backend: machine code made from the cell's schedule, from the products with x to the gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gated.backends.interface import (
    Array,
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
from gated.backends.native.machine.programs import TrainingCode, training
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes import inference, maps, stepper, training_step
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.passes.plan import DTYPES, Call, put_computed
from gated.backends.native.passes.training_plan import BackwardPlan, ForwardPlan
from gated.backends.native.passes.vectors import NativeVectors
from gated.backends.native.threads.groups import Groups, all_rows, shape_with_room, step_rows
from gated.backends.native.threads.pool import Team, pool, team_for
from gated.backends.native.tuning import tuning_for
from gated.backends.reference import ReferenceBackend, last_states, previous_states
from gated.language.graph import Node, is_constant
from gated.lru import Lru
from gated.program.rows import SINGLE
from gated.schedule import CellSchedule


@dataclass(frozen=True, eq=False)
class _Plans:
    """Both plans for one set of sizes, with row numbers of all rows and of the steps if sequences are equally long."""

    forward: ForwardPlan
    backward: BackwardPlan
    rows: Array | None = None
    steps: Array | None = None

    def numbers_of(self, counts: Array, sequences: int, rows: int) -> _Numbers:
        """For sequences of these lengths."""
        if self.rows is not None and self.steps is not None:
            return _Numbers(self.steps, self.rows, [])
        steps = step_rows(counts, sequences, self.forward.shapes.steps)
        return _Numbers(steps, all_rows(rows, sequences), [rows])


class _Numbers(NamedTuple):
    """Row numbers of a call, and what the base ROWS stands for."""

    steps: Array
    rows: Array
    told: list[int]

    @property
    def places(self) -> tuple[int, int]:
        return address_of(self.steps), address_of(self.rows)


_cache: Lru[Any, _Plans] = Lru(tuning_for().plans_kept)


def _find_plans(programs: TrainingCode, given: Pass) -> _Plans:
    team = team_for(given.sequences)
    shape, varying = shape_with_room(given.counts, given.sequences, len(given.x))
    key = programs, shape, varying, tuple(given.sizes.items()), team
    return _cache.get(key, lambda: _plans(programs, given, shape, varying, team))


def _plans(programs: TrainingCode, given: Pass, shape: tuple[int, int, int], varying: bool, team: Team) -> _Plans:
    shapes = Shapes.of(programs.layout.schedule.graph, given.sizes, given.x.dtype, shape, team, varying)
    names, groups = list(given.parameters), shapes.groups
    forward = ForwardPlan(programs, shapes, names)
    backward = BackwardPlan(forward, names)
    return (
        _Plans(forward, backward)
        if varying
        else _Plans(forward, backward, groups.all_rows(shape[2]), groups.step_rows())
    )


class _TapeValues(Mapping[Node, "Array | float"]):
    """Node -> its value, (R, dim) or (dim,): made from the tape when asked for."""

    def __init__(self, plan: ForwardPlan, tape: memory.Lease, rows: int) -> None:
        self.plan, self.tape, self.rows = plan, tape, rows

    def __getitem__(self, node: Node) -> Array | float:
        if is_constant(node):
            return float(node.attr)
        if node in self.plan.layout.passing:
            raise KeyError(node)
        place = self.plan.layout.values[node]
        groups = self.plan.shapes.groups
        if place in self.plan.layout.new:
            k = self.plan.layout.new.index(place)
            states = self.plan.tape.view(self.tape, ("state", k))[: groups.edges[-1] + self.rows]
            return groups.states(states)[groups.edges[-1] :]
        view = self.plan.tape.view(self.tape, place)
        return view[0] if place.rows == SINGLE else groups.rows(view[: self.rows])

    def __iter__(self) -> Iterator[Node]:
        return (node for node in self.plan.layout.values if node not in self.plan.layout.passing)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _TapeStates(Sequence[Array]):
    """The states of all steps, (N + R, size) each: made from the tape when asked for."""

    def __init__(self, groups: Groups, own: list[Array]) -> None:
        self.groups, self.own = groups, own

    def __getitem__(self, index: Any) -> Any:
        return self.groups.states(self.own[index])

    def __len__(self) -> int:
        return len(self.own)


class NativeBackend(NativeVectors, ReferenceBackend):
    """See `interface.Backend`. float32 and float64; other dtypes are the reference's."""

    name = "native"

    @takes_pass
    def forward(self, given: Pass) -> Scan:
        x, counts, states, parameters = given.x, given.counts, given.states, given.parameters
        if x.dtype not in DTYPES:
            return super().forward(given)
        programs = training(given.schedule, DTYPES[x.dtype])
        plans = _find_plans(programs, given)
        plan, groups = plans.forward, plans.forward.shapes.groups
        tape, work = memory.lease(plan.tape.bytes), memory.lease(plan.work.bytes)
        own = [plan.tape.view(tape, ("state", k))[: given.sequences + len(x)] for k in range(len(states))]
        for array, initial in zip(own, states, strict=True):
            groups.put_initial(array, initial)
        y, at = memory.placed((len(x), states[0].shape[1]), x.dtype)
        put_computed(plan.computed, plan.tape, tape, given.schedule, parameters)
        numbers = plans.numbers_of(counts, given.sequences, len(x))
        arrays = address_of(x), at, *numbers.places
        vectors = parameter_addresses(parameters)
        _run(plan, [*numbers.told, tape.address, work.address, *arrays, *vectors], counts)
        last = last_states(own, counts) if plan.shapes.varying else [groups.last(array) for array in own]
        scan = Scan.of(given, y, _TapeStates(groups, own), last, _TapeValues(plan, tape, len(x)))
        scan.own = plans, tape, numbers, plan.seal.digest(tape)
        return scan

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype not in DTYPES:
            return super().backward(scan, dy, dstates, gradients)
        plans, tape, numbers, digest = scan.own
        plan: BackwardPlan = plans.backward
        groups = plan.shapes.groups
        work = memory.lease(plan.work.bytes)
        running = [groups.sequences(plan.work.view(work, ("running", k))) for k in range(len(dstates))]
        for parts, adjoint in zip(running, dstates, strict=True):
            for mine, which in parts:
                mine[...] = adjoint[which]
        dy = np.ascontiguousarray(dy)
        if plan.gathered:
            before = previous_states(scan)
            for k, leaf in enumerate(plan.layout.leaves):
                plan.work.view(work, ("packed", k))[: scan.rows] = before[leaf]
        for key in plan.full:
            plan.work.view(work, key)[...] = _single(scan, key[1])
        dx, at = memory.placed((scan.rows, plan.shapes.sizes["input"]), dy.dtype)
        arrays = address_of(dy), at, *numbers.places
        vectors = *parameter_addresses(gradients), *parameter_addresses(scan.parameters)
        _run(plan, [*numbers.told, tape.address, work.address, *arrays, *vectors], scan.counts)
        if plan.seal.digest(work) != digest:
            raise stale()
        for name in plan.without_gradient:
            gradients[name][...] = 0
        if plan.dx is None:
            dx[...] = _single(scan, plan.dx_node)
        return dx, [np.concatenate([mine for mine, _ in parts]) for parts in running]

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


def _run(plan: ForwardPlan | BackwardPlan, addresses: list[int], counts: Array) -> None:
    """Fill in the tables and run the plan's course; `addresses` in the order of its bases."""
    course = plan.course
    call = Call(plan.sheet, [pool().address, *addresses])
    if not plan.shapes.equal:
        course.recut(call.numbers, counts, plan.shapes.sequences)
    call.run(course.program, course.members, course.alone)


def _single(scan: Scan, node: Node) -> Any:
    """The value of a node that has no rows."""
    return node.attr if is_constant(node) else scan.values[node]
