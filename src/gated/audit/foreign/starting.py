"""The process in which somebody's code is run, started; ahead, if need be, for starting takes a third of a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gated

_ahead: list[subprocess.Popen[bytes]] = []


def start() -> subprocess.Popen[bytes]:
    """A child process that waits for requests: the one that was started ahead, if there is one."""
    return _ahead.pop() if _ahead else _started()


def start_ahead() -> None:
    """Start one for the next that asks; it ends with this process, whose pipe it reads, if nobody does."""
    if not _ahead:
        _ahead.append(_started())


def _started() -> subprocess.Popen[bytes]:
    root = str(Path(gated.__file__).parents[1])
    code = f"import sys; sys.path[:] = [{root!r}, *(p for p in sys.path if p)]"
    code += "; from gated.audit.foreign.child import main; main()"
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **threads, "MPLBACKEND": "Agg"},
    )
