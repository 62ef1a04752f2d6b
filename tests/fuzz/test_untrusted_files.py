"""Whatever a file holds: it is read, or refused with one of gated's errors, short, soon and in bounded memory.

Mutants of files of every kind are read in a child process with limits (child.py says which); if one kills the child,
the next is read by a new one. 1,000 mutants by default; GATED_FUZZ=100000 reads as many, GATED_FUZZ_SEED=1 other ones.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
try:
    from heavy_files import HEAVY
finally:
    sys.path.pop(0)
SOURCE = HERE.parents[1] / "src"
COUNT, SEED = int(os.environ.get("GATED_FUZZ", "1000")), int(os.environ.get("GATED_FUZZ_SEED", "0"))
PATIENCE = 60.0  # seconds of waiting for 5 s of processor time, on a machine that does other work too
LONGEST = 300

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory and processor time of Linux"),
    pytest.mark.timeout(120 + COUNT // 10),
]


class Child:
    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1", "GATED_NUM_THREADS": "1"}
        self.said = open(folder.with_suffix(".stderr"), "w+")  # noqa: SIM115 (closed by `end`)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "child.py"), str(folder)], cwd=folder.parent, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, bufsize=1,
        )  # fmt: skip
        self.kinds = self._answer()

    def read(self, which: int | str) -> list[str]:
        """A mutant by its number, a heavy file by its name."""
        self.process.stdin.write(f"{SEED} {which}\n" if isinstance(which, int) else f"{which}\n")
        return self._answer()

    def _answer(self) -> list[str]:
        """A line of the child's; what ended it if there is none."""
        deadline = time.monotonic() + PATIENCE
        while not select.select([self.process.stdout], [], [], 0.5)[0]:
            if time.monotonic() > deadline:
                self.process.kill()
        line = self.process.stdout.readline()
        return json.loads(line) if line else ["death", f"exit code {self.process.wait()}"]

    def end(self) -> str:
        """What it wrote on stderr."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)
        self.said.seek(0)
        with self.said:
            return self.said.read()


def wrong(answer: list[str]) -> str | None:
    """What is wrong with the way in which a mutant was read or refused."""
    if answer[0] == "read":
        return None
    if answer[0] != "refused":
        return " ".join(answer)
    if len(answer[1]) > LONGEST:
        return f"{len(answer[1])} characters: {answer[1][:200]}"
    return None if answer[1].isprintable() else f"control characters: {answer[1]!r}"


def test_mutants_are_read_or_refused(tmp_path):
    children, seen, faults = 0, Counter(), []
    child = None
    for number in range(COUNT):
        if child is None:
            children += 1
            child = Child(tmp_path / f"c{children}")
        answer = child.read(number)
        seen[child.kinds[number % len(child.kinds)], answer[0]] += 1
        fault = wrong(answer)
        if fault is not None:
            faults.append(f"{child.kinds[number % len(child.kinds)]} {SEED} {number}: {fault}")
        if answer[0] == "death" or number == COUNT - 1:
            said = child.end()
            if said:
                faults.append(f"on stderr before {number}: {said[-300:]}")
            child = None
        if len(faults) >= 50:
            break
    if child is not None:
        child.end()
    print(dict(sorted(seen.items())))
    assert not faults, "\n".join(["", *faults])
    # a test that only ever saw one of the two would test nothing
    kinds = {kind for kind, _ in seen}
    assert len(kinds) == 10 and all(seen[kind, "refused"] for kind in kinds)
    assert sum(seen[kind, "read"] for kind in kinds) > COUNT / 100


def test_files_that_are_small_for_what_they_ask_of_a_reader(tmp_path):
    child, faults = Child(tmp_path / "c"), []
    for number, name in enumerate(HEAVY):
        answer = child.read(name)
        fault = wrong(answer)
        if fault is not None:
            faults.append(f"{name}: {fault}")
        if answer[0] == "death":
            child.end()
            child = Child(tmp_path / f"c{number}")
    child.end()
    assert not faults, "\n".join(["", *faults])
