"""How much of a training step is spent in the two time loops.

It looks behind the curtain: the native backend's threads run a pass as a table of phases (`backends.native.team`), one
of which is the time loop. Here such a table is run in three pieces, and the one in the middle is timed. Where a version
of gated has other insides, the comparison is left out with a note.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.sides.base import Unavailable

LOOPS = 2  # forward and backward


def clock(call: Callable[[], Any]) -> Callable[[], float]:
    """A function that makes one call and returns the seconds that its forward and backward loops took.

    Raises:
        Unavailable: the native backend is not built as this file knows it.
    """
    try:
        passes: Any = importlib.import_module("gated.backends.native.passes.layer_tables")
        team: Any = importlib.import_module("gated.backends.native.codegen.team")
        pool: Any = importlib.import_module("gated.backends.native.threads.pool").pool
        filled, entry, head = passes.FilledTable, len(team.ENTRY), len(team.HEAD)
        run_filled, run_call = filled.run, passes.Call.run
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({error})") from error
    spent: list[float] = []

    def run(numbers: Any, start: int, loops: set[int]) -> None:
        """In place of `Call.run`: the phases before the loop, the loop, those behind it."""
        phases, members = (int(number) for number in numbers[start : start + 2])
        table = numbers[start + head :][: phases * members * entry].reshape(phases, members, entry)
        of_loop = [bool(set(phase[:, 0].tolist()) & loops) for phase in table]
        first = of_loop.index(True)
        stop = phases - of_loop[::-1].index(True)
        for low, high in ((0, first), (first, stop), (stop, phases)):
            piece = np.concatenate([[high - low, members, 0], table[low:high].ravel()])
            alone = np.concatenate([[(high - low) * members, 1, 0], table[low:high].ravel()])
            begin = time.perf_counter()
            pool().run(piece.ctypes.data, members, alone.ctypes.data)
            if low == first:
                spent.append(time.perf_counter() - begin)

    def timed(own: Any, *given: Any) -> None:
        plan = own.plan
        if plan.shapes.cut.columns:  # whose phases one thread cannot run for all
            raise Unavailable("the loops cannot be timed apart where threads share the columns")
        loops = {(plan.backward if hasattr(plan, "backward") else plan.forward).loop.address}
        passes.Call.run = lambda call, program, members, alone: run(
            call.numbers, (program if members > 1 else alone) // 8, loops
        )
        try:
            run_filled(own, *given)
        finally:
            passes.Call.run = run_call

    def seconds() -> float:
        spent.clear()
        filled.run = timed
        try:
            call()
        finally:
            filled.run = run_filled
        return sum(spent)

    seconds()
    if len(spent) != LOOPS:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({len(spent)} runs of a loop)")
    return seconds
