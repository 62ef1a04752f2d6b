"""Rows of an array that lies on disk, in the order in which the disk has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_rows(array: Any, which: NDArray[np.int64]) -> NDArray[Any]:
    """array[which] for an array of NumPy or a dataset of HDF5, of which nothing else is read.

    Rows are read from the first to the last, neighbours at once, each once.

    Args:
        array: (N, ...).
        which: (n,), from 0 to N - 1, in any order, also twice.
    """
    if isinstance(array, np.ndarray):
        return np.asarray(array[which])
    rows, place = np.unique(which, return_inverse=True)
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    starts, ends = [0, *breaks.tolist()], [*breaks.tolist(), len(rows)]
    for start, end in zip(starts, ends, strict=True):
        if end > start:
            first = int(rows[start])
            found[start:end] = array[first : first + end - start]
    return found[place]
