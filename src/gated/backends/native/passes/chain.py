"""All layers and directions of a stack in one call of machine code: their courses after and beside each other.

The outputs of both directions are written side by side into one array, which the next layer reads; the reverse one goes
through the rows from the last step to the first. The two of a layer know nothing of each other: where there are threads
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
from gated.backends.native.passes.inference_plan import InferencePlan
from gated.backends.native.passes.prepared import Prepared
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.threads.pool import pool

Array = np.ndarray[Any, Any]
_EQUAL: Sequence[Array | None] = (None, None)  # the row numbers of both directions are those of their plans


class Chain:
    """Layers one after the other, each of one direction or two. Used by one call at a time, which holds `busy`.

    Args:
        plans: of every layer, for each direction; all keep their packed parameters.
        parameters: in the same order.
        at_once: for each layer, whether its directions run at once.
    """

    def __init__(
        self,
        plans: Sequence[Sequence[InferencePlan]],
        parameters: Sequence[Mapping[str, Array]],
        at_once: Sequence[bool],
    ) -> None:
        given = iter(parameters)
        self.layers = [[Prepared(plan, next(given)) for plan in sides] for sides in plans]
        self.parts = [part for sides in self.layers for part in sides]
        self.bytes = sum(part.bytes for part in self.parts)
        self._computed = [k for k, part in enumerate(self.parts) if part.plan.computed]
        self._at_once = at_once
        self._shapes, self._row = self.parts[0].plan.shapes, (self.parts[0].plan.shapes.rows, plans[0][0].y_size)
        self.busy = threading.Lock()  # of the call that uses it
        self._recut = any(part.plan.shapes.cut.members > 1 for part in self.parts)
        self._programs: list[tuple[Array, int, int, int]] = []  # numbers (held), program, members, alone

    def run(
        self,
        x: Array,
        y: int,
        states: Sequence[Array],
        last: Sequence[Array],
        parameters: Sequence[Mapping[str, Array]],
        counts: Array | None,
    ) -> None:
        """From x (R, D) to the (R, size) array at the address y; states and last: (K, N, size) each.

        Args:
            counts: (T,) running sequences at each step; None if they are equally long.
        """
        shapes, layers = self._shapes, len(self.layers)
        lengths, steps = None, _EQUAL
        if counts is not None:
            lengths = lengths_of(counts, shapes.sequences)
            steps = [step_rows(counts, shapes.sequences, backwards=backwards) for backwards in (False, True)]
        inner = [memory.placed(self._row, x.dtype) for _ in range(min(2, layers - 1))]  # held while it runs
        source, k = address_of(x), 0
        for number, sides in enumerate(self.layers, 1):
            target = y if number == layers else inner[number % len(inner)][1]
            for part, rows in zip(sides, steps, strict=False):
                part.point(source, target, rows)
                part.put(states, k, lengths)
                k += 1
            source = target
        for k in self._computed:
            self.parts[k].compute(parameters[k])
        if counts is not None and self._recut:
            self._programs = []
            for part in self.parts:
                part.recut(part.plan.first, counts)
        if not self._programs:
            self._programs = self._joined()
        for _, program, members, alone in self._programs:
            pool().run(program, members, alone)
        for k, part in enumerate(self.parts):
            part.take(shapes.steps, last, k, lengths)

    def _joined(self) -> list[tuple[Array, int, int, int]]:
        """The courses of all parts as one; as several where columns are shared by different numbers of threads."""
        shared = any(part.plan.shapes.cut.columns for part in self.parts)
        tables = []
        for sides, at_once in zip(self.layers, self._at_once, strict=True):
            own = [part.plan.first.phases(part.call.numbers) for part in sides]
            tables.append(_beside(own) if at_once else _after(own))
        alone = iter([_after([part.plan.first.phases(part.call.numbers, True) for part in s]) for s in self.layers])
        programs = []
        for _, group in groupby(tables, lambda table: table.shape[1] if shared else 0):
            together = list(group)
            programs.append(_program(_after(together), _after([next(alone) for _ in together])))
        return programs


def lengths_of(counts: Array, sequences: int) -> Array:
    """(N,): for how many of these steps each sequence runs."""
    return np.asarray((counts[:, None] > np.arange(sequences)).sum(axis=0))


def _after(tables: Sequence[Array]) -> Array:
    """(phases, members, fields) of courses one after the other; a zero for a function is nothing to do."""
    members = max(table.shape[1] for table in tables)
    return np.concatenate([np.pad(table, ((0, 0), (0, members - table.shape[1]), (0, 0))) for table in tables])


def _beside(tables: Sequence[Array]) -> Array:
    """(phases, members, fields) of courses that different members do at once."""
    phases = max(len(table) for table in tables)
    return np.concatenate([np.pad(table, ((0, phases - len(table)), (0, 0), (0, 0))) for table in tables], axis=1)


def _program(together: Array, alone: Array) -> tuple[Array, int, int, int]:
    """As `Pool.run` takes it; the numbers behind the addresses come first."""
    parts = []
    for table in (together, alone):
        head = {"phases": table.shape[0], "members": table.shape[1], "together": 0}
        parts += [np.array([head[name] for name in HEAD], np.int64), table.ravel()]
    numbers = np.concatenate(parts)
    first = address_of(numbers)
    return numbers, first, together.shape[1], first + 8 * (len(HEAD) + together.size)
