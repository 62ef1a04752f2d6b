"""1e300 as a constant in a float32 cell gave NaN without a word."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import tanh
from gated.errors import ArgumentError

# Where a number of float64 is none of float32, each way to be wrong: too large, 0, and 0 where it would be divided by.
CASES = {
    "too large": (lambda x, h: tanh(1e300 * h) + x, "1e+300 in the equations of the cell lambda is inf"),
    "too small": (lambda x, h: h + x / (h * h + 1e-50), "1e-50 in the equations of the cell lambda is 0"),
    "0 under a fraction": (lambda x, h: h + x / 1e-60, "1e-60 in the equations of the cell lambda is 0"),
    "1 / b too large": (lambda x, h: h + x / 1e-40, "1e+40 in the derivatives of the cell lambda is inf"),
    "subnormal in float64": (lambda x, h: h + x - 5e-324, "5e-324 in the equations of the cell lambda is 0"),
    "of NumPy": (lambda x, h: np.array(-1e200) * h + x, "-1e+200 in the equations of the cell lambda is -inf"),
}


@pytest.mark.parametrize("case", CASES)
def test_float32_has_not_every_number(case) -> None:
    function, text = CASES[case]
    cell = gated.cell(function)
    for build in (
        lambda: gated.Recurrent(cell, 3, 3),
        lambda: gated.Recurrent(cell, 3, 3, dtype="float64").astype("float32"),
        lambda: gated.Recurrent(cell, 3, 3, backend="reference"),
    ):
        with pytest.raises(ArgumentError) as caught:
            build()
        expected = "expected 'float64', or numbers between 1.2e-38 and 3.4e+38"
        assert str(caught.value) == f"dtype: got float32, in which the number {text}, {expected}"
    layers = [gated.Recurrent(cell, 3, 3, dtype="float64", backend=name) for name in ("native", "reference")]
    x = np.random.default_rng(0).normal(size=(1, 2, 3))
    native, reference = (layer.forward(x)[0] for layer in layers)
    assert np.isfinite(native).all()
    np.testing.assert_allclose(native, reference, rtol=1e-14)


def test_numbers_that_float32_has() -> None:
    @gated.cell
    def cell(x, h):
        return tanh(3e38 * h) + x * 1e-30 + (1e-40 + x) / 1e30  # 1e-40 is subnormal: less exact, but not 0

    y, _, tape = gated.Recurrent(cell, 3, 3).forward(np.ones((2, 1, 3)))
    assert np.isfinite(y).all()
