"""One execution of a program: its table of addresses and sizes, its packed matrices, the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.native.buffers import Array, Buffers, aligned
from gated.backends.native.lowering import Place
from gated.backends.native.outer import FIELDS
from gated.backends.native.pool import run_sharded
from gated.backends.native.programs import Loop
from gated.backends.native.target import Compiled
from gated.language.graph import Matrix


class Run:
    """Fill with `put`, then call.

    Args:
        loop: what is to run.
        sizes: length of every dimension.
        buffers: where scratch memory comes from.
        counts: (T,) sequences running at each step; for a program over rows, the one number of rows.
        sequences: N, or the number of rows.
        parameters: name -> array.
    """

    def __init__(
        self,
        loop: Loop,
        sizes: Mapping[str, int],
        buffers: Buffers,
        counts: Array,
        sequences: int,
        parameters: Mapping[str, Array],
    ) -> None:
        self.loop, self.sizes, self.buffers, self.sequences = loop, sizes, buffers, sequences
        self.alive: list[Array] = []
        self.table = [0] * len(loop.table)
        self.counts = np.ascontiguousarray(counts, np.int64)
        begin = np.cumsum(self.counts) - self.counts
        previous = np.empty_like(begin)
        previous[:1] = 0
        previous[1:] = sequences + begin[:-1]
        index = loop.table.index
        self.table[index["steps"]] = len(self.counts)
        self.table[index["sequences"]] = sequences
        for name, array in (("counts", self.counts), ("begin", begin), ("previous", previous)):
            self.table[index[name]] = self._address(array)
        for dim in loop.table.dims:
            self.table[index["size", dim]] = sizes[dim]
            self.table[index["blocks", dim]] = buffers.padded(sizes[dim]) // buffers.width
        for number, matrices in enumerate(loop.program.panels):
            panel = pack([parameters[m.name] for m in matrices], matrices, buffers)
            self.table[index["panel", number]] = self._address(panel)
        for place in loop.program.places:
            if place.name.startswith("scratch"):
                self.put(place, buffers.empty(sequences, sizes[place.dim]))

    def put(self, place: Place, value: Any) -> None:
        """Say where a place lies, if the program looks at it."""
        if place not in self.loop.places:
            return
        array = self.buffers.readable(value, self.sizes[place.dim])
        address, stride = self._address(array), array.strides[0] // array.itemsize
        index = self.loop.table.index
        self.table[index["base", place]], self.table[index["stride", place]] = address, stride
        for number in self.loop.operands.get(place, ()):
            self.table[index["operand", number]] = address
            self.table[index["operand stride", number]] = stride

    def _address(self, array: Array) -> int:
        self.alive.append(array)
        return int(array.ctypes.data)

    def __call__(self) -> None:
        table = np.array(self.table, np.int64)
        address = table.ctypes.data
        run_sharded(lambda first, stop: self.loop.code.scan(address, first, stop), self.counts, self.sequences)


def pack(values: Sequence[Array], matrices: Sequence[Matrix], buffers: Buffers) -> Array:
    """Panels (column block, k, matrix, lane): what one micro-kernel reads, in the order in which it reads it."""
    inner, outer = values[0].shape if matrices[0].transposed else values[0].shape[::-1]
    width = buffers.width
    blocks = buffers.padded(outer) // width
    panel = aligned((blocks, inner, len(matrices), width), buffers.dtype)
    whole = outer // width
    if whole < blocks:
        panel[whole] = 0
    for g, (value, matrix) in enumerate(zip(values, matrices, strict=True)):
        rows = value if matrix.transposed else value.T  # (inner, outer)
        cut = rows[:, : whole * width].reshape(inner, whole, width)
        panel[:whole, :, g, :] = cut.transpose(1, 0, 2)
        if whole < blocks:
            panel[whole, :, g, : outer - whole * width] = rows[:, whole * width :]
    return panel


def outer_sum(code: Compiled, left: Array, right: Array, buffers: Buffers) -> Array:
    """leftᵀ right, (M, N), for left (K, M) with contiguous rows and right (K, N)."""
    right = buffers.readable(right, right.shape[1])
    total = aligned((left.shape[1], buffers.padded(right.shape[1])), buffers.dtype)
    total[...] = 0
    values = {
        "a": left.ctypes.data,
        "a stride": left.strides[0] // left.itemsize,
        "b": right.ctypes.data,
        "b stride": right.strides[0] // right.itemsize,
        "c": total.ctypes.data,
        "c stride": total.shape[1],
        "k": len(left),
        "blocks": total.shape[1] // buffers.width,
    }
    table = np.array([values[name] for name in FIELDS], np.int64)
    address = table.ctypes.data
    rows = left.shape[1]
    run_sharded(lambda first, stop: code.scan(address, first, stop), np.array([rows]), rows)
    return total[:, : right.shape[1]]
