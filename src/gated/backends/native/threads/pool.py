"""Threads: a team of workers shared by all layers, and how many of them a piece of work deserves.

The workers are Python threads that run machine code (see `team`), without the interpreter's lock. When there is
nothing to do they look for work for a moment, since the next pass of a network usually follows at once and to wake a
thread takes longer than many a pass; then they sleep, and cores are left to others. Results of a scan do not depend
on how many threads there are.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import llvmlite.ir as ir
import numpy as np

from gated.backends.native.codegen.team import (
    ASLEEP,
    ENTRY,
    HEAD,
    MOST,
    PATIENCE,
    SIZE,
    STOPPED,
    YIELD,
    emit_team,
    state_of,
)
from gated.backends.native.machine.target import Compiled, host
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.tuning import Tuning, tuning_for
from gated.environment import Variable
from gated.errors import shown, wrong
from gated.locks import fork_safe_lock
from gated.number_checks import whole_above_zero

Array = np.ndarray[Any, Any]
TOGETHER = HEAD.index("together")
STATES = tuple(map(state_of, range(1, MOST)))  # of each worker


@cache
def _code() -> Compiled:
    def build() -> ir.Module:
        module = ir.Module("team")
        emit_team(module, host().machine)
        return module

    return Compiled.cached("team", build)


def _yield_address() -> int:
    """Of the system's function that gives the processor away; 0 if there is none."""
    try:
        if sys.platform == "win32":
            function: Any = ctypes.windll.kernel32.SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class Pool:
    """A team and its workers, started when first needed. Safe to use from many threads.

    Attributes:
        address: of the team's memory.
    """

    def __init__(self) -> None:
        self._code = code = _code()  # held: the workers run in it
        self._serve, self._conduct, self._run, idle = (code.function(n) for n in ("serve", "conduct", "run", "idle"))
        memory = np.zeros(SIZE, np.int64)
        self.address = address_of(memory)
        self._memory = memoryview(memory)  # type: ignore[arg-type]  # single numbers are sooner read than an array's
        self._memory[YIELD] = _yield_address()
        self._sleeping: list[threading.Lock] = []  # a worker's number - 1 -> what it waits for when it sleeps
        self._starting = threading.Lock()
        self._most = MOST - 1  # workers
        self._absent = 0.0  # until then, who sleeps is not waited for
        self._numbers = numbers = tuning_for(host().machine)
        self._trial = np.array([numbers.trial, 2, 0, *[0] * (numbers.trial * 2 * len(ENTRY)), 0, 1, 0], np.int64)
        self._latency, self._believed = 1024.0, -math.inf
        look = _seconds(idle, self.address)
        self._memory[PATIENCE] = int(numbers.answer * 1e-6 / look)
        self._looks = max(1, int(_looking(numbers) * 1e-6 / look))

    def run(self, program: int, members: int, alone: int) -> None:
        """Run a program for so many members; `alone`, for one, if they do not answer, or work for somebody else.

        Whatever is raised, Ctrl-C too: nobody works on the program any more then.

        Args:
            program: its address.
            members: how many.
            alone: the address of the program for one.
        """
        if members == 1 or not self._started(members - 1):
            self._run(self.address, alone, 0)
        elif not self._wake(members - 1):
            self._conduct(self.address, program, alone)
        elif time.perf_counter() < self._absent:
            self._run(self.address, alone, 0)
        else:
            self._conduct(self.address, program, alone)
            if not ctypes.c_int64.from_address(program + 8 * TOGETHER).value:
                # somebody holds the interpreter's lock, or the processors have other work
                self._absent = time.perf_counter() + self._numbers.absent

    def alone(self, program: int) -> Callable[[], None]:
        """What runs a program for one member, whose address stays the same, at the least cost."""
        return partial(self._run, self.address, program, 0)

    def repeat(self, program: int, times: int) -> None:
        """Run a program for one member so many times."""
        if times > 0:
            self._run(self.address, program, times - 1)

    def latency(self) -> float:
        """Nanoseconds that two members need to meet at the end of a phase, as lately measured, in steps of sqrt(2)."""
        now = time.perf_counter()
        if now > self._believed:
            numbers = self._numbers
            self._believed = now + numbers.doubted  # for other threads meanwhile
            program = address_of(self._trial)
            times = []
            for _ in range(4):  # the first one may wake the worker
                self._trial[TOGETHER] = 0
                start = time.perf_counter()
                self.run(program, 2, program + 8 * (len(self._trial) - len(HEAD)))
                if self._trial[TOGETHER]:
                    times.append(time.perf_counter() - start)
            if times:
                self._latency = 2.0 ** (round(2 * math.log2(min(times) / numbers.trial * 1e9)) / 2)
            self._believed = now + (numbers.fresh if self._latency < numbers.doubtful else numbers.doubted)
        return self._latency

    def stop(self) -> None:
        """End all workers, who have nothing to do."""
        for number, asleep in enumerate(self._sleeping, 1):
            self._memory[state_of(number)] = STOPPED
            _release(asleep)

    def _started(self, workers: int) -> bool:
        """Whether there are so many; starts those that are missing."""
        if workers > len(self._sleeping) and workers <= self._most:
            with self._starting:
                while workers > len(self._sleeping):
                    number, asleep = len(self._sleeping) + 1, threading.Lock()
                    asleep.acquire()
                    worker = threading.Thread(
                        target=self._work, args=(number, asleep), name=f"gated-{number}", daemon=True
                    )
                    try:
                        worker.start()
                    except RuntimeError:  # the system lets this process have no more threads
                        self._most = len(self._sleeping)
                        break
                    self._sleeping.append(asleep)  # last: Ctrl-C may come at any moment
        return workers <= len(self._sleeping)

    def _wake(self, workers: int) -> bool:
        """Whether one of the first so many workers sleeps; it is called."""
        slept, memory = False, self._memory
        for k in range(workers):
            if memory[STATES[k]] == ASLEEP:
                slept = True
                _release(self._sleeping[k])
        return slept

    def _work(self, number: int, asleep: threading.Lock) -> None:
        while self._memory[state_of(number)] != STOPPED:
            asleep.acquire()
            self._serve(self.address, number, self._looks)


