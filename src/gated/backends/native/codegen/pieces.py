"""Long operands of products, taken piece by piece: for each piece all tiles of rows, so that it stays in the caches.

The sums of the tiles are kept in memory from piece to piece. Every sum is made in the same order as without pieces.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, POINTER, loop
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for
from gated.program.lowering import Block, Program

Value = Any


@dataclass(frozen=True)
class Piece:
    """A piece of an operand, or all of it: then nothing is given.

    Attributes:
        first, count: of its numbers.
        last: whether the sums are complete behind it.
        kept: the address of the sums between two pieces; 0 if there is but one.
    """

    first: Value | None = None
    count: Value = None
    last: Value = None
    kept: Value = None

    def sums(self, b: ir.IRBuilder, registers: Value, vectors: Value, vector: ir.Type) -> Value:
        """Where those of a tile are; so many vectors behind the first tile's, if they are kept."""
        if self.first is None:
            return registers
        kept = b.gep(b.inttoptr(self.kept, POINTER), [vectors], source_etype=vector)
        return b.select(b.icmp_signed("==", self.kept, I64(0)), registers, kept)

    def of(
        self, b: ir.IRBuilder, row: Value, panel: Value, size: Value, step: int, scalar: ir.Type
    ) -> tuple[Value, Value, Value]:
        """Of an operand's row and a panel where this piece begins, and its length; `step`: from k to k in the panel."""
        if self.first is None:
            return row, panel, size
        begin = b.gep(panel, [b.mul(self.first, I64(step))], source_etype=scalar)
        return b.gep(row, [self.first], source_etype=scalar), begin, self.count

    @contextlib.contextmanager
    def if_last(self, b: ir.IRBuilder) -> Iterator[None]:
        """What is to be done when the sums are complete."""
        with contextlib.nullcontext() if self.first is None else b.if_then(self.last):
            yield


@contextlib.contextmanager
def pieces_of(
    b: ir.IRBuilder, program: Program, block: Block, field: Callable[[Any], Value], machine: Machine
) -> Iterator[Piece]:
    """A loop over the pieces of a block's operand; `field` reads a number of the program's table."""
    number = program.blocks.index(block)
    if number not in program.in_pieces:
        yield Piece()
        return
    kept, size = field(("sums", number)), field(("size", block.terms[0].operand.dim))
    length = tuning_for(machine).product_piece
    together = b.icmp_signed("==", kept, I64(0))
    pieces = b.select(together, I64(1), b.sdiv(b.add(size, I64(length - 1)), I64(length)))
    with loop(b, I64(0), pieces) as turn:
        first = b.mul(turn, I64(length))
        last = b.icmp_signed("==", turn, b.sub(pieces, I64(1)))
        yield Piece(first, b.select(last, b.sub(size, first), I64(length)), last, kept)
