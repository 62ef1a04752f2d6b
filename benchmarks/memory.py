"""How much memory a training step, or a whole update, needs beyond what lay there before it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import resource
import sys
from pathlib import Path

from benchmarks.problem import Problem
from benchmarks.sides.base import Side

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
STEPS = 3  # the second may keep what the first left


def peak_of(side: Side, problem: Problem, task: str) -> int:
    """Bytes by which the process grows at its highest, over a few steps; for a fresh process.

    Libraries are loaded and code is compiled beforehand, by a problem of two time steps. Weights, input and
    cotangent (or batches of ids) lie there before; the tape, the outputs, all gradients, an optimizer's moments and
    all scratch memory are counted.
    """
    side.prepare(problem.shorter(2), task, side.variants(task)[0]).call()
    prepared = side.prepare(problem, task, side.variants(task)[0])
    gc.collect()
    _give_back()
    before = _reset_peak()
    for _ in range(STEPS):
        prepared.call()
    return _peak() - before


def _give_back() -> None:
    """Freed memory back to the system: else a step would reuse it and look smaller than it is."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> int:
    """Let the highest mark begin at what is in use now; returns that, in bytes."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return _peak()  # the mark stays where loading left it: growth below it is not seen
    return _status("VmRSS")


def _peak() -> int:
    if STATUS.exists():
        return _status("VmHWM")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
