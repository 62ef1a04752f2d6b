"""Checks of numeric arguments; each returns the value, or says in one line what came and what was expected."""

from __future__ import annotations

import functools
import math
import numbers
import sys
from types import FunctionType

import numpy as np

from gated.errors import ArgumentError, ArgumentTypeError


def real(name: str, value: object) -> float:
    """``value`` as a float. Raises ArgumentTypeError if it is no real number (a bool is none)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(f"{name}: got {value!r}, expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ArgumentError(f"{name}: got a number beyond all floating-point ones, expected a smaller one") from None


def above_zero(name: str, value: object) -> float:
    """``value`` if it is finite and greater than 0."""
    number = real(name, value)
    if not (math.isfinite(number) and number > 0.0):
        raise ArgumentError(f"{name}: got {value!r}, expected a finite number above 0")
    return number


def not_negative(name: str, value: object) -> float:
    """``value`` if it is finite and at least 0."""
    number = real(name, value)
    if not (math.isfinite(number) and number >= 0.0):
        raise ArgumentError(f"{name}: got {value!r}, expected a finite number of at least 0")
    return number


def within(name: str, value: object, low: float, high: float, *, closed: bool = False) -> float:
    """``value`` if low <= value < high (``closed``: <= high)."""
    number = real(name, value)
    if not (low <= number < high or (closed and number == high)):
        raise ArgumentError(f"{name}: got {value!r}, expected a number in [{low:g}, {high:g}{']' if closed else ')'}")
    return number


def whole_above_zero(name: str, value: object) -> int:
    """``value`` if it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(f"{name}: got {value!r}, expected a whole number")
    if value < 1:
        raise ArgumentError(f"{name}: got {value!r}, expected a whole number of at least 1")
    return int(value)


def finite_gradient(gradient: np.ndarray) -> None:
    """Nothing if every entry is finite; else ArgumentError with the first place that is not."""
    finite = np.isfinite(gradient)
    if not finite.all():
        place = int(np.argmin(finite))
        value = gradient.reshape(-1)[place]
        raise ArgumentError(f"gradient: got {value} at entry {place} of {gradient.size}, expected finite numbers")


def nameable(name: str, function: object, instead: str) -> None:
    """Nothing if a pickle can name ``function``; else ArgumentTypeError that says what to use ``instead``.

    A pickle holds a function as the name of its module and its own: a lambda, or one made inside another, has none.
    What is no function is left to pickle itself.
    """
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, FunctionType):
        return
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not function:
        called = f"the function {function.__qualname__}"
        raise ArgumentTypeError(f"{name}: got {called}, which a pickle cannot name, expected {instead}")
