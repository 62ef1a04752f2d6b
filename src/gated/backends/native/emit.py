"""Emission: the blocks of a program as LLVM IR, for one precision and vector width. Pure: nothing is compiled here.

The generated function `scan(ctx, n0, n1)` runs all time steps for the sequences n0 <= n < n1. Sizes are data, not
code: everything variable is read from `ctx`, a table of 64-bit numbers laid out by `Table`.

    for each step            (backwards in a backward program)
      for each block
        for tiles of m rows, m chosen so that all tiles are about equal
          for each chunk of columns: accumulators in registers, one K loop per operand, then the operations

Every row is computed in the same order of operations whatever the tile it falls into, so a result depends neither on
the number of threads nor on the batch it was computed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.ir_tools import I64, POINTER, Machine, loop, loop_with, splat
from gated.backends.native.lowering import CONSTANT, NEW, PREVIOUS, ROW, SEQUENCE, Block, Place, Program, Term
from gated.backends.native.vector_math import PRECISIONS, VectorMath
from gated.language.graph import Node

Value = Any


class Table:
    """Where in `ctx` each number lies."""

    FIXED = ("steps", "counts", "begin", "previous", "sequences")

    def __init__(self, program: Program) -> None:
        names: list[Any] = list(self.FIXED)
        dims = dict.fromkeys([block.dim for block in program.blocks] + [place.dim for place in program.places])
        self.dims = list(dims)
        names += [("size", dim) for dim in dims] + [("blocks", dim) for dim in dims]
        names += [("base", place) for place in program.places] + [("stride", place) for place in program.places]
        # side by side, so that the code can loop over the terms of a block
        for field in ("operand", "operand stride", "panel"):
            names += [(field, i) for i in range(len(program.panels))]
        self.index = {name: i for i, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self.index)


@dataclass
class _Step:
    """The table and the row numbers of one time step."""

    ctx: Value
    begin: Value
    previous: Value
    new: Value


class Emitter:
    """Builds the module of one program."""

    def __init__(self, program: Program, precision: str, machine: Machine, reverse: bool) -> None:
        self.program, self.machine, self.reverse = program, machine, reverse
        self.module = ir.Module("gated")
        self.math = VectorMath(self.module, PRECISIONS[precision], machine.width(precision))
        self.width, self.vector, self.scalar = self.math.width, self.math.vector, self.math.scalar
        self.bytes = PRECISIONS[precision].bits // 8
        self.table = Table(program)

    def emit(self) -> ir.Module:
        passes = [self._block_pass(i, block) for i, block in enumerate(self.program.blocks)]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "scan")
        ctx, n0, n1 = function.args
        b = ir.IRBuilder(function.append_basic_block())
        steps = self._field(b, ctx, "steps")
        arrays = [self._pointer(b, ctx, name) for name in ("counts", "begin", "previous")]
        sequences = self._field(b, ctx, "sequences")
        with loop(b, I64(0), steps) as s:
            t = b.sub(b.sub(steps, I64(1)), s) if self.reverse else s
            count, begin, previous = (b.load(b.gep(a, [t], source_etype=I64), typ=I64) for a in arrays)
            stop = b.select(b.icmp_signed("<", n1, count), n1, count)
            with b.if_then(b.icmp_signed("<", n0, stop)):
                new = b.add(sequences, begin)
                for block, run in zip(self.program.blocks, passes, strict=True):
                    self._tiles(b, run, self._largest_tile(block), ctx, (begin, previous, new), n0, stop)
        b.ret_void()
        return self.module

    # tiles

    def _largest_tile(self, block: Block) -> int:
        """Rows of the tile that does the most multiply-adds per load, among those that fit into the registers."""
        gates = len(block.accumulators)
        if gates == 0:
            return 8
        return max(range(1, 9), key=lambda rows: self._merit(rows, self._chunk(block, rows), gates))

    def _chunk(self, block: Block, rows: int) -> int:
        """Column blocks taken at once: few rows leave registers free, which hide the latency of the multiply-add."""
        gates = len(block.accumulators)
        if gates == 0:
            return 1
        return max((1, 2, 4), key=lambda chunk: self._merit(rows, chunk, gates))

    def _merit(self, rows: int, chunk: int, gates: int) -> float:
        vectors = chunk * gates
        fits = rows * vectors + vectors + 1 <= self.machine.registers
        return rows * vectors / (rows + vectors) if fits else -float(rows * vectors)

    def _tiles(
        self,
        b: ir.IRBuilder,
        run: ir.Function,
        largest: int,
        ctx: Value,
        rows: tuple[Value, ...],
        n0: Value,
        stop: Value,
    ) -> None:
        """Cut n0..stop into tiles that differ by at most one row: first the larger ones, then the smaller."""
        total = b.sub(stop, n0)
        tiles = b.sdiv(b.add(total, I64(largest - 1)), I64(largest))
        size = b.sdiv(total, tiles)
        larger = b.srem(total, tiles)
        b.call(run, [ctx, *rows, b.add(size, I64(1)), n0, larger])
        start = b.add(n0, b.mul(larger, b.add(size, I64(1))))
        b.call(run, [ctx, *rows, size, start, b.sub(tiles, larger)])

    def _block_pass(self, index: int, block: Block) -> ir.Function:
        """pass(ctx, begin, previous, new, size, start, tiles): `tiles` tiles of `size` rows from sequence `start`."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER] + [I64] * 6), f"pass{index}")
        function.attributes.add("noinline")
        ctx, begin, previous, new, size, start, tiles = function.args
        operate = self._operations(index, block)
        b = ir.IRBuilder(function.append_basic_block())
        registers = b.alloca(self.vector, size=max(1, self.machine.registers * 2 * max(1, len(block.accumulators))))
        end = function.append_basic_block()
        switch = b.switch(size, end)
        for rows in range(1, self._largest_tile(block) + 1):
            entry = function.append_basic_block()
            switch.add_case(I64(rows), entry)
            b.position_at_end(entry)
            self._columns(b, block, rows, _Step(ctx, begin, previous, new), start, tiles, registers, operate)
            b.branch(end)
        b.position_at_end(end)
        b.ret_void()
        return function

    def _columns(
        self,
        b: ir.IRBuilder,
        block: Block,
        rows: int,
        step: _Step,
        start: Value,
        tiles: Value,
        registers: Value,
        operate: ir.Function,
    ) -> None:
        """`tiles` tiles of `rows` rows: column chunk by column chunk, so that a chunk's panel stays in the cache."""
        blocks = self._field(b, step.ctx, ("blocks", block.dim))
        chunk = self._chunk(block, rows)
        whole = b.mul(b.sdiv(blocks, I64(chunk)), I64(chunk))
        for low, high, width in ((I64(0), whole, chunk), (whole, blocks, 1)):
            if low is whole and chunk == 1:
                continue
            with loop(b, low, high, width) as column, loop(b, I64(0), tiles) as tile:
                first = b.add(start, b.mul(tile, I64(rows)))
                if block.terms:
                    _Tile(self, block, rows, width, step, first, column).emit(b, registers)
                b.call(
                    operate,
                    [step.ctx, registers, step.begin, step.previous, step.new, first, I64(rows), column, I64(width)],
                )

    def _operations(self, index: int, block: Block) -> ir.Function:
        """operate(ctx, registers, begin, previous, new, first, rows, column, chunk): the elementwise part of a tile.

        One function for all tile shapes: the accumulators come through the stack, which costs little and keeps the
        code small (the elementary functions are most of it).
        """
        kinds = [POINTER, POINTER] + [I64] * 7
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"operate{index}")
        function.attributes.add("noinline")
        ctx, registers, begin, previous, new, first, rows, column, chunk = function.args
        b = ir.IRBuilder(function.append_basic_block())
        step = _Step(ctx, begin, previous, new)
        gates = len(block.accumulators)
        with loop(b, I64(0), rows) as row:
            number = b.add(first, row)
            with loop(b, I64(0), chunk) as c:
                position = b.mul(b.add(b.mul(row, chunk), c), I64(gates))
                values: dict[Node, Value] = {}
                for g, node in enumerate(block.accumulators):
                    address = b.gep(registers, [b.add(position, I64(g))], source_etype=self.vector)
                    values[node] = b.load(address, typ=self.vector, align=self.machine.vector_bytes)
                offset = b.mul(b.add(column, c), I64(self.width))
                self._operate(b, block, step, number, offset, values)
        b.ret_void()
        return function

    def _operate(
        self, b: ir.IRBuilder, block: Block, step: _Step, number: Value, offset: Value, values: dict[Node, Value]
    ) -> None:
        """All loads, then the operations, then all stores (which may overwrite what was loaded)."""

        def address(place: Place) -> Value:
            return b.gep(self._row(b, step, place, number), [offset], source_etype=self.scalar)

        for node, places in block.loads.items():
            loaded = [b.load(address(place), typ=self.vector, align=self.bytes) for place in places]
            values[node] = loaded[0] if len(loaded) == 1 else b.fadd(loaded[0], loaded[1])
        for node in block.operations:
            args = [self.math.constant(arg.attr) if arg.op == "constant" else values[arg] for arg in node.args]
            values[node] = self.math.emitter(node.attr)(b, *args)
        for node, place in block.stores:
            value = self.math.constant(node.attr) if node.op == "constant" else values[node]
            b.store(value, address(place), align=self.bytes)

    def _row(self, b: ir.IRBuilder, step: _Step, place: Place, number: Value) -> Value:
        """Address of the first element of the row of sequence `number` in a place."""
        base = self._pointer(b, step.ctx, ("base", place))
        return self._row_of(b, step, place.rows, base, self._field(b, step.ctx, ("stride", place)), number)

    def _row_of(self, b: ir.IRBuilder, step: _Step, rows: str, base: Value, stride: Value, number: Value) -> Value:
        if rows == CONSTANT:
            return base
        start = {ROW: step.begin, PREVIOUS: step.previous, NEW: step.new, SEQUENCE: I64(0)}[rows]
        return b.gep(base, [b.mul(b.add(start, number), stride)], source_etype=self.scalar)

    # small pieces

    def _field(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        return b.load(b.gep(ctx, [I64(self.table.index[name])], source_etype=I64), typ=I64)

    def _pointer(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        return b.inttoptr(self._field(b, ctx, name), POINTER)


class _Tile:
    """`rows` rows by `chunk` column blocks of one block's products: the micro-kernel."""

    def __init__(
        self, emitter: Emitter, block: Block, rows: int, chunk: int, step: _Step, first: Value, column: Value
    ) -> None:
        self.e, self.block, self.rows, self.chunk = emitter, block, rows, chunk
        self.step, self.first, self.column = step, first, column

    def emit(self, b: ir.IRBuilder, registers: Value) -> None:
        """Accumulate, and leave the sums at `registers`, (row, column block, accumulator)."""
        e = self.e
        gates = len(self.block.accumulators)
        keys = [(r, c, g) for r in range(self.rows) for c in range(self.chunk) for g in range(gates)]
        accumulators = {key: e.math.constant(0.0) for key in keys}
        blocks = e.program.blocks
        first = sum(len(block.terms) for block in blocks[: blocks.index(self.block)])
        terms = self.block.terms
        if all(_shape(term) == _shape(terms[0]) for term in terms):
            # one K loop in the code, run once per term
            with loop_with(b, I64(0), I64(len(terms)), accumulators) as (term, sums):
                self._accumulate(b, terms[0], b.add(term, I64(first)), sums)
        else:
            for index, term in enumerate(terms):
                self._accumulate(b, term, I64(first + index), accumulators)
        for i, key in enumerate(keys):
            address = b.gep(registers, [I64(i)], source_etype=e.vector)
            b.store(accumulators[key], address, align=e.machine.vector_bytes)

    def _accumulate(self, b: ir.IRBuilder, term: Term, number: Value, accumulators: dict[Any, Value]) -> None:
        """acc[r, c, g] += Σ_k operand[r, k] · panel[c, k, g], for the term of this number."""
        e, ctx = self.e, self.step.ctx
        size = e._field(b, ctx, ("size", term.operand.dim))
        operand, stride, panel = (
            b.load(b.gep(ctx, [b.add(number, I64(e.table.index[field, 0]))], source_etype=I64), typ=I64)
            for field in ("operand", "operand stride", "panel")
        )
        base = b.inttoptr(operand, POINTER)
        operands = [
            e._row_of(b, self.step, term.operand.rows, base, stride, b.add(self.first, I64(row)))
            for row in range(self.rows)
        ]
        lanes = len(term.pairs) * e.width
        starts = [
            b.gep(
                b.inttoptr(panel, POINTER),
                [b.mul(b.add(self.column, I64(c)), b.mul(size, I64(lanes)))],
                source_etype=e.scalar,
            )
            for c in range(self.chunk)
        ]
        mine = {
            (r, c, g): accumulators[r, c, g] for r in range(self.rows) for c in range(self.chunk) for _, g in term.pairs
        }
        with loop_with(b, I64(0), size, mine) as (k, sums):
            sums.update(self._multiply_add(b, term, k, lanes, starts, operands, sums))
        accumulators.update(mine)

    def _multiply_add(
        self,
        b: ir.IRBuilder,
        term: Term,
        k: Value,
        lanes: int,
        starts: list[Value],
        operands: list[Value],
        accumulators: dict[Any, Value],
    ) -> dict[Any, Value]:
        e = self.e
        offset = b.mul(k, I64(lanes))
        vectors = {}
        for c, start in enumerate(starts):
            for position, (_, g) in enumerate(term.pairs):
                address = b.gep(start, [b.add(offset, I64(position * e.width))], source_etype=e.scalar)
                vectors[c, g] = b.load(address, typ=e.vector, align=e.bytes)
        new = {}
        for row, operand in enumerate(operands):
            scalar = b.load(b.gep(operand, [k], source_etype=e.scalar), typ=e.scalar)
            spread = splat(b, scalar, e.width)
            for (c, g), vector in vectors.items():
                new[row, c, g] = e.math.fma(b, spread, vector, accumulators[row, c, g])
        return new


def _shape(term: Term) -> tuple[Any, ...]:
    """What the code of a term depends on."""
    return term.operand.rows, term.operand.dim, tuple(g for _, g in term.pairs)
