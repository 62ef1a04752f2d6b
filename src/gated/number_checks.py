"""Checks of numbers and words that a user passes to data, learning and models: each returns the value, or says in one
line what came and what was expected."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable

from gated.errors import ArgumentError, ArgumentTypeError, describe, shown, wrong_type


def told(value: object) -> str:
    """A number or a text as it is written, anything else in a few words: one short line."""
    plain = getattr(value, "item", None) if getattr(value, "shape", None) == () else None
    value = plain() if plain is not None else value
    if isinstance(value, str):
        return shown(repr(value), 60)
    return shown(value, 60) if isinstance(value, (int, float)) else describe(value)


def one_of(name: str, value: object, *choices: str) -> str:
    """`value` if it is one of the words; of an array it is not asked whether it equals one."""
    if isinstance(value, str) and value in choices:
        return value
    known = [repr(choice) for choice in choices]
    raise ArgumentError(f"{name}: got {told(value)}, expected {', '.join(known[:-1])} or {known[-1]}")


def real(name: str, value: object) -> float:
    """`value` as a float. Raises ArgumentTypeError if it is no real number (a bool is none)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(f"{name}: got {told(value)}, expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ArgumentError(f"{name}: got a number beyond all floating-point ones, expected a smaller one") from None


def above_zero(name: str, value: object) -> float:
    """`value` if it is finite and greater than 0."""
    number = real(name, value)
    if not (math.isfinite(number) and number > 0.0):
        raise ArgumentError(f"{name}: got {told(value)}, expected a finite number above 0")
    return number


def not_negative(name: str, value: object) -> float:
    """`value` if it is finite and at least 0."""
    number = real(name, value)
    if not (math.isfinite(number) and number >= 0.0):
        raise ArgumentError(f"{name}: got {told(value)}, expected a finite number of at least 0")
    return number


def within(name: str, value: object, low: float, high: float, *, closed: bool = False) -> float:
    """`value` if low <= value < high (`closed`: <= high)."""
    number = real(name, value)
    if not (low <= number < high or (closed and number == high)):
        end = "]" if closed else ")"
        raise ArgumentError(f"{name}: got {told(value)}, expected a number in [{low:g}, {high:g}{end}")
    return number


def whole(name: str, value: object, least: int) -> int:
    """`value` if it is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(f"{name}: got {told(value)}, expected a whole number")
    if value < least:
        raise ArgumentError(f"{name}: got {told(value)}, expected a whole number of at least {least}")
    return int(value)


def whole_above_zero(name: str, value: object) -> int:
    """`value` if it is a whole number of at least 1."""
    return whole(name, value, 1)


def levels(name: str, values: object) -> tuple[float, ...]:
    """`values` if they are increasing numbers between 0 and 1."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise wrong_type(name, describe(values), "a list of numbers between 0 and 1")
    found = tuple(real(f"{name}[{k}]", own) for k, own in enumerate(values))
    fit = all(0.0 < own < 1.0 for own in found) and all(a < b for a, b in zip(found, found[1:], strict=False))
    if not found or not fit:
        raise ArgumentError(f"{name}: got {shown(list(found), 60)}, expected increasing numbers between 0 and 1")
    return found
