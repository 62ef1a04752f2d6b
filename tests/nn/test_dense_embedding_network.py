"""The layers without time, and the chain."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gated import GRU, LSTM, Dense, Embedding, Network
from gated.nn import network_from_config

rng = np.random.default_rng(0)


@pytest.mark.parametrize("activation", [None, "sigmoid", "tanh", "relu", "softplus"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (5, 2, 4), (2, 3, 2, 4), (0, 2, 4)])
def test_dense(activation, shape):
    functions = {
        None: lambda a: a,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "tanh": np.tanh,
        "relu": lambda a: np.maximum(a, 0),
        "softplus": lambda a: np.log1p(np.exp(a)),
    }
    layer, x = Dense(4, 3, activation, dtype="float64"), rng.standard_normal(shape)
    y, state, tape = layer.forward(x)
    np.testing.assert_allclose(y, functions[activation](x @ layer.params["W.y"].T + layer.params["b.y"]), rtol=1e-13)
    assert state == () and y.shape == (*shape[:-1], 3)
    dy = rng.standard_normal(y.shape)
    dx, _, grads = layer.backward(tape, dy)
    assert dx.shape == x.shape
    kept = layer.theta.copy()
    for array, gradient in ((x, dx), (layer.theta, grads.vector)):
        direction, h = rng.standard_normal(array.shape), 1e-6
        values = []
        for sign in (1, -1):
            array += sign * h * direction
            values.append(np.vdot(dy, layer.forward(x)[0]))
            array -= sign * h * direction
        assert np.vdot(gradient, direction) == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6, abs=1e-8)
    np.testing.assert_allclose(layer.theta, kept, atol=1e-12)


def test_dense_without_bias():
    layer, x = Dense(4, 3, bias=False), rng.standard_normal((5, 4))
    assert list(layer.params) == ["W.y"]
    np.testing.assert_allclose(layer.forward(x)[0], x @ layer.params["W.y"].T, rtol=1e-5)
    assert Dense.from_config(layer.config()).params.shapes == layer.params.shapes


def test_options_of_dense():
    base = Dense(4, 3)
    assert not np.array_equal(base.theta, Dense(4, 3, seed=1).theta)
    assert not np.array_equal(base.theta, Dense(4, 3, init="uniform").theta)
    assert not Dense(4, 3, init="xavier").params["b.y"].any()
    assert Dense(4, 3, dtype="float64").theta.dtype == np.float64
    assert repr(Dense(4, 3, "tanh")) == "Dense(4, 3, 'tanh')"


def test_embedding_is_the_product_with_one_hot_vectors():
    layer = Embedding(7, 3, dtype="float64")
    ids = rng.integers(0, 6, (5, 2))  # 6 does not occur
    y, _, tape = layer.forward(ids)
    one_hot = np.eye(7)[ids]
    np.testing.assert_array_equal(y, one_hot @ layer.params["W"])
    dy = rng.standard_normal(y.shape)
    dx, _, grads = layer.backward(tape, dy)
    assert dx is None and not grads["W"][6].any()
    np.testing.assert_allclose(grads["W"], np.einsum("tnv,tnd->vd", one_hot, dy), rtol=1e-12)


def test_embedding_keeps_its_own_ids():
    layer, ids = Embedding(7, 3), np.array([[1, 2]])
    y, _, tape = layer.forward(ids)
    ids[...] = 5
    assert not layer.backward(tape, np.ones_like(y))[2]["W"][5].any()


def test_embedding_of_nothing():
    layer = Embedding(7, 3)
    y, _, tape = layer.forward(np.zeros((0, 2), int))
    assert y.shape == (0, 2, 3) and not layer.backward(tape, y)[2].vector.any()


def test_options_of_embedding():
    assert not np.array_equal(Embedding(7, 3).theta, Embedding(7, 3, seed=1).theta)
    assert Embedding(7, 3, dtype="float64").theta.dtype == np.float64
    assert repr(Embedding(7, 3)) == "Embedding(7, 3)"


def network(**options):
    return Network(
        {
            "embed": Embedding(7, 3, dtype="float64"),
            "rnn": LSTM(3, 4, 2, dtype="float64", **options),
            "second": GRU(4 * (1 + options.get("bidirectional", False)), 5, dtype="float64"),
            "head": Dense(5, 7, dtype="float64"),
        }
    )


def test_the_network_is_its_layers_in_a_row():
    net, ids = network(bidirectional=True), rng.integers(0, 7, (6, 4))
    y, state, tape = net.forward(ids, lengths=[6, 2, 0, 3])
    by_hand = ids
    for layer in net.layers.values():
        by_hand = layer.forward(by_hand, None, [6, 2, 0, 3])[0]
    np.testing.assert_array_equal(y, by_hand)
    assert set(state) == {"rnn", "second"} and state["rnn"][1].shape == (4, 4, 4)
    dx, dstate, grads = net.backward(tape, np.ones_like(y))
    assert dx is None and set(dstate) == set(state) and list(grads) == list(net.params)


def test_gradients_of_the_network():
    net, ids = network(), rng.integers(0, 7, (6, 4))
    state = {"rnn": tuple(rng.standard_normal((2, 4, 4)) for _ in "hc"), "second": (rng.standard_normal((1, 4, 5)),)}
    y, last, tape = net.forward(ids, state)
    dy = rng.standard_normal(y.shape)
    dlast = {name: tuple(rng.standard_normal(s.shape) for s in states) for name, states in last.items()}

    def loss():
        out, final, _ = net.forward(ids, state)
        pairs = [(a, b) for name in dlast for a, b in zip(dlast[name], final[name], strict=True)]
        return np.vdot(dy, out) + sum(np.vdot(a, b) for a, b in pairs)

    _, dstate, grads = net.backward(tape, dy, dlast)
    arrays = [(net.theta, grads.vector), *zip(state["rnn"], dstate["rnn"], strict=True)]
    for array, gradient in [*arrays, (state["second"][0], dstate["second"][0])]:
        direction, h = rng.standard_normal(array.shape), 1e-6
        array += h * direction
        up = loss()
        array -= 2 * h * direction
        down = loss()
        array += h * direction
        assert np.vdot(gradient, direction) == pytest.approx((up - down) / (2 * h), rel=1e-6)


def test_all_parameters_are_one_vector():
    net = network()
    assert net.params["rnn.l1.U.f"].shape == (4, 4) and net.params["embed.W"].shape == (7, 3)
    assert net.theta.flags.c_contiguous and net.theta.size == sum(v.size for v in net.params.values())
    net.theta[...] = 0.5
    for layer in net.layers.values():
        assert np.shares_memory(layer.theta, net.theta) and (layer.theta == 0.5).all()
    net.layers["head"].params["b.y"] = 0.25
    assert (net.params["head.b.y"] == 0.25).all()


def test_layers_keep_their_values_when_they_join():
    layer = LSTM(3, 4)
    before = layer.theta.copy()
    net = Network({"rnn": layer, "head": Dense(4, 2)})
    np.testing.assert_array_equal(net.params["rnn.l0.W.i"].ravel(), before[:12])
    np.testing.assert_array_equal(layer.theta, before)


def test_the_state_of_some_layers_may_be_given():
    net, ids = network(), rng.integers(0, 7, (6, 4))
    _, state, _ = net.forward(ids)
    a, b = net.forward(ids, {"second": state["second"]})[0], net.forward(ids)[0]
    assert not np.array_equal(a, b)


def test_dropout_reaches_the_layers():
    net, ids = network(dropout=0.5), rng.integers(0, 7, (6, 4))
    a = net.forward(ids, rng=np.random.default_rng(0))[0]
    assert not np.array_equal(a, net.forward(ids)[0])
    np.testing.assert_array_equal(a, net.forward(ids, rng=np.random.default_rng(0))[0])


def test_config():
    net, ids = network(bidirectional=True, dropout=0.5), rng.integers(0, 7, (6, 4))
    config = json.loads(json.dumps(net.config()))
    again = network_from_config(config)
    assert again.params.shapes == net.params.shapes and again.config() == net.config()
    again.theta[...] = net.theta
    np.testing.assert_array_equal(again.forward(ids)[0], net.forward(ids)[0])
    assert repr(net).startswith("Network(embed=Embedding(7, 3), rnn=Recurrent(lstm, 3, 4")
