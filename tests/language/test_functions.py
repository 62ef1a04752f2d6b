"""The functions of the language on numbers: right values, the limits, NaN, complex."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gated
from gated.language import FUNCTIONS

ONE = {name: row for name, row in FUNCTIONS.items() if row.arity == 1}
PUBLIC = [name for name, row in FUNCTIONS.items() if row.public]
EXACT = {
    "neg": lambda a: -a,
    "sigmoid": lambda a: 1.0 / (1.0 + math.exp(-a)) if a > -700 else math.exp(a),
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "softplus": lambda a: max(a, 0.0) + math.log1p(math.exp(-math.fabs(a))),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "erf": math.erf,
    "floor": math.floor,
    "abs": math.fabs,
    "_sign": lambda a: math.copysign(1.0, a) if a else 0.0,
    "hold": lambda a: a,
    "_positive": lambda a: float(a > 0),
    "_inverse": lambda a: 1.0 / a if a else 0.0,
}
LIMITS = {  # at -inf, +inf
    "neg": (np.inf, -np.inf),
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
    "exp": (0.0, np.inf),
    "log": (np.nan, np.inf),
    "sqrt": (np.nan, np.inf),
    "sin": (np.nan, np.nan),
    "cos": (np.nan, np.nan),
    "erf": (-1.0, 1.0),
    "floor": (-np.inf, np.inf),
    "abs": (np.inf, np.inf),
    "_sign": (-1.0, 1.0),
    "hold": (-np.inf, np.inf),
    "_positive": (0.0, 1.0),
    "_inverse": (-0.0, 0.0),
}


def test_every_function_has_its_tests():
    assert set(EXACT) == set(LIMITS) == set(ONE)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(name, dtype):
    low = 1e-3 if name in ("log", "sqrt") else -40.0
    a = np.linspace(low, 40.0, 501).astype(dtype)
    got = ONE[name].numpy(a)
    assert got.dtype == dtype
    expected = [EXACT[name](float(v)) for v in a]
    np.testing.assert_allclose(got, expected, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_limits_and_nan(name, dtype):
    with np.errstate(all="ignore"):
        got = ONE[name].numpy(np.array([-np.inf, np.inf, np.nan], dtype))
    expected = (*LIMITS[name], np.nan) if name != "_positive" else (*LIMITS[name], 0.0)
    np.testing.assert_array_equal(got, np.array(expected, dtype))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_two_arguments(name):
    a, b = np.array([1.0, 2.0, np.nan, 1.0, -np.inf]), np.array([2.0, 1.0, 1.0, np.nan, np.inf])
    np.testing.assert_array_equal(FUNCTIONS[name].numpy(a, b), getattr(np, name)(a, b))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_out_is_written_and_returned(name):
    row = FUNCTIONS[name]
    args = [np.array([0.5, 2.0]), np.array([3.0, 1.0]), np.array([4.0, 0.5])][: row.arity]
    out = np.empty(2)
    assert row.numpy(*args, out=out) is out
    np.testing.assert_array_equal(out, row.numpy(*args))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions_take_numbers_and_arrays(name):
    function, row = getattr(gated, name), FUNCTIONS[name]
    first = [True] if row.branches else [0.5]
    number = function(*first, *[0.5] * (row.arity - 1))
    assert np.ndim(number) == 0
    array = function(*(np.full((2, 3), value) for value in [*first, *[0.5] * (row.arity - 1)]))
    assert array.shape == (2, 3) and array[0, 0] == number
    assert function.__doc__


def test_sigmoid_is_exact_far_out():
    # the naive 1 - 1/(1+exp(x)) has lost every digit here
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(gated.sigmoid(np.array([-50.0, -700.0])), np.exp([-50.0, -700.0]), rtol=1e-15)
        assert gated.sigmoid(np.float64(-800.0)) == 0.0
