"""The last column block of a panel, where at most half of the lanes are units: several matrices share its vectors.

A vector of products takes as long with 4 units in it as with 16. So the lanes of a vector are cut into as many fields
as hold all units, and each field belongs to another matrix: of 100 units, in vectors of 16, the last 4 of the four
gates of an LSTM are one vector of weights for every k, and not four. The sums are taken apart when they are complete.

A panel's layout depends on its matrices alone (`fields_of`), so that all programs can share it. Within a block, terms
that feed the same accumulators add up in the same vectors; others have their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, loop
from gated.backends.native.codegen.vector_math import VectorMath
from gated.program.lowering import Block, Term

Value = Any
FIELDS = 4, 2  # so many to a vector


def fields_of(size: int, width: int) -> int:
    """Into how many fields the vectors of the last block are cut, of so many units; 1: they are not."""
    rest = size % width
    return next((fields for fields in FIELDS if 0 < rest <= width // fields), 1)


def vectors_of(matrices: int, fields: int) -> int:
    """How many vectors they have for every k."""
    return -(-matrices // fields)


class Fields:
    """How the sums of a block lie in vectors that are cut into so many fields; with one, each accumulator has its own.

    Attributes:
        total: vectors, for each row and column block.
    """

    def __init__(self, block: Block, fields: int = 1) -> None:
        self.block, self.fields = block, fields
        self.total = len(block.accumulators)
        self._first: dict[tuple[int, ...], int] = {}
        if fields > 1:
            self.total = 0
            for positions in map(_positions, block.terms):
                if positions not in self._first:
                    self._first[positions] = self.total
                    self.total += vectors_of(len(positions), fields)

    @staticmethod
    def beside(block: Block) -> list[Fields]:
        """Those of the last block, if there are terms with matrices to put side by side."""
        several = any(len(term.pairs) > 1 for term in block.terms)
        return [Fields(block, fields) for fields in FIELDS] if several else []

    @staticmethod
    def most(block: Block) -> int:
        """Vectors that the sums of a row and a column block need at most."""
        return max(fields.total for fields in [Fields(block), *Fields.beside(block)])

    def vectors(self, term: Term) -> tuple[int, ...]:
        """Which of them a term feeds, in the order of its panel."""
        positions = _positions(term)
        if self.fields == 1:
            return positions
        first = self._first[positions]
        return tuple(range(first, first + vectors_of(len(positions), self.fields)))

    def holds(self, b: ir.IRBuilder, size: Value, width: int) -> Value:
        """Whether the last block of so many units is cut in this way, as code: see `fields_of`."""
        rest = b.srem(size, I64(width))
        fewer = [width // fields for fields in FIELDS if fields > self.fields]
        above = b.icmp_signed(">", rest, I64(max(fewer, default=0)))
        return b.and_(above, b.icmp_signed("<=", rest, I64(width // self.fields)))

    def take_apart(self, b: ir.IRBuilder, math: VectorMath, sums: Value, registers: Value, rows: Value) -> None:
        """Emit: from `sums` (row, vector) to `registers` (row, accumulator), with zeros in the lanes behind."""
        align = math.width * math.precision.bits // 8
        lanes = math.width // self.fields
        with loop(b, I64(0), rows) as row:
            made: dict[int, Value] = {}
            for positions, first in self._first.items():
                for i, g in enumerate(positions):
                    vector = b.add(b.mul(row, I64(self.total)), I64(first + i // self.fields))
                    address = b.gep(sums, [vector], source_etype=math.vector)
                    value = _field(b, math, b.load(address, typ=math.vector, align=align), i % self.fields, lanes)
                    made[g] = b.fadd(made[g], value) if g in made else value
            for g, value in made.items():
                vector = b.add(b.mul(row, I64(len(self.block.accumulators))), I64(g))
                b.store(value, b.gep(registers, [vector], source_etype=math.vector), align=align)


def runs_of(
    b: ir.IRBuilder, layouts: Sequence[Fields], edges: tuple[Value, Value], units: Value, width: int, chunk: int
) -> list[tuple[int, tuple[Value, Value, int]]]:
    """Emit: the column blocks between two edges as runs, each with the number of its layout; some may be empty.

    Args:
        layouts: the first with one field, of all blocks but perhaps the last.
        units: in all columns.
        chunk: blocks of the first layout that are taken at once.

    Returns:
        (layout, (first block, where they end, blocks at once)) of every run.
    """
    begin, end = edges
    wide, last = end, []
    if len(layouts) > 1:
        blocks = b.sdiv(b.add(units, I64(width - 1)), I64(width))
        mine = b.and_(b.icmp_signed("==", blocks, end), b.icmp_signed("<", begin, end))
        for number, fields in enumerate(layouts[1:], 1):
            first = b.sub(end, b.zext(b.and_(mine, fields.holds(b, units, width)), I64))
            last.append((number, (first, end, 1)))
            wide = b.select(b.icmp_signed("<", first, wide), first, wide)
    whole = b.sub(wide, b.srem(b.sub(wide, begin), I64(chunk)))
    usual = [(0, (begin, whole, chunk))]
    if chunk > 1:
        usual.append((0, (whole, wide, 1)))
    return usual + last


def _positions(term: Term) -> tuple[int, ...]:
    return tuple(g for _, g in term.pairs)


def _field(b: ir.IRBuilder, math: VectorMath, vector: Value, number: int, lanes: int) -> Value:
    """A field's lanes as the first of a vector."""
    mask = [number * lanes + i if i < lanes else math.width for i in range(math.width)]
    return b.shuffle_vector(vector, math.constant(0.0), ir.Constant(ir.VectorType(ir.IntType(32), math.width), mask))
