"""Gradients of matrices lost accuracy with the number of rows: 6.7e-4 at 64,000 of them."""

from __future__ import annotations

import numpy as np
import pytest

import gated

PYTORCH = {6_400: 1.6e-6, 64_000: 3.2e-6}  # the same numbers in torch.nn.LSTM, as found


@pytest.mark.parametrize("rows", PYTORCH)
def test_error_of_one_sign(rows: int) -> None:
    x, dy = np.full((rows // 64, 64, 8), 0.3, "f4"), np.full((rows // 64, 64, 16), 0.01, "f4")
    found = []
    for dtype, backend in (("float32", "native"), ("float32", "reference"), ("float64", "native")):
        layer = gated.LSTM(8, 16, seed=0, dtype=dtype, backend=backend)
        layer.theta[...] = gated.LSTM(8, 16, seed=0).theta
        grads = layer.backward(layer.forward(x)[2], dy)[2]
        found.append(np.concatenate([grads[f"l0.{family}.i"].astype("f8").ravel() for family in "WU"]))
    native, reference = (np.abs(g - found[2]).max() / np.abs(found[2]).max() for g in found[:2])
    assert native <= 2 * PYTORCH[rows]
    assert native <= 2 * reference
