"""Memory in which an access out of bounds shows, in place of the native backend's own.

    ends      every array ends at a page that nobody may touch
    begins    every array begins behind one
    canaries  arrays lie as in earnest, side by side, with a pattern in front of each and behind it

What lies around an array is a pattern in all three, and `Guard.check` tells whether anybody has written there. Arrays
are NaN before they are written, and so is the pattern: who reads what he should not has NaN in his results.
"""

from __future__ import annotations

import copy
import ctypes
import mmap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.leases import CACHE_LINE
from gated.backends.native.memory.regions import Region, Sheet
from gated.backends.native.passes import (
    head_plan,
    inference,
    inference_plan,
    kept_plan,
    layer_pass,
    learner,
    map_plan,
    maps,
    prepared,
    row_numbers,
    step_parts,
    training_step,
)
from gated.backends.native.threads import groups

Array = np.ndarray[Any, Any]
MODES = ("ends", "begins", "canaries")
PAGE = mmap.PAGESIZE
NONE, READ = 0, 1  # protections of mprotect
# the modules that make row numbers
NUMBERED = head_plan, kept_plan, learner, map_plan, row_numbers, training_step
PATTERN = np.frombuffer(bytes.fromhex("a5a5fc7fa5a5fc7f"), np.uint8)  # NaN as float32 and as float64
LONG = np.tile(PATTERN, 1 << 17)  # so much of it at once
LIBC = ctypes.CDLL(None, use_errno=True)
place = Region.place


class Piece(NamedTuple):
    """An array: where it begins, its bytes, and what it is for a message."""

    start: int
    size: int
    region: Region
    offset: int

    def __str__(self) -> str:
        key = next((key for key, spec in self.region.specs.items() if spec.offset == self.offset), "")
        return f"{self.region.name} {key}: {self.size} bytes at {self.start}"


