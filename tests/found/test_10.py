"""`layer.theta -= 0.1` changed the numbers and then raised AttributeError."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError

MADE = {
    "recurrent": lambda: gated.LSTM(2, 3),
    "dense": lambda: gated.Dense(2, 3),
    "embedding": lambda: gated.Embedding(2, 3),
    "network": lambda: gated.Network({"rnn": gated.LSTM(2, 3)}),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_theta_can_be_assigned(made) -> None:
    layer = made()
    vector, before = layer.theta, layer.theta.copy()
    layer.theta -= 0.1
    assert layer.theta is vector and np.array_equal(vector, before - np.float32(0.1))
    layer.theta = before.astype("f8")
    assert layer.theta is vector and vector.dtype == "f4" and np.array_equal(vector, before)
    with pytest.raises(ArgumentError, match=r"^theta: got an array of shape \(1,\) .*, expected shape \(\d+,\)"):
        layer.theta = [1.0]
    with pytest.raises(ArgumentTypeError, match="^theta: got str 'none', expected real numbers"):
        layer.theta = "none"
    assert np.array_equal(vector, before)


def test_views_follow() -> None:
    network = gated.Network({"rnn": gated.LSTM(2, 3), "head": gated.Dense(3, 1)})
    network.theta = np.arange(network.theta.size)
    assert network.layers["rnn"].params["l0.W.i"][0, 1] == 1.0
    assert network.layers["head"].theta[-1] == network.theta.size - 1


def test_read_only() -> None:
    layer = gated.LSTM(2, 3)
    layer.theta.flags.writeable = False
    with pytest.raises(ArgumentError, match="^theta: got a value for an array that is read-only"):
        layer.theta = np.zeros_like(layer.theta)
