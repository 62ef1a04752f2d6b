"""The process in which somebody's code is run, started; ahead, if need be: a child process takes a third of a second to
start, and some more to find the adapter and to make the table, while the parent has as much to import.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gated

SECONDS = 60.0  # for one request
MEMORY = 4 << 30
Request = dict[str, Any]

TABLE, MANNERS = {"do": "table", "seeds": [1, 2]}, {"do": "manners"}  # requests that follow the first

_ahead: list[tuple[subprocess.Popen[bytes], list[Request]]] = []


def place(path: str | Path, name: str | None = None) -> tuple[str, str | None]:
    """File and name of "file.py:name"."""
    text = str(path)
    if name is None and not Path(text).exists() and ":" in text:
        text, _, name = text.rpartition(":")
    return text, name


def opening(
    path: str | Path, name: str | None, memory: int, home: Path | None = None, called: Mapping[str, str] | None = None
) -> Request:
    """The first request: to load a file, and to find the adapter for it.

    Args:
        home: the folder in which it runs. called: what their states are called -> canonical, where that is known.
    """
    where = {"path": str(Path(path).resolve()), "home": str(home.resolve()) if home else None}
    return {"do": "open", **where, "name": name, "memory": memory, "states": dict(called or {})}


def start(first: Request | None = None) -> tuple[subprocess.Popen[bytes], list[Request]]:
    """A child process, and what it has been asked already, which begins with this request: the one that was started
    ahead for it, or for anything, if there is one."""
    while _ahead:
        process, asked = _ahead.pop()
        if not asked or asked[0] == first:
            return process, asked
        end(process)
    asked = [first] if first else []
    return _started(asked), asked


def start_ahead(*asked: Request) -> None:
    """Start one for the next that asks for the same; it ends with this process, whose pipe it reads, if nobody does."""
    if not _ahead:
        _ahead.append((_started(asked), list(asked)))


def kill(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass


def end(process: subprocess.Popen[bytes]) -> None:
    """The same, and all of it is given back."""
    kill(process)
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe:
                pipe.close()
    process.wait()


def _started(asked: Sequence[Request]) -> subprocess.Popen[bytes]:
    root = str(Path(gated.__file__).parents[1])
    code = f"import sys; sys.path[:] = [{root!r}, *(p for p in sys.path if p)]"
    code += "; from gated.audit.foreign.child import main; main()"
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(json.dumps, asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **threads, "MPLBACKEND": "Agg"},
    )
