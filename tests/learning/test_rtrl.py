"""Exact real-time learning: the gradient of backpropagation through time, without going back."""

from __future__ import annotations

import numpy as np
import pytest
from tests.zoo import FEW, REST, inputs_of, layer_of

import gated
from gated.cells import ZOO
from gated.errors import ArgumentError
from gated.learning import SGD, Online, rtrl_cost
from gated.learning.realtime.engines import begin, rule_of
from gated.learning.realtime.rtrl import RealTime
from gated.nn import Dense, Embedding, Network, Recurrent

T, N = 6, 2


def _network(cell, rng, layers=2, first="dense"):
    sizes = {"projected_lstm": {"h": 3}, "low_rank_rnn": {"r": 2}}.get(cell.name)
    rnn = layer_of(cell, 3, 4, layers, dtype="float64", sizes=sizes)
    before = {
        "dense": {"pre": Dense(3, 3, "tanh", dtype="float64")},
        "embedding": {"embed": Embedding(5, 3, dtype="float64")},
        "nothing": {},
    }[first]
    network = Network({**before, "rnn": rnn, "head": Dense(rnn.output_size, 2, "sigmoid", dtype="float64")})
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    if cell.name == "lif":  # so that units spike: else the second layer has no input
        network.params["rnn.l0.b.s"] += 1
    return network


def _batch(network, rng, ids=False):
    layer = network.layers["rnn"]
    x = rng.integers(0, 5, (T, N)) if ids else inputs_of(layer, rng, T, N)
    if network.further and "pre" in network.layers:  # what does not come from below stands for itself
        first, *further = layer.input_columns.items()
        x = {"x": x[..., first[1]], **{f"rnn.{name}": x[..., own] for name, own in further}}
    dy = rng.standard_normal((T, N, 2))
    # positive: the normaliser of the sLSTM must not be 0
    state = tuple(0.3 + np.abs(rng.standard_normal((layer.num_layers, N, size))) for size in layer.state_sizes)
    return x, dy, {"rnn": state}


def _through_time(network, x, dy, state):
    y, _, tape = network.forward(x, state)
    return y, network.backward(tape, dy)[2].vector


def _in_real_time(network, x, dy, state):
    rule = rule_of(network, "rtrl", N)
    begin(rule.arrays(), network, state)
    y, total = [], np.zeros_like(network.theta)
    x = rule.row.joined("x", x)
    for x_t, dy_t in zip(x.astype(network.dtype) if x.dtype.kind == "f" else x, dy, strict=True):
        y.append(rule.forward(x_t))
        total += rule.gradient(dy_t.astype(network.dtype))
    return np.stack(y), total


@pytest.mark.parametrize(
    ("name", "first"),
    [
        *((name, first) for name in FEW for first in ("dense", "embedding", "nothing")),
        *((name, "dense") for name in REST),
    ],
)
def test_the_gradients_of_all_steps_add_up_to_that_through_time(name, first):
    rng = np.random.default_rng(7)
    network = _network(ZOO[name], rng, first=first)
    batch = _batch(network, rng, first == "embedding")
    (y, exact), (same_y, total) = _through_time(network, *batch), _in_real_time(network, *batch)
    np.testing.assert_allclose(same_y, y, rtol=1e-13)
    for key, own in network.params.like(total).items():
        wanted = network.params.like(exact)[key]
        assert np.linalg.norm(own - wanted) <= 1e-10 * np.linalg.norm(wanted), key
        assert np.linalg.norm(wanted) > 0, key


def test_the_gradient_of_one_step_is_that_of_its_own_loss_alone():
    rng = np.random.default_rng(3)
    network = _network(gated.cells.peephole_lstm, rng, layers=3)
    x, dy, state = _batch(network, rng)
    rule = rule_of(network, "rtrl", N)
    begin(rule.arrays(), network, state)
    for t in range(T):
        rule.forward(x[t])
        alone = np.zeros_like(dy)
        alone[t] = dy[t]
        _, exact = _through_time(network, x, alone, state)
        np.testing.assert_allclose(rule.gradient(dy[t]), exact, rtol=1e-10, atol=1e-13)


def test_a_cell_whose_states_and_matrices_are_chained_and_passed_on():
    @gated.cell
    def odd(x, h, c, k, *, A, B, V, p, b):
        u = A.u @ (B.v @ h + V.x @ x)  # a product of a product
        k_new = c  # a state handed on as it is
        c = gated.tanh(V.c @ (u * k) + p.c * c + b.c) + u * h + x
        h = A.u @ c + h  # a matrix twice, and an output that is elementwise too
        return h, c, k_new

    rng = np.random.default_rng(5)
    rnn = Recurrent(odd, 3, 3, 2, dtype="float64")
    network = Network({"rnn": rnn, "head": Dense(3, 2, dtype="float64")})
    network.theta[:] = 0.3 * rng.standard_normal(network.theta.size)
    batch = _batch(network, rng)
    (_, exact), (_, total) = _through_time(network, *batch), _in_real_time(network, *batch)
    np.testing.assert_allclose(total, exact, rtol=1e-10, atol=1e-12)


