"""The native functions against values in extended precision, over all exponents."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

from .vector_functions import evaluate

EXACT = {
    "exp": np.exp,
    "sigmoid": scipy.special.expit,
    "tanh": np.tanh,
    "log": np.log,
    "softplus": lambda x: np.logaddexp(x, np.longdouble(0)),
    "sqrt": np.sqrt,
}


def all_exponents(dtype: str) -> np.ndarray:
    """Positive and negative numbers of every exponent, subnormal ones too, and what lies near the limits of exp."""
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    values = np.concatenate([np.ldexp(rng.uniform(1, 2, len(exponents)), exponents) for _ in range(40)])
    dense = np.concatenate([rng.uniform(-20, 20, 40000), rng.uniform(-1, 1, 20000), rng.uniform(-750, 720, 20000)])
    values = np.concatenate([values, -values, dense, [0.0, -0.0]])
    values = values[np.abs(values) <= info.max]
    return values.astype(dtype)


def units_in_the_last_place(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        spacing = np.spacing(np.minimum(np.abs(rounded), np.finfo(got.dtype).max)).astype(np.longdouble)
        error = np.abs(got.astype(np.longdouble) - exact) / spacing
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(same, 0.0, error)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", EXACT)
def test_four_units_in_the_last_place(function: str, dtype: str) -> None:
    x = all_exponents(dtype)
    if function in ("log", "sqrt"):
        x = x[x >= 0]
    with np.errstate(all="ignore"):
        exact = EXACT[function](x.astype(np.longdouble))
    errors = units_in_the_last_place(evaluate(function, x), exact)
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    assert errors[worst] <= 4.0, f"{function}({x[worst]!r}) is {errors[worst]} ulp off"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [*EXACT, "relu", "abs", "sign"])
def test_nan_in_gives_nan_out(function: str, dtype: str) -> None:
    x = np.array([np.nan, 1.0, np.nan], dtype)
    assert np.isnan(evaluate(function, x)).tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "low", "high"),
    [("exp", 0, np.inf), ("sigmoid", 0, 1), ("tanh", -1, 1), ("softplus", 0, np.inf), ("log", np.nan, np.inf),
     ("relu", 0, np.inf), ("abs", np.inf, np.inf), ("sign", -1, 1)],
)  # fmt: skip
def test_infinity_gives_the_limit(function: str, low: float, high: float, dtype: str) -> None:
    got = evaluate(function, np.array([-np.inf, np.inf], dtype))
    np.testing.assert_array_equal(got, np.array([low, high], dtype))
