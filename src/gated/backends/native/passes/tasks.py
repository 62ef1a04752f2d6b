"""Calls of the kernels for whole vectors and tables: by one thread at once, or by a team in phases.

A task is one kernel or several that read the same table, one after the other.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends.native.codegen.draws import BERNOULLI_JOB, NORMAL_JOB
from gated.backends.native.codegen.picks import PICK_JOB
from gated.backends.native.codegen.table_rows import LOOK_UP_JOB, SUM_JOB
from gated.backends.native.codegen.team import MOST
from gated.backends.native.codegen.update_rules import KERNELS
from gated.backends.native.codegen.vectors import ADD, DECIDE_JOB, FINITE_JOB, MULTIPLY, SCALE, SQUARES_JOB
from gated.backends.native.machine.programs import VectorCode, vectors
from gated.backends.native.machine.target import Host, host
from gated.backends.native.memory.regions import Sheet
from gated.backends.native.passes.course import Course, Entry
from gated.backends.native.passes.plan import Call, JobPlan
from gated.backends.native.threads.pool import get_num_threads, threads_for
from gated.backends.native.tuning import tuning_for


@dataclass(frozen=True)
class Task:
    """What is to be called.

    Attributes:
        shared, alone: kernels in their order, and those among them that one thread does.
        fields, numbers: of the table; the last so many fields are floating-point numbers.
    """

    shared: tuple[str, ...]
    fields: tuple[str, ...]
    numbers: int = 0
    alone: tuple[str, ...] = ()


TASKS = {
    **{
        name: Task((name,), kernel.job, len(kernel.numbers))
        for name, kernel in {**KERNELS, "scale": SCALE, "add": ADD, "multiply": MULTIPLY}.items()
    },
    "finite": Task(("finite",), FINITE_JOB),
    "norm": Task(("squares", "total"), SQUARES_JOB, alone=("total",)),
    "total": Task(("total",), SQUARES_JOB, alone=("total",)),
    "decide": Task(("decide",), DECIDE_JOB, 1, alone=("decide",)),
    "look_up": Task(("look_up",), LOOK_UP_JOB),
    "pick": Task(("pick",), PICK_JOB, alone=("pick",)),
    "bernoulli": Task(("bernoulli",), BERNOULLI_JOB),
    "normal": Task(("normal",), NORMAL_JOB, 1),
    "look_up_backward": Task(("chain", "sum_rows"), SUM_JOB, alone=("chain",)),
}


class _Own:
    """A task's functions, and its courses for teams by their size."""

    def __init__(self, task: Task, code: VectorCode) -> None:
        self.task, self.code = task, code
        self.functions = [code.code.function(name) for name in task.shared]
        self.pack = struct.Struct(f"q{len(task.fields) - task.numbers}q{task.numbers}d").pack
        self.courses: dict[int, tuple[Sheet, Course]] = {}

    def course(self, members: int) -> tuple[Sheet, Course]:
        if members not in self.courses:
            sheet, plan, course = Sheet(self.task.fields), JobPlan(), Course(members)
            plan.add(*((0, field) for field in self.task.fields))
            plan.close(sheet)
            for name in self.task.shared:
                if name in self.task.alone:
                    course.add([Entry(self.code.addresses[name], plan.start, 0, 1)])
                else:
                    course.jobs(self.code.addresses[name], plan)
            course.close(sheet)
            self.courses[members] = sheet, course
        return self.courses[members]


class Kernels:
    """The tasks for one dtype on one processor."""

    def __init__(self, dtype: str, here: Host) -> None:
        self.here = here
        code = vectors(dtype)
        self._own = {name: _Own(task, code) for name, task in TASKS.items()}

    def members(self, moved: int) -> int:
        """How many threads do what reads and writes so many bytes."""
        numbers = tuning_for(self.here.machine)
        work = moved / numbers.bytes_a_nanosecond
        return 1 if work < 2 * numbers.worthwhile else threads_for(work, min(get_num_threads(), MOST))

    def course(self, name: str, members: int = 1) -> tuple[Sheet, Course]:
        """A task among other phases: its sheet, whose bases are the table's fields, numbers too, and its course."""
        return self._own[name].course(members)

    def run(self, name: str, values: Sequence[float], moved: int, members: int | None = None) -> None:
        """Do a task.

        Args:
            name: of TASKS.
            values: of the table's fields; what they say of memory must be true.
            moved: bytes that are read or written.
            members: threads that share it; as `moved` deserves without.
        """
        own = self._own[name]
        table = own.pack(1, *values)
        members = self.members(moved) if members is None else members
        if members == 1:
            for function in own.functions:
                function(table, 0, 1)
        else:
            sheet, course = own.course(members)
            call = Call(sheet, struct.unpack(f"8x{len(values)}q", table))
            call.run(course.program, members, course.alone)


KINDS = {"f": "float32", "d": "float64"}  # the dtypes of machine code, by what is looked up fastest
_made: dict[str, Kernels] = {}


def kernels(dtype: np.dtype[Any]) -> Kernels:
    """The tasks for a dtype of KINDS, on this processor."""
    found, here = _made.get(dtype.char), host()
    if found is None or found.here is not here:
        found = _made[dtype.char] = Kernels(KINDS[dtype.char], here)
    return found
