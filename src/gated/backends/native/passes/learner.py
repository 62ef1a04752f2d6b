"""Online learning in machine code: the memory of a learner, its tables and courses, and the call of its steps.

What a call does depends on what it is for:

    renew    the parameters are packed, if somebody has changed one since the last call
    learn    the steps
    and then, where weights have changed, these are copied back; or, where the gradient is wanted, it is copied out

Legend: N sequences, S steps times sequences: one after the other. See `gated.program.online`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.native.machine.programs import CompiledProgram, OnlineCode, common, online
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.memory.regions import Region, Sheet
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.plan import DTYPES, LoopPlan, MovePlan, PackPlan, RenewalPlan
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.threads.pool import pool
from gated.backends.native.tuning import tuning_for
from gated.language.graph import ONE_DIM
from gated.program.lowering import Place
from gated.program.online import CHANGES, RATE, TARGET, WEIGHT, X, Y
from gated.program.rows import ROW, SEQUENCE, line_of
from gated.schedule.online_step import StepPlan

Array = np.ndarray[Any, Any]


class LearnerPlan:
    """Memory, tables and courses of a learner.

    Args:
        lengths: of every dimension.
        numbers: of all parameters.
        shape: (S, N).

    Attributes:
        look: the course of steps that change nothing. learn: of those that change weights. differentiate: of one whose
            gradient is wanted. clear: after one whose gradient was not finite.
    """

    def __init__(
        self, code: OnlineCode, lengths: Mapping[str, int], dtype: np.dtype[Any], numbers: int, shape: tuple[int, int]
    ) -> None:
        self.code, self.lengths = code, {**lengths, ONE_DIM: 1}
        self.steps, self.sequences = shape
        self.work = Region("work", dtype, host().machine.width(DTYPES[dtype]))
        self.names = [one.name for one in code.lowered.plan.learnt]
        kinds = [(kind, name) for kind in ("parameter", "gradient") for name in self.names]
        self.sheet = Sheet(["work", "steps", ("parameter", ""), *kinds])
        self.common = common(DTYPES[dtype])  # held: the code lives as long
        for place in dict.fromkeys([*code.lowered.outside.values(), *code.learn.program.places]):
            self.work.add(place, self._rows(place), self.lengths[place.dim])
        self.loop = self._loop(code.learn, self.steps)
        self.clearing = None if code.clear is None else self._loop(code.clear, 1)
        self._set_courses(numbers)

    def _rows(self, place: Place) -> int:
        """How many a place has."""
        several = {ROW: self.steps, SEQUENCE: self.sequences}.get(place.rows, 1)
        return several * (1 if place.over is None else self.lengths[place.over])

    def _loop(self, loop: CompiledProgram, steps: int) -> LoopPlan:
        plan = LoopPlan(loop, self.sheet, self.lengths, self.work)
        for place in loop.program.places:
            plan.put(place, ("work", self.work.specs[place]))
        plan.steps(steps, "steps")
        return plan

    def _set_courses(self, numbers: int) -> None:
        lowered, kernels = self.code.lowered, self.common
        weights, gradients = (
            self._packing(kind, places)
            for kind, places in (("parameter", lowered.weights), ("gradient", lowered.gradients))
        )
        self.renewal = RenewalPlan(self.work, {"": numbers}, 1)
        self.renewal.close(self.sheet, weights)
        remember, copy = MovePlan(), self.work.specs["copy", ""]
        remember.rows((0, ("parameter", "")), (copy.offset, "work"), (1, 1, numbers), (0, 0, 0, 0))
        remember.close(self.sheet)
        self.look, self.learn, self.differentiate, self.clear = (Course(1) for _ in range(4))
        for course in (self.look, self.learn, self.differentiate):
            for function in (kernels.compare, kernels.copy, kernels.renew):
                course.jobs(function, self.renewal)
            course.sequences(self.loop, 1)
        self.learn.jobs(kernels.unpack, weights)
        self.learn.jobs(kernels.move, remember)
        self.differentiate.jobs(kernels.unpack, gradients)
        if self.clearing is not None:
            self.differentiate.sequences(self.clearing, 1)
            self.clear.sequences(self.clearing, 1)
        for course in (self.look, self.learn, self.differentiate, self.clear):
            course.close(self.sheet)

    def _packing(self, kind: str, places: Mapping[str, Place]) -> PackPlan:
        """Between the caller's parameters, or their gradients, and where they lie here."""
        plan = PackPlan()
        for name, place in places.items():
            add = plan.vector if place.over is None else plan.columns
            add(name, self.work, self.work.specs[place], kind)
        plan.close(self.sheet)
        return plan

    def number(self, name: str) -> int:
        """Where a number of the time loop's table lies in the sheet."""
        return self.loop.start // 8 + self.loop.loop.table.index[name]


