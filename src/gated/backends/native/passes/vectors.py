"""Whole vectors of parameters and gradients, and tables, in machine code: see `interface.Arithmetic`.

Arrays that machine code cannot take as they are (another dtype, not contiguous, read-only, overlapping) go to the
reference. A small vector is done by the calling thread, a large one by the team; the results have the same bits.

Legend: P numbers of a vector; V rows of a table.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from gated.backends.draws import threshold
from gated.backends.interface import Array, Rule
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.tasks import KINDS, kernels
from gated.backends.native.passes.update_numbers import RULES
from gated.backends.native.tuning import tuning_for
from gated.backends.reference.arithmetic import NumPyArithmetic
from gated.language.chance import BERNOULLI


class NativeVectors(NumPyArithmetic):
    """See `interface.Arithmetic`. float32 and float64; all else, and all other methods, are the reference's."""

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return memory.placed(shape, dtype)[0]

    def add(self, part: Array, into: Array) -> None:
        addresses = None if _few(into) else _addresses((into, part), 1)
        if addresses is None:
            super().add(part, into)
        else:
            kernels(into.dtype).run("add", [into.size, *addresses], 3 * into.nbytes)

    def scale(self, vector: Array, factor: float) -> None:
        addresses = None if _few(vector) else _addresses((vector,), 1)
        if addresses is None:
            super().scale(vector, factor)
        else:
            kernels(vector.dtype).run("scale", [vector.size, *addresses, factor], 2 * vector.nbytes)

    def all_finite(self, vector: Array) -> bool:
        addresses = None if _few(vector) else _addresses((vector,), 0)
        if addresses is None:
            return super().all_finite(vector)
        own = kernels(vector.dtype)
        flags = (ctypes.c_int64 * own.members(vector.nbytes))()
        own.run("finite", [*addresses, vector.size, ctypes.addressof(flags)], vector.nbytes, len(flags))
        return not any(flags)

    def norm(self, vector: Array) -> float:
        addresses = _addresses((vector,), 0)
        if addresses is None:
            return super().norm(vector)
        own, piece = kernels(vector.dtype), tuning_for().square_piece
        pieces = -(-vector.size // piece)
        sums = np.empty(pieces + 1)  # and their total
        at = address_of(sums)
        own.run("norm", [*addresses, vector.size, piece, pieces, at, at + 8 * pieces], vector.nbytes)
        norm = math.sqrt(sums[pieces])
        return super().norm(vector) if math.isinf(norm) else norm  # perhaps it is only the squares that overflow

    def update(
        self,
        rule: Rule,
        theta: Array,
        gradient: Array,
        buffers: Mapping[str, Array],
        scratch: tuple[Array, Array],
        **numbers: float,
    ) -> None:
        known = RULES.get(rule) if isinstance(rule, FunctionType) else None
        if known is not None:
            task, names, values = known(**numbers)
            arrays = (theta, *[buffers[name] for name in names], gradient)
            addresses = _addresses(arrays, len(arrays) - 1)
            if addresses is not None:
                moved = (2 * len(arrays) - 1) * theta.nbytes
                kernels(theta.dtype).run(task, [theta.size, *addresses, 0, 0, *values], moved)
                return
        super().update(rule, theta, gradient, buffers, scratch, **numbers)

    def draw_rows(
        self, key: int, word: int, kind: str, value: float, steps: Array | None, sequences: Array, out: Array
    ) -> None:
        (rows, size), (stride, number), wide = out.shape, out.strides, out.itemsize
        fits = out.dtype.char in KINDS and out.dtype.isnative and out.flags.aligned and out.flags.writeable
        fits = fits and number == wide and stride % wide == 0 and stride >= size * wide
        if not fits or not all(_whole_numbers(own, rows) for own in (steps, sequences) if own is not None):
            return super().draw_rows(key, word, kind, value, steps, sequences, out)
        places = 0 if steps is None else address_of(steps), address_of(sequences), rows, size, stride // wide
        bytes_each = tuning_for().bernoulli_bytes if kind == BERNOULLI else tuning_for().normal_bytes
        last = threshold(value) if kind == BERNOULLI else value
        values = *places, address_of(out), word, key & 0xFFFFFFFF, key >> 32, last
        kernels(out.dtype).run(kind, values, bytes_each * out.nbytes)

    def look_up(self, table: Array, ids: Array) -> Array:
        few = ids.size * table.itemsize * table.shape[-1] < tuning_for().few_bytes
        addresses = None if few else _addresses((table,), 0)
        if addresses is None or not ids.size or table.ndim != 2 or ids.dtype.kind not in "iu":
            return super().look_up(table, ids)
        rows, own = np.asarray(ids, np.int64, "C"), kernels(table.dtype)
        found, at = memory.placed((*ids.shape, table.shape[1]), table.dtype)
        wrong = ctypes.c_int64(0)
        sizes = rows.size, table.shape[1], len(table)
        values = *addresses, address_of(rows), at, *sizes, ctypes.addressof(wrong)
        own.run("look_up", values, 2 * found.nbytes + rows.nbytes)
        return super().look_up(table, ids) if wrong.value else found  # an id from the end, or an error

    def look_up_backward(self, ids: Array, dy: Array, into: Array) -> None:
        addresses = _addresses((into,), 1)
        fits = addresses is not None and into.ndim == 2 and ids.size and ids.dtype.kind in "iu"
        if addresses is None or not fits or dy.dtype != into.dtype or dy.size != ids.size * into.shape[1]:
            return super().look_up_backward(ids, dy, into)
        rows, dy = np.asarray(ids, np.int64, "C"), np.asarray(dy, order="C")
        count, size = rows.size, into.shape[1]
        room, chain = memory.placed((3 * count + 2 * len(into),), rows.dtype)  # held until the call has ended
        places = chain, chain + 24 * count, chain + 8 * count
        chains, wrong = ctypes.c_int64(0), ctypes.c_int64(0)
        results = ctypes.addressof(chains), ctypes.addressof(wrong)
        values = address_of(rows), address_of(dy), *addresses, count, size, len(into), *places, *results
        kernels(into.dtype).run("look_up_backward", values, 2 * dy.nbytes + room.nbytes)
        if wrong.value:
            super().look_up_backward(ids, dy, into)


def _whole_numbers(array: Array, count: int) -> bool:
    """Whether machine code can read so many of them."""
    flags = array.flags
    return array.dtype == np.int64 and array.shape == (count,) and flags.c_contiguous and flags.aligned


def _few(vector: Array) -> bool:
    """Whether NumPy, on the calling thread too, is quicker with a single operation than a call of machine code."""
    return vector.nbytes < tuning_for().few_bytes


def _addresses(arrays: tuple[Array, ...], changed: int) -> list[int] | None:
    """The addresses of arrays of one shape, of which the first so many are changed.

    None if machine code cannot take them: see the module.
    """
    dtype, shape = arrays[0].dtype, arrays[0].shape
    if dtype.char not in KINDS or not dtype.isnative:
        return None
    for k, array in enumerate(arrays):
        flags = array.flags
        fits = flags.carray if k < changed else flags.c_contiguous and flags.aligned
        if not fits or (array.dtype is not dtype and array.dtype != dtype) or array.shape != shape:
            return None
    found = [address_of(array) for array in arrays]
    if len(found) > 1:
        end, size = 0, arrays[0].nbytes
        for at in sorted(found):
            if at < end:
                return None
            end = at + size
    return found
