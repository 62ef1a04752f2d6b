"""Where everything of an online learner lies, and what its calls do: see `learner`.

Legend: N sequences, S steps times sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.native.machine.programs import CompiledProgram, OnlineCode, common
from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Region, Sheet
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.plan import DTYPES, LoopPlan, MovePlan, PackPlan, RenewalPlan
from gated.language.graph import ONE_DIM
from gated.program.lowering import Place
from gated.program.rows import ROW, SEQUENCE


class LearnerPlan:
    """Memory, tables and courses of a learner.

    Args:
        lengths: of every dimension.
        numbers: of all parameters.
        shape: (S, N).

    Attributes:
        look: the course of steps that change nothing. learn: of those that change weights. update: the same where every
            step changes theta itself. differentiate: of one whose gradient is wanted. clear: after one whose gradient
            was not finite.
    """

    def __init__(
        self, code: OnlineCode, lengths: Mapping[str, int], dtype: np.dtype[Any], numbers: int, shape: tuple[int, int]
    ) -> None:
        self.code, self.lengths = code, {**lengths, ONE_DIM: 1}
        self.steps, self.sequences = shape
        self.work = Region("work", dtype, host().machine.width(DTYPES[dtype]))
        self.names = [one.name for one in code.lowered.plan.learnt]
        kinds = [(kind, name) for kind in ("parameter", "gradient") for name in self.names]
        self.bases = ["work", "steps", ("parameter", ""), *kinds]
        self.sheet = Sheet(self.bases)
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
        kernels = self.common
        weights, gradients = (self.packing(self.sheet, kind) for kind in ("parameter", "gradient"))
        self.renewal = RenewalPlan(self.work, {"": numbers}, 1)
        self.renewal.close(self.sheet, weights)
        remember, copy = MovePlan(), self.work.specs["copy", ""]
        remember.rows((0, ("parameter", "")), (copy.offset, "work"), (1, 1, numbers), (0, 0, 0, 0))
        remember.close(self.sheet)
        self.look, self.learn, self.update, self.differentiate, self.clear = (Course(1) for _ in range(5))
        for course in (self.look, self.learn, self.update, self.differentiate):
            for function in (kernels.compare, kernels.copy, kernels.renew):
                course.jobs(function, self.renewal)
            course.sequences(self.loop, 1)
        self.learn.jobs(kernels.unpack, weights)
        self.learn.jobs(kernels.move, remember)
        self.update.jobs(kernels.move, remember)
        self.differentiate.jobs(kernels.unpack, gradients)
        if self.clearing is not None:
            self.differentiate.sequences(self.clearing, 1)
            self.clear.sequences(self.clearing, 1)
        for course in (self.look, self.learn, self.update, self.differentiate, self.clear):
            course.close(self.sheet)

    def packing(self, sheet: Sheet, kind: str) -> PackPlan:
        """Between the caller's parameters, or their gradients, and where they lie here; `kind` says which."""
        plan, lowered = PackPlan(), self.code.lowered
        for name, place in (lowered.weights if kind == "parameter" else lowered.gradients).items():
            add = plan.vector if place.over is None else plan.columns
            add(name, self.work, self.work.specs[place], kind)
        plan.close(sheet)
        return plan

    def number(self, name: str) -> int:
        """Where a number of the time loop's table lies in the sheet."""
        return self.loop.start // 8 + self.loop.loop.table.index[name]
