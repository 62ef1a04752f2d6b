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
from gated.backends.native.passes import inference
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.cells import ZOO

from . import test_against_reference

SOURCE = Path(__file__).resolve().parents[3] / "src"
MANY = 8  # Python threads at once


@pytest.fixture(autouse=True)
def restore_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads are a setting of the process, and small work must be worth a thread here."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
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


@pytest.mark.parametrize("lengths", [None, [9, 4]], ids=["full", "lengths"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_the_same_if_they_share_the_columns(name: str, dtype: str, lengths: list[int] | None) -> None:
    """Fewer sequences than threads, with more and with less columns than these can share."""
    for hidden in (100, 21):
        layer = gated.Recurrent(
            ZOO[name], 5, hidden, sizes={"h": 90} if name == "projected_lstm" else None, dtype=dtype
        )
        gated.set_num_threads(1)
        alone = results(layer, 9, 2, lengths)
        gated.set_num_threads(5)
        shared = results(layer, 9, 2, lengths)
        for key, value in alone.items():
            if key.startswith(SCAN) or key == "dx":
                assert value.tobytes() == shared[key].tobytes(), f"{key} differs"
            else:
                np.testing.assert_allclose(shared[key], value, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)
        cut = layer.forward(np.zeros((9, 2, 5)))[2].scans[0].own[0].forward.shapes.cut
        assert hidden == 21 or (cut.columns and cut.members == 5), "this test is about shared columns"


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
    from gated.backends.native.machine import target

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


TEAM = """
import sys, time
import numpy as np
from gated.backends.native import pool, programs, team
from gated.backends.native.memory.addresses import address_of

ours = pool.Pool()
move = programs.common("float64").move
held = []

def copies(*pairs):
    # the address of a table of jobs: (from, to) each
    jobs = [(address_of(a), address_of(b), 1, 1, a.size, 0, 0, 0, 0, 0) for a, b in pairs]
    held.append(np.array([len(jobs), *sum(jobs, ())], np.int64))
    return address_of(held[-1])

def course(*phases):
    # phases of tables for a team, and the same for one alone; 0: nothing to do
    together, alone = [len(phases), len(phases[0]), 0], [sum(map(len, phases)), 1, 0]
    for phase in phases:
        entries = [number for table in phase for number in (move if table else 0, table, 0, 1)]
        together += entries
        alone += entries
    return np.array(together, np.int64), np.array(alone, np.int64)

def run(together, alone):
    ours.run(address_of(together), int(together[1]), address_of(alone))

def states():
    return [int(ours._memory[team.state_of(1 + k)]) for k in range(len(ours._sleeping))]

"""

A_CHAIN = """
# each phase copies what another member has copied in the phase before, now a large array, now a small one
members = 3
for size in (1, 1000, 300_000):
    arrays = np.zeros((9, size))
    steps = [[0] * members for _ in range(8)]  # the last one is a worker's
    for k, phase in enumerate(steps):
        phase[k % members] = copies((arrays[k], arrays[k + 1]))
    chain = course(*steps)
    for turn in range(1, 100 if size < 10_000 else 10):
        arrays[0] = turn
        run(*chain)
        assert (arrays == turn).all(), (size, turn)
        assert max(states()) <= team.AWAKE
"""

ALONE = """
arrays = np.zeros((4, 1000))
chain = course(*([0, copies((arrays[k], arrays[k + 1])), 0] for k in range(3)))
run(*chain)
together = chain[0][2:3]
# somebody else has the team: the caller does everything alone
ours._memory[team.HELD] = 1
arrays[0] = 1
run(*chain)
assert (arrays == 1).all() and not together
ours._memory[team.HELD] = 0
# workers that do not answer: the same
while states() != [team.ASLEEP] * 2:
    time.sleep(0.01)
release, pool._release = pool._release, lambda lock: None
for turn in (2, 3):  # the second time nobody waits for an answer
    arrays[0] = turn
    run(*chain)
    assert (arrays == turn).all() and states() == [team.ASLEEP] * 2 and not together
# they come back
pool._release = release
for turn in range(4, 10**6):
    arrays[0] = turn
    run(*chain)
    assert (arrays == turn).all()
    if together:
        break
assert max(states()) <= team.AWAKE
# no more threads
def refused(thread):
    raise RuntimeError("can't start new thread")
pool.threading.Thread.start = refused
ours, together[0] = pool.Pool(), 0
arrays[0] = -1
run(*chain)
assert (arrays == -1).all() and not states() and not together
"""

CTRL_C_WAITS = """
import signal, threading
# a job that a shell started in the background is deaf to Ctrl-C, and so are its children
signal.signal(signal.SIGINT, signal.default_int_handler)
main = threading.main_thread().ident
arrays = np.zeros((4, 300_000))
chain = course([0, copies((arrays[0], arrays[1]))], [copies((arrays[1], arrays[2])), 0])
for turn in range(50):
    press = lambda: (time.sleep(0.0005 * (turn % 5)), signal.pthread_kill(main, signal.SIGINT))
    thread = threading.Thread(target=press)
    interrupted = False
    try:
        thread.start()
        for k in range(10**6):
            arrays[0] = k
            run(*chain)
    except KeyboardInterrupt:
        interrupted = True
    assert interrupted and max(states(), default=0) <= team.AWAKE, states()
    thread.join()
run(*chain)
assert (arrays[2] == arrays[0]).all()
"""

SPIN = """
table = copies((np.zeros(1), np.zeros(1)))
run(*course([0, table]))
if sys.argv[1] == "0":
    while states() != [team.ASLEEP]:
        time.sleep(0.01)
else:
    time.sleep(0.2)
    assert states() == [team.AWAKE], states()
run(*course([0, table]))
"""


def team_program(program: str, *arguments: str, **environment: str) -> None:
    environment = {**os.environ, **environment, **({"PYTHONPATH": str(SOURCE)} if SOURCE.is_dir() else {})}
    command = [sys.executable, "-c", TEAM + program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("program", [A_CHAIN, ALONE], ids=["chain", "alone"])
def test_a_team(program: str) -> None:
    team_program(program)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to the main thread")
def test_ctrl_c_waits_for_the_workers() -> None:
    team_program(CTRL_C_WAITS)


@pytest.mark.parametrize("microseconds", ["0", "1000000000"])
def test_workers_look_for_work_as_long_as_the_environment_says(microseconds: str) -> None:
    team_program(SPIN, microseconds, GATED_SPIN=microseconds)


@pytest.mark.parametrize("text", ["-1", "long", "", "1.5"])
def test_what_the_environment_says_of_that_is_checked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_SPIN", text)
    with pytest.raises(gated.errors.ArgumentError, match="GATED_SPIN: got .*, expected a whole number of microseconds"):
        pool.Pool()


@pytest.mark.parametrize("batch", [1, 2])
def test_how_soon_threads_meet_decides_whether_they_share_a_step(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else: the gradients too are the same bits."""
    gated.set_num_threads(3)
    layer = gated.LSTM(64, 64)
    x = np.random.default_rng(0).standard_normal((50, batch, 64)).astype("float32")
    found = {}
    for latency in (50.0, 1e6):
        monkeypatch.setattr(pool.Pool, "latency", lambda _, latency=latency: latency)
        y, _, tape = layer.forward(x)
        dx, _, grads = layer.backward(tape, x)
        cut = tape.scans[0].own[0].forward.shapes.cut
        found[latency] = b"".join(a.tobytes() for a in (y, layer.infer(x)[0], dx, grads.vector)), cut.columns
    assert found[50.0][1] and not found[1e6][1]
    assert found[50.0][0] == found[1e6][0]


COLUMNS = {"columns_bytes": 0, "sequence_bytes": 1, "columns_blocks": 1}


def columns_shared() -> list[bool]:
    """Of every time loop of the last call without a tape."""
    parts = inference._kept.values()[-1].parts
    return [part.plan.shapes.cut.columns for part in parts]


@pytest.mark.parametrize("lengths", [None, [6, 1, 3, 6, 2]], ids=["full", "lengths"])
@pytest.mark.parametrize("hidden", [36, 100])
@pytest.mark.parametrize("name", CELLS)
def test_columns_shared_by_threads_with_sequences_enough(
    name: str, hidden: int, lengths: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outputs and states are the same bits."""
    sizes = {"h": 40} if name == "projected_lstm" else None
    layer = gated.Recurrent(ZOO[name], hidden, hidden, num_layers=2, sizes=sizes, backend="native")
    x = np.random.default_rng(0).standard_normal((6, 5, hidden)).astype("float32")
    found = []
    for threads, tried in ((1, {}), (2, {}), (2, COLUMNS), (3, COLUMNS), (3, COLUMNS | {"large": 0})):
        gated.set_num_threads(threads)
        for key, value in tried.items():
            monkeypatch.setitem(TRIED, key, value)
        inference._kept.forget()
        y, last = layer.infer(x, None, lengths)
        if "large" not in tried:
            assert columns_shared() == [bool(tried)] * 2
        found.append([y, *last])
    for got in found[1:-1]:
        for one, other in zip(got, found[0], strict=True):
            assert np.array_equal(one, other)
    for one, other in zip(found[-1], found[0], strict=True):  # the products with x ahead are other sums
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("hidden", "batch", "latency", "shared"),
    [
        (256, 2, 80.0, True),
        (256, 3, 80.0, True),
        (256, 16, 80.0, True),
        (256, 17, 80.0, False),  # too many sequences
        (192, 5, 80.0, True),
        (192, 12, 80.0, False),  # too many for so few parameters
        (128, 4, 80.0, True),
        (112, 3, 80.0, False),  # parameters which one thread's cache holds
        (128, 4, 256.0, False),  # threads that meet late
        (256, 3, 2000.0, False),
        (512, 3, 2000.0, True),
    ],
)
def test_few_sequences_and_many_parameters_share_columns(
    hidden: int, batch: int, latency: float, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Pool, "latency", lambda _: latency)
    layer = gated.LSTM(hidden, hidden, backend="native")
    gated.set_num_threads(2)
    (chain,), theta = layer._chains, layer.theta
    team = inference._team(chain, theta, batch)
    assert team.threads == 2 and team.meet == shared
    shapes = Shapes.of(layer._schedule.graph, layer._layer_sizes[0], layer.dtype, (10, batch, 10 * batch), team)
    assert shapes.cut.columns == shared and shapes.cut.members == 2
    training = Shapes.of(
        layer._schedule.graph, layer._layer_sizes[0], layer.dtype, (10, batch, 10 * batch), pool.team_for(batch)
    )
    assert not training.cut.columns


def test_the_latency_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    measured = pool.Pool().latency()
    assert 2.0 <= measured <= 2.0**30 and abs(np.log2(measured) * 2 % 1) < 1e-9
