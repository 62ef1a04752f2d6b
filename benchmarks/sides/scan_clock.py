"""How much of a training step is spent in the two time loops.

It looks behind the curtain: the native backend runs the time loop of each group of sequences through
`backend._run_steps`. Several groups run at once, each in a thread of its own, with other work before and after: the
time of a loop is then what all groups took together, divided by the number of threads. Where a version of gated has
other insides, the comparison is left out with a note.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from benchmarks.sides.base import Unavailable

LOOPS = 2  # forward and backward


def clock(call: Callable[[], Any], threads: int) -> Callable[[], float]:
    """A function that makes one call and returns the seconds that its forward and backward loops took.

    Raises:
        Unavailable: the native backend is not built as this file knows it.
    """
    try:
        backend: Any = importlib.import_module("gated.backends.native.backend")
        run = backend._run_steps
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({error})") from error
    spent: list[tuple[int, float]] = []  # which loop, seconds of one group (appending is safe from several threads)

    def timed(call: Any, plan: Any, groups: Any, group: int, counts: Any) -> None:
        begin = time.perf_counter()
        run(call, plan, groups, group, counts)
        spent.append((id(plan), (time.perf_counter() - begin) / min(len(groups), threads)))

    def seconds() -> float:
        spent.clear()
        backend._run_steps = timed
        try:
            call()
        finally:
            backend._run_steps = run
        return sum(each for _, each in spent)

    seconds()
    if len({loop for loop, _ in spent}) != LOOPS:
        raise Unavailable(f"the loops cannot be timed apart in this version of gated ({len(spent)} runs of a loop)")
    return seconds
