"""No element is read or written out of bounds: the machine code runs in memory that ends at guard pages.

See `guard_pages` for the memory and `guarded_runs` for what runs in it, in a process of its own: an access to a guard
page ends it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gated.backends.native.machine.target import hosts

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "src"
# one stage and several, states of different sizes, chains of products, products with vectors alone, another order
CELLS = ["peephole_lstm", "projected_lstm", "over_units", "gru", "gru_reset_after", "indrnn", "slstm"]
CELLS += ["lstm_full_gate_recurrence", "layer_norm_lstm"]
WIDEST, *NARROWER = hosts()
FORBIDDEN = (signal.SIGSEGV, getattr(signal, "SIGBUS", None))  # how a system answers
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="guard pages are made as POSIX does"),
]


def run(instructions: str, *arguments: str, program: str = "guarded_runs.py") -> str:
    """What the program wrote; if it ended early, the test fails and says what it was doing."""
    environment = {**os.environ, "GATED_CPU": instructions, "OPENBLAS_NUM_THREADS": "1"}
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    command = [sys.executable, "-W", "error", str(HERE / program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    if done.returncode:
        last = (done.stdout.splitlines() or ["the start"])[-1]
        how = "touched a guard page" if -done.returncode in FORBIDDEN else f"ended with {done.returncode}"
        pytest.fail(f"{how} in: {last}, {instructions}\n{done.stderr[-3000:]}", pytrace=False)
    return done.stdout


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_pass_stays_within_its_arrays(dtype: str) -> None:
    run(WIDEST, "cells", dtype, "1", *CELLS[:3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cells_of_other_shapes(dtype: str) -> None:
    run(WIDEST, "cells", dtype, "2", *CELLS[3:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instructions", NARROWER)
def test_narrower_vectors_too(instructions: str, dtype: str) -> None:
    run(instructions, "cells", dtype, "3", *CELLS[:3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instructions", list(hosts()))
def test_dense_layers_and_losses(instructions: str, dtype: str) -> None:
    run(instructions, dtype, program="guarded_maps.py")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instructions", [WIDEST, *NARROWER[-1:]])
def test_whole_steps_of_training(instructions: str, dtype: str) -> None:
    run(instructions, dtype, "1" if instructions == WIDEST else "2", program="guarded_steps.py")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instructions", list(hosts()))
def test_kernels_that_all_cells_share(instructions: str, dtype: str) -> None:
    run(instructions, "kernels", dtype)


@pytest.mark.parametrize("instructions", [WIDEST, *NARROWER[-1:]])
def test_registers_that_lie_on_the_stack(instructions: str) -> None:
    run(instructions, "registers", "float32", "1" if instructions == WIDEST else "3", *CELLS[:3])


def test_the_alarm_works() -> None:
    """Mistakes of many kinds end the process, or are seen in the numbers or in the canaries."""
    ended = json.loads(run(WIDEST, program="guarded_mistakes.py").splitlines()[-1])
    seen_in_numbers = {"states that nobody has set"}
    for name, how in ended.items():
        if name.startswith("none"):
            assert how == 0, name
        elif "canaries" in name or name in seen_in_numbers:
            assert how == 1, name
        else:
            assert how in FORBIDDEN, name
    assert len(ended) > 10
