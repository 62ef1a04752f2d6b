"""The parameters' gradients from rows of adjoints, as one kernel.

    a matrix   Σ over rows of δ vᵀ: C = Aᵀ B for A (K, M) and B (K, N), both with rows of numbers side by side
    a vector   Σ over rows of δ

`matrix_gradients(ctx, i, n)` and `vector_gradients(ctx, i, n)` do the i-th of n shares of every job in a table. The
rows are taken in pieces that stay in the second-level cache; each element is summed in the same order whatever the
shares, and in pieces, which keeps the rounding errors of long sums small.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.ir_tools import (
    I1,
    I64,
    POINTER,
    JobTable,
    Machine,
    load_masked,
    loop,
    loop_with,
    share_of,
    splat,
    store_masked,
)
from gated.backends.native.vector_math import VectorMath

Value = Any
MATRIX_JOB = ("a", "a stride", "b", "b stride", "c", "m", "n", "k", "accumulate")
VECTOR_JOB = ("source", "stride", "rows", "size", "target")
PIECE = 256  # rows of A and B per piece


def emit_gradients(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add the functions `matrix_gradients` and `vector_gradients` to a module."""
    _Matrices(module, math, machine)
    _Vectors(module, math)


class _Matrices:
    def __init__(self, module: ir.Module, math: VectorMath, machine: Machine) -> None:
        self.module, self.math = module, math
        self.bytes = math.precision.bits // 8
        # a row of A gives broadcasts, a row of B vectors: as many of both as the registers hold
        self.rows, self.chunk = (6, 4) if machine.registers >= 32 else (4, 2)
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        function = ir.Function(module, kind, "matrix_gradients")
        ctx, share, shares = function.args
        strips = {width: self._strip(width) for width in (self.chunk, 1, 0)}
        b = ir.IRBuilder(function.append_basic_block())
        table = JobTable(b, ctx, MATRIX_JOB)
        with loop(b, I64(0), table.count) as number:
            job = table.read(b, number)
            m0, m1 = share_of(b, job["m"], share, shares)
            with b.if_then(b.icmp_signed("<", m0, m1)), loop(b, I64(0), job["k"], PIECE) as k0:
                left = b.sub(job["k"], k0)
                count = b.select(b.icmp_signed("<", left, I64(PIECE)), left, I64(PIECE))
                first = b.and_(b.icmp_signed("==", k0, I64(0)), b.icmp_signed("==", job["accumulate"], I64(0)))
                self._strips(b, strips, table.address(b, number), job["n"], [m0, m1, k0, count, first])
        b.ret_void()

    def _strips(
        self, b: ir.IRBuilder, strips: dict[int, ir.Function], job: Value, n: Value, arguments: list[Value]
    ) -> None:
        """All columns: in chunks of several vectors, then of one, then what is left."""
        width = self.math.width
        edges = [I64(0)]
        for step in (self.chunk * width, width):
            edges.append(b.mul(b.sdiv(n, I64(step)), I64(step)))
        edges.append(n)
        for (chunk, strip), low, high in zip(strips.items(), edges, edges[1:], strict=False):
            with loop(b, low, high, max(1, chunk) * width) as column:
                b.call(strip, [job, column, *arguments])

    def _strip(self, chunk: int) -> ir.Function:
        """strip(job, column, m0, m1, k0, count, fresh): `chunk` vectors of columns; 0: part of a single one."""
        kinds = [POINTER, I64, I64, I64, I64, I64, I1]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"strip{chunk}")
        function.linkage = "internal"
        tiles = {rows: self._tile(rows, chunk) for rows in range(1, self.rows + 1)}
        address, column, m0, m1, k0, count, fresh = function.args
        b = ir.IRBuilder(function.append_basic_block())
        job = JobTable.fields(b, address, MATRIX_JOB)
        scalar = self.math.scalar
        a = b.gep(b.inttoptr(job["a"], POINTER), [b.mul(k0, job["a stride"])], source_etype=scalar)
        v = b.gep(b.inttoptr(job["b"], POINTER), [b.add(b.mul(k0, job["b stride"]), column)], source_etype=scalar)
        c = b.gep(b.inttoptr(job["c"], POINTER), [column], source_etype=scalar)
        rest = b.sub(job["n"], column)
        # rows in tiles that differ by at most one: first the larger ones
        total = b.sub(m1, m0)
        pieces = b.sdiv(b.add(total, I64(self.rows - 1)), I64(self.rows))
        size, larger = b.sdiv(total, pieces), b.srem(total, pieces)
        middle = b.add(m0, b.mul(larger, b.add(size, I64(1))))
        for number, low, high in ((b.add(size, I64(1)), m0, middle), (size, middle, m1)):
            end = function.append_basic_block()
            switch = b.switch(number, end)
            for rows, tile in tiles.items():
                entry = function.append_basic_block()
                switch.add_case(I64(rows), entry)
                b.position_at_end(entry)
                with loop(b, low, high, rows) as m:
                    left = b.gep(a, [m], source_etype=scalar)
                    to = b.gep(c, [b.mul(m, job["n"])], source_etype=scalar)
                    b.call(tile, [left, job["a stride"], v, job["b stride"], to, job["n"], count, rest, fresh])
                b.branch(end)
            b.position_at_end(end)
        b.ret_void()
        return function

    def _tile(self, rows: int, chunk: int) -> ir.Function:
        """tile(a, a stride, b, b stride, c, c stride, k, rest, fresh): some rows by some columns of C."""
        math = self.math
        kinds = [POINTER, I64, POINTER, I64, POINTER, I64, I64, I64, I1]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"tile{rows}x{chunk}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        a, a_stride, v, v_stride, c, c_stride, count, rest, fresh = function.args
        b = ir.IRBuilder(function.append_basic_block())
        part = None if chunk else rest
        vectors = max(1, chunk)
        addresses = {
            (r, j): b.gep(c, [b.add(b.mul(c_stride, I64(r)), I64(j * math.width))], source_etype=math.scalar)
            for r in range(rows)
            for j in range(vectors)
        }
        entry, held, go = b.block, b.append_basic_block(), b.append_basic_block()
        b.cbranch(fresh, go, held)
        b.position_at_end(held)
        loaded = {key: load_masked(b, math, address, part) for key, address in addresses.items()}
        held = b.block
        b.branch(go)
        b.position_at_end(go)
        sums = {}
        for key, value in loaded.items():
            sums[key] = b.phi(math.vector)
            sums[key].add_incoming(math.constant(0.0), entry)
            sums[key].add_incoming(value, held)
        with loop_with(b, I64(0), count, sums) as (k, new):
            left = b.gep(a, [b.mul(k, a_stride)], source_etype=math.scalar)
            right = b.gep(v, [b.mul(k, v_stride)], source_etype=math.scalar)
            columns = [
                load_masked(b, math, b.gep(right, [I64(j * math.width)], source_etype=math.scalar), part)
                for j in range(vectors)
            ]
            for r in range(rows):
                scalar = b.load(b.gep(left, [I64(r)], source_etype=math.scalar), typ=math.scalar)
                spread = splat(b, scalar, math.width)
                for j in range(vectors):
                    new[r, j] = math.fma(b, spread, columns[j], new[r, j])
        for key, address in addresses.items():
            store_masked(b, math, sums[key], address, part)
        b.ret_void()
        return function


