"""Memory that is used again: fresh pages cost the system more time than a small network's whole step.

A `Lease` is a piece of memory that goes back to the pool when nothing looks at it any more: neither the lease nor any
array made from it. A pool never holds much more than was once in use at the same time.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
from functools import lru_cache
from typing import Any

import numpy as np

from gated.backends.native.memory.addresses import address_of
from gated.backends.native.tuning import tuning_for
from gated.locks import fork_safe_lock

Array = np.ndarray[Any, Any]
CACHE_LINE = 64  # bytes of a cache line


class _Piece:
    """Raw memory.

    It is a bytearray or an mmap: no array, since NumPy lets a view hold the array behind another view instead.

    Attributes:
        skip, address: bytes before its first whole cache line, and where that lies.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.raw = _fresh(size)
        first = int(np.frombuffer(self.raw, np.uint8).__array_interface__["data"][0])
        self.skip = -first % CACHE_LINE
        self.address = first + self.skip


def _fresh(size: int) -> Any:
    if size < tuning_for().mapped:
        return bytearray(size)
    # not shared with a child process, as it would be by default
    raw = mmap.mmap(-1, size, **({"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}))
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a system that has none
            raw.madvise(mmap.MADV_HUGEPAGE)
    return raw


class _Held(np.ndarray[Any, Any]):
    """Raw memory, as the base of all views of it: they hold the lease."""

    lease: Lease


class Lease:
    """Memory from a pool, uninitialised, beginning at a cache line.

    Attributes:
        address: of its first byte.
        size: how many bytes there are.
    """

    __slots__ = ("_piece", "_pool", "_whole", "address", "size", "skip")

    def __init__(self, size: int, pool: KeptMemory) -> None:
        self._whole: Lease | None = None  # that this is a part of
        self._pool, self._piece = pool, pool.take(size + CACHE_LINE)
        self.skip, self.address = self._piece.skip, self._piece.address
        self.size = self._piece.size - self.skip

    def __del__(self) -> None:
        if self._whole is None:
            self._pool.give(self._piece)

    @property
    def bytes(self) -> Array:
        """All of it, for arrays to be made from: at most calls nobody looks at it but machine code."""
        held = np.ndarray.__new__(_Held, (self._piece.size,), np.uint8, self._piece.raw)
        held.lease = self
        return held

    def part(self, start: int) -> Lease:
        """The same memory from a later byte on; `start` should be a multiple of a cache line."""
        part = Lease.__new__(Lease)
        part._whole, part._pool, part._piece = self, self._pool, self._piece
        part.skip, part.address, part.size = self.skip + start, self.address + start, self.size - start
        return part

    def array(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """A view; offset and strides in bytes."""
        return np.ndarray(shape, dtype, self.bytes, self.skip + offset, strides)


class KeptMemory:
    """Pieces of memory by size; safe to use from many threads."""

    def __init__(self) -> None:
        # an array may be given back by the garbage collector while this thread is inside the pool
        self._lock = fork_safe_lock()
        self._loose, self._slack = tuning_for().loose, tuning_for().slack
        self._idle: dict[int, list[_Piece]] = {}
        self._looser: dict[int, int] = {}  # a size that had no piece of its own -> that of the last one that it got
        self.used = self.idle = self.most = 0

    def take(self, size: int) -> _Piece:
        size = _rounded(size)
        with self._lock:
            self.used += size
            if self.used > self.most:
                self.most = self.used
            pieces = self._idle.get(size) or self._idle.get(self._looser.get(size, size))
            if pieces:
                piece = pieces.pop()
                self.idle -= piece.size
                self.used += piece.size - size
                return piece
            fitting = [other for other in list(self._idle) if size <= other <= self._loose * size and self._idle[other]]
            if fitting:
                found = self._looser[size] = min(fitting)
                self.idle -= found
                self.used += found - size
                return self._idle[found].pop()
            self._shrink(self.most + self._slack - self.used)
        return _Piece(size)

    def give(self, piece: _Piece) -> None:
        size = piece.size
        with self._lock:
            self.used -= size
            if self.used + self.idle + size <= self.most + self._slack:
                self.idle += size
                self._idle.setdefault(size, []).append(piece)

    def _shrink(self, limit: int) -> None:
        """Forget idle pieces, the largest first, until no more than `limit` bytes are idle."""
        while self.idle > limit:
            size = max(size for size in list(self._idle) if self._idle[size])
            self._idle[size].pop()
            self.idle -= size


@lru_cache(maxsize=256)
def _rounded(size: int) -> int:
    """One of 32 sizes between powers of two, so that nearly equal requests share their pieces.

    No coarser: in huge pages, what is asked for in vain is taken up to the page's end.
    """
    step = 1 << max(6, size.bit_length() - 6)
    return -(-size // step) * step


_pool = KeptMemory()


class _Owner(np.ndarray[Any, Any]):
    """Raw memory as the base of an array: when that and all its views are gone, it goes back to the pool."""

    piece: _Piece

    def __del__(self, give: Any = _pool.give) -> None:  # held here: at the end of the process the pool may be gone
        give(self.piece)


_SMALL = tuning_for().small
_KEPT, _MOST_DONE = tuning_for().kept_work, tuning_for().works_kept
_done: list[Lease] = []


def lease(size: int) -> Lease:
    """Uninitialised memory, `size` bytes."""
    return Lease(size, _pool)


def work(size: int) -> Lease:
    """As `lease`, for memory that is done with when a call ends."""
    try:
        last = _done.pop()
    except IndexError:
        return lease(size)
    return last if last.size >= size else lease(size)


def done(used: Lease) -> None:
    """Leave a lease from `work` to the next call, of which nobody holds a view; a large one goes back to its pool."""
    if used.size <= _KEPT and len(_done) < _MOST_DONE:
        _done.append(used)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """As numpy.empty, from the pool."""
    return placed(shape, dtype)[0]


def placed(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, int]:
    """As `empty`, and the address, which need not be asked for then."""
    size = dtype.itemsize * math.prod(shape)
    if size <= _SMALL:
        own = np.empty(shape, dtype)
        return own, address_of(own)
    piece = _pool.take(size + CACHE_LINE)  # without a lease, of which nobody would know
    owner = np.ndarray.__new__(_Owner, (piece.size,), np.uint8, piece.raw)
    owner.piece = piece
    return np.ndarray(shape, dtype, owner, piece.skip), piece.address
