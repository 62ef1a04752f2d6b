"""The parameters' gradients from rows of adjoints, as one kernel.

    a matrix   Σ over rows of δ vᵀ: C = Aᵀ B for A (K, M) and B (K, N), both with rows of numbers side by side
    a vector   Σ over rows of δ, or of δ ⊙ v

`matrix_gradients(ctx, i, n)` and `vector_gradients(ctx, i, n)` do the i-th of n shares of every job in a table. The
rows are taken in pieces that stay in the second-level cache. Each element is summed in the same order whatever the
shares.

A sum of n numbers one after the other is wrong by up to n/2 units in the last place, and is nearly so where all have
one sign. Therefore no sum is long: chains begin at zero, the chains of a piece are added, and the pieces of a matrix
go to C, with compensation if they are many (Kahan 1965, Further remarks on reducing truncation errors, CACM 8(1); for
sums in blocks see Higham 2002, Accuracy and stability of numerical algorithms, ch. 4). `lost`, as large as C, holds
what the last addition lost; its address is 0 where nothing is kept. The sums of a vector are made in float64.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I1,
    I64,
    POINTER,
    JobTable,
    begin,
    load_masked,
    loop,
    loop_with,
    share_of,
    splat,
    store_masked,
)
from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for

Value = Any
MATRIX_JOB = ("a", "a stride", "b", "b stride", "c", "lost", "m", "n", "k", "accumulate")
VECTOR_JOB = ("source", "stride", "times", "times stride", "rows", "size", "target")  # `times`: 0, if there is no v


def emit_gradients(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add the functions `matrix_gradients` and `vector_gradients` to a module."""
    _Matrices(module, math, machine)
    _Vectors(module, math, machine)


