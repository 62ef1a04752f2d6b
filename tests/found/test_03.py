"""A tape went stale: it referred to the caller's x and to the live parameters."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError

BACKENDS = ("native", "reference")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reused_input_buffer(backend: str) -> None:
    layer = gated.LSTM(4, 8, backend=backend)
    buffer = np.random.default_rng(0).normal(size=(5, 2, 4)).astype("f4")
    y, _, tape = layer.forward(buffer)
    right = layer.backward(tape, y)[2].vector.copy()
    buffer *= 3
    assert np.abs(layer.backward(tape, y)[2].vector - right).max() == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_update_between_forward_and_backward(backend: str) -> None:
    layer = gated.LSTM(4, 8, backend=backend)
    y, _, tape = layer.forward(np.ones((5, 2, 4), "f4"))
    gated.learning.SGD(0.1).update(layer.theta, np.ones_like(layer.theta))
    with pytest.raises(ArgumentError, match="^tape: got one whose parameters have changed since its forward pass"):
        layer.backward(tape, y)


def test_the_same_of_a_dense_layer() -> None:
    layer = gated.Dense(4, 3, "tanh")
    x = np.random.default_rng(0).normal(size=(5, 2, 4)).astype("f4")
    y, _, tape = layer.forward(x)
    dy = np.ones_like(y)
    dx, _, grads = layer.backward(tape, dy)
    x *= 3
    y[...] = 0  # the output is the caller's too
    again, _, same = layer.backward(tape, dy)
    assert np.array_equal(again, dx) and np.array_equal(same.vector, grads.vector)
    layer.theta += 1
    with pytest.raises(ArgumentError, match="parameters have changed"):
        layer.backward(tape, dy)