def _release(lock: threading.Lock) -> None:
    with contextlib.suppress(RuntimeError):  # it has been called before
        lock.release()


def _seconds(idle: Callable[[int, int, int], None], team: int, looks: int = 200) -> float:
    """How long one look takes."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        idle(team, looks, 0)
        times.append(time.perf_counter() - start)
    return min(times) / looks


def _looking(numbers: Tuning) -> float:
    """Microseconds for which workers look for more to do.

    Raises:
        ArgumentError: GATED_SPIN is no number of microseconds.
    """
    text = os.environ.get("GATED_SPIN")
    if text is None:
        return numbers.looking
    if not text.isdecimal():
        raise wrong("GATED_SPIN", repr(text), "a whole number of microseconds")
    return max(numbers.looking_least, float(text))


_pool: Pool | None = None
_making = fork_safe_lock()
_threads: int | None = None
_NUM_THREADS = Variable("GATED_NUM_THREADS")
_BELIEVED = tuning_for().counted
_counted = (-math.inf, 0)  # when, and how many processors there were


def pool() -> Pool:
    """The pool of this process."""
    global _pool
    if _pool is None:
        with _making:
            _pool = _pool or Pool()
    return _pool


@atexit.register
def _stop() -> None:
    """Before the interpreter goes, and with it the machine code that the workers are in."""
    if _pool is not None:
        _pool.stop()


def _forget_threads() -> None:
    """After fork the child has no workers: it starts its own. And it may have other processors."""
    global _pool, _counted
    _pool, _counted = None, (-math.inf, 0)
    _lately.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def set_num_threads(threads: int) -> None:
    """Use this many threads in the scans of the native backend, in the whole process.

    Raises:
        ArgumentError, ArgumentTypeError: not a whole number from 1 to 1024.
    """
    global _threads
    number = whole_above_zero("threads", threads)
    if number > MOST:
        raise wrong("threads", shown(number, 30), f"at most {MOST}")
    _threads = number


def get_num_threads() -> int:
    """Threads in use: as set, else the environment's GATED_NUM_THREADS, else the processors this process may use.

    Raises:
        ArgumentError: GATED_NUM_THREADS is not a whole number from 1 to 1024.
    """
    if _threads is not None:
        return _threads
    text = _NUM_THREADS.read()
    if text is None:
        return _processors()
    number = int(text) if text.isdecimal() and len(text) < 20 else 0
    if not 1 <= number <= MOST:
        raise wrong("GATED_NUM_THREADS", shown(repr(text), 60), f"a positive whole number of at most {MOST}")
    return number


def _processors() -> int:
    """How many this process may use: the system is not asked anew for every small call."""
    global _counted
    now, (then, number) = time.perf_counter(), _counted
    if now - then > _BELIEVED:
        there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        number = min(there, MOST)
        _counted = now, number
    return number


class Team(NamedTuple):
    """What decides how a batch is shared, besides its sizes.

    Attributes:
        threads: how many there are.
        latency: see `Pool.latency`; 0 where there are sequences enough for all.
        meet: whether they meet so soon that it may pay to share columns nevertheless.
    """

    threads: int
    latency: float = 0.0
    meet: bool = False


# sequences -> what threads were asked for, until when the team is believed in, the team: to look whether it still holds
# takes half as long as to make it out anew
_lately: dict[int, tuple[tuple[int | None, str | None], float, Team]] = {}
_team = lru_cache(maxsize=64)(Team)  # found sooner than made


def team_for(sequences: int) -> Team:
    """The threads for a batch of so many sequences."""
    asked, known = (_threads, _NUM_THREADS.read()), _lately.get(sequences)
    if known is not None and known[0] == asked and time.perf_counter() < known[1]:
        return known[2]
    threads = get_num_threads()
    few = sequences < threads
    team = _team(threads, pool().latency() if few else 0.0)
    counted = _counted[0] + _BELIEVED if asked == (None, None) else math.inf
    if len(_lately) >= MOST:
        _lately.clear()
    _lately[sequences] = asked, min(counted, pool()._believed if few else math.inf), team
    return team


def threads_for(work: float, most: int) -> int:
    """As many threads as have a worthwhile piece of the work (nanoseconds) each."""
    return max(1, min(int(work / tuning_for(host().machine).worthwhile), most))


def even_edges(items: int, parts: int) -> tuple[int, ...]:
    """(0, ..., items): cut into parts that differ by at most one."""
    return tuple(items * i // parts for i in range(parts + 1))


def edges_by_steps(counts: Array, sequences: int, parts: int) -> tuple[int, ...]:
    """(0, ..., N): the sequences cut into parts with about equally many steps.

    Args:
        counts: (T,) sequences running at each step: sequence n runs while n < counts[t].
    """
    lengths = np.bincount(np.clip(counts, 0, sequences), minlength=sequences + 1)[::-1].cumsum()[::-1][1:]
    work = np.concatenate([[0], np.cumsum(lengths)])
    inner = np.searchsorted(work, work[-1] * np.arange(1, parts) / parts)
    return 0, *(int(edge) for edge in inner), sequences