class _Matrices:
    def __init__(self, module: ir.Module, math: VectorMath, machine: Machine) -> None:
        self.module, self.math = module, math
        self.bytes = math.precision.bits // 8
        numbers = tuning_for(machine)
        self.chain, piece, self.block = numbers.chain, numbers.piece, numbers.gradient_block
        self.rows, self.chunk = numbers.gradient_tile
        b, ctx, share, shares = begin(module, "matrix_gradients")
        strips = {width: self._strip(width) for width in (self.chunk, 1, 0)}
        table = JobTable(b, ctx, MATRIX_JOB)
        with loop(b, I64(0), table.count) as number:
            job = table.read(b, number)
            m0, m1 = share_of(b, job["m"], share, shares)
            with b.if_then(b.icmp_signed("<", m0, m1)), loop(b, I64(0), job["k"], piece) as k0:
                left = b.sub(job["k"], k0)
                count = b.select(b.icmp_signed("<", left, I64(piece)), left, I64(piece))
                first = b.and_(b.icmp_signed("==", k0, I64(0)), b.icmp_signed("==", job["accumulate"], I64(0)))
                block = self._block(b, job, m0, m1)
                with loop(b, I64(0), b.sdiv(b.add(b.sub(m1, m0), b.sub(block, I64(1))), block)) as turn:
                    low = b.add(m0, b.mul(turn, block))
                    high = b.add(low, block)
                    high = b.select(b.icmp_signed("<", high, m1), high, m1)
                    self._strips(b, strips, table.address(b, number), job["n"], [low, high, k0, count, first])
        b.ret_void()

    def _block(self, b: ir.IRBuilder, job: dict[str, Value], m0: Value, m1: Value) -> Value:
        """Columns of A that are taken with all of B, before the next ones: all, unless A is the wider."""
        wider = b.icmp_signed(">", job["m"], job["n"])
        return b.select(wider, I64(self.block), b.sub(m1, m0))

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
        nothing, none = b.icmp_signed("==", job["lost"], I64(0)), b.inttoptr(I64(0), POINTER)
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
                    offset = b.mul(m, job["n"])
                    to = b.gep(c, [offset], source_etype=scalar)
                    behind = b.gep(b.inttoptr(job["lost"], POINTER), [b.add(column, offset)], source_etype=scalar)
                    lost = b.select(nothing, none, behind)
                    b.call(tile, [left, job["a stride"], v, job["b stride"], to, lost, job["n"], count, rest, fresh])
                b.branch(end)
            b.position_at_end(end)
        b.ret_void()
        return function

    def _tile(self, rows: int, chunk: int) -> ir.Function:
        """tile(a, a stride, b, b stride, c, lost, c stride, k, rest, fresh): some rows by some columns of C."""
        math = self.math
        kinds = [POINTER, I64, POINTER, I64, POINTER, POINTER, I64, I64, I64, I1]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"tile{rows}x{chunk}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        a, a_stride, v, v_stride, c, lost, c_stride, count, rest, fresh = function.args
        b = ir.IRBuilder(function.append_basic_block())
        part = None if chunk else rest
        keys = [(r, j) for r in range(rows) for j in range(max(1, chunk))]
        held = b.alloca(math.vector, size=len(keys))
        piece = {key: b.gep(held, [I64(i)], source_etype=math.vector) for i, key in enumerate(keys)}
        with loop(b, I64(0), count, self.chain) as k0:
            left = b.sub(count, k0)
            length = b.select(b.icmp_signed("<", left, I64(self.chain)), left, I64(self.chain))
            first, right = (
                b.gep(array, [b.mul(k0, stride)], source_etype=math.scalar)
                for array, stride in ((a, a_stride), (v, v_stride))
            )
            sums = self._chain(b, (rows, max(1, chunk)), (first, a_stride, right, v_stride), length, part)
            with b.if_else(b.icmp_signed("==", k0, I64(0))) as (begin, go_on):
                with begin:
                    for key, place in piece.items():
                        b.store(sums[key], place)
                with go_on:
                    for key, place in piece.items():
                        b.store(b.fadd(b.load(place, typ=math.vector), sums[key]), place)
        offsets = {(r, j): b.add(b.mul(c_stride, I64(r)), I64(j * math.width)) for r, j in keys}
        sums = {key: b.load(place, typ=math.vector) for key, place in piece.items()}
        self._add_piece(b, sums, offsets, (c, lost), part, fresh)
        b.ret_void()
        return function

    def _chain(
        self,
        b: ir.IRBuilder,
        tile: tuple[int, int],
        operands: tuple[Value, Value, Value, Value],
        length: Value,
        part: Value | None,
    ) -> dict[Any, Value]:
        """The products of so many rows, summed one after the other in registers."""
        math = self.math
        rows, vectors = tile
        a, a_stride, v, v_stride = operands
        sums: dict[Any, Value] = {(r, j): math.constant(0.0) for r in range(rows) for j in range(vectors)}
        with loop_with(b, I64(0), length, sums) as (k, new):
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
        return sums

    def _add_piece(
        self,
        b: ir.IRBuilder,
        piece: dict[Any, Value],
        offsets: dict[Any, Value],
        where: tuple[Value, Value],
        part: Value | None,
        fresh: Value,
    ) -> None:
        """C becomes the piece, or it is added to C, with what the additions before have lost if that is kept."""
        math = self.math
        kept = b.icmp_unsigned("!=", b.ptrtoint(where[1], I64), I64(0))
        places = {
            key: tuple(b.gep(array, [offset], source_etype=math.scalar) for array in where)
            for key, offset in offsets.items()
        }
        with b.if_else(fresh) as (new, more):
            with new:
                for key, (c, _) in places.items():
                    store_masked(b, math, piece[key], c, part)
                with b.if_then(kept):
                    for _, lost in places.values():
                        store_masked(b, math, math.constant(0.0), lost, part)
            with more, b.if_else(kept) as (compensated, plain):
                with compensated:
                    for key, (c, lost) in places.items():
                        before, behind = (load_masked(b, math, place, part) for place in (c, lost))
                        total, rest = _compensated(b, before, piece[key], behind)
                        store_masked(b, math, total, c, part)
                        store_masked(b, math, rest, lost, part)
                with plain:
                    for key, (c, _) in places.items():
                        store_masked(b, math, b.fadd(load_masked(b, math, c, part), piece[key]), c, part)


def _compensated(b: ir.IRBuilder, total: Value, value: Value, lost: Value) -> tuple[Value, Value]:
    """total + value, with what the addition before has lost; and what this one loses."""
    wanted = b.fsub(value, lost)
    new = b.fadd(total, wanted)
    return new, b.fsub(b.fsub(new, total), wanted)


