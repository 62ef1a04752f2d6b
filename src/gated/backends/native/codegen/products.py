"""The products of a tile, as calls of micro-kernels."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.context import ContextTable
from gated.backends.native.codegen.ir_tools import I1, I64, POINTER, loop, read
from gated.backends.native.codegen.kernels import Kernels, Shape
from gated.backends.native.codegen.last_block import Fields
from gated.backends.native.codegen.pieces import Piece
from gated.backends.native.codegen.vector_math import VectorMath
from gated.program.lowering import Program, Term
from gated.program.rows import BY_STEP, RowKind

Value = Any


class Products:
    """Of a program."""

    def __init__(self, kernels: Kernels, program: Program, table: ContextTable) -> None:
        self.kernels, self.math, self.program, self.table = kernels, kernels.math, program, table

    def of_tile(
        self,
        b: ir.IRBuilder,
        fields: Fields,
        tile: tuple[int, int],
        arguments: tuple[Value, ...],
        registers: Value,
        piece: Piece,
    ) -> None:
        """All products of one tile (rows, column blocks), summed at `registers`: (row, column block, vector)."""
        block, blocks = fields.block, self.program.blocks
        number = sum(len(other.terms) for other in blocks[: blocks.index(block)])
        terms = block.terms
        if piece.first is not None:
            fresh = b.icmp_signed("==", piece.first, I64(0))
            self._product(b, fields, terms[0], I64(number), fresh, tile, arguments, registers, piece)
            return
        uniform = all(_signature(term) == _signature(terms[0]) for term in terms)
        if uniform and len(terms) > 1:
            with loop(b, I64(0), I64(len(terms))) as i:
                fresh = b.icmp_signed("==", i, I64(0))
                self._product(b, fields, terms[0], b.add(i, I64(number)), fresh, tile, arguments, registers, piece)
            return
        fed: set[int] = set()
        for i, term in enumerate(terms):
            # accumulators that an earlier product has not touched start from zero; so do all, if all are untouched
            positions = {*fields.vectors(term)}
            fresh = not (positions & fed)
            if not fresh and not positions <= fed:
                self._clear(b, fields, tile, positions - fed, registers)
            fed |= positions
            self._product(b, fields, term, I64(number + i), I1(fresh), tile, arguments, registers, piece)

    def _clear(
        self, b: ir.IRBuilder, fields: Fields, tile: tuple[int, int], positions: set[int], registers: Value
    ) -> None:
        for i in range(tile[0] * tile[1]):
            for g in positions:
                address = b.gep(registers, [I64(i * fields.total + g)], source_etype=self.math.vector)
                b.store(self.math.constant(0.0), address, align=self.kernels.machine.vector_bytes)

    def _product(
        self,
        b: ir.IRBuilder,
        fields: Fields,
        term: Term,
        number: Value,
        fresh: Value,
        tile: tuple[int, int],
        arguments: tuple[Value, ...],
        registers: Value,
        piece: Piece,
    ) -> None:
        ctx, rows, first, column = arguments
        size = self.table.number(b, ctx, ("size", term.operand.dim))
        operand, stride, panel = (
            read(b, ctx, b.add(number, I64(self.table.index[field, 0])))
            for field in ("operand", "operand stride", "panel")
        )
        row = row_of(b, self.math, rows, term.operand.rows, b.inttoptr(operand, POINTER), stride, first)
        vectors = fields.vectors(term)
        # as long as those of the blocks before it, whatever the last one is itself
        panel_stride = b.mul(size, I64(len(term.pairs) * self.math.width))
        begin = b.gep(b.inttoptr(panel, POINTER), [b.mul(column, panel_stride)], source_etype=self.math.scalar)
        row, begin, size = piece.of(b, row, begin, size, len(vectors) * self.math.width, self.math.scalar)
        shape = Shape(fields.total, vectors, *tile)
        b.call(self.kernels.kernel(shape), [row, stride, begin, panel_stride, size, registers, fresh])


def row_of(
    b: ir.IRBuilder, math: VectorMath, rows: Value, kind: RowKind, base: Value, stride: Value, number: Value
) -> Value:
    """Address of the first element of the row of sequence `number` in a place; `rows`: the first ones of this step."""
    if not kind.by_step:
        return base
    number = b.add(number, read(b, rows, BY_STEP.index(kind)))
    return b.gep(base, [b.mul(number, stride)], source_etype=math.scalar)


def _signature(term: Term) -> tuple[Any, ...]:
    """Terms with the same one can share the code that multiplies them."""
    return term.operand.rows, term.operand.dim, tuple(g for _, g in term.pairs)
