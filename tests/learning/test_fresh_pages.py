"""An update takes no pages from the system once the first few are made: to fetch them took longer than all else.

A process of its own, whose allocator gives every large array back to the system at once, as the usual one does at
times: what an update needs has to come from memory that is kept.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc",
    reason="the allocator is told as glibc is",
)
LARGE = 128 << 10  # bytes of an array that goes back
WARM, MEASURED, PAGE = 8, 20, 4096

PROGRAM = """
import resource, sys
import numpy as np
import gated
from gated.data import Sequences
from gated.learning import Adam, full_step, truncated_step
from gated.losses import SoftmaxCrossEntropy

gated.set_num_threads(2)
random = np.random.default_rng(0)
steps, batch, words, hidden = 12, 16, 60, 192
ids = random.integers(0, words, (steps, batch))
features = random.standard_normal((batch, 50), np.float32)
optimizer, loss = Adam(1e-3), SoftmaxCrossEntropy()

def chain():
    layers = {"embed": gated.Embedding(words, 40), "rnn": gated.LSTM(40, hidden), "head": gated.Dense(hidden, words)}
    network = gated.Network(layers)
    return lambda: full_step(network, loss, optimizer, Sequences(ids, ids), clip=1.0)

def windows():
    layers = {"embed": gated.Embedding(words, 40), "rnn": gated.GRU(40, hidden), "head": gated.Dense(hidden, words)}
    network, state = gated.Network(layers), None
    def call():
        nonlocal state
        _, state, _ = truncated_step(network, loss, optimizer, (ids, ids), state)
    return call

def wired():
    layers = {
        "project": gated.Dense(50, hidden), "embed": gated.Embedding(words, 40), "rnn": gated.LSTM(40, hidden),
        "head": gated.Dense(hidden, words),
    }
    network = gated.WiredNetwork(
        layers, {"project": "features", "embed": "words", "rnn": {"x": "embed", "h": "project"}}
    )
    return lambda: full_step(network, loss, optimizer, Sequences({"features": features, "words": ids}, ids), clip=1.0)

def layer():
    rnn = gated.LSTM(hidden, hidden)
    x, dy = random.standard_normal((2, steps, batch, hidden)).astype(np.float32)
    def call():
        _, _, tape = rnn.forward(x)
        return rnn.backward(tape, dy)
    return call

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

call = locals()[sys.argv[1]]()
for _ in range(int(sys.argv[2])):
    call()
before = faults()
for _ in range(int(sys.argv[3])):
    call()
print(faults() - before)
"""


@pytest.mark.parametrize("kind", ["chain", "windows", "wired", "layer"])
def test_no_fresh_pages(kind: str) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "GLIBC_TUNABLES": f"glibc.malloc.mmap_threshold={LARGE}",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", PROGRAM, kind, str(WARM), str(MEASURED)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # a single array given back at every update would be a page for each 4 KiB of it
    assert int(done.stdout) < MEASURED * LARGE / PAGE / 4
