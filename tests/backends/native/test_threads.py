"""Threads: the number of them changes nothing, and layers may be used from many at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import gated
from gated.backends.native import pool
from gated.cells import ZOO

from . import test_against_reference

SOURCE = Path(__file__).resolve().parents[3] / "src"
MANY = 8  # Python threads at once


@pytest.fixture(autouse=True)
def restore_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads are a setting of the process, and small work must be worth a thread here."""
    monkeypatch.setattr(pool, "WORTHWHILE", 1.0)
    before = pool._threads
    yield
    pool._threads = before


def results(layer: gated.Recurrent, steps: int, batch: int, lengths: list[int] | None) -> dict[str, np.ndarray]:
    """Outputs and gradients, and the outputs without a tape."""
    found = test_against_reference.results(layer, steps, batch, lengths)
    x = np.random.default_rng(8).standard_normal((steps, batch, layer.input_size))
    found["y inferred"], last = layer.infer(x, None, lengths)
    return found | {f"last {name} inferred": value for name, value in zip(layer.cell.states, last, strict=True)}


SCAN = ("y", "last ", "first d")  # what the scans make; the gradients of the parameters are sums over all rows
CELLS = ("lstm", "gru", "slstm", "projected_lstm")


@pytest.mark.parametrize("lengths", [None, [9, 3, 1, 9, 8, 0, 4, 2, 9, 9, 5]], ids=["full", "lengths"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_bitwise_equal_for_any_number_of_threads(name: str, dtype: str, lengths: list[int] | None) -> None:
    layer = gated.Recurrent(
        ZOO[name], 5, 21, num_layers=2, sizes={"h": 9} if name == "projected_lstm" else None, dtype=dtype,
        backend="native",
    )  # fmt: skip
    found = {}
    for threads in (1, 2, 3, 5, 16):
        gated.set_num_threads(threads)
        found[threads] = results(layer, 9, 11, lengths)
        again = results(layer, 9, 11, lengths)
        for key, value in found[threads].items():
            assert value.tobytes() == again[key].tobytes(), f"{key} differs from run to run with {threads} threads"
    for threads, other in found.items():
        for key, value in found[1].items():
            if key.startswith(SCAN) or key == "dx":
                assert value.tobytes() == other[key].tobytes(), f"{key} differs with {threads} threads"
            else:
                np.testing.assert_allclose(other[key], value, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)


def test_a_sequence_does_not_depend_on_its_neighbours() -> None:
    """Every row is computed in one order of operations, whatever the tile it falls into."""
    gated.set_num_threads(1)
    layer = gated.GRU(6, 19, dtype="float32", backend="native")
    x = np.random.default_rng(5).standard_normal((7, 13, 6)).astype("float32")
    whole, _, _ = layer.forward(x)
    for first, stop in ((0, 1), (0, 2), (3, 6), (4, 9), (6, 13)):
        part, _, _ = layer.forward(x[:, first:stop])
        assert part.tobytes() == np.ascontiguousarray(whole[:, first:stop]).tobytes(), f"sequences {first} to {stop}"


def together(tasks: list[Callable[[], object]]) -> list[object]:
    """The results of tasks that begin at the same moment, each in a Python thread of its own."""
    barrier = threading.Barrier(len(tasks))

    def begin(task: Callable[[], object]) -> object:
        barrier.wait(60)
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [future.result(120) for future in [threads.submit(begin, task) for task in tasks]]


def job(name: str, steps: int, batch: int, layer: gated.Recurrent | None = None) -> Callable[[], list[bytes]]:
    made = layer or gated.Recurrent(ZOO[name], 4 + batch, 17, backend="native", seed=batch)

    def run() -> list[bytes]:
        return [value.tobytes() for value in results(made, steps, batch, None).values()]

    return run


@pytest.mark.parametrize("threads", [1, 3])
def test_many_layers_in_many_threads(threads: int) -> None:
    gated.set_num_threads(threads)
    names = ["lstm", "gru", "peephole_lstm", "gru_reset_after"]
    tasks = [job(names[k % len(names)], 3 + k % 5, 1 + k) for k in range(MANY)]
    alone = [task() for task in tasks]
    for _ in range(5):
        assert together(tasks) == alone


def test_one_layer_in_many_threads() -> None:
    gated.set_num_threads(2)
    layer = gated.LSTM(6, 23, num_layers=2, bidirectional=True, backend="native")
    tasks = [job("lstm", 1 + k, 1 + 2 * k, layer) for k in range(MANY)]
    alone = [task() for task in tasks]
    for _ in range(5):
        assert together(tasks) == alone


def test_a_tape_may_go_back_in_another_thread() -> None:
    gated.set_num_threads(2)
    layer = gated.LSTM(6, 23, dtype="float64", backend="native")
    rng = np.random.default_rng(0)
    tapes = []
    for k in range(MANY):
        y, _, tape = layer.forward(rng.standard_normal((5, 1 + k, 6)))
        tapes.append((tape, rng.standard_normal(y.shape)))

    def gradient(k: int) -> bytes:
        return bytes(layer.backward(*tapes[k])[2].vector.tobytes())

    alone = [gradient(k) for k in range(MANY)]
    assert together([partial(gradient, k) for k in range(MANY)]) == alone


def test_a_stream_in_each_thread() -> None:
    layer = gated.GRU(4, 20, num_layers=2, backend="native")
    x = np.random.default_rng(0).standard_normal((40, MANY, 2, 4)).astype("float32")

    def walk(k: int) -> bytes:
        stream = layer.stream(2)
        return b"".join(stream.step(x_t).tobytes() for x_t in x[:, k])

    alone = [walk(k) for k in range(MANY)]
    for k in range(MANY):
        expected = layer.forward(x[:, k])[0]
        np.testing.assert_allclose(np.frombuffer(alone[k], "float32").reshape(expected.shape), expected, atol=1e-6)
    assert together([partial(walk, k) for k in range(MANY)]) == alone


def test_one_cell_is_compiled_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.backends.native import target

    monkeypatch.setenv("GATED_CACHE_DIR", "")
    compiled = []
    compile_object = target.compile_object
    monkeypatch.setattr(target, "compile_object", lambda *a: (compiled.append(str(a[0])), compile_object(*a))[1])

    @gated.cell
    def new(x, h, *, W, U):
        h = gated.tanh(W.h @ x + 0.12345 * (U.h @ h))
        return h

    layer = gated.Recurrent(new, 3, 5, backend="native")
    outputs = together([lambda: layer.forward(np.ones((2, 1, 3)))[0].tobytes()] * MANY)
    assert len(set(outputs)) == 1 and compiled and len(set(compiled)) == len(compiled)


def test_set_num_threads_is_what_get_num_threads_says(monkeypatch: pytest.MonkeyPatch) -> None:
    gated.set_num_threads(np.int64(7))
    monkeypatch.setenv("GATED_NUM_THREADS", "3")
    assert gated.get_num_threads() == 7
    pool._threads = None
    assert gated.get_num_threads() == 3
    monkeypatch.delenv("GATED_NUM_THREADS")
    assert 1 <= gated.get_num_threads() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", " ", "²"])
def test_the_environment_is_checked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool._threads = None
    monkeypatch.setenv("GATED_NUM_THREADS", text)
    with pytest.raises(gated.errors.ArgumentError, match="GATED_NUM_THREADS: got .*, expected a positive whole number"):
        gated.get_num_threads()
    with pytest.raises(gated.errors.ArgumentError, match="GATED_NUM_THREADS"):
        gated.LSTM(3, 4, backend="native").forward(np.ones((50, 64, 3)))


THREADS = """
import threading
import numpy as np
import gated
layer = gated.LSTM(8, 64, backend="native")
layer.forward(np.ones((200, 64, 8)))
print(sum(thread.name.startswith("gated-") for thread in threading.enumerate()))
"""


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_as_many_workers_as_the_environment_says(threads: int) -> None:
    environment = {**os.environ, "GATED_NUM_THREADS": str(threads)}
    if SOURCE.is_dir():
        environment["PYTHONPATH"] = str(SOURCE)
    done = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == [str(threads - 1)], done.stderr  # the calling thread works as well


def test_errors_of_a_share_reach_the_caller() -> None:
    def fails() -> None:
        raise ZeroDivisionError("in a share")

    ran = []
    for tasks in ([fails, lambda: ran.append(1)], [lambda: ran.append(1), fails]):
        with pytest.raises(ZeroDivisionError, match="in a share"):
            pool.Pool().run(tasks)
    assert ran == [1, 1]


def test_every_task_runs_once() -> None:
    ours = pool.Pool()
    for count in (1, 2, 3, 7):
        for _ in range(50):
            ran: list[int] = []
            ours.run([partial(ran.append, k) for k in range(count)])
            assert sorted(ran) == list(range(count))


INTERRUPTED = """
import signal, sys, threading, time
from gated.backends.native.pool import Pool

# a job that a shell started in the background is deaf to Ctrl-C, and so are its children
signal.signal(signal.SIGINT, signal.default_int_handler)
pool = Pool()

def press_ctrl_c():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

for place in range(30):
    began, ended = threading.Event(), []

    def slow():
        began.set()
        press_ctrl_c()
        time.sleep(0.02)
        press_ctrl_c()
        time.sleep(0.02)
        ended.append(1)

    def quick():
        began.wait()
        deadline = time.perf_counter() + 0.002 * (place % 3)
        while time.perf_counter() < deadline:
            pass

    try:
        pool.run([slow, quick])
    except KeyboardInterrupt:
        assert ended, "a share was running when its memory was given up"
    else:
        sys.exit("not interrupted")
    try:
        time.sleep(0.05)
    except KeyboardInterrupt:
        pass
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to the main thread")
def test_ctrl_c_waits_for_the_shares() -> None:
    environment = {**os.environ, **({"PYTHONPATH": str(SOURCE)} if SOURCE.is_dir() else {})}
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr[-1000:]