class _Vectors:
    def __init__(self, module: ir.Module, math: VectorMath, machine: Machine) -> None:
        self.math = math
        self.wide = ir.VectorType(ir.DoubleType(), math.width)
        numbers = tuning_for(machine)
        self.chain, chunk = numbers.vector_chain, numbers.vector_chunk
        b, ctx, share, shares = begin(module, "vector_gradients")
        table = JobTable(b, ctx, VECTOR_JOB)
        with loop(b, I64(0), table.count) as number:
            job = table.read(b, number)
            with b.if_else(b.icmp_signed("==", job["rows"], I64(0))) as (none, some):
                with none:
                    self._clear(b, job)
                with some:
                    self._share(b, job, share, shares, chunk)
        b.ret_void()

    def _share(self, b: ir.IRBuilder, job: dict[str, Value], share: Value, shares: Value, chunk: int) -> None:
        wide = I64(chunk * self.math.width)
        groups = b.sdiv(b.add(job["size"], b.sub(wide, I64(1))), wide)
        with loop(b, *share_of(b, groups, share, shares)) as group:
            column = b.mul(group, wide)
            whole = b.icmp_signed(">=", b.sub(job["size"], column), wide)
            with b.if_else(whole) as (together, single):
                with together:
                    self._either(b, job, column, chunk, None)
                with single, loop(b, column, job["size"], self.math.width) as first:
                    self._either(b, job, first, 1, b.sub(job["size"], first))

    def _either(self, b: ir.IRBuilder, job: dict[str, Value], column: Value, chunk: int, rest: Value | None) -> None:
        with b.if_else(b.icmp_signed("==", job["times"], I64(0))) as (plain, product):
            with plain:
                self._columns(b, job, ("source",), column, chunk, rest)
            with product:
                self._columns(b, job, ("source", "times"), column, chunk, rest)

    def _clear(self, b: ir.IRBuilder, job: dict[str, Value]) -> None:
        """No rows: every share writes all the zeros, which are few and seldom."""
        with loop(b, I64(0), job["size"], self.math.width) as column:
            place = b.gep(b.inttoptr(job["target"], POINTER), [column], source_etype=self.math.scalar)
            store_masked(b, self.math, self.math.constant(0.0), place, b.sub(job["size"], column))

    def _columns(
        self,
        b: ir.IRBuilder,
        job: dict[str, Value],
        factors: tuple[str, ...],
        column: Value,
        chunk: int,
        rest: Value | None,
    ) -> None:
        math = self.math
        arrays = [b.gep(b.inttoptr(job[name], POINTER), [column], source_etype=math.scalar) for name in factors]
        strides = [job["stride" if name == "source" else f"{name} stride"] for name in factors]
        chains = b.sdiv(b.add(job["rows"], I64(self.chain - 1)), I64(self.chain))
        zero = ir.Constant(self.wide, [0.0] * math.width)
        totals: dict[Any, Value] = {(name, j): zero for name in ("total", "lost") for j in range(chunk)}
        with loop_with(b, I64(0), chains, totals) as (turn, held):
            start = b.mul(turn, I64(self.chain))
            left = b.sub(job["rows"], start)
            count = b.select(b.icmp_signed("<", left, I64(self.chain)), left, I64(self.chain))
            sums: dict[Any, Value] = {j: zero for j in range(chunk)}
            with loop_with(b, I64(0), count, sums) as (k, new):
                number = b.add(start, k)
                rows = [
                    b.gep(array, [b.mul(number, stride)], source_etype=math.scalar)
                    for array, stride in zip(arrays, strides, strict=True)
                ]
                for j in range(chunk):
                    values = [
                        load_masked(b, math, b.gep(row, [I64(j * math.width)], source_etype=math.scalar), rest)
                        for row in rows
                    ]
                    value = values[0] if len(values) == 1 else b.fmul(*values)
                    new[j] = b.fadd(new[j], value if self.wide == math.vector else b.fpext(value, self.wide))
            for j in range(chunk):
                held["total", j], held["lost", j] = _compensated(b, held["total", j], sums[j], held["lost", j])
        target = b.gep(b.inttoptr(job["target"], POINTER), [column], source_etype=math.scalar)
        for j in range(chunk):
            address = b.gep(target, [I64(j * math.width)], source_etype=math.scalar)
            total = totals["total", j]
            total = total if self.wide == math.vector else b.fptrunc(total, math.vector)
            store_masked(b, math, total, address, rest)
