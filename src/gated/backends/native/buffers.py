"""Arrays that machine code may read and write in whole vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LINE = 64  # bytes of a cache line


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any], lines: int = 0) -> Array:
    """An uninitialised array that begins at a cache line, `lines` lines in: a vector that straddles two costs twice."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    raw = np.empty(size + (lines + 1) * LINE, np.uint8)
    skip = -raw.ctypes.data % LINE + lines * LINE
    return raw[skip : skip + size].view(dtype).reshape(shape)


class Buffers:
    """Makes (rows, size) arrays whose rows have room for whole vectors, and knows them again."""

    def __init__(self, dtype: np.dtype[Any], width: int) -> None:
        self.dtype, self.width = dtype, width
        self.stagger = 0
        self.own: dict[int, Array] = {}  # by id; held, so that an id is not given to another array

    def padded(self, size: int) -> int:
        return -(-size // self.width) * self.width

    def empty(self, rows: int, size: int) -> Array:
        """An uninitialised (rows, size) array."""
        # Large arrays would all begin at page boundaries, and their rows compete for the same few lines of the
        # first-level cache: each array begins some lines further than the one before.
        self.stagger = (self.stagger + 5) % 64
        return self.adopt(aligned((rows, self.padded(size)), self.dtype, self.stagger)[:, :size])

    def columns(self, rows: int, sizes: list[int]) -> tuple[Array, list[Array]]:
        """Several (rows, size) arrays side by side in one, each with room for whole vectors."""
        starts = np.cumsum([0, *map(self.padded, sizes)]).tolist()
        self.stagger = (self.stagger + 5) % 64
        whole = aligned((rows, starts[-1]), self.dtype, self.stagger)
        return whole, [self.adopt(whole[:, a : a + n]) for a, n in zip(starts, sizes, strict=False)]

    def adopt(self, array: Array) -> Array:
        self.own[id(array)] = array
        return array

    def readable(self, value: Any, size: int) -> Array:
        """The value as (rows, size), copied only if its rows cannot be read in whole vectors."""
        array = np.asarray(value, self.dtype)
        if id(array) in self.own:
            return array
        whole_vectors = array.ndim == 2 and array.shape[1] == size and size % self.width == 0
        if whole_vectors and array.strides[1] == array.itemsize and array.strides[0] % array.itemsize == 0:
            return array
        copy = self.empty(len(array) if array.ndim == 2 else 1, size)
        copy[...] = array
        return copy
