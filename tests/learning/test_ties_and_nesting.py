"""Learning in real time in networks whose layers are tied, or networks themselves, against backpropagation."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.learning import SGD, Online, compare_gradients
from gated.learning.realtime.engines import begin, rule_of

T, N, D = 4, 2, 3


def tied() -> gated.Network:
    cell, head = gated.LSTM(D, D, seed=1, dtype="float64"), gated.Dense(D, D, "tanh", seed=2, dtype="float64")
    other = gated.GRU(D, D, reset_after=True, seed=3, dtype="float64")
    return gated.Network({"a": cell, "mix": head, "b": other, "again": head, "c": cell})


def nested() -> gated.Network:
    inner = gated.Network({"rnn": gated.PeepholeLSTM(D, 4, 2, seed=1, dtype="float64")})
    encoder = gated.Network({"mix": gated.Dense(D, D, "sigmoid", seed=2, dtype="float64"), "deep": inner})
    return gated.Network({"encoder": encoder, "head": gated.Dense(4, D, seed=3, dtype="float64")})


@pytest.mark.parametrize("make", [tied, nested])
def test_rtrl_is_the_gradient(make) -> None:
    network, rng = make(), np.random.default_rng(0)
    network.theta[...] = 0.5 * rng.standard_normal(network.theta.size)
    x, dy = rng.standard_normal((T, N, D)), rng.standard_normal((T, N, D))
    exact = network.backward(network.forward(x)[2], dy)[2]
    rule = rule_of(network, "rtrl", N)
    begin(rule.arrays(), network)
    total = np.zeros_like(network.theta)
    for x_t, dy_t in zip(x, dy, strict=True):
        rule.forward(x_t)
        total += rule.gradient(dy_t)
    np.testing.assert_allclose(total, exact.vector, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [tied, nested])
def test_online_traces_where_the_recurrent_matrices_are_zero(make) -> None:
    """And, since the error of a step goes down a stack at that step alone, only the uppermost cell remembers."""
    network, rng = make(), np.random.default_rng(0)
    network.theta[...] = 0.5 * rng.standard_normal(network.theta.size)
    x, dy = rng.standard_normal((1, N, D)), rng.standard_normal((1, N, D))
    exact = network.backward(network.forward(x)[2], dy)[2]
    rule = rule_of(network, "online", N)
    begin(rule.arrays(), network)
    rule.forward(x[0])
    np.testing.assert_allclose(rule.gradient(dy[0]), exact.vector, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_states_of_a_nested_network(algorithm: str) -> None:
    network, rng = nested(), np.random.default_rng(0)
    state = network.initial_state(N)
    deep = state["encoder"]["deep"]["rnn"]
    for array in deep:
        array[...] = rng.standard_normal(array.shape)
    x = rng.standard_normal((T, N, D))
    learner = Online(network, algorithm, batch=N)
    learner.reset(state)
    np.testing.assert_allclose(learner.partial_fit(x), network.forward(x, state)[0], rtol=1e-12, atol=1e-14)
    after = learner.network_state
    assert list(after) == ["encoder"] and list(after["encoder"]) == ["deep"]
    expected = network.forward(x, state)[1]
    for got, wanted in zip(after["encoder"]["deep"]["rnn"], expected["encoder"]["deep"]["rnn"], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
    differences = compare_gradients(network, x, rng.standard_normal((T, N, D)), algorithm=algorithm, state=state)
    assert (differences[-1].relative_error < 1e-10) == (algorithm == "rtrl")


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_learner_follows_its_network_into_another(backend: str) -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((6, D)), rng.standard_normal((6, 2))
    results = []
    for taken in (False, True):
        network = gated.Network({"rnn": gated.LSTM(D, 4, dtype="float64"), "head": gated.Dense(4, 2, dtype="float64")})
        learner = Online(network, "online", SGD(0.1), backend=backend)
        first = learner.partial_fit(x[:3], target[:3])
        whole = gated.Network({"inner": network}) if taken else network
        second = [learner.step(*pair) for pair in zip(x[3:], target[3:], strict=True)]
        results.append([*first, *second, whole.theta.copy(), network.layers["rnn"].theta.copy()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
