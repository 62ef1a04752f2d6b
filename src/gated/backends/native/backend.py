"""The native backend: the time loops are machine code, made from the cell's schedule; the rest is NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array, Scan
from gated.backends.native import programs as p
from gated.backends.native.lowering import CONSTANT, NEW, PREVIOUS, Place
from gated.backends.native.pool import run_sharded
from gated.backends.native.target import host
from gated.backends.reference import ReferenceBackend, after_loop, before_loop, new_columns
from gated.language.graph import Matrix
from gated.schedule import Schedule


class NativeBackend:
    """See `interface.Backend`. float32 and float64; other dtypes go to the reference backend."""

    name = "native"

    def forward(
        self,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        x: Array,
        counts: Array,
        states: Sequence[Array],
    ) -> Scan:
        if x.dtype.name not in ("float32", "float64"):
            return ReferenceBackend().forward(schedule, sizes, parameters, x, counts, states)
        with np.errstate(all="ignore"):
            loop = p.programs_of(schedule, x.dtype.name).forward
            values = before_loop(schedule, parameters, x)
            run = _Run(loop, sizes, x.dtype, counts, len(states[0]), parameters)
            rows = len(x)
            full = [run.empty(len(s) + rows, s.shape[1]) for s in states]
            for array, initial in zip(full, states, strict=True):
                array[: len(initial)] = initial
            saved = {node: run.empty(rows, sizes[node.dim]) for node in schedule.saved}
            for node, place in p.value_places(schedule).items():
                if place in run.wanted:
                    run.put(place, saved[node] if node in saved else values[node])
            for k, array in enumerate(full):
                run.put(p.state_place(schedule, k, PREVIOUS), array)
                run.put(p.state_place(schedule, k, NEW), array)
            run()
            return Scan(schedule, sizes, parameters, x, counts, full, {**values, **saved}, run.roomy)

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype.name not in ("float32", "float64"):
            return ReferenceBackend().backward(scan, dy, dstates, gradients)
        schedule = scan.schedule
        with np.errstate(all="ignore"):
            loop = p.programs_of(schedule, dy.dtype.name).backward
            run = _Run(loop, scan.sizes, dy.dtype, scan.counts, len(dstates[0]), scan.parameters)
            run.roomy |= scan.own
            kept = new_columns(scan, run.width)
            for node, place in p.value_places(schedule).items():
                if place in run.wanted:
                    run.put(place, scan.values[node])
            running = [run.empty(*d.shape) for d in dstates]
            for k, array in enumerate(running):
                array[...] = dstates[k]
                run.put(p.running_place(schedule, k), array)
                run.put(p.state_place(schedule, k, PREVIOUS), scan.states[k])
            views = kept.whole()
            for node, place in p.kept_places(schedule).items():
                run.put(place, views[node], has_room=True)
            run.put(p.dy_place(schedule), dy)
            run()
            return after_loop(scan, kept, gradients), [np.ascontiguousarray(array) for array in running]


class _Run:
    """One execution of a loop: the table `ctx` and everything that it points to."""

    def __init__(
        self,
        loop: p.Loop,
        sizes: Mapping[str, int],
        dtype: np.dtype[Any],
        counts: Array,
        sequences: int,
        parameters: Mapping[str, Array],
    ) -> None:
        self.loop, self.sizes, self.dtype, self.sequences = loop, sizes, dtype, sequences
        self.width = host().machine.width(dtype.name)
        self.wanted = set(loop.program.places)
        self.alive: list[Any] = []
        self.stagger = 0
        self.roomy: dict[int, Array] = {}
        self.ctx = np.zeros(len(loop.table), np.int64)
        self.counts = np.ascontiguousarray(counts, np.int64)
        begin = np.cumsum(self.counts) - self.counts
        previous = np.concatenate([[0], sequences + begin[:-1]]).astype(np.int64) if len(begin) else begin
        self._set("steps", len(self.counts))
        self._set("sequences", sequences)
        for name, array in (("counts", self.counts), ("begin", begin), ("previous", previous)):
            self._set(name, self._address(array))
        for name in loop.table.index:
            if name[0] == "size":
                self._set(name, sizes[name[1]])
                self._set(("blocks", name[1]), -(-sizes[name[1]] // self.width))
        for index, matrices in enumerate(loop.program.panels):
            self._set(("panel", index), self._address(self._pack(matrices, parameters)))
        for place in loop.program.places:
            if place.name.startswith("scratch"):
                self.put(place, self.empty(sequences, sizes[place.dim]))

    def empty(self, rows: int, size: int) -> Array:
        """An uninitialised (rows, size) array whose rows may be read and written in whole vectors."""
        padded = -(-size // self.width) * self.width
        # Large arrays would all begin at page boundaries, and their rows compete for the same few lines of the
        # first-level cache: each array begins some lines further than the one before.
        self.stagger = (self.stagger + 5) % 64
        array = _aligned((rows, padded), self.dtype, self.stagger)[:, :size]
        self.roomy[id(array)] = array
        return array

    def put(self, place: Place, value: Any, has_room: bool = False) -> None:
        """Say where a place lies; copies the value only if its rows cannot be read and written in whole vectors.

        `has_room`: the caller knows that they can.
        """
        if place not in self.wanted:
            return
        size = self.sizes[place.dim]
        array = np.asarray(value, self.dtype)
        if place.rows == CONSTANT or array.ndim < 2:
            padded = self.empty(1, size)
            padded[...] = array
            array = padded
        elif not has_room and (array.strides[1] != array.itemsize or not self._readable(array)):
            padded = self.empty(len(array), size)
            padded[...] = array
            array = padded
        address, stride = self._address(array), array.strides[0] // array.itemsize
        self._set(("base", place), address)
        self._set(("stride", place), stride)
        for number, operand in enumerate(self.loop.operands):
            if operand == place:
                self._set(("operand", number), address)
                self._set(("operand stride", number), stride)

    def _readable(self, array: Array) -> bool:
        """Whether reading each row in whole vectors stays in memory that is there for it."""
        return array.shape[1] % self.width == 0 or id(array) in self.roomy

    def _pack(self, matrices: Sequence[Matrix], parameters: Mapping[str, Array]) -> Array:
        """Panels (column block, k, matrix, lane): what one micro-kernel reads, in the order in which it reads it."""
        first = parameters[matrices[0].name]
        inner, outer = first.shape if matrices[0].transposed else first.shape[::-1]
        blocks = -(-outer // self.width)
        panel = _aligned((blocks, inner, len(matrices), self.width), self.dtype)
        panel[-1] = 0
        for g, matrix in enumerate(matrices):
            value = parameters[matrix.name]
            value = value if matrix.transposed else value.T  # (inner, outer)
            whole = outer // self.width
            cut = value[:, : whole * self.width].reshape(inner, whole, self.width)
            panel[:whole, :, g, :] = cut.transpose(1, 0, 2)
            if whole < blocks:
                panel[whole, :, g, : outer - whole * self.width] = value[:, whole * self.width :]
        return panel

    def _set(self, name: Any, value: int) -> None:
        if name in self.loop.table.index:
            self.ctx[self.loop.table.index[name]] = value

    def _address(self, array: Array) -> int:
        self.alive.append(array)
        return int(array.ctypes.data)

    def __call__(self) -> None:
        run_sharded(self._scan, self.counts, self.sequences)

    def _scan(self, first: int, stop: int) -> None:
        self.loop.code.scan(self.ctx.ctypes.data, first, stop)


LINE = 64  # bytes of a cache line


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any], lines: int = 0) -> Array:
    """An uninitialised array that begins at a cache line, `lines` lines in: a vector that straddles two costs twice."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + (lines + 1) * LINE, np.uint8)
    skip = -raw.ctypes.data % LINE + lines * LINE
    return raw[skip : skip + size].view(dtype).reshape(shape)
