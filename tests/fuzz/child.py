"""Reads mutants, one after the other, as the parent asks for them: `python child.py FOLDER`, numbers on stdin; or the
name of a heavy file.

The limits: 1 GB of memory besides what Python, NumPy, LLVM and the first reading of every specimen reserved (the
system counts addresses, of which the libraries reserve gigabytes without using them), and 5 s of processor time for
each file; beyond either the system or Python ends the reading. What comes out is told on stdout, a JSON line each:
["read"], ["refused", text], or ["fault", what].
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from heavy_files import HEAVY
from mutations import mutant
from specimens import Specimens

from gated.errors import GatedError

MEMORY, SECONDS = 10**9, 5


def main(folder: Path) -> None:
    specimens = Specimens(folder)
    for kind in specimens.whole:
        specimens.place(kind).write_bytes(specimens.whole[kind])
        specimens.read(kind)
        specimens.restore(kind)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    warnings.simplefilter("error")
    print(json.dumps(list(specimens.whole)), flush=True)
    for line in sys.stdin:
        print(json.dumps(outcome(specimens, *asked(specimens.whole, line))), flush=True)


def asked(whole: dict[str, bytes], line: str) -> tuple[str, bytes]:
    """(kind, content) of what the parent asks for."""
    if line.strip() in HEAVY:
        kind, made = HEAVY[line.strip()]
        return kind, made(whole[kind])
    seed, number = map(int, line.split())
    return of(whole, seed, number)


def of(whole: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """(kind, mutant): the same for the same numbers."""
    rng = np.random.default_rng([seed, number])
    kind = list(whole)[number % len(whole)]
    return kind, mutant(rng, kind, whole[kind])


def outcome(specimens: Specimens, kind: str, content: bytes) -> list[str]:
    specimens.place(kind).write_bytes(content)
    soft = int(time.process_time()) + SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    try:
        specimens.read(kind)
    except GatedError as error:
        return ["refused", str(error)]
    except BaseException as error:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "?"
        return ["fault", f"{type(error).__name__}: {error} at {where}"[:1000]]
    finally:
        specimens.restore(kind)
    return ["read"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
