"""Arrays that a layer holds and nobody learns: where they lie, that no update moves them, and that files have them."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import gated
from gated import Dense, Network, Recurrent, fixed, tanh
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.interop.model_file import load_model, load_models, save_model, save_models
from gated.learning import SGD, AdamW, Online, Training, compare_gradients, full_step
from gated.losses import SquaredError

T, N = 6, 2


@gated.cell(init={"S.*": "legendre(8)"})
def lmu(x, h, m, *, S: fixed, W, U, b, s: gated.number):
    """A memory of fixed matrices beside what is learned."""
    u = tanh(W.u @ x + U.u @ h)
    m = S.A @ m + S.B * u * s.u
    h = tanh(W.h @ x + U.h @ h + W.m @ m + b.h)
    return h, m


@gated.cell(init={"S.U": "spectral(0.9)", "S.W": "uniform(-1, 1)"})
def echo(x, h, *, S: fixed):
    return tanh(S.W @ x + S.U @ h)


def network(backend="native", layers=2, dtype="float64"):
    rnn = Recurrent(lmu, 3, 5, layers, sizes={"m": 4}, dtype=dtype, backend=backend, seed=1)
    return Network({"rnn": rnn, "head": Dense(5, 2, dtype=dtype, backend=backend, seed=2)})


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(T, N, 3)), rng.normal(size=(T, N, 2))


def test_they_are_no_parameters_and_no_update_moves_them():
    x, target = data()
    found = []
    for backend in ("native", "reference"):
        net = network(backend)
        layer = net.layers["rnn"]
        assert list(layer.fixed) == ["l0.S.A", "l0.S.B", "l1.S.A", "l1.S.B"]
        assert not any("S." in name for name in net.params) and net.theta.size == sum(
            v.size for v in net.params.values()
        )
        before = {name: value.copy() for name, value in net.fixed.items()}
        y, _, tape = net.forward(x)
        grads = net.backward(tape, np.ones_like(y))[2]
        assert list(grads) == list(net.params) and grads.vector.size == net.theta.size
        np.testing.assert_allclose(net.infer(x)[0], y, atol=1e-14)
        stream = net.stream(N)
        np.testing.assert_allclose(np.stack([stream.step(x_t) for x_t in x]), y, atol=1e-14)
        optimizer = AdamW(0.01, weight_decay=0.3)
        losses = [full_step(net, SquaredError(), optimizer, (x, target), clip=0.5)[0] for _ in range(3)]
        assert all(np.array_equal(before[name], value) for name, value in net.fixed.items())
        found.append((y, grads.vector, losses, net.theta))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_what_is_written_counts_at_once():
    x, _ = data()
    net = network()
    before = net.forward(x)[0]
    net.fixed["rnn.l0.S.A"] = 0
    net.layers["rnn"].fixed["l1.S.B"][:] = 2.0
    assert net.fixed["rnn.l1.S.B"].tolist() == [2.0] * 4 and not net.fixed["rnn.l0.S.A"].any()
    twin = network("reference")
    twin.params.fixed_vector[:] = net.params.fixed_vector
    y = net.forward(x)[0]
    np.testing.assert_allclose(y, twin.forward(x)[0], atol=1e-14)
    assert not np.array_equal(y, before)
    with pytest.raises(
        (ArgumentError, ArgumentTypeError), match=r"fixed\['rnn.l0.S.A'\]: got an array of shape \(3,\)"
    ):
        net.fixed["rnn.l0.S.A"] = np.ones(3)
    with pytest.raises(KeyError, match="there is no fixed array 'q'"):
        net.fixed["q"]
    with pytest.raises(KeyError, match="there is no parameter"):
        net.params["rnn.l0.S.A"]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_one_that_changed_since_the_forward_pass_is_refused(backend):
    layer = network(backend).layers["rnn"]
    y, _, tape = layer.forward(data()[0])
    layer.backward(tape, y)
    layer.fixed["l1.S.A"][0, 0] += 1e-9
    with pytest.raises(ArgumentError, match="changed"):
        layer.backward(tape, y)


def test_copies_have_their_own():
    x, _ = data()
    net = network()
    net.fixed["rnn.l0.S.B"] = 0.5
    expected = net.forward(x)[0]
    for other in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(other.forward(x)[0], expected)
        other.fixed["rnn.l0.S.B"] = 0
        assert np.array_equal(net.forward(x)[0], expected)
    narrow = copy.deepcopy(net.layers["rnn"]).astype("float32")
    assert narrow.fixed["l0.S.B"].dtype == np.float32 and narrow.fixed["l0.S.B"].tolist() == [0.5] * 4
    outer = Network({"inner": copy.deepcopy(net), "head": Dense(2, 2, dtype="float64")})
    assert np.array_equal(outer.params.fixed_vector, net.params.fixed_vector)
    assert list(outer.fixed) == [f"inner.{name}" for name in net.fixed]
    np.testing.assert_allclose(outer.infer(x)[0], outer.forward(x)[0], atol=1e-14)


def test_files_have_them(tmp_path):
    x, _ = data()
    net = network()
    net.fixed["rnn.l0.S.B"] = 0.25
    save_model(tmp_path / "one", "test", net, {})
    again, _ = load_model(tmp_path / "one", "test")
    assert np.array_equal(again.forward(x)[0], net.forward(x)[0])
    assert np.array_equal(again.params.fixed_vector, net.params.fixed_vector)
    other = copy.deepcopy(net)
    other.fixed["rnn.l1.S.A"] = 1.0
    save_models(tmp_path / "two", "test", [net, other], {})
    both, _ = load_models(tmp_path / "two", "test")
    for read, written in zip(both, (net, other), strict=True):
        assert np.array_equal(read.params.fixed_vector, written.params.fixed_vector)
    net.fixed["rnn.l0.S.B"][0] = np.nan
    with pytest.raises((ArgumentError, FileFormatError)):
        save_model(tmp_path / "three", "test", net, {})


def test_checkpoints_have_them():
    x, target = data()

    def training(net):
        return Training(net, SquaredError(), SGD(0.1), lambda epoch: [(x, target)] * 2, carry_state=True)

    net = network()
    net.fixed["rnn.l0.S.B"] = 0.25
    first = training(net)
    list(itertools.islice(first, 3))
    second = training(network())
    second.load_state(*first.state())
    assert np.array_equal(second.network.params.fixed_vector, net.params.fixed_vector)
    assert np.array_equal(second.network.theta, net.theta)

    net = network(layers=1)
    net.fixed["rnn.l0.S.B"] = 0.25
    online = Online(net, "rtrl", SGD(0.1), SquaredError(), batch=N)
    online.partial_fit(x, target)
    other = Online(network(layers=1), "rtrl", SGD(0.1), SquaredError(), batch=N)
    other.load_state(online.state())
    assert np.array_equal(other.partial_fit(x, target), online.partial_fit(x, target))


def test_rtrl_is_exact():
    x, target = data()
    for name, distance, *_ in compare_gradients(network(), x, target, algorithm="rtrl"):
        assert distance < 1e-12, name


def test_nothing_may_be_left_to_learn():
    net = Network({"rnn": Recurrent(echo, 3, 4, dtype="float64")})
    x, rng = data()[0], np.random.default_rng(1)
    assert net.theta.size == 0 and net.forward(x)[0].shape == (T, N, 4)
    y, _, tape = net.forward(x)
    assert net.backward(tape, y)[2].vector.size == 0
    loss, norm = full_step(net, SquaredError(), AdamW(0.1), (x, rng.normal(size=(T, N, 4))))
    assert loss > 0 and norm == 0
