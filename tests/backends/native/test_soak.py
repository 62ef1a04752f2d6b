"""Thousands of calls take no more memory than the first few: measured as the pages of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "src"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="pages are counted as Linux does"),
]

BEGIN = """
import ctypes, gc, os, sys
import numpy as np
import gated
from gated.backends.native import pool, programs
from gated.backends.native.passes import layer_pass
from gated.backends.native.tuning import TRIED

gated.set_num_threads(2)
TRIED["worthwhile"] = 1000.0  # small work must be worth a thread here
pool.Pool.latency = lambda _: 0.0

def taken():
    # Python's blocks of memory, and the bytes of all pages
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", abs)(0)  # what is free goes back to the system
    with open("/proc/self/statm") as file:
        return sys.getallocatedblocks(), int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def growth(run, warm, measured):
    for _ in range(warm):
        run()
    before = taken()
    for _ in range(measured):
        run()
    print(*(after - was for after, was in zip(taken(), before)))
"""

# The same calls again and again: what a round needs, the rounds before it have left. (100 calls a round)
SHAPES = """
rng = np.random.default_rng(0)
layers = [
    gated.LSTM(5, 12, num_layers=2, backend="native"),
    gated.GRU(7, 33, bidirectional=True, dtype="float64", backend="native"),
    gated.Recurrent(gated.cells.ZOO["projected_lstm"], 3, 16, sizes={"h": 5}, backend="native"),
]
calls = []
for _ in range(100):
    steps, batch = int(rng.integers(0, 24)), int(rng.integers(1, 20))
    lengths = rng.integers(0, steps + 1, batch).tolist() if rng.integers(2) else None
    calls.append((layers[rng.integers(len(layers))], steps, batch, lengths))

def run():
    for layer, steps, batch, lengths in calls:
        y, state, tape = layer.forward(np.ones((steps, batch, layer.input_size)), lengths=lengths)
        layer.backward(tape, y, state)
        layer.infer(np.ones((steps, batch, layer.input_size)), state, lengths)

growth(run, 6, 3)  # (idle pieces of memory settle slowly)
"""

# Tapes that are kept for a while and dropped in another order, some without a backward pass.
TAPES = """
rng = np.random.default_rng(0)
layer = gated.GRU(6, 20, backend="native")
plan = rng.integers((1, 1, 0, 0), (12, 9, 8, 2), (400, 4)).tolist()

def run():
    kept = [None] * 8
    for steps, batch, place, back in plan:
        if back and kept[place] is not None:
            y, tape = kept[place]
            layer.backward(tape, y)
        y, _, tape = layer.forward(np.ones((steps, batch, 6)))
        kept[place] = y, tape

growth(run, 2, 4)
"""

# Streams that are made and forgotten, and steps.
STREAMS = """
layers = [gated.LSTM(5, 12, num_layers=2, backend="native"), gated.GRU(7, 33, dtype="float64", backend="native")]

def run():
    for k in range(200):
        layer = layers[k % 2]
        stream = layer.stream(1 + k % 3)
        for _ in range(5):
            stream.step(np.ones((1 + k % 3, layer.input_size)))
        stream.reset()

growth(run, 2, 5)
"""

# Cells that fall out of the memory of this process and come back from the disk: their code must be given back.
CODE = """
programs._cache.made.most = programs._cache.seen.most = layer_pass._cache.most = 3

def cell_of(number):
    @gated.cell
    def new(x, h, *, W, U):
        h = gated.tanh(W.h @ x + number * (U.h @ h))
        return h
    return new

layers = [gated.Recurrent(cell_of(1 / (2 + k)), 3, 4, backend="native") for k in range(6)]

def run():
    for layer in layers:
        y, state, tape = layer.forward(np.ones((2, 3, 3)))
        layer.backward(tape, y, state)

growth(run, 60, 60)  # (some caches of Python and NumPy fill slowly)
"""

# One forgotten object in four calls, or the code of one module (64 KB) in ten loads, would be more.
BLOCKS, BYTES = 300, 1_500_000


@pytest.mark.parametrize("script", [SHAPES, TAPES, STREAMS, CODE], ids=["shapes", "tapes", "streams", "code"])
def test_no_memory_is_lost(script: str, tmp_path: Path) -> None:
    environment = {**os.environ, "GATED_CACHE_DIR": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    command = [sys.executable, "-c", BEGIN + script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    blocks, pages = map(int, done.stdout.split())
    assert blocks < BLOCKS and pages < BYTES
