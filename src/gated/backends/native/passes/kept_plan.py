"""What the plans of passes without a tape share: parameters that stay packed from one call to the next."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import PAGE, Region
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.pass_plan import TOLD, PassPlan, Shapes
from gated.backends.native.passes.plan import RenewalPlan
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.tuning import tuning_for
from gated.program.layout import parameter_numbers
from gated.schedule import CellSchedule


class KeptPlan(PassPlan):
    """Memory, tables and courses of a pass that keeps nothing but the output.

    Bases: "team", what is `told`, "fixed", "work", "x", "y", "steps", "rows", parameters.

    Attributes:
        fixed: memory for the packed parameters. work: for everything else.
        renewal: what makes the first course pack the parameters only if they have changed; None for large ones.
        first, again: what the threads do with parameters, and with those that are packed.
        only_pack: what packs them.
        row_numbers, all_rows: of the steps, and of a program over all rows at once; unless the lengths vary.
    """

    told = TOLD

    def __init__(self, schedule: CellSchedule, shapes: Shapes) -> None:
        self.schedule, self.fixed = schedule, Region("fixed", shapes.dtype, shapes.width)
        bases = "fixed", "work", "x", "y", "steps", "rows"
        super().__init__(shapes, bases, schedule.graph.parameters, self.fixed)
        self.renewal: RenewalPlan | None = None
        members = shapes.cut.members
        self.first, self.again, self.only_pack = Course(members), Course(members), Course(1)
        self.row_numbers = self.all_rows = step_rows(np.array([shapes.rows]), shapes.rows)

    @abstractmethod
    def _run(self, course: Course) -> None:
        """Add the phases of the pass."""

    def _close(self) -> None:
        """All is placed: make the courses."""
        shapes, numbers = self.shapes, parameter_numbers(self.schedule.graph, self.shapes.sizes)
        self.pack.close(self.sheet)
        copies = sum(numbers.values()) * shapes.dtype.itemsize
        if self.fixed.bytes + self.work.bytes + copies <= tuning_for(host().machine).kept:
            self.renewal = RenewalPlan(self.fixed, numbers, shapes.cut.members)
            self.renewal.close(self.sheet, self.pack)
        if self.renewal is None:
            self.first.jobs(self.common.pack, self.pack)
        else:
            for function in (self.common.compare, self.common.copy, self.common.renew):
                self.first.jobs(function, self.renewal)
        for course in (self.first, self.again):
            self._run(course)
        self.only_pack.jobs(self.common.pack, self.pack)
        for course in (self.first, self.again, self.only_pack):
            course.close(self.sheet)

    @property
    def kept(self) -> bool:
        """Whether it is small enough for its memory to be kept."""
        return self.renewal is not None

    @property
    def start(self) -> int:
        """Where `work` begins, in bytes, if it lies behind `fixed`."""
        return -(-self.fixed.bytes // PAGE) * PAGE

    @property
    def bytes(self) -> int:
        """Of both."""
        return self.start + self.work.bytes
