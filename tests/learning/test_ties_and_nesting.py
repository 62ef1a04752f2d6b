"""Learning in real time in networks whose layers are tied, or networks themselves, against backpropagation."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.learning.engines import begin, rule_of

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
