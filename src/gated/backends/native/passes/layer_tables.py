"""Tables of a layer's passes as calls have filled them in, for later calls. Legend as in `interface`: T, N."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gated.backends.native.memory.leases import Lease
from gated.backends.native.passes.layer_plan import LayerBackwardPlan, LayerForwardPlan
from gated.backends.native.passes.plan import Call, digest_of
from gated.backends.native.tuning import tuning_for

Array = np.ndarray[Any, Any]
_IDLE = tuning_for().tables_idle


class FilledTable:
    """A plan's table as the last call has filled it in. Used by one call at a time."""

    _numbers: memoryview  # of the table: single ones are sooner written than those of an array
    _found: list[Any]  # where the digest is left

    def __init__(self, plan: LayerForwardPlan | LayerBackwardPlan) -> None:
        self.plan = plan
        self._call: Call | None = None
        self._fixed: Any = None  # the addresses that it was filled in for
        self._arrays: Sequence[int] = ()
        self._places: list[list[tuple[int, int]]] = []  # of each array, see `Sheet.relative`

    def run(
        self,
        counts: Array,
        sequences: int,
        sealed: Lease,
        own: Sequence[int],
        arrays: Sequence[int],
        parameters: Sequence[int],
    ) -> int:
        """Run the plan's course.

        Args:
            counts: (T,) running sequences per step.
            sealed: where the plan's seal lies.
            own: addresses of the first bases: memory, row numbers.
            arrays: those of the next ones, the caller's arrays: they often lie elsewhere than in the last call, and few
                numbers of the table depend on it.
            parameters: those of the last ones.

        Returns:
            the digest of the parameters.
        """
        plan, call, fixed = self.plan, self._call, (own, parameters)
        if call is None or fixed != self._fixed:
            call = self._fill(sealed, own, arrays, parameters)
        elif arrays != self._arrays:
            numbers = self._numbers
            for places, before, now in zip(self._places, self._arrays, arrays, strict=True):
                if now != before:
                    for place, value in places:
                        numbers[place] = value + now
        self._fixed, self._arrays = fixed, arrays
        course = plan.course
        if plan.shapes.varying:
            course.recut(call.numbers, counts, sequences)
        call.run(course.program, course.members, course.alone)
        return digest_of(self._found)

    def _fill(self, sealed: Lease, own: Sequence[int], arrays: Sequence[int], parameters: Sequence[int]) -> Call:
        sheet = self.plan.sheet
        if self._call is None:
            self._places = [sheet.relative(name) for name in [*sheet.base][len(own) : len(own) + len(arrays)]]
        else:
            sheet.done(self._call.numbers, self._call.address)
        self._call = Call(sheet, [*own, *arrays, *parameters])
        self._numbers = memoryview(self._call.numbers)  # type: ignore[arg-type]
        self._found = self.plan.seal.found(sealed)
        return self._call


class FilledTables:
    """The tables of a plan that calls have filled in. Any number of calls may take one at once.

    There are two, which take turns: who makes a tape while the last one is alive has two pieces of memory in turn.
    """

    def __init__(self, plan: LayerForwardPlan | LayerBackwardPlan) -> None:
        self._plan = plan
        self._idle: list[FilledTable] = []

    def take(self) -> FilledTable:
        """For one call, which gives it back when it is done."""
        idle = self._idle
        try:
            return idle.pop(0) if len(idle) > 1 else FilledTable(self._plan)
        except IndexError:  # others were sooner
            return FilledTable(self._plan)

    def give(self, filled: FilledTable) -> None:
        """One that nobody uses any more."""
        if len(self._idle) < _IDLE:
            self._idle.append(filled)
