"""The arguments of the assignment's functions: one dtype for all of them, shapes, and whose cache a cache is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type
from gated.nn import checks

Array = np.ndarray[Any, Any]
COMPUTED = ("float32", "float64", "complex128")


@dataclass(frozen=True, eq=False, repr=False)
class Cache:
    """What a forward function leaves for its backward function, which may be called with it more than once.

    Attributes:
        function: the name of the forward function.
        layer, tape: what ran there, and what it left.
        shape: of the output.
    """

    function: str
    layer: Any
    tape: Any
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<cache of {self.function}>"


def opened(cache: Any, function: str) -> Cache:
    """The cache, if this forward function has made it. Raises ArgumentTypeError."""
    if not isinstance(cache, Cache) or cache.function != function:
        got = repr(cache) if isinstance(cache, Cache) else describe(cache)
        raise wrong_type("cache", got, f"what {function} has returned as its cache")
    return cache


def common_dtype(**given: Any) -> np.dtype[Any]:
    """In which NumPy would compute with these arguments; whole numbers go with the others, float64 if there are none.

    Raises:
        ArgumentTypeError: an argument holds other numbers than float32, float64 or whole ones. (Complex numbers are
            taken too, so that a gradient can be checked by the complex step.)
    """
    found = []
    for name, value in given.items():
        array = as_array(name, value)
        if array.dtype.name in COMPUTED:
            found.append(array.dtype.name)
        elif array.dtype.kind not in "iu":
            raise wrong_type(name, describe(array if array.ndim else value), "numbers, float32 or float64")
    return np.result_type(*found) if found else np.dtype(np.float64)


def checked(name: str, value: Any, shape: tuple[int | str, ...], dtype: np.dtype[Any]) -> Array:
    """The argument as an array of this shape, in which no length is 0: a letter stands for any other."""
    array = checks.array(name, value, shape, dtype)
    if 0 in array.shape:
        raise wrong(name, describe(array), "at least one number along every axis")
    return array


def real(name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype, if it is one of real numbers. Raises ArgumentTypeError."""
    if dtype.name not in checks.DTYPES:
        raise wrong_type(name, f"dtype {dtype}", "real numbers, float32 or float64")
    return dtype


def whole_numbers(name: str, value: Any, shape: tuple[int | str, ...]) -> Array:
    """The argument as whole numbers (int64) of this shape, in which no length is 0."""
    array = as_array(name, value)
    if array.dtype.kind not in "iu":
        raise wrong_type(name, describe(array), "whole numbers")
    return checked(name, array, shape, np.dtype(np.int64))
