"""Online learning in machine code: the memory of a learner, its tables and courses, and the call of its steps.

What a call does depends on what it is for:

    renew    the parameters are packed, if somebody has changed one since the last call
    learn    the steps
    and then, where weights have changed, these are copied back, unless that was done in every step (see `step_update`);
    or, where the gradient is wanted, it is copied out

Legend: N sequences, S steps times sequences: one after the other. See `gated.program.online`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Rule
from gated.backends.native.machine.programs import online
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.learner_plan import LearnerPlan
from gated.backends.native.passes.plan import DTYPES
from gated.backends.native.passes.step_update import StepUpdate
from gated.backends.native.passes.update_numbers import RULES
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.threads.pool import pool
from gated.backends.native.tuning import tuning_for
from gated.program.lowering import Place
from gated.program.online import BY_RATE, CALLS, CHANGES, RATE, TARGET, WEIGHT, X, Y
from gated.program.rows import SEQUENCE, line_of
from gated.schedule.online_step import StepPlan

Array = np.ndarray[Any, Any]


class NativeStep:
    """The memory of one learner: N sequences, a chain of cells and maps. Used by one thread at a time.

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
        gradient: like theta; written by steps that do not update by the rate alone.
        states, traces: views (N, units), and (N, rows, cols) or (N, rows) by (state, parameter), as they are kept.
        update: what a run by the rule does; see `prepare`.
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
        self.bases, self.addresses = self._plan.bases, self._addresses(offsets)
        self.packing = self._plan.packing
        self.update: StepUpdate | None = None
        self._table, address = self._plan.sheet.fill(self.addresses)
        self._look, self._learn, self._update, self._differentiate, self._clear = (
            pool().alone(address + course.alone)
            for course in (
                self._plan.look,
                self._plan.learn,
                self._plan.update,
                self._plan.differentiate,
                self._plan.clear,
            )
        )
        self._count, self._call = self._plan.number("steps"), self._plan.number("call")
        self._last: tuple[int, str] | None = None
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
        self.weights, self.rates, *self._changes = (
            self._rows(place)[:, :, 0] for place in (WEIGHT, RATE, CHANGES, BY_RATE, CALLS)
        )
        self.states = [plan.work.view(self._work, place) for place in lowered.states]
        self.traces: dict[tuple[int, str], Array] = {}
        for key, place in lowered.traces.items():
            view = plan.work.view(self._work, place)
            columns = view.reshape(self.batch, -1, view.shape[1])
            self.traces[key] = view if place.over is None else columns.transpose(0, 2, 1)

    def _rows(self, place: Place) -> Array:
        return self._plan.work.view(self._work, place).reshape(self.most, self.batch, -1)

    def zeros(self) -> Array:
        """An array like theta, for an optimizer."""
        made = memory.empty(self.theta.shape, self.theta.dtype)
        made[...] = 0
        return made

    def prepare(
        self, rule: Rule, numbers: Sequence[Mapping[str, float]], buffers: Mapping[str, Array], clip: float | None
    ) -> None:
        """Say what the next run by the rule does.

        Args:
            rule: of `update_numbers.RULES`.
            numbers: what it takes, for each update.
            buffers: by the names of the rule, like theta; changed in place.
            clip: bound on the norm of the gradient.
        """
        given = [RULES[rule](**one) for one in numbers]
        kernel, names, longest = max(given, key=lambda one: len(one[2]))
        arrays, update = tuple(buffers[name] for name in names), self.update
        if update is None or not update.is_(kernel, arrays, clip):
            update = self.update = StepUpdate(self, kernel, arrays, clip)
            self._table[self._call] = update.address
        # what a kernel takes more than another is a factor: 1 for an update that has none
        rest = (1.0,) * len(longest)
        for k, (_, _, values) in enumerate(given):
            update.numbers[k] = (*values, *rest[len(values) :])

    def run(self, steps: int, how: str, learnt: Array | bool = True) -> int:
        """Run the first `steps` steps of x, target, weights and rates; the predictions are in y.

        Args:
            steps: at most `most`.
            how: what is done at each step that has a weight: "rate", theta -= rate * gradient; "rule", the next
                update of `update`; "gradient", nothing, but that of the last one is written to `gradient`.
            learnt: which steps have a weight.

        Returns:
            0, or 1 + the number of a step whose gradient was not finite: nothing was learnt from it, and the steps
            behind it were not run.
        """
        last = (steps, how) if learnt is True else None
        if last is None or last != self._last:  # otherwise as the call before: the usual case, and quick
            self._last = None
            self._table[self._count] = steps * self.batch
            changes, by_rate, calls = self._changes
            changes[:steps, -1] = learnt if how != "gradient" else False
            by_rate[:steps, -1] = learnt if how == "rate" else False
            calls[:steps, -1] = learnt if how == "rule" else False
            self._last = last
        if learnt is False:
            self._look()
            return 0
        if how == "gradient":
            self._differentiate()
            return 0
        if how == "rate":
            self._learn()
        elif self.update is None:
            raise RuntimeError("an error in gated: no rule to update by")
        else:
            self.update.begin()
            self._update()
        if not (ended := self._ended.value):
            return 0
        self._ended.value = 0
        self._clear()
        return int(ended) // self.batch
