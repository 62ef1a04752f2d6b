"""The process in which one side runs. It sleeps on a pipe, and is asleep in truth before it answers.

    python -m benchmarks.worker FD SIDE THREADS

Libraries keep their threads spinning for a while after a call, in case of another; that would steal the processor
from whoever is timed next. So a worker watches its own processor time and answers once it has stopped growing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import statistics
import sys
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import memory, overhead, sides, start
from benchmarks.sides.base import Prepared, Side, Unavailable

QUIET_INTERVAL = 0.002  # seconds; quiet is less than a tenth of it spent by all threads together
QUIET_LIMIT = 1.0  # then it is given up, and said
SAMPLE = 2e-4  # seconds; shorter calls are timed several at once, so that the clock costs nothing
WARM = 0.06  # seconds of calls that are not counted: until threads sit on processors of their own again
LONG = 1.0  # seconds; a call as long as this is counted even if it is the first


def settle() -> bool:
    """Wait until no thread of this process runs; False if that does not happen."""
    end = time.monotonic() + QUIET_LIMIT
    while time.monotonic() < end:
        before = time.process_time()
        time.sleep(QUIET_INTERVAL)
        if time.process_time() - before < QUIET_INTERVAL / 10:
            return True
    return False


def seconds_per_call(prepared: Prepared, seconds: float) -> float:
    """The median over as many calls as fit into so many seconds, after some that are not counted."""
    gc.collect()
    gc.disable()
    try:
        warm = _warm(prepared)
        calls = 1 if prepared.seconds else max(1, round(SAMPLE / max(warm, 1e-7)))
        samples = [warm] if warm > LONG else []
        end = time.perf_counter() + seconds
        while not samples or time.perf_counter() < end:
            samples.append(prepared.timed() if calls == 1 else _several(prepared, calls))
    finally:
        gc.enable()
    return statistics.median(samples)


def _warm(prepared: Prepared) -> float:
    """Call for some time, at least once; seconds of the last call.

    The side has slept. A training loop never does: what counts is how long a call takes in the middle of others.
    """
    end = time.perf_counter() + WARM
    while True:
        last = prepared.timed()
        if time.perf_counter() >= end:
            return last


def _several(prepared: Prepared, calls: int) -> float:
    call = prepared.call
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls


class Worker:
    """Answers requests; `prepared` holds the problems by the key that the parent gave them."""

    def __init__(self, side: str, threads: int) -> None:
        self.name, self.threads = side, threads
        self._side: Side | None = None
        self.prepared: dict[int, Prepared] = {}

    @property
    def side(self) -> Side:
        if self._side is None:
            self._side = sides.load(self.name, self.threads)
        return self._side

    def answer(self, request: Mapping[str, Any]) -> Any:
        """One request: `do` names it, the rest are its arguments."""
        arguments = {key: value for key, value in request.items() if key != "do"}
        return getattr(self, f"do_{request['do']}")(**arguments)

    def do_variants(self, task: str) -> list[Any]:
        return list(self.side.variants(task))

    def do_prepare(self, key: int, problem: Any, task: str, variant: Any) -> float:
        """Ready for the clock; returns the work of a call."""
        prepared = self.side.prepare(problem, task, variant)
        prepared.call()
        self.prepared[key] = prepared
        return prepared.work

    def do_numbers(self, key: int) -> Any:
        return self.prepared[key].numbers()

    def do_burst(self, key: int, seconds: float) -> float:
        return seconds_per_call(self.prepared[key], seconds)

    def do_forget(self, key: int) -> None:
        self.prepared.pop(key, None)
        gc.collect()

    def do_peak(self, problem: Any, task: str) -> int:
        return memory.peak_of(self.side, problem, task)

    def do_start(self, problem: Any, imported: bool) -> tuple[float, float]:
        return start.first_and_second(problem, imported)

    def do_overhead(self, problem: Any, what: str) -> list[float]:
        _ = self.side  # with its threads
        if what in ("call", "infer"):
            return overhead.python_part(problem, what == "infer")
        return overhead.new_shapes(problem, whole=what == "update")

    def do_source(self) -> str:
        """The file that `import gated` finds here."""
        import gated

        return str(gated.__file__)

    def do_versions(self, names: list[str]) -> dict[str, str]:
        from importlib.metadata import PackageNotFoundError, version

        import gated

        found = {"gated": gated.__version__}
        for name in names:
            with contextlib.suppress(PackageNotFoundError):
                found[name] = version(name)
        return found


def serve(connection: Connection, worker: Worker) -> None:
    """Answer until the parent is gone. An answer is ("ok", value, quiet) or (kind of error, text, quiet)."""
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        try:
            answer = ("ok", worker.answer(request))
        except Unavailable as error:
            answer = ("unavailable", str(error))
        except BaseException:
            answer = ("failed", traceback.format_exc())
        connection.send((*answer, settle()))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it closes the pipe
    descriptor, side, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    connection = Connection(descriptor)
    serve(connection, Worker(side, threads))
    connection.close()
    sys.stdout.flush()
    os._exit(0)  # libraries with threads of their own may take seconds, or not end at all


if __name__ == "__main__":
    main()
