"""Threads over the batch: each runs all time steps of its own sequences, so that no step needs a barrier.

The workers are ordinary Python threads that wait on a queue (they do not spin: cores are left to others between
calls); the machine code they run does not hold the interpreter's lock. Results do not depend on how many there are.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from gated.errors import wrong

Array = np.ndarray[Any, Any]
Task = Callable[[], None]
WORTHWHILE = 60_000.0  # nanoseconds of work that are worth waking a thread for


class _Job:
    """A task, which runs once, in the thread that claims it first."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.error: BaseException | None = None
        self._owner: dict[str, int] = {}
        self._running = threading.Lock()
        self._running.acquire()
        self._ended = False

    def _claim(self) -> bool:
        me = threading.get_ident()
        return self._owner.setdefault("thread", me) == me  # one step, as far as other threads and signals can see

    def run(self) -> None:
        """Run it, unless another thread does."""
        if self._claim():
            try:
                self.task()
            except BaseException as error:
                self.error = error
            finally:
                self._ended = True
                self._running.release()

    def settle(self) -> None:
        """Wait until no other thread runs it, or ever will."""
        if not self._claim() and not self._ended:
            self._running.acquire()


class Pool:
    """Worker threads, started when first needed, shared by all layers; safe to use from many threads."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._workers = 0
        self._lock = threading.Lock()

    def run(self, tasks: list[Task]) -> None:
        """Run all tasks, the last one in the calling thread; raise the first error.

        Whatever is raised, Ctrl-C too: none of the tasks runs any more then. They work on memory that the caller is
        about to give away.
        """
        jobs = [_Job(task) for task in tasks]
        self._grow(len(jobs) - 1)
        try:
            for job in jobs[:-1]:
                self._jobs.put(job)
            for job in reversed(jobs):  # its own, then those that no worker has begun
                job.run()
        finally:
            _settle(jobs)
        for job in jobs:
            if job.error is not None:
                raise job.error

    def _grow(self, workers: int) -> None:
        with self._lock:
            while self._workers < workers:
                threading.Thread(target=self._work, name=f"gated-{self._workers}", daemon=True).start()
                self._workers += 1

    def _work(self) -> None:
        while True:
            self._jobs.get().run()


def _settle(jobs: list[_Job]) -> None:
    try:
        for job in jobs:
            job.settle()
    except BaseException:  # Ctrl-C: it has to wait until the others are done
        _settle(jobs)
        raise


_pool = Pool()
_threads: int | None = None


def _forget_threads() -> None:
    """After fork the child has no workers: it starts its own."""
    global _pool
    _pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def set_num_threads(threads: int) -> None:
    """Use this many threads in the scans of the native backend, in the whole process.

    Raises:
        ArgumentError: not a positive whole number.
    """
    global _threads
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise wrong("threads", repr(threads), "a positive whole number")
    _threads = int(threads)


def get_num_threads() -> int:
    """Threads in use: as set, else the environment's GATED_NUM_THREADS, else the processors this process may use.

    Raises:
        ArgumentError: GATED_NUM_THREADS is not a positive whole number.
    """
    if _threads is not None:
        return _threads
    text = os.environ.get("GATED_NUM_THREADS")
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise wrong("GATED_NUM_THREADS", repr(text), "a positive whole number")
    return int(text)


def _threads_for(work: float) -> int:
    """As many threads as have at least a worthwhile piece of the work, in nanoseconds."""
    shares = int(work / WORTHWHILE)
    return 1 if shares <= 1 else min(get_num_threads(), shares)


def run_all(tasks: list[Task]) -> None:
    """Run all tasks, each in a thread."""
    if len(tasks) == 1:
        tasks[0]()
    else:
        _pool.run(tasks)


def threads_for(work: float, sequences: int) -> int:
    """How many threads so much work (nanoseconds) on so many sequences deserves."""
    return min(_threads_for(work), sequences)


def run_shares(task: Callable[[int, int], None], work: float) -> None:
    """Run `task(i, n)` for every i < n, n being the number of threads that this much work (nanoseconds) deserves."""
    shares = _threads_for(work)
    if shares == 1:
        task(0, 1)
        return
    _pool.run([lambda i=i: task(i, shares) for i in range(shares)])  # type: ignore[misc]


def run_sharded(scan: Callable[[int, int], None], counts: Array | None, sequences: int, work: float) -> None:
    """Run `scan(first, stop)` over all sequences, shared among the threads by the number of their steps.

    Args:
        scan: does all steps of some sequences.
        counts: (T,) sequences running at each step (sequence n runs while n < counts[t]);
            None: all run always.
        sequences: how many there are.
        work: nanoseconds that all of them take.
    """
    threads = min(_threads_for(work), sequences)
    if threads <= 1:
        scan(0, sequences)
        return
    edges = _edges(counts, sequences, threads)
    shards = [(a, b) for a, b in zip(edges, edges[1:], strict=False) if a < b]
    _pool.run([lambda a=a, b=b: scan(a, b) for a, b in shards])  # type: ignore[misc]


def even_edges(sequences: int, parts: int) -> tuple[int, ...]:
    """(0, ..., sequences): cut into parts that differ by at most one."""
    return tuple(sequences * i // parts for i in range(parts + 1))


def _edges(counts: Array | None, sequences: int, threads: int) -> list[int]:
    if counts is None or len(counts) == 0 or counts[-1] == sequences:  # all sequences are equally long
        return list(even_edges(sequences, threads))
    lengths = np.bincount(np.clip(counts, 0, sequences), minlength=sequences + 1)[::-1].cumsum()[::-1][1:]
    work = np.concatenate([[0], np.cumsum(lengths)])
    inner = np.searchsorted(work, work[-1] * np.arange(1, threads) / threads)
    return [0, *(int(edge) for edge in inner), sequences]
