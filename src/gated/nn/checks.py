"""Checks of what a user passes to a layer: each error names the argument, what it was, what it should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type

Array = np.ndarray[Any, Any]
DTYPES = ("float32", "float64")


def size(name: str, value: Any) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise wrong_type(name, describe(value), "a positive whole number")
    if value < 1:
        raise wrong(name, str(value), "a positive whole number")
    return int(value)


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_type(name, describe(value), "True or False")
    return bool(value)


def probability(name: str, value: Any) -> float:
    number = real(name, value)
    if not 0.0 <= number < 1.0:
        raise wrong(name, str(value), "a probability, 0 <= p < 1")
    return number


def real(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise wrong_type(name, describe(value), "a number")
    if not math.isfinite(value):
        raise wrong(name, str(value), "a finite number")
    return float(value)


def dtype(value: Any) -> np.dtype[Any]:
    """float32 or float64 (and complex128, in which the reference backend checks gradients)."""
    try:
        result = np.dtype(value)
    except TypeError:
        raise wrong_type("dtype", describe(value), "'float32' or 'float64'") from None
    if result.name not in (*DTYPES, "complex128"):
        raise wrong_type("dtype", repr(result.name), "'float32' or 'float64'")
    return result


def array(name: str, value: Any, shape: tuple[int | str, ...], kind: np.dtype[Any]) -> Array:
    """A C-contiguous array of this dtype and shape; a letter in `shape` stands for any length."""
    result = as_array(name, value)
    if result.dtype.kind not in ("fiu" if kind.kind == "f" else "fiuc"):
        raise wrong_type(
            name,
            describe(result if result.ndim else value),
            f"real numbers ({kind})" if kind.kind == "f" else f"numbers ({kind})",
        )
    fits = result.ndim == len(shape) and all(
        isinstance(want, str) or want == got for want, got in zip(shape, result.shape, strict=True)
    )
    if not fits:
        raise wrong(name, describe(result), f"shape {_shown(shape)}")
    return np.ascontiguousarray(result, kind)


def _shown(shape: tuple[int | str, ...]) -> str:
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
