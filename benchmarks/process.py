"""The parent's handle of a worker process."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Unavailable, Variant

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600.0  # seconds for one answer; compiling is the longest
_keys = itertools.count()


class WorkerFailed(Exception):
    """A worker raised something, or died; the message has its traceback."""


def environment(side: str, threads: int, more: Mapping[str, str]) -> dict[str, str]:
    """Only the library that is measured gets threads, and how they wait is left to it: see `worker.settle`.

    So is which kernels a library chooses for the processor: OPENBLAS_CORETYPE may hold it to those of an older one.
    """
    dropped = "OMP_", "KMP_", "GOMP_", "OPENBLAS_"
    left = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    path = [str(ROOT), *(entry for entry in sys.path if entry and "python3" not in entry)]
    mine = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads if side == "sgemm" else 1),
        "GATED_NUM_THREADS": str(threads),
        "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no processes of its own that would wake up at other times
    }
    if side == "jax" and threads == 1:
        mine["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return left | mine | dict(more)


class Process:
    """A worker: start it, ask it, close it (it is a context manager).

    Raises:
        Unavailable: the side cannot do what was asked.
        WorkerFailed: it went wrong.
    """

    def __init__(self, side: str, threads: int, more: Mapping[str, str] | None = None) -> None:
        self.side, self.threads = side, threads
        self.restless = 0  # answers that came with threads still running
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._connection, child = Pipe()
        with child:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", str(child.fileno()), side, str(threads)],
                env=environment(side, threads, more or {}),
                cwd=ROOT,
                pass_fds=[child.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a request and wait for its answer."""
        try:
            self._connection.send({"do": do, **arguments})
            if not self._connection.poll(PATIENCE):
                raise WorkerFailed(f"{self.side}: no answer to {do!r} within {PATIENCE:.0f} s")
            kind, value, quiet = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerFailed(f"{self.side}: the process ended during {do!r}\n{self._last_words()}") from None
        self.restless += not quiet
        if kind == "unavailable":
            raise Unavailable(value)
        if kind == "failed":
            raise WorkerFailed(f"{self.side}: {do!r} went wrong\n{value}")
        return value

    def _last_words(self) -> str:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 4000))
        return self._errors.read().decode(errors="replace")

    def close(self) -> None:
        self._connection.close()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._errors.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self.close()


@dataclass
class Timed:
    """A problem that lies ready in a worker."""

    process: Process
    problem: Problem
    task: str
    variant: Variant
    key: int = field(default_factory=lambda: next(_keys))
    work: float = 1.0

    def prepare(self) -> Timed:
        self.work = self.process.ask(
            "prepare", key=self.key, problem=self.problem, task=self.task, variant=self.variant
        )
        return self

    def numbers(self) -> Numbers:
        return self.process.ask("numbers", key=self.key)

    def burst(self, seconds: float) -> float:
        """Seconds per call."""
        return self.process.ask("burst", key=self.key, seconds=seconds)

    def forget(self) -> None:
        self.process.ask("forget", key=self.key)

    @property
    def setting(self) -> str:
        """How it runs, for the table: `2 threads, run`."""
        words = [f"{self.process.threads} thread{'s' * (self.process.threads > 1)}"]
        return ", ".join(words + [str(value) for value in self.variant.values()])


class Workers:
    """All worker processes of a run, started when first needed, kept until the end."""

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        self._more = more
        self._running: dict[tuple[str, int], Process] = {}

    def get(self, side: str, threads: int) -> Process:
        if (side, threads) not in self._running:
            self._running[side, threads] = Process(side, threads, self._more)
        return self._running[side, threads]

    def close(self) -> None:
        """End them all; what is asked for afterwards is started anew."""
        for process in self._running.values():
            process.close()
        self._running.clear()

    def pids(self) -> list[int]:
        """The processes that run."""
        return [process.pid for process in self._running.values()]

    def restless(self) -> dict[str, int]:
        """Sides that were not quiet when they said so, and how often."""
        return {f"{side}, {threads}": p.restless for (side, threads), p in self._running.items() if p.restless}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
