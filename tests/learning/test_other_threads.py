"""A step of training runs on the caller and gated's own workers: it wakes no thread of another library.

NumPy's products do: their threads look for more work for a while, and take the processors from gated's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gated

SOURCE = Path(gated.__file__).resolve().parents[1]
TASKS = Path("/proc/self/task")

if not Path("/proc/self/schedstat").exists():
    pytest.skip("no /proc that counts the nanoseconds of threads", allow_module_level=True)

PROGRAM = """
import os, sys, threading, time
import numpy as np
import gated
from gated.learning import Adam, full_step, gradients, truncated_step
from gated.losses import SoftmaxCrossEntropy, SquaredError

product = sys.argv[1] == "product"
rng = np.random.default_rng(0)
square = rng.standard_normal((600, 600))
ids, classes = rng.integers(0, 50, (2, 30, 24))
x, target = rng.standard_normal((30, 24, 20)).astype("float32"), rng.standard_normal((30, 24, 8)).astype("float32")
lengths = rng.integers(1, 31, 24)
language = gated.Network({"e": gated.Embedding(50, 16), "r": gated.LSTM(16, 64), "d": gated.Dense(64, 50)})
both = gated.GRU(20, 32, num_layers=2, bidirectional=True, dropout=0.2)
series = gated.Network({"first": gated.Dense(20, 20, "tanh"), "r": both, "d": gated.Dense(64, 8)})
rules = Adam(0.01), Adam(0.01)


def steps():
    full_step(language, SoftmaxCrossEntropy(), rules[0], (ids, classes), clip=1.0)
    truncated_step(language, SoftmaxCrossEntropy(), rules[0], (ids, classes), None)
    full_step(series, SquaredError(), rules[1], (x, target), rng=rng)
    full_step(series, SquaredError(), rules[1], (x, target, lengths), clip=1.0)
    gradients(series, SquaredError(), (x, target))
    if product:
        square @ square


def tasks(file):
    # thread -> words of a file about it
    found = {}
    for number in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{number}/{file}") as open_file:
            found[int(number)] = open_file.read().rpartition(")")[2].split()
    return found


def worked():
    # thread -> nanoseconds for which it has run
    return {number: int(words[0]) for number, words in tasks("schedstat").items()}


def busy(before):
    # the threads, but for this one, that have run since
    return {number for number, time in worked().items() if number != me and time > before.get(number, 0)}


me = threading.get_native_id()
square @ square  # whatever threads there are to be, they are there
for _ in range(3):
    steps()
print("threads", len(worked()))
workers = {thread.native_id for thread in threading.enumerate() if thread.name.startswith("gated-")}
print("workers", len(workers))
time.sleep(0.5)
before = worked()
for _ in range(20):
    steps()
print("helped", len(busy(before) & workers))
print("woken", len(busy(before) - workers))
time.sleep(0.5)  # longer than anybody looks for work
before = worked()
print("running", sum(words[0] == "R" for number, words in tasks("stat").items() if number != me))
time.sleep(0.05)
print("busy", len(busy(before)))
"""


def counted(what: str) -> dict[str, int]:
    """What the program has counted, with steps alone ("steps") or a product of NumPy between them ("product")."""
    two = {name: "2" for name in ("GATED_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **two, **({"PYTHONPATH": str(SOURCE)} if (SOURCE / "gated").is_dir() else {})}
    environment.pop("GATED_SPIN", None)
    command = [sys.executable, "-c", PROGRAM, what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: int(count) for name, count in map(str.split, done.stdout.splitlines())}


def test_steps_wake_no_thread_but_gated_s_own() -> None:
    found = counted("steps")
    assert found["workers"] == found["helped"] == 1
    assert found["woken"] == 0, "threads of another library have run during the steps"
    assert found["running"] == found["busy"] == 0, "threads run on after the steps"


def test_a_product_of_numpy_between_them_would_be_seen() -> None:
    found = counted("product")
    if found["threads"] < 3:
        pytest.skip("NumPy's products have no threads here")
    assert found["workers"] == 1 and found["woken"] > 0