class NativeStep:
    """The memory of one learner: N sequences, one cell, perhaps a dense layer on it. Used by one thread at a time.

    Args:
        plan: what a step is.
        sizes: length of every dimension of the plan.
        theta: the parameters, in their order, as one contiguous vector; changed in place.
        offsets: parameter -> where it begins in theta.
        batch: N.

    Attributes:
        most: steps that one call can run.
        x, y, target: (most, N, units). weights, rates: (most, N), of every sequence in the loss of its step, and the
            rate of the step.
        gradient: like theta; written by steps that do not update.
        states, traces: views (N, units), and (N, rows, cols) or (N, rows) by (state, parameter), as they are kept.
    """

    def __init__(
        self, plan: StepPlan, sizes: Mapping[str, int], theta: Array, offsets: Mapping[str, int], batch: int
    ) -> None:
        self.most = tuning_for(host().machine).online_steps
        self.theta, self.batch = theta, batch
        self.gradient = memory.empty(theta.shape, theta.dtype)
        self.gradient[...] = 0
        code = online(plan, DTYPES[theta.dtype])
        self._plan = LearnerPlan(code, sizes, theta.dtype, theta.size, (self.most * batch, batch))
        self._work = memory.lease(self._plan.work.bytes)
        self._steps = self._step_rows()
        self._table, address = self._plan.sheet.fill(self._addresses(offsets))
        self._look, self._learn, self._differentiate, self._clear = (
            pool().alone(address + course.alone)
            for course in (self._plan.look, self._plan.learn, self._plan.differentiate, self._plan.clear)
        )
        self._count = self._plan.number("steps")
        self._last: tuple[int, bool] | None = None
        self._ended = ctypes.c_int64.from_address(address + 8 * self._plan.number("ended"))
        self._views()

    def _addresses(self, offsets: Mapping[str, int]) -> list[int]:
        names, itemsize = self._plan.names, self.theta.itemsize
        theta, gradient = address_of(self.theta), address_of(self.gradient)
        starts = [start + offsets[name] * itemsize for start in (theta, gradient) for name in names]
        return [self._work.address, address_of(self._steps), theta, *starts]

    def _step_rows(self) -> Array:
        """The first rows of every sequence of every step, which is one of the program's steps."""
        count = self.most * self.batch
        rows = step_rows(np.ones(count, np.int64), 1)
        rows[:, line_of(SEQUENCE)] = np.arange(count) % self.batch
        return rows

    def _views(self) -> None:
        """Everything is 0, and the names by which it is known."""
        plan, lowered = self._plan, self._plan.code.lowered
        dtype, size = self.theta.dtype, self.theta.itemsize
        for spec in plan.work.specs.values():  # also what lies beyond the units
            self._work.array(spec.offset, (spec.rows, spec.stride), (spec.stride * size, size), dtype)[...] = 0
        plan.renewal.flags_in(self._work)[0] = 0
        self.x, self.y, self.target = (self._rows(lowered.outside[name]) for name in (X, Y, TARGET))
        self.weights, self.rates, self.changes = (self._rows(place)[:, :, 0] for place in (WEIGHT, RATE, CHANGES))
        self.states = [plan.work.view(self._work, place) for place in lowered.states]
        self.traces: dict[tuple[int, str], Array] = {}
        for key, place in lowered.traces.items():
            view = plan.work.view(self._work, place)
            columns = view.reshape(self.batch, -1, view.shape[1])
            self.traces[key] = view if place.over is None else columns.transpose(0, 2, 1)

    def _rows(self, place: Place) -> Array:
        return self._plan.work.view(self._work, place).reshape(self.most, self.batch, -1)

    def run(self, steps: int, fused: bool, learnt: Array | bool = True) -> int:
        """Run the first `steps` steps of x, target, weights and rates; the predictions are in y.

        Args:
            steps: at most `most`.
            fused: theta -= rate * gradient after each step that has a weight; otherwise the gradient of the last such
                step is written to `gradient`.
            learnt: which steps have a weight.

        Returns:
            0, or 1 + the number of a step whose gradient was not finite: nothing was learnt from it, and the steps
            behind it were not run.
        """
        how = (steps, fused) if learnt is True else None
        if how is None or how != self._last:  # otherwise as the call before: the usual case, and quick
            self._last = None
            self._table[self._count] = steps * self.batch
            self.changes[:steps, -1] = learnt if fused else False
            self._last = how
        if learnt is False:
            self._look()
            return 0
        if not fused:
            self._differentiate()
            return 0
        self._learn()
        if not (ended := self._ended.value):
            return 0
        self._ended.value = 0
        self._clear()
        return int(ended) // self.batch
