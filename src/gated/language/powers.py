"""Powers with plain numbers as exponents. Small whole ones are products: right for bases of any sign, and at 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
Value = TypeVar("Value")
LARGEST = 64  # whole exponents up to here are products


def small_whole(exponent: float) -> int | None:
    """The exponent as a whole number, if the power is a product."""
    return int(exponent) if exponent == int(exponent) and abs(exponent) <= LARGEST else None


def repeated(base: Value, exponent: int, multiply: Callable[[Value, Value], Value]) -> Value:
    """base^exponent for a whole exponent > 0, by squaring (Knuth, The art of computer programming 2, 4.6.3)."""
    result = base
    for bit in bin(exponent)[3:]:
        result = multiply(result, result)
        if bit == "1":
            result = multiply(result, base)
    return result


def power(x: Array, exponent: Any, out: Array | None = None) -> Array:
    """x^exponent; NaN where x < 0 and the exponent is no whole number."""
    if np.ndim(exponent):
        return np.asarray(np.power(x, exponent, out=out))
    whole = small_whole(float(np.real(exponent)))
    if whole is None:
        value = np.power(x, exponent)
        if exponent != np.floor(np.real(exponent)):
            value = np.where(np.real(x) < 0.0, np.full_like(value, np.nan), value)
    elif whole == 0:
        value = np.ones_like(x)
    else:
        value = repeated(np.asarray(x), abs(whole), np.multiply)
        value = value if whole > 0 else np.divide(1.0, value)
    if out is None:
        return np.asarray(value)
    np.copyto(out, value)
    return out
