"""After fork the child has the memory of its parent and none of its threads: it must compute all the same.

Everything runs in processes of its own: Python warns of fork in a process with threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "src"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform"),
]

BEGIN = """
import gc, os, signal, sys, threading, time
import numpy as np
import gated
from gated.backends.native import pool
from gated.backends.native.tuning import TRIED

TRIED["worthwhile"] = 1.0  # small work must be worth a thread here
pool.Pool.latency = lambda _: 0.0
gated.set_num_threads(3)

def cell_of(number):
    @gated.cell
    def new(x, h, *, W, U):
        h = gated.tanh(W.h @ x + number * (U.h @ h))
        return h
    return new

def step(layer, seed=0):
    x = np.random.default_rng(seed).standard_normal((12, 9, layer.input_size))
    y, state, tape = layer.forward(x, lengths=[12, 3, 12, 7, 1, 0, 12, 12, 5])
    dx, _, grads = layer.backward(tape, np.cos(np.arange(y.size)).reshape(y.shape))
    return y.tobytes() + dx.tobytes() + grads.vector.tobytes()

def child(task):
    '''Run the task in a child; its exit status. A child that waits for ever is killed by its alarm.'''
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    signal.alarm(60)
    status = 1
    try:
        status = 0 if task() else 2
    finally:
        os._exit(status)

layer = gated.LSTM(5, 19, backend="native")
expected = step(layer)
"""

SCRIPTS = {
    "the same layer": """
assert child(lambda: step(layer) == expected) == 0
assert step(layer) == expected
""",
    "whole vectors and tables": """
from gated.backends import get_backend
from gated.backends.reference import updates
native, ids = get_backend("native"), np.arange(3000) % 7
TRIED["few_bytes"] = 0
def task():
    rng = np.random.default_rng(0)
    theta, g, m, s, dy = rng.random((5, 60_000)).astype("float32")
    buffers, table = {"mean": m, "mean_square": s}, np.zeros((7, 20), "float32")
    native.update(updates.adam, theta, g, buffers, (), lr=0.1, b1=0.9, b2=0.999, eps=1e-8, updates=1)
    native.look_up_backward(ids, dy.reshape(3000, 20), table)
    return theta.tobytes() + native.look_up(table, ids).tobytes(), native.norm(g), native.all_finite(m)
before = task()
assert child(lambda: task() == before) == 0
assert child(lambda: child(lambda: task() == before) == 0 and task() == before) == 0
assert task() == before
""",
    "several children, and children of children": """
statuses = [child(lambda: child(lambda: step(layer) == expected) == 0 and step(layer) == expected) for _ in range(4)]
assert statuses == [0] * 4, statuses
""",
    "a cell that only the child knows": """
def new():
    made = [gated.Recurrent(cell_of(0.5), 5, 7, backend=name, dtype="float64") for name in ("native", "reference")]
    found = [np.frombuffer(step(layer)) for layer in made]
    return np.allclose(found[0], found[1], rtol=1e-11, atol=1e-11)
assert child(new) == 0
""",
    "a tape from before": """
x = np.random.default_rng(3).standard_normal((12, 9, 5)).astype("float32")
y, _, tape = layer.forward(x)
before = layer.backward(tape, y)[2].vector.tobytes()
def backward():
    same = layer.backward(tape, y)[2].vector.tobytes() == before
    globals().update(tape=None, y=None)
    gc.collect()
    return same and step(layer) == expected
assert child(backward) == 0
""",
    "while other threads compute": """
stop = False
others = [gated.GRU(4, 11 + k, backend="native") for k in range(3)]
def work(other):
    while not stop:
        step(other)
threads = [threading.Thread(target=work, args=(other,)) for other in others]
for thread in threads:
    thread.start()
statuses = [child(lambda: step(layer) == expected and step(others[0]) != b"") for _ in range(12)]
stop = True
for thread in threads:
    thread.join()
assert statuses == [0] * 12, statuses
""",
    "while another thread compiles": """
stop = False
def work():
    number = 0
    while not stop:
        number += 1
        step(gated.Recurrent(cell_of(1 / number), 3, 4, backend="native"))
thread = threading.Thread(target=work)
thread.start()
time.sleep(0.2)
def task():
    step(gated.Recurrent(cell_of(2.5), 3, 4, backend="native"))
    return step(layer) == expected
statuses = []
for number in range(0, 12, 2):
    statuses.append(child(task))
    time.sleep(0.01 * number)
stop = True
thread.join()
assert statuses == [0] * 6, statuses
""",
    "a pool of processes": """
import multiprocessing
context = multiprocessing.get_context("fork")
def task(seed):
    signal.alarm(60)
    return step(layer, seed)
with context.Pool(3) as processes:
    assert processes.map(task, range(6)) == [step(layer, seed) for seed in range(6)]
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_forked_child_computes_the_same(name: str) -> None:
    environment = {**os.environ, "GATED_CACHE_DIR": "", **({"PYTHONPATH": str(SOURCE)} if SOURCE.is_dir() else {})}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEGIN + SCRIPTS[name]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
