"""What a layer accepted without a word."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError

X = np.random.default_rng(0).normal(size=(3, 2, 4))


@pytest.mark.parametrize("layer", [gated.LSTM(4, 3), gated.Dense(4, 3)], ids=["lstm", "dense"])
def test_a_masked_array(layer) -> None:
    masked = np.ma.masked_array(X, X > 1)
    for call in (layer.forward, layer.infer):
        with pytest.raises(ArgumentTypeError, match=r"^x: got a masked array, expected a plain one: array.filled\(0\)"):
            call(masked)
    y, _, tape = layer.forward(X)
    with pytest.raises(ArgumentTypeError, match="^dy: got a masked array"):
        layer.backward(tape, np.ma.masked_array(y, y > 0))


def test_a_masked_state_and_masked_ids() -> None:
    state = np.ma.zeros((1, 2, 3)), np.zeros((1, 2, 3))
    with pytest.raises(ArgumentTypeError, match=r"^state\[0\] \(h\): got a masked array"):
        gated.LSTM(4, 3).forward(X, state)
    with pytest.raises(ArgumentTypeError, match="^x: got a masked array"):
        gated.Embedding(5, 3).forward(np.ma.masked_array([1, 2], [True, False]))


@pytest.mark.parametrize("layer", [gated.LSTM(4, 3), gated.Dense(4, 3)], ids=["lstm", "dense"])
def test_numbers_that_float32_cannot_hold(layer) -> None:
    large = X.copy()
    large[1, 0, 2] = 1e300
    with pytest.raises(ArgumentError) as caught:
        layer.forward(large)
    assert str(caught.value).startswith("x: got 1e+300 at [1, 0, 2], which float32 cannot hold, expected numbers up to")
    large[1, 0, 2] = np.inf  # this one is what the caller says
    layer.forward(large)
    wide = gated.LSTM(4, 3, dtype="float64")
    large[1, 0, 2] = 1e300
    assert np.isfinite(wide.forward(large)[0]).all()


def test_dtype_none() -> None:
    for make in (gated.LSTM, gated.Dense, gated.Embedding):
        with pytest.raises(ArgumentTypeError, match="^dtype: got None, expected 'float32' or 'float64'"):
            make(3, 4, dtype=None)
