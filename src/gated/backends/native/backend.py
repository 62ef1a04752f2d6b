"""The native backend: machine code made from the cell's schedule, from the products with x to the gradients."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends.interface import Array, Scan
from gated.backends.native import memory
from gated.backends.native.plan import Call, Where, step_rows
from gated.backends.native.programs import Training, common, training
from gated.backends.native.target import host
from gated.backends.native.training_plan import BackwardPlan, ForwardPlan, Shapes
from gated.backends.reference import ReferenceBackend, constants, previous_states
from gated.language.graph import Node
from gated.schedule import Schedule

NATIVE = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class _Plans:
    """Both plans for one set of sizes, with the row numbers of the steps if all sequences are equally long."""

    forward: ForwardPlan
    backward: BackwardPlan
    rows: Array
    steps: Array | None


class _PlanCache:
    """The plans used last."""

    SIZE = 64

    def __init__(self) -> None:
        self.made: OrderedDict[Any, _Plans] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, programs: Training, shapes: Shapes, counts: Array, parameters: Sequence[str]) -> _Plans:
        key = (id(programs), shapes.steps, shapes.sequences, shapes.rows, tuple(shapes.sizes.items()))
        with self.lock:
            found = self.made.get(key)
            # a plan holds its programs, so that the id stands for no others while the plan lives
            if found is None or found.forward.programs is not programs:
                found = self.made[key] = _plans(programs, shapes, counts, parameters)
                while len(self.made) > self.SIZE:
                    self.made.popitem(last=False)
            self.made.move_to_end(key)
            return found


def _plans(programs: Training, shapes: Shapes, counts: Array, parameters: Sequence[str]) -> _Plans:
    forward = ForwardPlan(programs, shapes, parameters)
    equal = shapes.rows == shapes.steps * shapes.sequences
    rows = step_rows(np.array([shapes.rows]), shapes.rows)
    return _Plans(
        forward, BackwardPlan(forward, parameters), rows, step_rows(counts, shapes.sequences) if equal else None
    )


_cache = _PlanCache()


class _TapeValues(Mapping[Node, "Array | float"]):
    """Node -> its value, (R, dim) or (dim,): views into the tape, made when asked for."""

    def __init__(self, plan: ForwardPlan, tape: memory.Lease, x: Array) -> None:
        self.plan, self.tape, self.x = plan, tape, x

    def __getitem__(self, node: Node) -> Array | float:
        if node is self.plan.x_leaf:
            return self.x
        if node.op == "constant":
            return float(node.attr)
        place = self.plan.layout.values[node]
        if node in self.plan.layout.passing:
            raise KeyError(node)
        view = self.plan.tape.view(self.tape, place)
        return view[0] if place.rows == "constant" else view

    def __iter__(self) -> Iterator[Node]:
        return (node for node in self.plan.layout.values if node not in self.plan.layout.passing)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class NativeBackend:
    """See `interface.Backend`. float32 and float64; other dtypes go to the reference backend."""

    name = "native"

    def forward(
        self,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        x: Array,
        counts: Array,
        states: Sequence[Array],
    ) -> Scan:
        if x.dtype.name not in NATIVE:
            return ReferenceBackend().forward(schedule, sizes, parameters, x, counts, states)
        programs = training(schedule, x.dtype.name)
        width = host().machine.width(x.dtype.name)
        shapes = Shapes(len(counts), len(states[0]), len(x), dict(sizes), x.dtype, width)
        plans = _cache.get(programs, shapes, counts, list(parameters))
        plan = plans.forward
        tape, work = memory.lease(plan.tape.bytes), memory.lease(plan.work.bytes)
        full = [plan.tape.view(tape, ("state", k)) for k in range(len(states))]
        for array, initial in zip(full, states, strict=True):
            array[: len(initial)] = initial
        if plan.x[0] != "x":
            plan.tape.view(tape, "x")[...] = x
        y = memory.empty((len(x), states[0].shape[1]), x.dtype)
        if plan.computed:
            with np.errstate(all="ignore"):
                known = constants(schedule, parameters)
            for node, place in plan.computed:
                plan.tape.view(tape, place)[...] = known[node]
        steps = plans.steps if plans.steps is not None else step_rows(counts, len(states[0]))
        addresses = [tape.address, work.address, *_addresses(x, y, steps, plans.rows, *parameters.values())]
        call = Call(common(x.dtype.name), plan.sheet, addresses)
        call.pack(plan.pack)
        if plan.before is not None:
            call.run(plan.before, len(x))
        call.run(plan.forward, len(states[0]), counts)
        if plan.y[0] != "y":
            y[...] = plan.work.view(work, "y")
        return Scan(schedule, sizes, parameters, x, counts, y, full, _TapeValues(plan, tape, x), (plans, tape, steps))

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype.name not in NATIVE:
            return ReferenceBackend().backward(scan, dy, dstates, gradients)
        plans, tape, steps = scan.own
        plan: BackwardPlan = plans.backward
        work = memory.lease(plan.work.bytes)
        running = [plan.work.view(work, ("running", k)) for k in range(len(dstates))]
        for array, adjoint in zip(running, dstates, strict=True):
            array[...] = adjoint
        dy = np.ascontiguousarray(dy)
        if plan.dy[0] != "dy":
            plan.work.view(work, "dy")[...] = dy
        if plan.gathered:
            before = previous_states(scan)
            for k, leaf in enumerate(plan.layout.leaves):
                plan.work.view(work, ("packed", k))[...] = before[leaf]
        for key in plan.full:
            plan.work.view(work, key)[...] = _single(scan, key[1])
        dx = memory.empty(scan.x.shape, dy.dtype)
        arrays = _addresses(scan.x, dy, dx, steps, plans.rows, *gradients.values(), *scan.parameters.values())
        call = Call(common(dy.dtype.name), plan.sheet, [tape.address, work.address, *arrays])
        call.pack(plan.pack)
        call.run(plan.backward, len(dstates[0]), scan.counts)
        if plan.after is not None:
            call.run(plan.after, len(scan.x))
        for name in plan.without_gradient:
            gradients[name][...] = 0
        call.gradients(plan.matrices, plan.vectors)
        if plan.dx is None:
            dx[...] = _single(scan, plan.dx_node)
        elif plan.dx[0] != "dx":
            dx[...] = _array(plan, plan.dx, tape, work)
        return dx, [np.array(array) for array in running]


def _addresses(*arrays: Array) -> list[int]:
    return [array.ctypes.data for array in arrays]


def _array(plan: BackwardPlan, where: Where, tape: memory.Lease, work: memory.Lease) -> Array:
    base, spec = where
    size = plan.shapes.dtype.itemsize
    lease = tape if base == "tape" else work
    return lease.array(spec.offset, (spec.rows, spec.size), (spec.stride * size, size), plan.shapes.dtype)


def _single(scan: Scan, node: Node) -> Any:
    """The value of a node that has no rows."""
    return node.attr if node.op == "constant" else scan.values[node]
