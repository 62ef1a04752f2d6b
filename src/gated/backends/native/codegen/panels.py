"""Packing: matrices copied into the order in which machine code reads them, and back, as two kernels.

A panel is (column block, k, matrix, lane): for every k the vectors of all matrices that multiply one operand lie side
by side. Lanes beyond the last column are zero. In the last block several matrices may share a vector (`last_block`):
then a job has fewer lanes than that. A parameter vector is packed as a matrix with one row.

`pack(ctx, i, n)` does the i-th of n shares of every job in the table; `unpack` copies from the target to the source.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I64,
    POINTER,
    JobTable,
    begin,
    load_masked,
    load_up_to,
    loop,
    share_of,
    store_masked,
    store_up_to,
)
from gated.backends.native.codegen.vector_math import VectorMath

Value = Any
# source is (outer, inner), or (inner, outer) if `transposed`, `row` the distance of two of its rows; `step` is the
# distance of two k in the panel; of a vector there the first `lanes` are this job's: all of them, or all of one block
JOB = ("source", "target", "outer", "inner", "row", "step", "transposed", "lanes")


def emit_pack(module: ir.Module, math: VectorMath) -> None:
    """Add the functions `pack` and `unpack` to a module."""
    _Pack(module, math, "pack")
    _Unpack(module, math, "unpack")


class _Pack:
    def __init__(self, module: ir.Module, math: VectorMath, name: str) -> None:
        self.math, self.width = math, math.width
        self.bytes = math.precision.bits // 8
        b, ctx, share, shares = begin(module, name)
        table = JobTable(b, ctx, JOB)
        with loop(b, I64(0), table.count) as job:
            fields = table.read(b, job)
            self.source, self.target = (b.inttoptr(fields[name], POINTER) for name in ("source", "target"))
            self.outer, self.inner, self.row = (fields[name] for name in ("outer", "inner", "row"))
            self.step, self.lanes = fields["step"], fields["lanes"]
            self.transposed = b.icmp_signed("!=", fields["transposed"], I64(0))
            blocks = b.sdiv(b.add(self.outer, I64(self.width - 1)), I64(self.width))
            with loop(b, *share_of(b, blocks, share, shares)) as block:
                self._block(b, block, self._at(b, self.target, (b.mul(block, self.inner), self.step)))
        b.ret_void()

    def _at(self, b: ir.IRBuilder, base: Value, *terms: tuple[Value, Value]) -> Value:
        offset = I64(0)
        for index, stride in terms:
            offset = b.add(offset, b.mul(index, stride))
        return b.gep(base, [offset], source_etype=self.math.scalar)

    def _block(self, b: ir.IRBuilder, block: Value, target: Value) -> None:
        column = b.mul(block, I64(self.width))
        rest = b.sub(self.outer, column)
        whole = b.icmp_signed(">=", rest, I64(self.width))
        with b.if_else(self.transposed) as (rows, columns):
            with rows, loop(b, I64(0), self.inner) as k:
                source = self._at(b, self.source, (k, self.row), (column, I64(1)))
                self._row(b, source, self._at(b, target, (k, self.step)), rest)
            with columns, b.if_else(whole) as (tiles, edge):
                with tiles:
                    self._tiles(b, column, target)
                with edge:
                    self._scalars(b, column, rest, I64(0), target)

    def _row(self, b: ir.IRBuilder, source: Value, target: Value, rest: Value) -> None:
        """One vector, of which `rest` numbers are in the source."""
        store_up_to(b, self.math, load_masked(b, self.math, source, rest), target, self.lanes)

    def _tiles(self, b: ir.IRBuilder, column: Value, target: Value) -> None:
        """Squares as wide as a vector, then what fills none."""
        width = I64(self.width)
        whole = b.mul(b.sdiv(self.inner, width), width)
        with loop(b, I64(0), whole, self.width) as k:
            lanes = range(self.width)
            sources = [self._at(b, self.source, (b.add(column, I64(i)), self.row), (k, I64(1))) for i in lanes]
            targets = [self._at(b, target, (b.add(k, I64(i)), self.step)) for i in lanes]
            self._square(b, sources, targets)
        self._scalars(b, column, width, whole, target)

    def _square(self, b: ir.IRBuilder, sources: list[Value], targets: list[Value]) -> None:
        """The rows of the one are the columns of the other."""
        vectors = [b.load(address, typ=self.math.vector, align=self.bytes) for address in sources]
        for address, vector in zip(targets, _transposed(b, vectors), strict=True):
            b.store(vector, address, align=self.bytes)

    def _scalars(self, b: ir.IRBuilder, column: Value, rest: Value, first: Value, target: Value) -> None:
        """What fills no whole tile, number by number."""
        with loop(b, I64(0), self.lanes) as lane, loop(b, first, self.inner) as k:
            inside = b.icmp_signed("<", lane, rest)
            to = self._at(b, target, (k, self.step), (lane, I64(1)))
            with b.if_else(inside) as (copy, clear):
                with copy:
                    self._number(b, self._at(b, self.source, (b.add(column, lane), self.row), (k, I64(1))), to)
                with clear:
                    self._beyond(b, to)

    def _number(self, b: ir.IRBuilder, source: Value, target: Value) -> None:
        b.store(b.load(source, typ=self.math.scalar), target)

    def _beyond(self, b: ir.IRBuilder, target: Value) -> None:
        """A lane that is no column."""
        b.store(ir.Constant(self.math.scalar, 0.0), target)


class _Unpack(_Pack):
    """The same roads in the other direction."""

    def _row(self, b: ir.IRBuilder, source: Value, target: Value, rest: Value) -> None:
        store_masked(b, self.math, load_up_to(b, self.math, target, self.lanes), source, rest)

    def _square(self, b: ir.IRBuilder, sources: list[Value], targets: list[Value]) -> None:
        super()._square(b, targets, sources)

    def _number(self, b: ir.IRBuilder, source: Value, target: Value) -> None:
        super()._number(b, target, source)

    def _beyond(self, b: ir.IRBuilder, target: Value) -> None:
        """Nothing of it is in the source."""


def _transposed(b: ir.IRBuilder, rows: list[Value]) -> list[Value]:
    """Rows to columns: each pass exchanges one bit of the row number with the same bit of the lane number."""
    width = len(rows)
    bit = 1
    while bit < width:
        new = list(rows)
        # lane numbers of the first vector, then of the second
        low = [lane if not lane & bit else lane - bit + width for lane in range(width)]
        high = [lane + bit if not lane & bit else lane + width for lane in range(width)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), width), mask) for mask in (low, high)]
        for i in range(width):
            if not i & bit:
                pair = rows[i], rows[i | bit]
                new[i], new[i | bit] = (b.shuffle_vector(*pair, mask) for mask in masks)
        rows = new
        bit *= 2
    return rows
