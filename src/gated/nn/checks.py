"""Checks of what a user passes to a layer: each error names the argument, what it was, what it should be."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import as_array, describe, shown, wrong, wrong_type

Array = np.ndarray[Any, Any]
DTYPES = ("float32", "float64")


def size(name: str, value: Any, most: int = 2**40) -> int:
    """A positive whole number, at most `most`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise wrong_type(name, describe(value), "a positive whole number")
    if value < 1:
        raise wrong(name, shown(value), "a positive whole number")
    if value > most:
        raise wrong(name, shown(value), f"at most {most:,}")
    return int(value)


def room(arguments: Mapping[str, int], numbers: int, dtype: np.dtype[Any]) -> None:
    """Raises ArgumentError if so many numbers are more than the machine's memory, before any is made.

    Args:
        arguments: those that the number depends on; the largest is named.
    """
    needed, there = numbers * dtype.itemsize, memory_of_machine()
    if needed > there:
        name = max(arguments, key=lambda argument: arguments[argument])
        raise wrong(
            name,
            f"{arguments[name]:,}, which takes {needed / 2**30:,.1f} GiB",
            f"sizes that fit into this machine's {there / 2**30:,.1f} GiB",
        )


@functools.cache
def memory_of_machine() -> int:
    """Bytes; where the system does not tell, what an address can reach."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**47


def generator(seed: Any) -> np.random.Generator:
    """The generator itself, or a new one from a seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise wrong_type("seed", describe(seed), "a whole number or a numpy.random.Generator")
    if seed < 0:
        raise wrong("seed", shown(seed), "a whole number >= 0")
    return np.random.default_rng(int(seed))


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_type(name, describe(value), "True or False")
    return bool(value)


def probability(name: str, value: Any) -> float:
    number = real(name, value)
    if not 0.0 <= number < 1.0:
        raise wrong(name, shown(value), "a probability, 0 <= p < 1")
    return number


def real(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise wrong_type(name, describe(value), "a number")
    try:
        number = float(value)
    except OverflowError:
        raise wrong(name, "a number beyond all floating-point ones", "a finite number") from None
    if not math.isfinite(number):
        raise wrong(name, shown(value), "a finite number")
    return number


def dtype(value: Any) -> np.dtype[Any]:
    """float32 or float64 (and complex128, in which the reference backend checks gradients)."""
    if value is None:  # which NumPy takes for float64
        raise wrong_type("dtype", "None", "'float32' or 'float64'")
    try:
        result = np.dtype(value)
    except TypeError:
        raise wrong_type("dtype", describe(value), "'float32' or 'float64'") from None
    if result.name not in (*DTYPES, "complex128"):
        raise wrong_type("dtype", repr(result.name), "'float32' or 'float64'")
    return result


def array(name: str, value: Any, shape: tuple[int | str, ...], kind: np.dtype[Any], own: bool = False) -> Array:
    """A C-contiguous array of this dtype and shape; a letter in `shape` stands for any length.

    Args:
        own: always a new array, which shares no memory with `value`.
    """
    if type(value) is np.ndarray and value.dtype == kind and not own:
        found = value.shape
        if found == shape or _fits(found, shape):
            return np.ascontiguousarray(value)  # as most are
    result = as_array(name, value)
    if result.dtype.kind not in ("fiu" if kind.kind == "f" else "fiuc"):
        raise wrong_type(
            name,
            describe(result if result.ndim else value),
            f"real numbers ({kind})" if kind.kind == "f" else f"numbers ({kind})",
        )
    if not _fits(result.shape, shape):
        raise wrong(name, describe(result), f"shape {_shown(shape)}")
    if result.dtype != kind and not np.can_cast(result.dtype, kind, "safe"):
        return _narrowed(name, result, kind)
    return np.array(result, kind, order="C") if own else np.ascontiguousarray(result, kind)


def ids(name: str, value: Any, count: int) -> Array:
    """Whole numbers from 0 to below the count, of any shape."""
    result = as_array(name, value)
    if result.dtype.kind not in "iu":
        raise wrong_type(name, describe(result), "integer ids")
    if result.size and (result.min() < 0 or result.max() >= count):
        bad = result.min() if result.min() < 0 else result.max()
        raise wrong(name, f"the id {bad}", f"ids from 0 to {count - 1}")
    return result


@functools.lru_cache(maxsize=512)
def _fits(shape: tuple[int, ...], wanted: tuple[int | str, ...]) -> bool:
    if len(shape) != len(wanted):
        return False
    return all(length == want or isinstance(want, str) for length, want in zip(shape, wanted, strict=True))


def _narrowed(name: str, array: Array, kind: np.dtype[Any]) -> Array:
    """The array in a dtype that does not hold all of its numbers; one that would become infinite is refused."""
    with np.errstate(over="ignore"):
        result = np.array(array, kind, order="C")
    if array.dtype.kind in "fc":
        lost = np.isinf(result) & np.isfinite(array)
        if lost.any():
            place = f" at {np.argwhere(lost)[0].tolist()}" if array.ndim else ""
            raise wrong(
                name,
                f"{array[lost][0]:g}{place}, which {kind} cannot hold",
                f"numbers up to {np.finfo(kind).max:.2g}, or dtype='float64'",
            )
    return result


def _shown(shape: tuple[int | str, ...]) -> str:
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
