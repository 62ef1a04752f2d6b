"""A network as a stream: one time step in one call of machine code, or many, each fed with what the last one drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np

from gated.backends.interface import Array, Chain
from gated.backends.native.codegen.picks import PICK_JOB
from gated.backends.native.machine.target import host
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.inference_plan import Side
from gated.backends.native.passes.network_pass import Program, after, parts_of, program_of
from gated.backends.native.passes.plan import Call
from gated.backends.native.passes.prepared import (
    Part,
    Plan,
    Prepared,
    PreparedScan,
    find_plan,
    plan_without_states,
)
from gated.backends.native.passes.tasks import kernels
from gated.backends.native.threads.pool import Team, pool
from gated.backends.whole_step import ScanLink, TableLink
from gated.program.rows import RING_NEW, RING_PREVIOUS, line_of

ALONE = Team(1)
NUMBER, FLOAT = np.dtype(np.int64), np.dtype(np.float64)


class Stepper:
    """See `interface.Stepper`. The ring of the states makes two kinds of steps: even ones and odd ones."""

    def __init__(self, chain: Chain, theta: Array, sequences: int) -> None:
        self._theta, self._chain, self._steps, dtype = theta, chain, 0, chain.dtype
        plans: list[list[Plan]] = [[_plan(link, sequences, dtype)] for link, _ in chain.links]
        self._parts = [part for (part,) in parts_of(chain, theta, plans)]
        self._scans = {k: part for k, part in enumerate(self._parts) if isinstance(part, PreparedScan)}
        ids = isinstance(chain.links[0][0], TableLink)
        shape, kind = ((sequences,), NUMBER) if ids else ((sequences, chain.input_size), dtype)
        self.x = memory.empty(shape, kind)
        self.x[...] = 0
        made = [memory.empty((sequences, link.size), dtype) for link, _ in chain.links]
        self.y, self._made = made[-1], made  # held
        arrays = [self.x, *made]
        self._calls: list[tuple[Call, Call]] = []
        self._held: list[Array] = []  # the numbers of rows
        for part, x, y in zip(self._parts, arrays, made, strict=False):
            self._calls.append(self._tables(part, address_of(x), address_of(y)))
        steps = [self._phases(parity) for parity in (0, 1)]
        self._programs = [_alone(own) for own in steps]
        self._drawing: list[Program] = []  # an even step with its draw, an odd one, both
        if ids:
            self._pick = _Pick(self.x, self.y)
            draws = [after([own, self._pick.phases]) for own in steps]
            self._drawing = [_alone(own) for own in (*draws, after(draws))]
        self._run = [pool().alone(program) for _, program, *_ in self._programs]
        self.refresh()

    def _tables(self, part: Part, x: int, y: int) -> tuple[Call, Call]:
        """Those of even and of odd steps."""
        if isinstance(part, PreparedScan):
            even, odd = part.plan.row_numbers, part.plan.row_numbers.copy()
            one, other = line_of(RING_PREVIOUS), line_of(RING_NEW)
            odd[:, [one, other]] = even[:, [other, one]]
            self._held += [even, odd]
            return part.tables(x, y, even), part.tables(x, y, odd)
        part.point(x, y)
        return part.call, part.call

    def _phases(self, parity: int) -> Array:
        return after(
            [
                part.plan.again.phases(calls[parity].numbers, True)
                for part, calls in zip(self._parts, self._calls, strict=True)
            ]
        )

    def step(self) -> Array:
        """From `x` to `y`."""
        self._run[self._steps & 1]()
        self._steps += 1
        return self.y

    def draw(self, uniforms: Array, temperature: float, top_k: int | None = None, top_p: float | None = None) -> Array:
        """See `interface.Stepper`."""
        even, odd, both = (program for _, program, *_ in self._drawing)
        count, own, team = len(uniforms), self._pick, pool()
        drawn = own.begin(uniforms, temperature, top_k, top_p)
        first = min(count, self._steps & 1)  # pairs begin with an even step
        pairs, rest = divmod(count - first, 2)
        for program, times, steps in ((odd, first, 1), (both, pairs, 2), (even, rest, 1)):
            team.repeat(program, times)
            self._steps += times * steps  # Ctrl-C may come at any moment
        return drawn

    def put(self, states: Mapping[int, Sequence[Array]]) -> None:
        """Begin again from these states."""
        self._steps = 0
        for k, part in self._scans.items():
            part.put(states[k])

    def take(self) -> dict[int, list[Array]]:
        """Copies of the states."""
        found = self._chain.zeros(len(self.x))
        for k, part in self._scans.items():
            part.take(self._steps, found[k])
        return found

    def refresh(self) -> None:
        """Read the parameters again. (A table is read where it lies.)"""
        for part, (call, _) in zip(self._parts, self._calls, strict=True):
            if isinstance(part, Prepared):
                part.compute(self._theta)
                course = part.plan.only_pack
                call.run(course.program, 1, course.alone)


class _Pick:
    """The draw behind a step: its table, and what it counts and is told in memory."""

    def __init__(self, ids: Array, y: Array) -> None:
        self.kernels, (rows, size) = kernels(y.dtype), y.shape  # held: the code lives as long
        self._step, self._temperature = memory.empty((1,), NUMBER), memory.empty((1,), FLOAT)
        self._most, self._part = memory.empty((1,), NUMBER), memory.empty((1,), FLOAT)
        self._order, self._size = memory.empty((size,), NUMBER), size
        width = host().machine.width("float64")
        self._chances = memory.empty((width * -(-size // width),), FLOAT)
        known = {"y": y, "ids": ids, "step": self._step, "chances": self._chances, "temperature": self._temperature}
        known |= {"order": self._order, "most": self._most, "part": self._part}
        fields = {name: address_of(array) for name, array in known.items()} | {"rows": rows, "size": size}
        sheet, course = self.kernels.course("pick")
        self.call = Call(sheet, [fields.get(name, 0) for name in PICK_JOB])
        self.phases = course.phases(self.call.numbers)

    def begin(self, uniforms: Array, temperature: float, top_k: int | None, top_p: float | None) -> Array:
        """Where the numbers that are drawn will be found."""
        drawn, at = memory.placed(uniforms.shape, NUMBER)
        self._step[0], self._temperature[0] = 0, temperature
        self._most[0] = self._size if top_k is None else min(top_k, self._size)
        self._part[0] = inf if top_p is None else top_p
        self.call.rebase("uniforms", address_of(uniforms))
        self.call.rebase("drawn", at)
        self._uniforms = uniforms  # held
        return drawn


def _plan(link: Any, sequences: int, dtype: np.dtype[Any]) -> Plan:
    """For one step, by one thread."""
    if isinstance(link, ScanLink):
        return find_plan(link.schedule, link.items, (1, sequences, sequences), False, dtype, False, ALONE, Side())
    return plan_without_states(link, sequences, False, dtype, 1)


def _alone(phases: Array) -> Program:
    return program_of(phases, phases)
