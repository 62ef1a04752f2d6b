"""Addresses of arrays, for machine code."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_first_byte: Any = ctypes.c_char.from_buffer
_address = ctypes.addressof


def address_of(array: Array) -> int:
    """Of the first byte; several times faster than array.ctypes.data, where the array is contiguous and writeable."""
    try:
        return _address(_first_byte(array))
    except (TypeError, ValueError):  # what has no such bytes, or none at all
        return int(array.__array_interface__["data"][0])


def parameter_addresses(parameters: Mapping[str, Array]) -> tuple[int, ...]:
    """Of every array in order. A mapping that knows them says so by an attribute `addresses`."""
    known: tuple[int, ...] | None = getattr(parameters, "addresses", None)
    return tuple([address_of(array) for array in parameters.values()]) if known is None else known
