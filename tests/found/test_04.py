"""One layer in two networks, or twice in one: half of theta had no effect, and nothing said so."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError


def test_twice_in_one_network() -> None:
    shared = gated.LSTM(3, 3, seed=1)
    network = gated.Network({"a": shared, "b": shared})
    assert network.theta.size == shared.theta.size
    assert network.params["b.l0.W.i"] is network.params["a.l0.W.i"]
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("f4")
    y, _, tape = network.forward(x)
    _, _, grads = network.backward(tape, np.ones_like(y))
    before, _, first = shared.forward(x)
    _, _, second = shared.forward(before)
    dy, _, upper = shared.backward(second, np.ones_like(y))
    _, _, lower = shared.backward(first, dy)
    np.testing.assert_allclose(grads.vector, upper.vector + lower.vector, rtol=1e-6)


def test_a_second_network() -> None:
    layer = gated.LSTM(3, 3)
    first = gated.Network({"rnn": layer})
    with pytest.raises(ArgumentError) as caught:
        gated.Network({"again": layer})
    assert "layers['again']" in str(caught.value) and "copy.deepcopy(layer)" in str(caught.value)
    first.theta[...] = 1.0  # still the one that holds the parameters
    assert (layer.theta == 1.0).all()


def test_a_stream_from_before() -> None:
    layer = gated.LSTM(3, 4, seed=1)
    stream = layer.stream()
    network = gated.Network({"rnn": layer})
    network.theta[...] = 0.5
    stream.refresh()
    x = np.ones((1, 3), "f4")
    assert np.array_equal(stream.step(x), layer.stream().step(x))
