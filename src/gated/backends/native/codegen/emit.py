"""Emission: the blocks of programs as LLVM IR, for one precision and vector width. Pure: nothing is compiled here.

The generated function of a program, `name(ctx, n0, n1)`, runs all time steps for the sequences n0 <= n < n1. Sizes
are data, not code: everything variable is read from `ctx`, a table of 64-bit numbers laid out by `ContextTable`. (The
time loop of a program with one sequence at a time is in `in_place`.)

    for each step            (backwards in a backward program)
      for each block
        for tiles of m rows, m chosen so that all tiles are about equal
          for each chunk of columns: the products by micro-kernels, then the operations
          the same for the last columns, if they are few enough for `last_block`

Threads share the sequences, or else the columns of every block: then each has a table of its own, and all wait for each
other at the end of a block.

Every row is computed in the same order of operations whatever the tile it falls into, so a result depends neither on
the number of threads nor on the batch it was computed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.body import Body
from gated.backends.native.codegen.context import ContextTable
from gated.backends.native.codegen.in_place import one_by_one
from gated.backends.native.codegen.ir_tools import I64, POINTER, at, loop, read
from gated.backends.native.codegen.kernels import Kernels, best_chunk, best_rows
from gated.backends.native.codegen.last_block import Fields, runs_of
from gated.backends.native.codegen.pieces import pieces_of
from gated.backends.native.codegen.products import Products, row_of
from gated.backends.native.codegen.team import Waiting
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Node
from gated.program.lowering import Block, Place, Program
from gated.program.rows import BY_STEP

Value = Any
ODD = len(BY_STEP)  # where, behind a step's first rows, it is told whether its number is odd


class Module:
    """Several programs that share their micro-kernels."""

    def __init__(self, precision: str, machine: Machine) -> None:
        self.machine = machine
        self.module = ir.Module("gated")
        self.math = VectorMath(self.module, PRECISIONS[precision], machine.width(precision))
        self.kernels = Kernels(self.module, self.math, machine)
        self.barrier = Waiting(self.module, machine).barrier

    def add(self, name: str, program: Program, reverse: bool = False) -> None:
        """Emit a program as the function `name`."""
        _ProgramEmitter(self, name, program, reverse).emit()


class _ProgramEmitter:
    def __init__(self, owner: Module, name: str, program: Program, reverse: bool) -> None:
        self.module, self.machine, self.math, self.kernels = owner.module, owner.machine, owner.math, owner.kernels
        self.barrier = owner.barrier
        self.name, self.program, self.reverse = name, program, reverse
        self.width, self.vector = self.math.width, self.math.vector
        self.table = ContextTable(program)
        self.products = Products(self.kernels, program, self.table)

    def emit(self) -> None:
        # what the time loop calls stands before it: where code lies was measured to change its speed by 15 %
        single = self.program.single
        passes = [] if single else [self._block_pass(i, block) for i, block in enumerate(self.program.blocks)]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), self.name)
        ctx, n0, n1 = function.args
        b = ir.IRBuilder(function.append_basic_block())
        if single:
            one_by_one(self.math, b, ctx, self.program, self.table)
        else:
            self._together(b, ctx, n0, n1, passes)
        b.ret_void()

    def _together(self, b: ir.IRBuilder, ctx: Value, n0: Value, n1: Value, passes: Sequence[ir.Function]) -> None:
        """The time loop, all running sequences in every block."""
        rows = b.alloca(I64, size=len(BY_STEP) + 1)  # of this step, see above
        steps = self._field(b, ctx, "steps")
        counts = self._pointer(b, ctx, "counts")
        starts = [self._pointer(b, ctx, kind.name) for kind in BY_STEP]
        team, share, shares = (
            self._pointer(b, ctx, "team"),
            *(self._field(b, ctx, name) for name in ("share", "shares")),
        )
        with loop(b, I64(0), steps) as s:
            t = b.sub(b.sub(steps, I64(1)), s) if self.reverse else s
            count = read(b, counts, t)
            for i, start in enumerate(starts):
                b.store(read(b, start, t), at(b, rows, i))
            b.store(b.and_(t, I64(1)), at(b, rows, ODD))
            stop = b.select(b.icmp_signed("<", n1, count), n1, count)
            with b.if_then(b.icmp_signed("<", n0, stop)):
                for first, end in self._parts(b, n0, stop):
                    for block, run in zip(self.program.blocks, passes, strict=True):
                        self._tiles(b, run, self._largest_tile(block), ctx, rows, first, end)
                        with b.if_then(b.icmp_signed(">", shares, I64(1))):
                            b.call(self.barrier, [team, share, shares])

    def _parts(self, b: ir.IRBuilder, n0: Value, stop: Value) -> Iterator[tuple[Value, Value]]:
        """Where the code for the rows of a step is to be put that are taken through all blocks together."""
        if not self.program.by_rows:
            yield n0, stop
            return
        many = tuning_for(self.machine).rows_together
        with loop(b, n0, stop, many) as first:
            end = b.add(first, I64(many))
            yield first, b.select(b.icmp_signed("<", end, stop), end, stop)

    # tiles

    def _largest_tile(self, block: Block) -> int:
        gates = len(block.accumulators)
        return best_rows(gates, self.machine) if gates else tuning_for(self.machine).elementwise_tile

    def _tiles(
        self, b: ir.IRBuilder, run: ir.Function, largest: int, ctx: Value, rows: Value, n0: Value, stop: Value
    ) -> None:
        """Cut n0..stop into tiles that differ by at most one row: first the larger ones, then the smaller."""
        total = b.sub(stop, n0)
        tiles = b.sdiv(b.add(total, I64(largest - 1)), I64(largest))
        size = b.sdiv(total, tiles)
        larger = b.srem(total, tiles)
        b.call(run, [ctx, rows, b.add(size, I64(1)), n0, larger])
        start = b.add(n0, b.mul(larger, b.add(size, I64(1))))
        b.call(run, [ctx, rows, size, start, b.sub(tiles, larger)])

    def _block_pass(self, index: int, block: Block) -> ir.Function:
        """pass(ctx, step's rows, size, start, tiles): `tiles` tiles of `size` rows from sequence `start`."""
        function = self._function(f"pass{index}", [POINTER, POINTER, I64, I64, I64])
        ctx, rows, size, start, tiles = function.args
        operate = self._operations(index, block)
        b = ir.IRBuilder(function.append_basic_block())
        largest = self._largest_tile(block)
        gates = len(block.accumulators)
        vectors = max(r * best_chunk(gates, r, self.machine) * gates for r in range(1, largest + 1)) if gates else 1
        registers = b.alloca(self.vector, size=vectors)
        packed = b.alloca(self.vector, size=max(1, largest * Fields.most(block)))
        places = registers, packed
        layouts = [(Fields(block), None), *((fields, self._apart(index, fields)) for fields in Fields.beside(block))]
        end = function.append_basic_block()
        if not gates:  # one size of tile fits all
            self._columns(b, block, size, 1, (ctx, rows, start, tiles), places, operate, layouts)
            b.branch(end)
        else:
            switch = b.switch(size, end)
            for number in range(1, largest + 1):
                entry = function.append_basic_block()
                switch.add_case(I64(number), entry)
                b.position_at_end(entry)
                chunk = best_chunk(gates, number, self.machine)
                self._columns(b, block, number, chunk, (ctx, rows, start, tiles), places, operate, layouts)
                b.branch(end)
        b.position_at_end(end)
        b.ret_void()
        return function

    def _columns(
        self,
        b: ir.IRBuilder,
        block: Block,
        size: Value | int,
        chunk: int,
        arguments: tuple[Value, ...],
        registers: tuple[Value, Value],
        operate: ir.Function,
        layouts: Sequence[tuple[Fields, ir.Function | None]],
    ) -> None:
        """Tiles of `size` rows: column chunk by column chunk, so that a chunk's panel stays in the cache.

        In odd steps they go backwards: what the step before has used last is in the first-level cache still. A long
        operand is taken piece by piece, and for each of its pieces all tiles.

        Args:
            registers: for the sums of a tile, an accumulator a vector; and where they lie otherwise first.
            layouts: how they may lie, and what takes them apart.
        """
        ctx, rows, start, tiles = arguments
        number = I64(size) if isinstance(size, int) else size
        begin, end = (self._field(b, ctx, (field, block.dim)) for field in ("from", "to"))
        odd = b.icmp_signed("!=", read(b, rows, ODD), I64(0))
        units = self._field(b, ctx, ("size", block.dim))
        runs = runs_of(b, [fields for fields, _ in layouts], (begin, end), units, self.width, chunk)
        room = I64(Fields.most(block))
        with pieces_of(b, self.program, block, partial(self._field, b, ctx), self.machine) as piece:
            for (low, high, width), (fields, apart) in ((run, layouts[i]) for i, run in runs):
                with loop(b, low, high, width) as position, loop(b, I64(0), tiles) as tile:
                    mirrored = b.sub(b.add(low, b.sub(high, I64(width))), position)
                    column = b.select(odd, mirrored, position)
                    first = b.add(start, b.mul(tile, number))
                    vectors = b.mul(b.add(b.mul(first, end), b.mul(number, column)), room)
                    sums = piece.sums(b, registers[apart is not None], vectors, self.vector)
                    if isinstance(size, int):
                        self.products.of_tile(b, fields, (size, width), (ctx, rows, first, column), sums, piece)
                    with piece.if_last(b):
                        if apart is not None:
                            b.call(apart, [sums, registers[0], number])
                            sums = registers[0]
                        b.call(operate, [ctx, sums, rows, first, number, column, I64(width)])

    def _apart(self, index: int, fields: Fields) -> ir.Function:
        """apart(sums, registers, rows): see `Fields.take_apart`."""
        function = self._function(f"apart{index}_{fields.fields}", [POINTER, POINTER, I64])
        b = ir.IRBuilder(function.append_basic_block())
        fields.take_apart(b, self.math, *function.args)
        b.ret_void()
        return function

    # elementwise operations

    def _operations(self, index: int, block: Block) -> ir.Function:
        """operate(ctx, registers, step's rows, first, rows, column, chunk): the elementwise part of a tile.

        One function for all tile shapes: the accumulators come through the stack, which costs little and keeps the
        code small (the elementary functions are most of it).
        """
        function = self._function(f"operate{index}", [POINTER, POINTER, POINTER, I64, I64, I64, I64])
        ctx, registers, rows, first, size, column, chunk = function.args
        b = ir.IRBuilder(function.append_basic_block())
        gates = len(block.accumulators)
        with loop(b, I64(0), size) as row:
            number = b.add(first, row)
            with loop(b, I64(0), chunk) as c:
                position = b.mul(b.add(b.mul(row, chunk), c), I64(gates))
                values: dict[Node, Value] = {}
                for g, node in enumerate(block.accumulators):
                    address = b.gep(registers, [b.add(position, I64(g))], source_etype=self.vector)
                    values[node] = b.load(address, typ=self.vector, align=self.machine.vector_bytes)
                offset = b.mul(b.add(column, c), I64(self.width))
                self._operate(b, block, (ctx, rows, number, offset), values)
        b.ret_void()
        return function

    def _operate(self, b: ir.IRBuilder, block: Block, where: tuple[Value, ...], values: dict[Node, Value]) -> None:
        """All loads, then the operations, then all stores (which may overwrite what was loaded)."""
        ctx, rows, number, offset = where

        def row(place: Place) -> Value:
            base, stride = self._pointer(b, ctx, ("base", place)), self._field(b, ctx, ("stride", place))
            return row_of(b, self.math, rows, place.rows, base, stride, number)

        body = Body(self.math, b, block, row, lambda dim: self._field(b, ctx, ("size", dim)))
        body.load(values, offset)
        body.reduce(values)
        body.compute(values)
        body.store(values, offset)

    # small pieces

    def _function(self, name: str, kinds: list[Any]) -> ir.Function:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"{self.name}_{name}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        return function

    def _field(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        return self.table.number(b, ctx, name)

    def _pointer(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        return self.table.pointer(b, ctx, name)