class Bytes(int):
    """A size that knows the arrays in so many bytes, also when two regions share a lease: round(size) + size."""

    pieces: tuple[Piece, ...] = ()

    def again(self, value: int) -> Bytes:
        """Another size of the same arrays."""
        made = Bytes(value)
        made.pieces = self.pieces
        return made

    def __neg__(self) -> Bytes:
        return self.again(-int(self))

    def __floordiv__(self, other: int) -> Bytes:
        return self.again(int(self) // other)

    def __mul__(self, other: int) -> Bytes:
        return self.again(int(self) * other)

    def __add__(self, other: int) -> Bytes:
        made = self.again(int(self) + int(other))
        made.pieces += tuple(p._replace(start=p.start + int(self)) for p in getattr(other, "pieces", ()))
        return made

    def __radd__(self, other: int) -> Bytes:
        return Bytes(other) + self


class Lease:
    """As `memory.Lease`, for a region that a guard has laid out."""

    def __init__(self, size: Bytes, whole_pages: bool) -> None:
        self.pieces, self.skip = size.pieces, 0
        pages = max(1, -(-int(size) // PAGE))
        self.bytes = np.frombuffer(mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.uint8)
        self.start = self.address = int(self.bytes.ctypes.data)
        self.around = [gap for gap in self._around(whole_pages, pages * PAGE) if gap[0] < gap[1]]
        for start, stop in self.around:
            self.bytes[start:stop] = pattern(start, stop)
        for piece in self.pieces:
            self.bytes[piece.start : piece.start + piece.size] = 0xFF

    def _around(self, whole_pages: bool, end: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of what lies between arrays. `whole_pages` in it cannot be touched from now on."""
        starts = [*(piece.start for piece in self.pieces), end]
        stops = [0, *(piece.start + piece.size for piece in self.pieces)]
        for stop, start in zip(stops, starts, strict=True):
            first, last = (-(-stop // PAGE) * PAGE, start // PAGE * PAGE) if whole_pages else (start, start)
            if first < last:
                protect(self.start + first, last - first, NONE)
            yield stop, min(first, start)
            yield max(last, stop), start

    def part(self, start: int) -> Lease:
        """As that of `memory.Lease`."""
        part = copy.copy(self)
        part.skip, part.address = self.skip + int(start), self.address + int(start)
        return part

    def array(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """As that of `memory.Lease`."""
        return np.ndarray(shape, dtype, self.bytes, self.skip + offset, strides)

    def freeze(self) -> None:
        """Let nobody write to the arrays."""
        for piece in self.pieces:
            first = piece.start // PAGE * PAGE
            protect(self.start + first, piece.start + piece.size - first, READ)

    def check(self) -> None:
        """Raise if anybody has written beside the arrays."""
        for start, stop in self.around:
            if not np.array_equal(self.bytes[start:stop], pattern(start, stop)):
                near = "; ".join(map(str, self.pieces))
                raise AssertionError(f"one of the bytes {start} to {stop} was written to, where no array is: {near}")


def pattern(start: int, stop: int) -> Array:
    """What stands from one byte to another where no array is."""
    first = start % len(PATTERN)
    return LONG[first : first + stop - start]


def protect(address: int, size: int, how: int) -> None:
    if size and LIBC.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), how):
        raise OSError(ctypes.get_errno(), "mprotect")


class Guard:
    """Lays out regions and leases in one of the modes."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.leases: list[Lease] = []
        self.turn = 0

    def place(self, region: Region, size: int) -> int:
        """In place of `Region.place`."""
        known = region.bytes if isinstance(region.bytes, Bytes) else Bytes(0)
        if self.mode == "canaries":
            region.bytes += CACHE_LINE
            offset = int(place(region, size))
            end = offset + size + CACHE_LINE
        else:
            first, pages = max(PAGE, int(known)), -(-size // PAGE) * PAGE
            offset = first + (pages - size if self.mode == "ends" else 0)
            end = first + pages + PAGE
        region.bytes = known.again(end)
        region.bytes.pieces += (Piece(offset, size, region, offset),)
        return offset

    def columns(self, region: Region, keys: Any, rows: int, sizes: Any) -> None:
        """In place of `Region.columns`, which lets rows of several arrays share their memory: here none do."""
        for key, size in zip(keys, sizes, strict=False):
            region.add(key, rows, size)

    def lease(self, size: int) -> Lease:
        """In place of `memory.lease`."""
        if size and not isinstance(size, Bytes):
            raise TypeError("the sizes of arrays are not known any more: is there a new way to lay out a lease?")
        made = Lease(Bytes(0) + size, self.mode != "canaries")
        self.leases.append(made)
        return made

    def placed(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, int]:
        """In place of `memory.placed`, and so of `memory.empty`."""
        array = self._alone(np.empty(shape, dtype))[0]
        return array, array.ctypes.data

    def keep(self, array: Any, frozen: bool = True) -> Array:
        """A copy in memory of its own; `frozen`: that nobody can write to."""
        kept, lease = self._alone(array)
        kept[...] = array
        if frozen and self.mode != "canaries":
            lease.freeze()
        return kept

    def _alone(self, like: Any) -> tuple[Array, Lease]:
        like = np.ascontiguousarray(like)
        region = Region("alone", like.dtype, 1)
        offset = self.place(region, like.nbytes)
        lease = self.lease(region.bytes)
        return lease.array(offset, like.shape, like.strides, like.dtype), lease

    def check(self) -> None:
        """Raise if anybody has written beside an array since the last check."""
        leases, self.leases = self.leases, []
        for lease in leases:
            lease.check()

    @contextmanager
    def installed(self) -> Iterator[Guard]:
        """All that the native backend allocates, and the tables that its machine code reads, lie as this guard says."""
        changes = [
            (Region, "place", self.place),
            (memory, "lease", self.lease),
            (memory, "work", self.lease),
            (memory, "done", lambda lease: None),
            (memory, "placed", self.placed),
            (Sheet, "fill", self._sheet(Sheet.fill)),
            *((owner, "step_rows", self._tables(groups.step_rows)) for owner in (groups, *NUMBERED)),
            *((owner, "all_rows", self._tables(groups.all_rows)) for owner in (row_numbers, step_parts, training_step)),
            *((groups.Groups, name, self._tables(getattr(groups.Groups, name))) for name in ("step_rows", "all_rows")),
            (learner, "NativeStep", self._step()),
        ]
        if self.mode != "canaries":
            changes.append((Region, "columns", self.columns))
        with ExitStack() as stack:
            for owner, name, new in changes:
                method = isinstance(owner, type)
                stack.enter_context(patch.object(owner, name, _method(new) if method else new))
            forget_plans()
            yield self
        forget_plans()

    def _tables(self, made_by: Any) -> Any:
        return lambda *args, **named: self.keep(made_by(*args, **named), frozen=False)

    def _sheet(self, fill: Any) -> Any:
        def filled(sheet: Sheet, addresses: Any) -> tuple[Array, int]:
            first, address = fill(sheet, addresses)
            kept = self.keep(first, frozen=False)
            kept[np.array(sheet._which) == sheet.base["sheet"]] += kept.ctypes.data - address
            return kept, kept.ctypes.data

        return filled

    def _step(self) -> type:
        guard = self

        class Step(learner.NativeStep):
            """An online learner with its parameters in guarded memory, in another order."""

            def __init__(self, plan: Any, sizes: Any, theta: Array, offsets: Any, batch: int) -> None:
                self.spans = [
                    (job.name, offsets[job.name], sizes[job.rows] * (1 if job.cols is None else sizes[job.cols]))
                    for job in plan.learnt
                ]
                guard.turn += 1
                turn = guard.turn % len(self.spans)
                self.spans = (
                    self.spans[turn:] + self.spans[:turn]
                )  # each is once the last one, at the end of the memory
                ends = np.cumsum([0, *(size for _, _, size in self.spans)]).tolist()
                own = {name: start for (name, _, _), start in zip(self.spans, ends, strict=False)}
                theta = np.concatenate([theta[start : start + size] for _, start, size in self.spans])
                super().__init__(plan, sizes, guard.keep(theta, frozen=False), own, batch)

            def ordered(self, vector: Array) -> Array:
                """A vector of parameters in the order of the caller."""
                result = np.empty_like(vector)
                first = 0
                for _, start, size in self.spans:
                    result[start : start + size] = vector[first : first + size]
                    first += size
                return result

        return Step


def _method(function: Any) -> Any:
    """A function that gets the object that it is called on."""
    return lambda *args: function(*args)


def forget_plans() -> None:
    """Plans know where arrays lie."""
    layer_pass._cache.forget()
    training_step._cache.forget()
    maps.forget_plans()
    inference_plan._cache.forget()
    inference._kept.forget()
    prepared._plans.forget()
