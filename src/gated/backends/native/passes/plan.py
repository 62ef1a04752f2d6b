"""Plans: for given sizes, where everything lies and what the tables of a call hold, but for a few addresses.

A plan is made once for a number of steps and rows; a call then leases its memory, fills in the addresses and runs.

Regions: `tape` lives as long as the tape, `work` as long as a call, `fixed` (in inference) as long as the parameters
that are packed in it stay the same. Everything else is named by where it comes from:
"x", "y", "dy", "dx", ("parameter", name), ("gradient", name), "steps" (row numbers of the time steps), "rows" (the
same for a program over all rows at once), "team" (what the threads have in common).
"""

from __future__ import annotations

import ctypes
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.native.codegen.last_block import fields_of, vectors_of
from gated.backends.native.codegen.renewal import flags_size
from gated.backends.native.codegen.team import TWO_LINES
from gated.backends.native.machine.programs import CompiledProgram
from gated.backends.native.memory.leases import Lease
from gated.backends.native.memory.regions import Region, Sheet, Spec
from gated.backends.native.threads.pool import even_edges, pool
from gated.backends.reference import constants
from gated.language.graph import Matrix, Node
from gated.program.lowering import Place
from gated.program.rows import BY_STEP
from gated.schedule import CellSchedule

_number: Any = ctypes.c_int64.from_address
Array = np.ndarray[Any, Any]
Where = tuple[Hashable, Spec]  # the base and the array
At = tuple[int, Hashable]  # so many bytes behind a base; the base None is 0
LINES = "counts", *(kind.name for kind in BY_STEP)  # of a table of row numbers
DTYPES = {np.dtype("float32"): "float32", np.dtype("float64"): "float64"}  # looked up faster than dtype.name


