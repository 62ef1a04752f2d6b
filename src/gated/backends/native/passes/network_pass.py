"""All links of a network in one call of machine code: their courses after and beside each other.

The outputs of both directions are written side by side into one array, which the next link reads; the reverse one goes
through the rows from the last step to the first. The two of a link know nothing of each other: where there are threads
for it, each has its own, and they never meet within a step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from gated.backends.native.codegen.team import HEAD
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.prepared import Part, Plan, Prepared, PreparedScan, PreparedTable, prepared
from gated.backends.native.passes.row_numbers import RowNumbers
from gated.backends.native.threads.pool import pool
from gated.backends.reference import lengths_of
from gated.backends.whole_step import Chain, Given, Link, ScanLink, TableLink

Array = np.ndarray[Any, Any]
_EQUAL: Sequence[RowNumbers | None] = (None, None)  # the row numbers of both directions are those of their plans
Program = tuple[Array, int, int, int]  # numbers (held), and for `Pool.run` program, members, alone


class NetworkPass:
    """The links of a network with memory. Used by one call at a time, which holds `busy`.

    Args:
        plans: of every link, for each direction; all keep their packed parameters.
        at_once: the links whose directions run at once.
    """

    def __init__(self, chain: Chain, theta: Array, plans: Sequence[Sequence[Plan]], at_once: Sequence[bool]) -> None:
        self.links = parts_of(chain, theta, plans)
        self.parts = [part for sides in self.links for part in sides]
        self._checked = [part for part in self.parts if isinstance(part, PreparedTable)]
        self._computed = [part for part in self.parts if isinstance(part, Prepared) and part.plan.computed]
        self._scans = {k: [part for part in self.links[k] if isinstance(part, PreparedScan)] for k in chain.scans}
        self._size, self._widest = chain.size, max([link.size for link, _ in chain.links[:-1]], default=0)
        self._at_once, self._sides = at_once, max(map(len, self.links))
        rooms = [scan.plan.shapes.sequences for scans in self._scans.values() for scan in scans]
        self._room = max(rooms, default=1)  # sequences: the same everywhere
        self.bytes = sum(part.bytes for part in self.parts)
        self.busy = threading.Lock()  # of the call that uses it
        self._recut = any(part.plan.first.members > 1 for part in self.parts)
        self._programs: list[Program] = []

    def run(self, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        """The last link's output (R, V); the last states, as in `Given`."""
        counts, links, x = given.counts, len(self.links), given.x
        y, at = memory.placed((len(x), self._size), theta.dtype)
        lengths, told = None, _EQUAL
        if counts is not None:
            lengths = lengths_of(counts, given.sequences)
            sizes = len(x), given.sequences, self._room
            told = [RowNumbers.of_lengths(counts, *sizes, backwards) for backwards in (False, True)[: self._sides]]
        shape = (self._widest * len(x),)
        inner = [memory.placed(shape, theta.dtype) for _ in range(min(2, links - 1))]  # held while it runs
        source = address_of(x)
        for k, sides in enumerate(self.links):
            target = at if k + 1 == links else inner[k % len(inner)][1]
            for part, own in zip(sides, told, strict=False):
                part.point(source, target, own)
            source = target
        for k, scans in self._scans.items():
            for side, scan in enumerate(scans):
                scan.put(given.states[k], side, given.steps, lengths)
        for computed in self._computed:
            computed.compute(theta)
        if counts is not None and self._recut:
            self._programs = []
            for scans in self._scans.values():
                for scan in scans:
                    scan.recut(scan.plan.first, counts)
        if not self._programs:
            self._programs = self._joined()
        for _, program, members, alone in self._programs:
            pool().run(program, members, alone)
        for table in self._checked:
            table.check()
        last: dict[int, list[Array]] = {}
        for k, scans in self._scans.items():
            if lengths is None and len(scans) == 1:
                last[k] = scans[0].copies(given.steps)
                continue
            last[k] = [np.empty_like(state) for state in given.states[k]]
            for side, scan in enumerate(scans):
                scan.take(given.steps, last[k], side, lengths)
        return y, last

    def _joined(self) -> list[Program]:
        """The courses of all parts as one; as several where columns are shared by different numbers of threads."""
        shared = any(scan.plan.shapes.cut.columns for scans in self._scans.values() for scan in scans)
        tables = []
        for sides, at_once in zip(self.links, self._at_once, strict=True):
            own = [part.plan.first.phases(part.call.numbers) for part in sides]
            tables.append(_beside(own) if at_once else after(own))
        alone = iter([after([part.plan.first.phases(part.call.numbers, True) for part in s]) for s in self.links])
        programs = []
        for _, group in groupby(tables, lambda table: table.shape[1] if shared else 0):
            together = list(group)
            programs.append(program_of(after(together), after([next(alone) for _ in together])))
        return programs


def parts_of(chain: Chain, theta: Array, plans: Sequence[Sequence[Plan]]) -> list[list[Part]]:
    """Of every link, for each direction, its plan with memory."""
    return [
        [prepared(plan, theta, starts) for plan, starts in zip(sides, starts_of(link), strict=True)]
        for sides, (link, _) in zip(plans, chain.links, strict=True)
    ]


def starts_of(link: Link) -> Sequence[Mapping[str, int]]:
    """For each direction where its parameters begin in theta."""
    if isinstance(link, ScanLink):
        return link.starts
    return [{}] if isinstance(link, TableLink) else [link.starts]


def after(tables: Sequence[Array]) -> Array:
    """(phases, members, fields) of courses one after the other; a zero for a function is nothing to do."""
    members = max(table.shape[1] for table in tables)
    return np.concatenate([np.pad(table, ((0, 0), (0, members - table.shape[1]), (0, 0))) for table in tables])


def _beside(tables: Sequence[Array]) -> Array:
    """(phases, members, fields) of courses that different members do at once."""
    phases = max(len(table) for table in tables)
    return np.concatenate([np.pad(table, ((0, phases - len(table)), (0, 0), (0, 0))) for table in tables], axis=1)


def program_of(together: Array, alone: Array) -> Program:
    """Both as `Pool.run` takes them; the numbers behind the addresses come first."""
    parts = []
    for table in (together, alone):
        head = {"phases": table.shape[0], "members": table.shape[1], "together": 0}
        parts += [np.array([head[name] for name in HEAD], np.int64), table.ravel()]
    numbers = np.concatenate(parts)
    first = address_of(numbers)
    return numbers, first, together.shape[1], first + 8 * (len(HEAD) + together.size)
