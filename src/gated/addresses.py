"""Addresses of arrays, for machine code and for what tells it where parameters lie."""

from __future__ import annotations

import ctypes
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
