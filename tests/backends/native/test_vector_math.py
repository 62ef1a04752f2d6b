"""The native functions against values in extended precision, over all exponents."""

from __future__ import annotations

import mpmath
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
    "floor": np.floor,
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
@pytest.mark.parametrize("function", [*EXACT, "relu", "abs", "_sign", "sin", "cos", "erf"])
def test_nan_in_gives_nan_out(function: str, dtype: str) -> None:
    x = np.array([np.nan, 1.0, np.nan], dtype)
    assert np.isnan(evaluate(function, x)).tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "low", "high"),
    [("exp", 0, np.inf), ("sigmoid", 0, 1), ("tanh", -1, 1), ("softplus", 0, np.inf), ("log", np.nan, np.inf),
     ("relu", 0, np.inf), ("abs", np.inf, np.inf), ("_sign", -1, 1), ("erf", -1, 1),
     ("sin", np.nan, np.nan), ("cos", np.nan, np.nan), ("floor", -np.inf, np.inf)],
)  # fmt: skip
def test_infinity_gives_the_limit(function: str, low: float, high: float, dtype: str) -> None:
    got = evaluate(function, np.array([-np.inf, np.inf], dtype))
    np.testing.assert_array_equal(got, np.array([low, high], dtype))


def exactly(name: str, x: np.ndarray) -> list[mpmath.mpf]:
    return [getattr(mpmath, name)(mpmath.mpf(float(value))) for value in x]


def errors_of(got: np.ndarray, exact: list[mpmath.mpf]) -> np.ndarray:
    """In units in the last place of the exact values."""
    spacings = np.spacing(np.abs(np.array([float(value) for value in exact]).astype(got.dtype)))
    pairs = zip(got, exact, spacings, strict=True)
    return np.array([float(abs(mpmath.mpf(float(g)) - e) / mpmath.mpf(float(s))) for g, e, s in pairs])


def near_zeros(dtype: str) -> np.ndarray:
    """Numbers up to 1e5, those next to multiples of π/2 among them, where sine or cosine is all rounding."""
    rng, turns = np.random.default_rng(0), np.arange(-63_000, 63_000, 83)
    known = [6381956970095103.0 * 2.0**-37 * 2.0, 0.0, -0.0, 1e-30, -1e-5]
    values = [rng.uniform(-1e5, 1e5, 1500), rng.uniform(-4, 4, 800), turns * np.pi / 2, known]
    return np.concatenate(values).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", ["sin", "cos"])
def test_sine_and_cosine_to_1e5(function: str, dtype: str) -> None:
    x = near_zeros(dtype)
    x = x[np.abs(x) <= 1e5]
    with mpmath.workprec(300):
        errors = errors_of(evaluate(function, x), exactly(function, x))
    assert errors.max() <= 4.0, f"{function}({x[errors.argmax()]!r}) is {errors.max()} ulp off"


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_sine_and_cosine_beyond(function: str) -> None:
    x = np.concatenate([np.geomspace(1e5, 1e300, 2000), -np.geomspace(1e5, 1e18, 500)])
    got = evaluate(function, x)
    assert (np.abs(got) <= 1.0).all()
    with mpmath.workprec(2200):
        exact = np.array([float(value) for value in exactly(function, x)])
    assert (np.abs(got - exact) <= 1e-15 * np.abs(x)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erf(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-7, 7, 4000), rng.uniform(-1.6, 1.6, 2000), np.geomspace(1e-30, 30, 500)])
    x = x.astype(dtype)
    with mpmath.workprec(100):
        errors = errors_of(evaluate("erf", x), exactly("erf", x))
    assert errors.max() <= 4.0, f"erf({x[errors.argmax()]!r}) is {errors.max()} ulp off"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sign_of_zero_stays(dtype: str) -> None:
    zeros = np.array([0.0, -0.0], dtype)
    for function in ("sin", "erf", "floor"):
        np.testing.assert_array_equal(np.signbit(evaluate(function, zeros)), [False, True])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 7, 64, 65, -66, 0.5, -0.5, 2.5, 0.3, -1.7])
def test_powers(exponent: float, dtype: str) -> None:
    """Every multiplication rounds once; of exp(n log x) what is lost grows with n log x."""
    x = all_exponents(dtype)
    special = np.array([0.0, -0.0, np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        got, exact = (
            evaluate("power", x, numbers=(exponent,)),
            np.power(x.astype(np.longdouble), np.longdouble(exponent)),
        )
        np.testing.assert_array_equal(evaluate("power", special, numbers=(exponent,)) + 0, special**exponent + 0)
    # near the limits a power may be finite where a product on its way, or its reciprocal, is not
    normal = (np.abs(exact) > 100 * np.finfo(dtype).tiny) & (np.abs(exact) < np.finfo(dtype).max / 100)
    by_logarithm = abs(exponent) > 64 or exponent % 0.5
    allowed = 1000.0 if by_logarithm and dtype == "float64" else max(4.0, abs(exponent))
    errors = units_in_the_last_place(got, exact)[normal]
    assert errors.max() <= allowed, f"{errors.max()} ulp off"
    if exponent != int(exponent):
        assert np.isnan(got[x < 0]).all()
