"""Courses: what the threads of a team do, phase by phase, and what one thread does alone. See `team`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gated.backends.native.codegen.team import ENTRY, HEAD
from gated.backends.native.machine.programs import CompiledProgram
from gated.backends.native.memory.regions import Sheet
from gated.backends.native.passes.plan import JobPlan, LoopPlan
from gated.backends.native.threads.pool import edges_by_steps, even_edges

Array = np.ndarray[Any, Any]


class Entry(NamedTuple):
    """A call of machine code: a function's address, its table (in bytes from the start of the sheet), two numbers."""

    function: int
    table: int
    first: int
    stop: int


class Course:
    """Phases for so many members. Two tables in a sheet, written by `close`: for all of them, and for one alone.

    Attributes:
        program, alone: where the tables begin, in bytes.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self._phases: list[Sequence[Entry]] = []
        self._alone: list[Entry] = []
        self.program = self.alone = 0
        self._by_sequences: list[int] = []  # the phases in which the members share sequences
        self._loops: list[CompiledProgram] = []  # held: the tables know their functions by address alone

    def add(self, entries: Sequence[Entry], alone: Sequence[Entry] | None = None) -> int:
        """A phase: an entry for each member, or fewer. `alone`: what is to be done instead by one; all of them if None.

        Returns the phase's number.
        """
        self._phases.append(entries)
        self._alone += entries if alone is None else alone
        return len(self._phases) - 1

    def jobs(self, function: int, plan: JobPlan) -> None:
        """All members share every job."""
        if plan.jobs:
            shares = [Entry(function, plan.start, i, self.members) for i in range(self.members)]
            self.add(shares, [Entry(function, plan.start, 0, 1)])

    def own_jobs(self, function: int, plans: Sequence[JobPlan]) -> None:
        """Each member has a table of jobs."""
        if any(plan.jobs for plan in plans):
            self.add([Entry(function, plan.start, 0, 1) for plan in plans])

    def rows(self, plan: LoopPlan, rows: int) -> int:
        """A program over all rows at once, cut evenly. Returns the phase's number."""
        edges = even_edges(rows, self.members)
        function = self._function(plan)
        shares = [Entry(function, plan.start, *edges[k : k + 2]) for k in range(self.members)]
        return self.add(shares, [Entry(function, plan.start, 0, rows)])

    def sequences(self, plan: LoopPlan, sequences: int) -> None:
        """A time loop, its sequences cut evenly; `recut` cuts them otherwise."""
        self._by_sequences.append(self.rows(plan, sequences))

    def own_rows(self, plan: LoopPlan, ranges: Sequence[tuple[int, int]]) -> None:
        """A program for which every member has a table: ranges of rows or sequences."""
        function = self._function(plan)
        self.add([Entry(function, start, *part) for start, part in zip(plan.starts, ranges, strict=True)])

    def columns(self, plan: LoopPlan, sequences: int) -> None:
        """A program whose columns the members share, each with a table."""
        function = self._function(plan)
        shares = [Entry(function, start, 0, sequences) for start in plan.starts]
        self.add(shares, [Entry(function, plan.start, 0, sequences)])

    def _function(self, plan: LoopPlan) -> int:
        self._loops.append(plan.loop)
        return plan.loop.address

    def include(self, other: Course, start: int) -> None:
        """All phases of another course, whose tables have been included in the sheet from so many bytes on.

        It may have fewer members, unless they share the columns of a block: those meet within a phase.
        """
        self._by_sequences += [len(self._phases) + phase for phase in other._by_sequences]
        for entries in other._phases:
            self.add([entry._replace(table=entry.table + start) for entry in entries], [])
        self._alone += [entry._replace(table=entry.table + start) for entry in other._alone]
        self._loops += other._loops

    def close(self, sheet: Sheet) -> None:
        """Write the tables; nothing can be added afterwards."""
        self.alone = self._write(sheet, [[entry] for entry in self._alone], 1)
        self.program = self.alone if self.members == 1 else self._write(sheet, self._phases, self.members)

    def _write(self, sheet: Sheet, phases: Sequence[Sequence[Entry]], members: int) -> int:
        start = sheet.begin()
        head = {"phases": len(phases), "members": members, "together": 0}
        for name in HEAD:
            sheet.add(head[name])
        for entries in phases:
            for function, table, first, stop in entries:
                sheet.add(function)
                sheet.add(table, "sheet")
                sheet.add(first)
                sheet.add(stop)
            for _ in range(len(ENTRY) * (members - len(entries))):
                sheet.add(0)
        return start

    def phases(self, numbers: Array, alone: bool = False) -> Array:
        """(phases, members, fields) in a filled-in sheet; what one thread does alone is a phase for each entry."""
        members = 1 if alone else self.members
        first = (self.alone if alone else self.program) // 8
        count = int(numbers[first + HEAD.index("phases")])
        start = first + len(HEAD)
        return numbers[start : start + count * members * len(ENTRY)].reshape(count, members, len(ENTRY))

    def recut(self, numbers: Array, counts: Array, sequences: int) -> None:
        """Cut sequences of different lengths into equally much work, in a filled-in sheet.

        Args:
            counts: (T,) sequences running at each step.
        """
        if self.members > 1 and self._by_sequences:
            edges = edges_by_steps(counts, sequences, self.members)
            for phase in self._by_sequences:
                first = self.program // 8 + len(HEAD) + len(ENTRY) * self.members * phase
                table = numbers[first : first + len(ENTRY) * self.members].reshape(self.members, len(ENTRY))
                table[:, 2], table[:, 3] = edges[:-1], edges[1:]