def put_computed(
    computed: Sequence[tuple[Node, Place]],
    region: Region,
    lease: Lease,
    schedule: CellSchedule,
    parameters: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> None:
    """Compute what depends on the parameters alone (a few numbers: NumPy) into its places."""
    if computed:
        with np.errstate(all="ignore"):
            known = constants(schedule, parameters, sizes)
        for node, place in computed:
            region.view(lease, place)[...] = known[node]


class LoopPlan:
    """The table of one program in a sheet; and one more for each thread, where each has its own part of it."""

    def __init__(self, loop: CompiledProgram, sheet: Sheet, sizes: Mapping[str, int], work: Region) -> None:
        self.loop, self.sheet, self.sizes = loop, sheet, sizes
        self.start = sheet.begin()
        self.starts = [self.start]
        for _ in range(len(loop.table)):
            sheet.add(0)
        self.blocks = {dim: work.padded(sizes[dim]) // work.width for dim in loop.table.dims}
        for dim, blocks in self.blocks.items():
            self._set(("size", dim), sizes[dim])
            self._set(("to", dim), blocks)
        self._set("shares", 1)

    def _set(self, name: Hashable, value: int, base: Hashable = None, start: int | None = None) -> None:
        self.sheet.set(self.start if start is None else start, self.loop.table.index[name], value, base)

    def steps(self, count: int, base: Hashable, groups: int = 1) -> None:
        """Row numbers come from a `groups.step_rows` array with this base; every group has a table. Call this last."""
        self._set("steps", count)
        self.starts += self._copies(groups - 1)
        for group, start in enumerate(self.starts):
            for i, name in enumerate(LINES):
                self._set(name, 8 * count * (i + group * len(LINES)), base, start)

    def told_steps(self, count: At, base: Hashable) -> None:
        """How many there are, and where each line of their row numbers lies, comes with every call."""
        self._set("steps", *count)
        for name in LINES:
            self._set(name, 0, (base, name))

    def share_columns(self, shares: int) -> None:
        """Make a table for each of so many threads that share the columns of every block. Call this after `steps`."""
        self.starts = self._copies(shares)
        for share, start in enumerate(self.starts):
            self._set("team", 0, "team", start)
            self._set("share", share, None, start)
            self._set("shares", shares, None, start)
            for dim, blocks in self.blocks.items():
                edges = even_edges(blocks, shares)
                self._set(("from", dim), edges[share], None, start)
                self._set(("to", dim), edges[share + 1], None, start)

    def _copies(self, count: int) -> list[int]:
        return [self.sheet.copy(self.start, len(self.loop.table)) for _ in range(count)]

    def panel(self, number: int, offset: int, base: str = "work") -> None:
        """Say where a packed matrix lies."""
        self._set(("panel", number), offset, base)

    def sums(self, number: int, offset: int, base: str = "work") -> None:
        """Have the operand of this block taken in pieces, its sums being kept here."""
        self._set(("sums", number), offset, base)

    def put(self, place: Place, where: Where) -> None:
        """Say where a place lies."""
        base, spec = where
        self._set(("base", place), spec.offset, base)
        if place.over is None:
            self._set(("stride", place), spec.stride)
        else:  # the columns of a sequence lie side by side
            self._set(("stride", place), spec.stride * self.sizes[place.over])
            self._set(("step", place), spec.stride)
        for number in self.loop.operands.get(place, ()):
            self._set(("operand", number), spec.offset, base)
            self._set(("operand stride", number), spec.stride)


def is_elementwise(loops: Sequence[CompiledProgram | None], place: Place) -> bool:
    """Whether any of the programs reads the place in whole vectors (an operand of a product is read by numbers)."""
    blocks = [block for loop in loops if loop is not None for block in loop.program.blocks]
    return any(place in places for block in blocks for places in (*block.loads.values(), *block.reductions.values()))


class JobPlan:
    """A table of jobs: how many, then the fields of each (see `ir_tools.JobTable`)."""

    def __init__(self) -> None:
        self.fields: list[tuple[int, Hashable]] = []
        self.jobs = 0
        self.start = 0

    def add(self, *fields: int | tuple[int, Hashable]) -> None:
        """A field is a number, or (number, base)."""
        self.fields += [field if isinstance(field, tuple) else (field, None) for field in fields]
        self.jobs += 1

    def close(self, sheet: Sheet) -> None:
        """Write the table; nothing can be added afterwards."""
        self.start = sheet.begin()
        sheet.add(self.jobs)
        for value, base in self.fields:
            sheet.add(value, base)


class PackPlan(JobPlan):
    """The jobs that copy parameters into panels, or back: see `panels.JOB`."""

    def vector(self, name: str, region: Region, spec: Spec, kind: str = "parameter") -> None:
        """A parameter vector, as a panel with one row."""
        self.add((0, (kind, name)), (spec.offset, region.name), spec.size, 1, spec.size, region.width, 1, region.width)

    def columns(self, name: str, region: Region, spec: Spec, kind: str = "parameter") -> None:
        """A parameter matrix, as its columns: a panel for every vector of units."""
        for unit in range(0, spec.size, region.width):
            source = unit * spec.rows * region.dtype.itemsize, (kind, name)
            target = spec.offset + unit * region.dtype.itemsize, region.name
            units = min(region.width, spec.size - unit)
            self.add(source, target, units, spec.rows, spec.rows, spec.stride, 0, region.width)

    def panel(self, matrices: Sequence[Matrix], region: Region, sizes: Mapping[str, int]) -> int:
        """Room for a panel, and the jobs that fill it; the panel's offset."""
        first = matrices[0]
        outer, inner = sizes[first.output_dim], sizes[first.rows if first.transposed else first.cols]
        width, itemsize, count = region.width, region.dtype.itemsize, len(matrices)
        fields = fields_of(outer, width)
        rest = outer % width if fields > 1 and count > 1 else 0  # units of a block that they share
        whole = outer - rest
        end = region.padded(whole) * count * inner  # where that begins
        last = vectors_of(count, fields) * width if rest else 0  # numbers of it for every k
        offset = region.place((end + last * inner) * itemsize)
        for g, matrix in enumerate(matrices):
            name, transposed = ("parameter", matrix.name), int(matrix.transposed)
            row = outer if transposed else inner
            if whole:
                target = offset + g * width * itemsize, region.name
                self.add((0, name), target, whole, inner, row, count * width, transposed, width)
            if rest:
                lane = g * (width // fields)
                lanes = last - lane if g == count - 1 else width // fields  # the last one clears what is nobody's
                source = whole * (1 if transposed else inner) * itemsize, name
                target = offset + (end + lane) * itemsize, region.name
                self.add(source, target, rest, inner, row, last, transposed, lanes)
        return offset


class RenewalPlan(JobPlan):
    """The jobs that compare parameters with their copies: see `renewal.JOB`.

    Args:
        region: where copies and flags lie.
        parameters: name -> how many numbers.
    """

    def __init__(self, region: Region, parameters: Mapping[str, int], members: int) -> None:
        super().__init__()
        self.region, self.members = region, members
        for name, size in parameters.items():
            spec = region.add(("copy", name), 1, size)
            self.add((0, ("parameter", name)), (spec.offset, region.name), size)
        self.flags = region.place(flags_size(members))

    def close(self, sheet: Sheet, pack: PackPlan | None = None) -> None:
        """Write the table, for parameters that this plan packs."""
        start = sheet.begin()
        sheet.add(self.flags, self.region.name)
        sheet.add(pack.start if pack else 0, "sheet")
        super().close(sheet)
        self.start = start

    def flags_in(self, lease: Lease) -> Array:
        """(1 + members,): whether there are copies, which a new lease must deny; then whose share has changed."""
        return lease.array(self.flags, (self.members + 1,), (8 * TWO_LINES,), np.dtype(np.int64))


class SealPlan(JobPlan):
    """The jobs that pack the parameters and make a digest of them: see `renewal.DIGEST_JOB`.

    Args:
        region: where the digest lies.
        parameters: name -> how many numbers.
    """

    def __init__(self, region: Region, parameters: Mapping[str, int], members: int) -> None:
        super().__init__()
        self.region, self.members = region, members
        for name, size in parameters.items():
            self.add((0, ("parameter", name)), size)
        self.parts = region.place(8 * TWO_LINES * members)

    def close(self, sheet: Sheet, pack: PackPlan | None = None) -> None:
        """Write the table, for parameters that this plan packs."""
        start = sheet.begin()
        sheet.add(self.parts, self.region.name)
        sheet.add(self.members)
        sheet.add(pack.start if pack else 0, "sheet")
        super().close(sheet)
        self.start = start

    def found(self, lease: Lease) -> list[Any]:
        """Where each member leaves what it has found: ctypes' numbers, none for a cell without parameters."""
        first = lease.address + self.parts
        return [_number(first + 8 * TWO_LINES * k) for k in range(self.members if self.jobs else 0)]

    def digest(self, lease: Lease) -> int:
        """What the last run has found; 0 for a cell without parameters."""
        return digest_of(self.found(lease))


def digest_of(found: Sequence[Any]) -> int:
    """Of the numbers of `SealPlan.found`."""
    total = found[0].value if len(found) == 1 else sum([number.value for number in found])
    return int(total) & 0xFFFFFFFF


class MovePlan(JobPlan):
    """The jobs that move rows: see `moves.JOB`."""

    def rows(
        self,
        source: tuple[int, Hashable],
        target: tuple[int, Hashable],
        shape: tuple[int | tuple[int, Hashable], int, int],
        strides: tuple[int, int, int, int],
        add: bool = False,
    ) -> None:
        """(outer, inner, size) numbers; strides, in numbers: of outer and inner in the source, then in the target."""
        self.add(source, target, *shape, *strides, int(add))

    def zeros(self, source: At, widest: int, target: At, shape: tuple[int, int], itemsize: int) -> None:
        """(rows, size) numbers side by side become 0, given a row of so many zeros."""
        rows, size = shape
        for first in range(0, size, widest):
            place = target[0] + first * itemsize, target[1]
            self.rows(source, place, (rows, 1, min(widest, size - first)), (0, 0, size, 0))


class Call:
    """A filled-in sheet, ready to run."""

    def __init__(self, sheet: Sheet, addresses: Sequence[int]) -> None:
        self.sheet = sheet
        self.numbers, self.address = sheet.fill(addresses)

    def rebase(self, base: Hashable, address: int) -> None:
        """The same with another array."""
        self.sheet.rebase(self.numbers, base, address)

    def run(self, program: int, members: int, alone: int) -> None:
        """See `Pool.run`; the tables lie at these bytes of the sheet."""
        pool().run(self.address + program, members, self.address + alone)
