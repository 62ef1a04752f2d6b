"""The gradient of a matrix, Σ over rows of δ vᵀ, as one kernel: C += Aᵀ B for row-major A (K, M) and B (K, N).

`outer(ctx, m0, m1)` makes the rows m0 <= m < m1 of C. K is cut into pieces that stay in the second-level cache; each
element of C is summed over k in the same order whatever the threads.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.ir_tools import I64, POINTER, Machine, loop, loop_with, splat
from gated.backends.native.vector_math import PRECISIONS, VectorMath

FIELDS = ("a", "a stride", "b", "b stride", "c", "c stride", "k", "blocks")
PIECE = 256  # rows of A and B per piece
Value = Any


def emit_outer(precision: str, machine: Machine) -> ir.Module:
    """The module of the kernel."""
    return _Outer(precision, machine).module


class _Outer:
    def __init__(self, precision: str, machine: Machine) -> None:
        self.module = ir.Module("outer")
        self.math = VectorMath(self.module, PRECISIONS[precision], machine.width(precision))
        self.bytes = PRECISIONS[precision].bits // 8
        # a row of A gives broadcasts, a row of B vectors: as many of both as the registers hold
        self.chunk = 4 if machine.registers >= 32 else 2
        self.rows = 6 if machine.registers >= 32 else 6
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "scan")
        ctx, self.m0, self.m1 = function.args
        b = ir.IRBuilder(function.append_basic_block())
        values = [b.load(b.gep(ctx, [I64(i)], source_etype=I64), typ=I64) for i in range(len(FIELDS))]
        self.field = dict(zip(FIELDS, values, strict=True))
        self.base = {name: b.inttoptr(self.field[name], POINTER) for name in ("a", "b", "c")}
        with loop(b, I64(0), self.field["k"], PIECE) as k0:
            left = b.sub(self.field["k"], k0)
            k1 = b.add(k0, b.select(b.icmp_signed("<", left, I64(PIECE)), left, I64(PIECE)))
            self._strips(b, k0, k1)
        b.ret_void()

    def _strips(self, b: ir.IRBuilder, k0: Value, k1: Value) -> None:
        blocks = self.field["blocks"]
        whole = b.mul(b.sdiv(blocks, I64(self.chunk)), I64(self.chunk))
        for low, high, chunk in ((I64(0), whole, self.chunk), (whole, blocks, 1)):
            with loop(b, low, high, chunk) as block:
                column = b.mul(block, I64(self.math.width))
                tiled = b.mul(b.sdiv(b.sub(self.m1, self.m0), I64(self.rows)), I64(self.rows))
                edge = b.add(self.m0, tiled)
                with loop(b, self.m0, edge, self.rows) as m:
                    self._tile(b, m, self.rows, column, chunk, k0, k1)
                with loop(b, edge, self.m1) as m:
                    self._tile(b, m, 1, column, chunk, k0, k1)

    def _at(self, b: ir.IRBuilder, name: str, row: Value, column: Value) -> Value:
        offset = b.add(b.mul(row, self.field[f"{name} stride"]), column)
        return b.gep(self.base[name], [offset], source_etype=self.math.scalar)

    def _tile(self, b: ir.IRBuilder, m: Value, rows: int, column: Value, chunk: int, k0: Value, k1: Value) -> None:
        width, vector = self.math.width, self.math.vector
        addresses = {
            (r, c): self._at(b, "c", b.add(m, I64(r)), b.add(column, I64(c * width)))
            for r in range(rows)
            for c in range(chunk)
        }
        sums = {key: b.load(address, typ=vector, align=self.bytes) for key, address in addresses.items()}
        with loop_with(b, k0, k1, sums) as (k, new):
            a, v = self._at(b, "a", k, m), self._at(b, "b", k, column)
            vectors = [
                b.load(b.gep(v, [I64(c * width)], source_etype=self.math.scalar), typ=vector, align=self.bytes)
                for c in range(chunk)
            ]
            for r in range(rows):
                scalar = b.load(b.gep(a, [I64(r)], source_etype=self.math.scalar), typ=self.math.scalar)
                spread = splat(b, scalar, width)
                for c in range(chunk):
                    new[r, c] = self.math.fma(b, spread, vectors[c], new[r, c])
        for key, address in addresses.items():
            b.store(sums[key], address, align=self.bytes)
