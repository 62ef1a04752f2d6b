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

import numpy as np

from gated.backends.interface import Array, Rule
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.plan import DTYPES
from gated.backends.native.passes.tasks import kernels
from gated.backends.native.passes.update_numbers import RULES
from gated.backends.native.tuning import tuning_for
from gated.backends.reference.arithmetic import NumPyArithmetic


class NativeVectors(NumPyArithmetic):
    """See `interface.Arithmetic`. float32 and float64; all else, and all other methods, are the reference's."""

    def add(self, part: Array, into: Array) -> None:
        addresses = _addresses((into, part), 1)
        if addresses is None:
            super().add(part, into)
        elif into.size:
            kernels(into.dtype).run("add", [into.size, *addresses], 3 * into.nbytes)

    def scale(self, vector: Array, factor: float) -> None:
        addresses = _addresses((vector,), 1)
        if addresses is None:
            super().scale(vector, factor)
        elif vector.size:
            kernels(vector.dtype).run("scale", [vector.size, *addresses, factor], 2 * vector.nbytes)

    def all_finite(self, vector: Array) -> bool:
        addresses = _addresses((vector,), 0)
        if addresses is None:
            return super().all_finite(vector)
        if not vector.size:
            return True
        own = kernels(vector.dtype)
        flags = (ctypes.c_int64 * own.members(vector.nbytes))()
        own.run("finite", [*addresses, vector.size, ctypes.addressof(flags)], vector.nbytes, len(flags))
        return not any(flags)

    def norm(self, vector: Array) -> float:
        addresses = _addresses((vector,), 0)
        if addresses is None:
            return super().norm(vector)
        own = kernels(vector.dtype)
        piece = tuning_for(own.here.machine).square_piece
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
                if theta.size:
                    moved = (2 * len(arrays) - 1) * theta.nbytes
                    kernels(theta.dtype).run(task, [theta.size, *addresses, *values], moved)
                return
        super().update(rule, theta, gradient, buffers, scratch, **numbers)

    def look_up(self, table: Array, ids: Array) -> Array:
        addresses = _addresses((table,), 0)
        if addresses is None or table.ndim != 2 or not ids.size or ids.dtype.kind not in "iu":
            return super().look_up(table, ids)
        rows, own = np.asarray(ids, np.int64, "C"), kernels(table.dtype)
        found, at = memory.placed((*ids.shape, table.shape[1]), table.dtype)
        wrong = ctypes.c_int64(0)
        places = *addresses, address_of(rows), at
        values = *places, rows.size, table.shape[1], len(table), ctypes.addressof(wrong)
        own.run("look_up", values, 2 * found.nbytes + rows.nbytes)
        return super().look_up(table, ids) if wrong.value else found  # an id from the end, or an error

    def look_up_backward(self, ids: Array, dy: Array, into: Array) -> None:
        addresses = _addresses((into,), 1)
        if addresses is None or into.ndim != 2 or dy.dtype != into.dtype or ids.dtype.kind not in "iu" or not dy.size:
            return super().look_up_backward(ids, dy, into)
        rows, dy = np.asarray(ids, np.int64, "C"), np.asarray(dy, order="C")
        if dy.size != rows.size * into.shape[1]:
            return super().look_up_backward(ids, dy, into)
        following, at_next = memory.placed((rows.size,), rows.dtype)
        firsts, at_firsts = memory.placed((rows.size, 2), rows.dtype)
        ends, at_ends = memory.placed((len(into), 2), rows.dtype)
        chains, wrong = ctypes.c_int64(0), ctypes.c_int64(0)
        results = ctypes.addressof(chains), ctypes.addressof(wrong)
        sizes, places = (rows.size, into.shape[1], len(into)), (at_next, at_ends, at_firsts)
        values = address_of(rows), address_of(dy), *addresses, *sizes, *places, *results
        kernels(into.dtype).run("look_up_backward", values, 2 * dy.nbytes + 8 * rows.nbytes)
        if wrong.value:
            super().look_up_backward(ids, dy, into)


def _addresses(arrays: tuple[Array, ...], changed: int) -> list[int] | None:
    """The addresses of arrays of one shape, of which the first so many are changed.

    None if machine code cannot take them: see the module.
    """
    first = arrays[0]
    if first.dtype not in DTYPES:
        return None
    for k, array in enumerate(arrays):
        flags = array.flags
        fits = flags.carray if k < changed else flags.c_contiguous and flags.aligned
        if not fits or array.dtype != first.dtype or array.shape != first.shape:
            return None
    found = [address_of(array) for array in arrays]
    if len(found) > 1:
        ordered = sorted(found)
        if min(map(int.__sub__, ordered[1:], ordered)) < first.nbytes:
            return None
    return found


