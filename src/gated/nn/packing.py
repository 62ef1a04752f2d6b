"""Packed rows: sequences of different lengths without padding, so that ended sequences cost nothing.

As PyTorch's PackedSequence: sequences sorted by falling length; the rows of step t are those still running. The
reverse direction starts at each sequence's own end.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type

Array = np.ndarray[Any, Any]


class Packing:
    """How (T, N, ...) maps to packed rows (R, ...).

    Attributes:
        steps, sequences: T, N.
        lengths: (N,) of each sequence.
        counts: (T,) sequences running at each step.
        order: (N,) the sequences by falling length, or None if all have length T.
    """

    def __init__(self, steps: int, sequences: int, lengths: Any = None) -> None:
        self.steps, self.sequences, self._rows = steps, sequences, steps * sequences
        self.order: Array | None = None
        self._places: dict[bool, tuple[Array, Array]] = {}
        if lengths is None:
            self.counts = _all_of_them(steps, sequences)
            return
        self.lengths = checked_lengths(lengths, steps, sequences)
        self.counts = (self.lengths[None, :] > np.arange(steps)[:, None]).sum(axis=1)
        if (self.lengths != steps).any():
            self.order = np.argsort(-self.lengths, kind="stable")
            self._index()

    @cached_property
    def lengths(self) -> Array:  # without any, made where somebody asks
        return np.full(self.sequences, self.steps, np.int64)

    def _index(self) -> None:
        sorted_lengths = self.lengths[self.order]
        self._time = np.repeat(np.arange(self.steps), self.counts)
        position = np.concatenate([np.arange(c) for c in self.counts.tolist()] + [np.arange(0)])
        self._sequence = self.order[position]  # type: ignore[index]
        self._mirror = sorted_lengths[position] - 1 - self._time

    def pack(self, array: Array, reverse: bool = False) -> Array:
        """(T, N, ...) -> (R, ...); a view if all lengths are T and the direction is forward."""
        if self.order is None:
            ordered = array[::-1] if reverse else array
            ordered = np.ascontiguousarray(ordered)
            if ordered.ndim == 3:  # as most have: found sooner
                return ordered.reshape(self._rows, ordered.shape[2])
            return ordered.reshape(self._rows, *array.shape[2:])
        return np.asarray(array[self._mirror if reverse else self._time, self._sequence])

    def unpack(self, rows: Array, reverse: bool = False) -> Array:
        """(R, ...) -> (T, N, ...), zero beyond each sequence's end."""
        if self.order is None:
            if rows.ndim == 2:
                whole = rows.reshape(self.steps, self.sequences, rows.shape[1])
            else:
                whole = rows.reshape(self.steps, self.sequences, *rows.shape[1:])
            return whole[::-1] if reverse else whole
        result = np.zeros((self.steps, self.sequences, *rows.shape[1:]), rows.dtype)
        result[self._mirror if reverse else self._time, self._sequence] = rows
        return result

    def places(self, reverse: bool = False) -> tuple[Array, Array]:
        """The step and the sequence of each packed row, (R,) each, as the caller counts them."""
        if reverse not in self._places:
            if self.order is None:
                steps = np.arange(self.steps)[:: -1 if reverse else 1]
                found = np.repeat(steps, self.sequences), np.tile(np.arange(self.sequences), self.steps)
            else:
                found = self._mirror if reverse else self._time, self._sequence
            self._places[reverse] = found
        return self._places[reverse]

    def mirror(self) -> Array:
        """(R,) for each packed row that of the same sequence as long before its end."""
        if self.order is None:
            return np.arange(self.steps * self.sequences).reshape(self.steps, -1)[::-1].reshape(-1).copy()
        begin = np.cumsum(self.counts) - self.counts
        position = np.arange(len(self._time)) - begin[self._time]
        return np.asarray(begin[self._mirror] + position)

    def sort(self, array: Array, axis: int = 0) -> Array:
        """(N, ...) in packed order; or (K, N, ...), if the axis is 1."""
        return array if self.order is None else np.asarray(array[(slice(None),) * axis + (self.order,)])

    def unsort(self, array: Array, axis: int = 0) -> Array:
        """Undo `sort`."""
        if self.order is None:
            return array
        result = np.empty_like(array)
        result[(slice(None),) * axis + (self.order,)] = array
        return result


def packing_of(steps: int, sequences: int, lengths: Any = None) -> Packing:
    """As `Packing(...)`; calls of the same sizes without lengths share it."""
    return _full_length(steps, sequences) if lengths is None else Packing(steps, sequences, lengths)


_full_length = lru_cache(maxsize=64)(Packing)


@lru_cache(maxsize=64)
def _all_of_them(steps: int, sequences: int) -> Array:
    """(T,): N at every step, read-only: calls of the same sizes share it. It takes no memory."""
    return np.broadcast_to(np.int64(sequences), (steps,))


def checked_lengths(lengths: Any, steps: int, sequences: int) -> Array:
    """(N,) whole numbers from 0 to T. Raises ArgumentError, ArgumentTypeError if they are something else."""
    array = as_array("lengths", lengths)
    if array.shape != (sequences,):
        raise wrong("lengths", describe(array), f"shape ({sequences},), one length per sequence")
    if array.dtype.kind not in "iu":
        raise wrong_type("lengths", f"dtype {array.dtype}", "integers")
    if sequences and (array.min() < 0 or array.max() > steps):
        bad = int(array.min()) if array.min() < 0 else int(array.max())
        raise wrong("lengths", f"a length of {bad}", f"0 to {steps}, the number of steps in x")
    return array.astype(np.int64)
