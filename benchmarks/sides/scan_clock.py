"""How much of a training step is spent in the two time loops.

It looks behind the curtain: the native backend runs every program through `plan.Call.run`, and the two loops are
those to which it tells how many sequences run at each step. Where a version of gated has other insides, the
comparison is left out with a note.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from benchmarks.sides.base import Unavailable

LOOPS = 2  # forward and backward


def clock(call: Callable[[], Any]) -> Callable[[], float]:
    """A function that makes one call and returns the seconds that its forward and backward loops took.

    Raises:
        Unavailable: the native backend is not built as this file knows it.
    """
    try:
        owner = importlib.import_module("gated.backends.native.plan").Call
        run = owner.run
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({error})") from error
    spent: list[float] = []

    def timed(self: Any, plan: Any, sequences: int, counts: Any = None) -> Any:
        begin = time.perf_counter()
        result = run(self, plan, sequences, counts)
        if counts is not None:
            spent.append(time.perf_counter() - begin)
        return result

    def seconds() -> float:
        spent.clear()
        owner.run = timed
        try:
            call()
        finally:
            owner.run = run
        return sum(spent)

    seconds()
    if len(spent) != LOOPS:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({len(spent)} runs of a loop)")
    return seconds
