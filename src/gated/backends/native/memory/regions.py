"""Plans of memory: where each array lies in a lease, and tables of addresses that are filled in with one addition."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gated.backends.native.memory.addresses import address_of
from gated.backends.native.memory.leases import CACHE_LINE, Lease

Array = np.ndarray[Any, Any]
PAGE = 4096


class Spec(NamedTuple):
    """A (rows, size) array in a region: `offset` in bytes, `stride` (from row to row) in numbers."""

    offset: int
    stride: int
    rows: int
    size: int


class Region:
    """Arrays that are leased together. Every row begins and ends where whole vectors can be read and written."""

    def __init__(self, name: str, dtype: np.dtype[Any], width: int) -> None:
        self.name, self.dtype, self.width = name, dtype, width
        self.specs: dict[Hashable, Spec] = {}
        self.bytes = 0
        self._made = 0

    def padded(self, size: int) -> int:
        return -(-size // self.width) * self.width

    def add(self, key: Hashable, rows: int, size: int) -> Spec:
        """Room for a (rows, size) array."""
        stride = self.padded(size)
        self.specs[key] = Spec(self.place(rows * stride * self.dtype.itemsize), stride, rows, size)
        return self.specs[key]

    def columns(self, keys: Sequence[Hashable], rows: int, sizes: Sequence[int]) -> None:
        """Several arrays, best side by side."""
        self.block(keys, rows, sizes)

    def block(self, keys: Sequence[Hashable], rows: int, sizes: Sequence[int]) -> None:
        """Several arrays side by side: row r of all of them is one piece of memory."""
        starts = np.cumsum([0, *map(self.padded, sizes)]).tolist()
        offset = self.place(rows * starts[-1] * self.dtype.itemsize)
        for key, start, size in zip(keys, starts, sizes, strict=False):
            self.specs[key] = Spec(offset + start * self.dtype.itemsize, starts[-1], rows, size)

    def place(self, size: int) -> int:
        """Offset of the next array, of `size` bytes."""
        offset = -(-self.bytes // CACHE_LINE) * CACHE_LINE
        if size >= PAGE:
            # Large arrays that all began at page boundaries would compete for the same few lines of the first-level
            # cache: each begins some lines further into its page than the one before.
            self._made = (self._made + 5) % (PAGE // CACHE_LINE)
            offset = -(-offset // PAGE) * PAGE + self._made * CACHE_LINE
        self.bytes = offset + size
        return offset

    def view(self, lease: Lease, key: Hashable) -> Array:
        """The (rows, size) array."""
        spec = self.specs[key]
        size = self.dtype.itemsize
        return lease.array(spec.offset, (spec.rows, spec.size), (spec.stride * size, size), self.dtype)


class Sheet:
    """Tables of 64-bit numbers, each plain or relative to one of several bases.

    Bases are named when the sheet is made; their addresses are given with every call of `fill`. The base "sheet" is
    the sheet itself.

    Args:
        filler: the kernel that fills tables in (see `codegen.moves`); NumPy does it without one, which takes longer.
    """

    def __init__(self, bases: Sequence[Hashable], filler: Callable[..., None] | None = None) -> None:
        self.base = {name: i + 2 for i, name in enumerate(bases)} | {"sheet": 1}
        self._filler = filler
        self._pack = struct.Struct(f"{len(bases) + 5}q").pack
        self._values: list[int] = []
        self._which: list[int] = []
        self._filled: tuple[Array, Array, int, int, int] | None = None
        self._spare: list[tuple[Array, int]] = []  # filled-in numbers that nobody needs any more, and where they lie
        self._relative: dict[Hashable, list[tuple[int, int]]] = {}

    def begin(self) -> int:
        """Where the next table starts, in bytes from the start of the sheet."""
        return 8 * len(self._values)

    def add(self, value: int, base: Hashable = None) -> None:
        """Append a number."""
        self._values.append(value)
        self._which.append(0 if base is None else self.base[base])

    def set(self, table: int, index: int, value: int, base: Hashable = None) -> None:
        """Change a number of the table that starts at `table`."""
        position = table // 8 + index
        self._values[position] = value
        self._which[position] = 0 if base is None else self.base[base]

    def copy(self, table: int, numbers: int) -> int:
        """Append a copy of so many numbers of a table; where it starts."""
        first, start = table // 8, self.begin()
        self._values += self._values[first : first + numbers]
        self._which += self._which[first : first + numbers]
        return start

    def include(self, other: Sheet, bases: Mapping[Hashable, tuple[int, Hashable]]) -> int:
        """Append all tables of another sheet, each of whose bases lies so many bytes behind one of this sheet's.

        Returns where they start. A base None stands for 0: the bytes are the address.
        """
        start = self.begin()
        moved = {0: (0, 0), 1: (start, 1)}
        for name, number in other.base.items():
            if name in bases:
                offset, base = bases[name]
                moved[number] = offset, 0 if base is None else self.base[base]
        for value, which in zip(other._values, other._which, strict=True):
            offset, base = moved[which]
            self._values.append(value + offset)
            self._which.append(base)
        return start

    def fill(self, addresses: Sequence[int]) -> tuple[Array, int]:
        """The numbers, given the address of every base in order; and where they lie."""
        if self._filled is None:
            numbers, bases = np.array(self._values, np.int64), np.array(self._which, np.int64)
            self._filled = numbers, bases, address_of(numbers), address_of(bases), len(numbers)
        values, which, at, which_at, count = self._filled
        try:
            filled, own = self._spare.pop()
        except IndexError:
            filled = np.empty(count, np.int64)
            own = address_of(filled)
        if self._filler is None:
            np.add(values, np.array([0, own, *addresses], np.int64)[which], out=filled)
        else:
            self._filler(self._pack(at, which_at, own, 0, own, *addresses), 0, count)
        return filled, own

    def done(self, filled: Array, address: int) -> None:
        """What `fill` has given may be used for the next call."""
        if not self._spare:
            self._spare.append((filled, address))

    def rebase(self, filled: Array, base: Hashable, address: int) -> None:
        """Give a base another address in filled-in numbers."""
        for position, value in self.relative(base):  # a few
            filled[position] = value + address

    def relative(self, base: Hashable) -> list[tuple[int, int]]:
        """The numbers that are relative to a base: where they stand, and what they are if it lies at 0."""
        if base not in self._relative:
            which, values = self.base[base], self._values
            self._relative[base] = [(i, values[i]) for i, own in enumerate(self._which) if own == which]
        return self._relative[base]