def test_a_cell_that_decides_and_holds():
    """In branches that are not taken stand NaN and infinite slopes."""

    @gated.cell
    def decided(x, s, v, *, W, U, b):
        v = gated.where(s > 0.5, 0.1 * v, v**2 * gated.sqrt(v + 0.1)) + W.v @ x + U.v @ s + b.v
        soft = gated.sigmoid(4 * (v - 0.3))
        s = gated.hold(gated.where(v > 0.3, 1, 0) - soft) + soft
        v = gated.where(v > 0, gated.log(v) * (U.w @ s), gated.clip(U.c @ v, -1, 1) ** 3)
        return s, gated.where(v < 0, gated.hold(v) * v, v)

    rng = np.random.default_rng(6)
    rnn = Recurrent(decided, 3, 4, 2, dtype="float64")
    network = Network({"rnn": rnn, "head": Dense(4, 2, dtype="float64")})
    network.theta[:] = 0.4 * rng.standard_normal(network.theta.size)
    batch = _batch(network, rng)
    (_, exact), (_, total) = _through_time(network, *batch), _in_real_time(network, *batch)
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(total, exact, rtol=1e-10, atol=1e-12)


def test_float32_networks_learn_in_float32():
    rng = np.random.default_rng(1)
    network = Network({"rnn": gated.LSTM(3, 4), "head": Dense(4, 2)})
    batch = _batch(network, rng)
    learner = Online(network, "rtrl", batch=N)
    assert learner.step(batch[0][0]).dtype == np.float32
    (_, exact), (_, total) = _through_time(network, *batch), _in_real_time(network, *batch)
    assert total.dtype == np.float32
    np.testing.assert_allclose(total, exact, rtol=1e-4, atol=1e-5)


def test_cost_is_what_is_kept_and_a_bound_is_kept():
    network = Network({"rnn": gated.LSTM(3, 4, 2, dtype="float64"), "head": Dense(4, 2, dtype="float64")})
    lower = 4 * (4 * 3 + 4 * 4 + 4)
    upper = 4 * (4 * 4 + 4 * 4 + 4)
    cost = rtrl_cost(network, batch=5)
    assert cost.bytes == 5 * 8 * 2 * 8 * (lower + (lower + upper))
    # R = 8 states: two products (8, 8) x (8, P) and one (8, 4) x (4, P of the layer below)
    assert cost.operations == 5 * 2 * (64 * lower + 64 * (lower + upper) + 8 * 4 * lower)
    rule = RealTime(network, 5)
    kept = sum(array.nbytes for name, array in rule.arrays().items() if name.endswith("jacobian"))
    assert cost.bytes == 2 * kept  # one for the step before
    Online(network, "rtrl", batch=5, memory_limit=cost.bytes)
    with pytest.raises(ArgumentError) as error:
        Online(network, "rtrl", batch=5, memory_limit=cost.bytes - 1)
    assert str(error.value) == (
        f"memory_limit: got {cost.bytes - 1} bytes, expected at least {cost.bytes} for the Jacobians of "
        f"{network.theta.size} parameters and batch 5; raise it, make the network smaller or choose algorithm='online'"
    )


def test_a_large_network_is_refused_before_memory_is_taken():
    network = Network({"rnn": gated.LSTM(64, 256), "head": Dense(256, 2)})
    assert rtrl_cost(network).bytes > 2**30
    with pytest.raises(ArgumentError, match="^memory_limit: got 1073741824 bytes"):
        Online(network, "rtrl")


def test_learning_follows_the_exact_gradient_of_each_step():
    rng = np.random.default_rng(2)
    network = _network(gated.cells.lstm, rng, layers=1)
    x, _, _ = _batch(network, rng)
    learner = Online(network, "rtrl", SGD(0.1), batch=N)
    before = network.theta.copy()
    y, _, tape = network.forward(x[:1])
    exact = network.backward(tape, (y - 0.5) / N)[2].vector  # the mean over sequences of ½ Σ (y - target)²
    learner.step(x[0], np.full((N, 2), 0.5))
    np.testing.assert_allclose(network.theta, before - 0.1 * exact, rtol=1e-12, atol=1e-15)