class _Vectors:
    CHUNK = 4

    def __init__(self, module: ir.Module, math: VectorMath) -> None:
        self.math = math
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        function = ir.Function(module, kind, "vector_gradients")
        ctx, share, shares = function.args
        b = ir.IRBuilder(function.append_basic_block())
        table = JobTable(b, ctx, VECTOR_JOB)
        with loop(b, I64(0), table.count) as number:
            job = table.read(b, number)
            groups = b.sdiv(b.add(job["size"], I64(self.CHUNK * math.width - 1)), I64(self.CHUNK * math.width))
            low, high = share_of(b, groups, share, shares)
            with loop(b, low, high) as group:
                column = b.mul(group, I64(self.CHUNK * math.width))
                rest = b.sub(job["size"], column)
                whole = b.icmp_signed(">=", rest, I64(self.CHUNK * math.width))
                with b.if_else(whole) as (together, single):
                    with together:
                        self._columns(b, job, column, self.CHUNK, None)
                    with single, loop(b, column, job["size"], math.width) as first:
                        self._columns(b, job, first, 1, b.sub(job["size"], first))
        b.ret_void()

    def _columns(self, b: ir.IRBuilder, job: dict[str, Value], column: Value, chunk: int, rest: Value | None) -> None:
        math = self.math
        source = b.gep(b.inttoptr(job["source"], POINTER), [column], source_etype=math.scalar)
        totals: dict[Any, Value] = {j: math.constant(0.0) for j in range(chunk)}
        pieces = b.sdiv(b.add(job["rows"], I64(PIECE - 1)), I64(PIECE))
        with loop_with(b, I64(0), pieces, totals) as (piece, total):
            start = b.mul(piece, I64(PIECE))
            left = b.sub(job["rows"], start)
            count = b.select(b.icmp_signed("<", left, I64(PIECE)), left, I64(PIECE))
            sums: dict[Any, Value] = {j: math.constant(0.0) for j in range(chunk)}
            with loop_with(b, I64(0), count, sums) as (k, new):
                row = b.gep(source, [b.mul(b.add(start, k), job["stride"])], source_etype=math.scalar)
                for j in range(chunk):
                    address = b.gep(row, [I64(j * math.width)], source_etype=math.scalar)
                    new[j] = b.fadd(new[j], load_masked(b, math, address, rest))
            for j in range(chunk):
                total[j] = b.fadd(total[j], sums[j])
        target = b.gep(b.inttoptr(job["target"], POINTER), [column], source_etype=math.scalar)
        for j in range(chunk):
            address = b.gep(target, [I64(j * math.width)], source_etype=math.scalar)
            store_masked(b, math, totals[j], address, rest)
