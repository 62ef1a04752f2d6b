"""Whether the machine was ours while we measured: how much of it other programs took."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, interrupts twice, and what the hypervisor gave to others
SHORTEST = 0.2  # seconds; the system counts in hundredths: over less nothing can be said
NOTICEABLE = 0.05  # of all processors: from here on a row is marked


class Meter:
    """Counts from when it is made. Where the system does not tell (no /proc), nothing is noticed.

    Args:
        workers: process numbers of our workers that run all the time. Those that end in the meantime are counted
            when they are waited for.
    """

    def __init__(self, workers: Iterable[int]) -> None:
        self._workers = {pid: _of_process(pid) for pid in workers}
        self._mine, self._all, self._time = _of_ourselves(), _of_everybody(), time.monotonic()

    def others(self, workers: Iterable[int]) -> float:
        """The share of all processors' time that went to others since, 0 to 1; workers: those that run now."""
        elapsed = time.monotonic() - self._time
        if elapsed < SHORTEST:
            return 0.0
        busy = _of_everybody() - self._all
        mine = _of_ourselves() - self._mine
        mine += sum(_of_process(pid) - self._workers.get(pid, 0.0) for pid in workers)
        return min(1.0, max(0.0, busy - mine) / (elapsed * (os.cpu_count() or 1)))


def _of_everybody() -> float:
    """Seconds that all processors together were busy since the system started."""
    try:
        fields = STAT.read_text().splitlines()[0].split()[1:]
    except OSError:
        return 0.0
    return sum(int(fields[i]) for i in BUSY) / os.sysconf("SC_CLK_TCK")


def _of_ourselves() -> float:
    """Seconds of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _of_process(pid: int) -> float:
    """Seconds of a child that runs, with those of its own children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
