"""Online learning as an interface: memory, checkpoints, wrong arguments."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.learning import SGD, Adam, Online
from gated.losses import SigmoidSquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

N, D, H, V = 2, 3, 4, 2


def _network(cell=gated.cells.peephole_lstm, layers=1, first=None):
    rng = np.random.default_rng(11)
    rnn = Recurrent(cell, D, H, layers, dtype="float64")
    network = Network({**(first or {}), "rnn": rnn, "head": Dense(H, V, dtype="float64")})
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    return network


def _data(steps):
    rng = np.random.default_rng(12)
    return rng.standard_normal((steps, N, D)), rng.standard_normal((steps, N, V))


# memory and checkpoints


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_memory_does_not_grow(algorithm):
    network = Network({"rnn": Recurrent(gated.cells.lstm, 1, 1), "head": Dense(1, 1)})
    learner = Online(network, algorithm, SGD(0.01))
    x, d = np.ones(1), np.zeros(1)
    tracemalloc.start()
    try:
        for _ in range(200):
            learner.step(x, d)
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            learner.step(x, d)
        gc.collect()
        assert abs(tracemalloc.get_traced_memory()[0] - first) < 2_000  # 2 bytes per step would be too much
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
@pytest.mark.parametrize("by_file", [False, True])
def test_resumed_in_mid_stream_it_gives_the_same_bits(algorithm, by_file, tmp_path):
    x, target = _data(30)
    network, other = _network(layers=2), _network(layers=2)
    whole = Online(network, algorithm, Adam(0.01), batch=N)
    whole.partial_fit(x[:13], target[:13])
    other.theta[:] = 0
    resumed = Online(other, algorithm, Adam(0.01), batch=N)
    if by_file:
        whole.save(tmp_path / "learner.safetensors")
        resumed.load(tmp_path / "learner.safetensors")
    else:
        resumed.load_state(whole.state())
    y, again = whole.partial_fit(x[13:], target[13:]), resumed.partial_fit(x[13:], target[13:])
    np.testing.assert_array_equal(again, y)
    first, second = whole.state(), resumed.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)


def test_a_state_that_does_not_fit_changes_nothing():
    learner = Online(_network(), batch=N)
    good = learner.state()
    trace = "memory.rnn.l0.trace.c.W.i"
    for change, message in (
        ({trace: None}, f"state: got no array {trace!r}, expected what state() returned"),
        ({"memory.x": np.zeros(1)}, "state: got an array 'memory.x', expected what state() returned"),
        (
            {trace: np.zeros((3, 3))},
            f"state[{trace!r}]: got an array of shape (3, 3) and dtype float64, "
            "expected an array of shape (2, 4, 3) and dtype float64",
        ),
        ({"optimizer.x": np.zeros(1)}, "state: got updates, x, expected updates"),
    ):
        bad = {name: array + 1 for name, array in good.items()} | change
        with pytest.raises(ArgumentError) as error:
            learner.load_state({name: array for name, array in bad.items() if array is not None})
        assert str(error.value) == message
    for name, array in learner.state().items():
        np.testing.assert_array_equal(array, good[name])


def test_a_file_of_another_learner_is_refused(tmp_path):
    path = tmp_path / "learner.safetensors"
    Online(_network(), batch=N).save(path)
    network = _network()
    for learner, message in (
        (Online(network), "got 2 under 'batch', expected 1"),
        (Online(network, "rtrl", batch=N), "got 'online' under 'algorithm', expected 'rtrl'"),
        (Online(network, batch=N, peepholes=False), "got True under 'peepholes', expected False"),
        (Online(network, batch=N, loss=SigmoidSquaredError()), "got 'SquaredError' under 'loss'"),
        (Online(network, optimizer=Adam(0.1), batch=N), "got 'SGD' under 'optimizer', expected 'Adam'"),
        (Online(_network(layers=2), batch=N), "got another network under 'network', expected the network of this"),
    ):
        with pytest.raises(FileFormatError) as error:
            learner.load(path)
        assert str(error.value).startswith(f"{str(path)!r}: {message}")
    path.write_bytes(b"no such thing")
    with pytest.raises(FileFormatError, match="not a whole safetensors file"):
        Online(network, batch=N).load(path)
    with pytest.raises(ArgumentError, match="which does not exist"):
        Online(network, batch=N).load(tmp_path / "nothing")


# wrong arguments


WRONG = [
    (lambda n: Online(7), "network: got int 7, expected a gated.Network, such as Network({'rnn': ..., 'head': ...})"),
    (lambda n: Online(n, "bptt"), "algorithm: got 'bptt', expected 'online' or 'rtrl'"),
    (lambda n: Online(n, optimizer=0.1), "optimizer: got float 0.1, expected an optimizer of gated.learning, such as"),
    (
        lambda n: Online(n, loss="mse"),
        "loss: got str 'mse', expected a loss of gated.losses, such as SquaredError()",
    ),
    (lambda n: Online(n, batch=0), "batch: got 0, expected a positive whole number"),
    (lambda n: Online(n, peepholes=1), "peepholes: got int 1, expected True or False"),
    (lambda n: Online(n, clip=0), "clip: got 0, expected a finite number above 0"),
    (lambda n: Online(n, "rtrl", memory_limit=0.5), "memory_limit: got float 0.5, expected a positive whole number"),
    (
        lambda n: Online(n, "rtrl", peepholes=False),
        "peepholes: got False with algorithm 'rtrl', expected True: the exact gradient leaves nothing out",
    ),
    (
        lambda n: Online(Network({"a": gated.LSTM(3, 4, bidirectional=True)})),
        "layers['a']: got a bidirectional layer, expected one direction: the other begins at the end",
    ),
    (
        lambda n: Online(Network({"a": gated.LSTM(3, 4, 2, dropout=0.5)})),
        "layers['a']: got dropout 0.5, expected 0: learning in real time draws no masks",
    ),
    (
        lambda n: Online(Network({"a": gated.LSTM(3, 4, dtype="complex128")})),
        "network: got dtype complex128, expected 'float32' or 'float64'",
    ),
    (lambda n: Online(n).step(np.zeros(4)), "x_t: got an array of shape (4,) and dtype float64, expected shape (3,)"),
    (lambda n: Online(n, batch=2).step(np.zeros(3)), "x_t: got an array of shape (3,) and dtype float64, expected"),
    (lambda n: Online(n).step(["a"] * 3), "x_t: got an array of shape (3,) and dtype <U1, expected real numbers"),
    (lambda n: Online(n).step(np.zeros(3), np.zeros(3)), "target: got an array of shape (3,) and dtype float64, expec"),
    (lambda n: Online(n, batch=2).step(np.zeros((2, 3)), np.zeros((2, 2)), [True]), "mask: got an array of shape (1,)"),
    (
        lambda n: Online(n).partial_fit(np.zeros((5, 3)), np.zeros((4, 2))),
        "target: got an array of shape (4, 2) and",
    ),
    (
        lambda n: Online(n).partial_fit(np.zeros((5, 3)), np.zeros((5, 2)), np.ones(4, bool)),
        "mask: got an array of shape (4,) and dtype bool, expected shape (5, 1)",
    ),
    (
        lambda n: Online(n).partial_fit(np.zeros((5, 3)), np.zeros((5, 2)), np.ones(5)),
        "mask: got an array of shape (5,) and dtype float64, expected booleans",
    ),
    (lambda n: Online(n).reset({"head": ()}), "state: got the name 'head', expected names of recurrent layers: rnn"),
    (lambda n: Online(n).reset(rows=[1]), "rows: got an array of shape (1,) and dtype int64, expected booleans"),
    (lambda n: Online(n, backend="cuda"), "backend: got 'cuda', expected None or one of 'native', 'reference'"),
    (
        lambda n: Online(n, "rtrl", backend="native"),
        "backend: got 'native' for algorithm 'rtrl', expected None or 'reference': there is no machine code for it",
    ),
    (
        lambda n: Online(_network(first={"ids": Embedding(5, D, dtype="float64")}), backend="native"),
        "backend: got 'native' for a network with an Embedding, a sum of branches, or a layer that tells no equations,",
    ),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_arguments_are_told(number):
    call, message = WRONG[number]
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call(_network())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_wrong_ids_are_told():
    learner = Online(_network(first={"embed": Embedding(5, D, dtype="float64")}))
    for value, message in (
        (5, "x_t: got the id 5, expected ids from 0 to 4"),
        (-1, "x_t: got the id -1, expected ids from 0 to 4"),
        (0.5, "x_t: got float 0.5, expected integer ids"),
        ([0.5], "x_t: got an array of shape (1,) and dtype float64, expected integer ids"),
        ([0, 1], "x_t: got an array of shape (2,) and dtype int64, expected shape (1)"),
    ):
        with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
            learner.step(value)
        assert str(error.value) == message
