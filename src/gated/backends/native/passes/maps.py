"""Functions without states over rows: dense layers, losses. See `map_plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gated.backends.interface import Array, Scan, stale
from gated.backends.native.machine.programs import MapCode, loss, mapping
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of, parameter_addresses
from gated.backends.native.passes.map_plan import LossPlan, MapBackwardPlan, MapForwardPlan
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.passes.plan import DTYPES, Call, put_computed
from gated.backends.native.threads.groups import step_work
from gated.backends.native.threads.pool import get_num_threads, pool, threads_for
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Node
from gated.lru import Lru
from gated.program.maps import is_loss, is_map
from gated.schedule import CellSchedule


class _Plans:
    """Both plans for one set of sizes; without a backward pass only the first.

    Attributes:
        places: the address of the row numbers.
    """

    def __init__(self, code: MapCode, shapes: Shapes, parameters: list[str], sealed: bool) -> None:
        self.forward = MapForwardPlan(code, shapes, parameters, sealed)
        self.backward = MapBackwardPlan(self.forward, parameters) if sealed else None
        self.numbers = shapes.groups.all_rows(shapes.rows)
        self.place = address_of(self.numbers)


@dataclass(frozen=True, eq=False)
class _Own:
    """What a scan keeps for its backward pass.

    Attributes:
        digest: of the parameters; None if there is to be no backward pass.
    """

    plans: _Plans
    tape: memory.Lease
    inputs: list[Array]
    digest: int | None


_cache: Lru[Any, _Plans] = Lru(tuning_for().plans_kept)
_losses: Lru[Any, LossPlan] = Lru(tuning_for().plans_kept)
_is_map, _is_loss = lru_cache(maxsize=256)(is_map), lru_cache(maxsize=256)(is_loss)


def forget_plans() -> None:
    """They are made anew."""
    _cache.forget()
    _losses.forget()


def takes(schedule: CellSchedule, inputs: Mapping[str, Array], sealed: bool) -> bool:
    """Whether `run` knows what to do, and is worth it."""
    first, *others = inputs.values()
    fits = first.dtype in DTYPES and all(other.dtype == first.dtype for other in others)
    return fits and len(first) >= (1 if sealed else tuning_for().map_rows) and _is_map(schedule)


def run(
    schedule: CellSchedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    inputs: Mapping[str, Array],
    sealed: bool,
) -> tuple[Array, Scan]:
    """See `interface.Arithmetic.map`."""
    given = [np.ascontiguousarray(inputs[name]) for name in schedule.graph.inputs]
    plans = _find_plans(schedule, sizes, parameters, given[0], sealed)
    plan, lowered = plans.forward, plans.forward.lowered
    work, tape = memory.lease(plan.work.bytes), memory.lease(plan.tape.bytes)
    y, at = memory.placed((len(given[0]), plan.shapes.sizes[lowered.output.dim]), given[0].dtype)
    put_computed(plan.computed, plan.work, work, schedule, parameters, plan.shapes.sizes)
    arrays = *map(address_of, given), at, plans.place
    _run(plan, [tape.address, work.address, *arrays, *parameter_addresses(parameters)])
    own = _Own(plans, tape, given, plan.seal.digest(work) if sealed else None)
    return y, _scan(schedule, plan.shapes, parameters, y, own)


def _find_plans(
    schedule: CellSchedule, sizes: Mapping[str, int], parameters: Mapping[str, Array], x: Array, sealed: bool
) -> _Plans:
    rows, dtype, threads = len(x), x.dtype, get_num_threads()

    def make() -> _Plans:
        members = threads_for(step_work(schedule.graph, sizes, rows), threads)
        shapes = Shapes.of_rows(sizes, dtype, rows, members)
        return _Plans(mapping(schedule, DTYPES[dtype]), shapes, list(parameters), sealed)

    return _cache.get((schedule, dtype, rows, tuple(sizes.items()), threads, sealed, host()), make)


def _scan(schedule: CellSchedule, shapes: Shapes, parameters: Mapping[str, Array], y: Array, own: _Own) -> Scan:
    """With the inputs, the output, and what lies in the tape beside them."""
    graph, plan = schedule.graph, own.plans.forward
    values: dict[Node, Array | float] = {graph.input_leaf(n): v for n, v in zip(graph.inputs, own.inputs, strict=True)}
    values[schedule.outputs[0]] = y
    values.update((node, plan.tape.view(own.tape, place)) for node, place in plan.lowered.saved.items())
    counts = np.array([shapes.rows])
    return Scan(schedule, shapes.sizes, parameters, counts, shapes.rows, y.dtype, y, [], [], values, own)


def made_by_run(scan: Scan) -> bool:
    """Whether a scan is one of `run`'s."""
    return isinstance(scan.own, _Own)


def run_back(scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
    """See `interface.Arithmetic.map_backward`."""
    own: _Own = scan.own
    plan = own.plans.backward
    if plan is None:
        raise stale()
    work, y = memory.lease(plan.work.bytes), scan.values[scan.schedule.outputs[0]]
    put_computed(plan.computed, plan.work, work, scan.schedule, scan.parameters, plan.shapes.sizes)
    dy = np.ascontiguousarray(dy)
    adjoints, places = zip(*(memory.placed(array.shape, dy.dtype) for array in own.inputs), strict=True)
    arrays = *map(address_of, own.inputs), address_of(np.asarray(y)), address_of(dy), *places
    vectors = *parameter_addresses(gradients), *parameter_addresses(scan.parameters)
    _run(plan, [own.tape.address, work.address, *arrays, own.plans.place, *vectors])
    if plan.seal.digest(work) != own.digest:
        raise stale()
    for name in plan.without_gradient:
        gradients[name][...] = 0
    return list(adjoints)


def takes_loss(schedule: CellSchedule, arrays: tuple[Array, Array, Array], dtype: np.dtype[Any]) -> bool:
    """Whether `run_loss` knows what to do: all of one dtype, but for targets that are whole numbers."""
    y, target, weights = arrays
    fits = target.dtype == y.dtype or (target.dtype.kind == "i" and target.ndim == 1)
    return y.size > 0 and y.dtype in DTYPES and y.dtype == weights.dtype == dtype and fits and _is_loss(schedule)


def run_loss(schedule: CellSchedule, y: Array, target: Array, weights: Array) -> tuple[float, Array]:
    """See `interface.Arithmetic.loss`."""
    one_hot, (rows, size) = target.ndim == 1, y.shape
    y, weights = np.ascontiguousarray(y), np.ascontiguousarray(weights)
    target = np.ascontiguousarray(target, np.int64 if one_hot else y.dtype)
    threads = get_num_threads()

    def make() -> LossPlan:
        return LossPlan.of(loss(schedule, DTYPES[y.dtype], one_hot), size, y.dtype, rows, threads)

    plan = _losses.get((schedule, y.dtype, rows, size, one_hot, threads, host()), make)
    work = memory.lease(plan.work.bytes)
    dy, at = memory.placed(y.shape, y.dtype)
    values, values_at = memory.placed((rows,), y.dtype)
    total, total_at = memory.placed((1,), np.dtype(np.float64))
    arrays = *map(address_of, (y, target, weights)), at, values_at, total_at, address_of(plan.steps)
    _run(plan, [work.address, *arrays])
    return float(total[0]), dy


def _run(plan: MapForwardPlan | MapBackwardPlan | LossPlan, addresses: list[int]) -> None:
    """Fill in the tables and run the plan's course; `addresses` in the order of its bases."""
    course = plan.course
    Call(plan.sheet, [pool().address, *addresses]).run(course.program, course.members, course.alone)
