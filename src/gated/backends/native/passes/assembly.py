"""A course put together of those of several plans, with tasks between them: one sheet, one region of memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from gated.backends.native.machine.programs import CommonCode, VectorCode
from gated.backends.native.memory.regions import Region, Sheet
from gated.backends.native.passes.course import Course, Entry
from gated.backends.native.passes.pass_plan import ROWS
from gated.backends.native.passes.plan import At, JobPlan, MovePlan
from gated.backends.native.passes.tasks import TASKS


class Numbers:
    """Some 64-bit numbers, one behind the other, of which several parts want a few each."""

    def __init__(self) -> None:
        self.count = self.offset = 0

    def ask(self, count: int) -> int:
        """For so many; which are they."""
        self.count += count
        return self.count - count

    def place(self, memory: Region) -> None:
        self.offset = memory.place(8 * self.count)

    def at(self, number: int) -> At:
        return self.offset + 8 * number, "memory"


class Assembly:
    """A training step in the making: first all parts ask for memory, then they add their phases.

    The members of a course that share the columns of a block meet within a phase, all of them: where such a course has
    others than the rest, a new course begins.

    Attributes:
        memory: what a call leases.
        rows: how many there are: a number, or what the base ROWS stands for.
        refusals: 0 before a call, and after it unless something was refused.
        losses: float64, of which the loss is the sum.
        members: threads, but for courses that need others.
        courses: in their order.
    """

    def __init__(self, sheet: Sheet, memory: Region, rows: int | At, common: CommonCode, vectors: VectorCode) -> None:
        self.sheet, self.memory, self.rows = sheet, memory, rows
        self.common, self.vectors = common, vectors  # held: the code lives as long
        self.refusals, self.losses = Numbers(), Numbers()
        self.members = 1
        self.courses: list[Course] = []
        self._shared = self._work = self._zeros = self._widest = 0
        self._tied: dict[int, int] = {}  # where the parameters of a link begin -> memory for a gradient of them
        self._claimed: set[int] = set()
        self._aside: list[tuple[int, int, int]] = []

    # memory

    def share(self, size: int) -> None:
        """So many bytes of `work` are needed at a time."""
        self._shared = max(self._shared, size)

    def place(self, widest: int) -> None:
        """All parts have asked; `widest`: of the rows that are cleared."""
        self.refusals.place(self.memory)
        self.losses.place(self.memory)
        self._work, self._zeros, self._widest = (
            self.memory.place(self._shared),
            self.memory.place(widest * self.memory.dtype.itemsize),
            widest,
        )

    @property
    def work(self) -> At:
        """Memory that every part may use for its time."""
        return self._work, "memory"

    @property
    def zeros(self) -> tuple[int, int]:
        """Where a row of zeros is expected, and how long it is."""
        return self._zeros, self._widest

    def theta(self, start: int) -> At:
        return start * self.memory.dtype.itemsize, "theta"

    def gradient(self, start: int) -> At:
        """Where the gradient of a parameter goes."""
        for first, count, offset in self._aside:
            if first <= start < first + count:
                return offset + (start - first) * self.memory.dtype.itemsize, "memory"
        return start * self.memory.dtype.itemsize, "gradient"

    def claim(self, first: int, count: int) -> None:
        """A part has so many parameters, from `first` on; perhaps they are those of another part too."""
        if first in self._claimed and first not in self._tied:
            self._tied[first] = self.memory.place(count * self.memory.dtype.itemsize)
        self._claimed.add(first)

    @contextmanager
    def gradients_of(self, first: int, count: int) -> Iterator[None]:
        """Phases that write the gradients of these parameters: they are added to what another part has written."""
        again = first not in self._claimed
        self._claimed.discard(first)
        if again:
            self._aside.append((first, count, self._tied[first]))
        yield
        if again:
            self._aside.pop()
            self.task("add", [count, self.gradient(first), (self._tied[first], "memory")])

    # phases

    def course(self, members: int | None = None) -> Course:
        """The one that goes on; a new one if it has not the members that are wanted."""
        members = self.members if members is None else members
        if not self.courses or self.courses[-1].members != members:
            self.courses.append(Course(members))
        return self.courses[-1]

    def include(self, sheet: Sheet, course: Course, bases: Mapping[Hashable, At], columns: bool = False) -> None:
        """Another course. `columns`: its members share columns."""
        start = self.sheet.include(sheet, bases)
        self.course(course.members if columns else None).include(course, start)

    def task(self, name: str, fields: Sequence[int | At]) -> int:
        """One of TASKS; where its table starts."""
        task, plan = TASKS[name], JobPlan()
        plan.add(*fields)
        plan.close(self.sheet)
        for kernel in task.shared:
            address = self.vectors.addresses[kernel]
            if kernel in task.alone:
                self.course().add([Entry(address, plan.start, 0, 1)])
            else:
                self.course().jobs(address, plan)
        return plan.start

    def multiply(self, array: At, factors: At, size: int) -> None:
        """(R, size) numbers by others."""
        count = self.rows * size if isinstance(self.rows, int) else (0, (ROWS, size))
        self.task("multiply", [count, array, factors])

    def move(
        self, source: At, target: At, shape: tuple[int | At, int], strides: tuple[int, int], add: bool = False
    ) -> None:
        """(rows, size) numbers, or add them to what is there; strides of source and target, in numbers."""
        plan = MovePlan()
        plan.rows(source, target, (shape[0], 1, shape[1]), (strides[0], 0, strides[1], 0), add)
        plan.close(self.sheet)
        self.course().jobs(self.common.move, plan)

    def clear(self, target: At, rows: int, size: int) -> None:
        """Zeros into (rows, size) numbers side by side."""
        plan, (zeros, widest) = MovePlan(), self.zeros
        plan.zeros((zeros, "memory"), widest, target, (rows, size), self.memory.dtype.itemsize)
        plan.close(self.sheet)
        self.course().jobs(self.common.move, plan)

    def close(self) -> None:
        for course in self.courses:
            course.close(self.sheet)
