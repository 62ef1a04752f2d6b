"""A program with one sequence at a time: its blocks of one row each are emitted in place, without tiles.

for each step
  for each block whose condition holds
    for each vector of units
      products, with matrices that lie as columns
      loads, operations, stores; or, in a block over the columns of a matrix, these for each column

A block may also be a call: then the course that the table tells is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.body import Body
from gated.backends.native.codegen.context import ContextTable
from gated.backends.native.codegen.ir_tools import I64, at, loop, loop_with, read
from gated.backends.native.codegen.kernels import multiply_add
from gated.backends.native.codegen.team import run_alone
from gated.backends.native.codegen.vector_math import VectorMath
from gated.language.graph import ONE_DIM, Node
from gated.program.lowering import Block, Condition, Place, Program
from gated.program.rows import RowKind

Value = Any


def one_by_one(math: VectorMath, b: ir.IRBuilder, ctx: Value, program: Program, table: ContextTable) -> None:
    """The time loop."""
    used = dict.fromkeys(place.rows for place in program.places if place.rows.by_step)
    starts = {kind: table.pointer(b, ctx, kind.name) for kind in used}
    with loop(b, I64(0), table.number(b, ctx, "steps")) as step:
        _Step(math, b, ctx, program, table, step, {kind: read(b, start, step) for kind, start in starts.items()}).emit()


@dataclass
class _Step:
    """Emits the blocks of one step.

    Attributes:
        step: its number.
        first: the row of every kind that has one by step.
    """

    math: VectorMath
    b: ir.IRBuilder
    ctx: Value
    program: Program
    table: ContextTable
    step: Value
    first: dict[RowKind, Value]

    def emit(self) -> None:
        """All blocks, those that follow each other under one condition together."""
        for condition, blocks in groupby(self.program.blocks, lambda block: block.condition):
            with self._if(condition):
                for block in blocks:
                    self._block(block)

    @contextmanager
    def _if(self, condition: Condition | None) -> Iterator[None]:
        if condition is None:
            yield
            return
        number = self._number(condition.place)
        with self.b.if_then(self.b.fcmp_ordered("!=" if condition.given else "==", number, self.math.scalar(0.0))):
            yield

    def _number(self, place: Place) -> Value:
        return self.b.load(self._row_of(place), typ=self.math.scalar)

    def _row_of(self, place: Place) -> Value:
        """Where the row of a place begins, the first one if it has several."""
        base = self.table.pointer(self.b, self.ctx, ("base", place))
        if not place.rows.by_step:
            return base
        return self._element(base, self.b.mul(self.first[place.rows], self._field(("stride", place))))

    def _field(self, name: Any) -> Value:
        return self.table.number(self.b, self.ctx, name)

    def _end(self) -> None:
        """End the time loop."""
        self.b.store(self.b.add(self.step, I64(1)), at(self.b, self.ctx, self.table.index["ended"]))
        self.b.ret_void()

    def _block(self, block: Block) -> None:
        b = self.b
        if block.call:
            run_alone(b, self.table.pointer(b, self.ctx, "call"))
        elif block.over is None:
            rows = self._rows(block)
            body = self._body(block, rows)
            with self._vectors(block.dim) as offset:
                values: dict[Node, Value] = {}
                self._products(block, offset, values)
                body.load(values, offset)
                body.reduce(values)
                body.compute(values)
                body.store(values, offset)
        elif block.dim == ONE_DIM:
            self._numbers(block)
        else:
            self._columns(block, block.over)
        if block.check is not None:
            number = self._number(block.check)
            with b.if_then(b.fcmp_unordered("uno", b.fsub(number, number), self.math.scalar(0.0)), likely=False):
                self._end()

    def _vectors(self, dim: str) -> Any:
        """A loop over the vectors of a row, by the offset of the first unit."""
        return loop(self.b, I64(0), self.b.mul(self._field(("to", dim)), I64(self.math.width)), self.math.width)

    def _rows(self, block: Block) -> dict[Place, Value]:
        """Where all rows of a block begin, found before its loops."""
        found = [place for places in [*block.loads.values(), *block.reductions.values()] for place in places]
        found += [*block.factors.values(), *block.entries.values(), *block.folds.values()]
        found += [place for _, place in block.stores]
        return {place: self._row_of(place) for place in dict.fromkeys(found)}

    def _body(self, block: Block, rows: dict[Place, Value]) -> Body:
        return Body(self.math, self.b, block, rows.__getitem__, lambda dim: self._field(("size", dim)))

    def _products(self, block: Block, offset: Value, values: dict[Node, Value]) -> None:
        """Each sum in its register, over the columns in their order."""
        b = self.b
        sums = {(0, 0, g): self.math.constant(0.0) for g in range(len(block.accumulators))}
        for term in block.terms:
            places = [self.program.columns[matrix.name] for matrix in term.panel]
            columns = [self._element(self._row_of(place), offset) for place in places]
            steps = [self._field(("step", place)) for place in places]
            operand, mine = self._row_of(term.operand), {key: sums[key] for key in ((0, 0, g) for _, g in term.pairs)}
            with loop_with(b, I64(0), self._field(("size", term.operand.dim)), mine) as (c, held):
                weights: dict[tuple[int, int], list[Value]] = {}
                for column, step, (_, g) in zip(columns, steps, term.pairs, strict=True):
                    address = self._element(column, b.mul(c, step))
                    vector = b.load(address, typ=self.math.vector, align=self.math.precision.bits // 8)
                    weights.setdefault((0, g), []).append(vector)
                multiply_add(b, self.math, [operand], c, weights, held)
            sums.update(mine)
        values.update((node, sums[0, 0, g]) for g, node in enumerate(block.accumulators))

    def _columns(self, block: Block, over: str) -> None:
        """A block over columns: the same vector of all of them, then the next one."""
        b, rows = self.b, self._rows(block)
        shared = [node for node, (place, *_) in block.loads.items() if place.over is None]
        steps = {place: self._field(("step", place)) for place in rows if place.over is not None}
        body = self._body(block, rows)
        with self._vectors(block.dim) as offset:
            values: dict[Node, Value] = {}
            body.load(values, offset, shared)
            folds = {node: self.math.constant(0.0) for node in block.folds}
            with loop_with(b, I64(0), self._field(("size", over)), folds) as (c, held):
                here = self._column(rows, steps, c)
                inner = self._body(block, here)
                each = dict(values)
                for node, place in block.entries.items():
                    each[node] = inner.entry(self._element(rows[place], c))
                inner.load(each, offset, [node for node in block.loads if node not in values])
                inner.compute(each)
                inner.store(each, offset)
                for node, total in held.items():
                    held[node] = b.fadd(total, each[node])
            for node, place in block.folds.items():
                b.store(folds[node], body.address(place, offset), align=body.bytes)

    def _numbers(self, block: Block) -> None:
        """A number for each column, stored side by side."""
        b, rows = self.b, self._rows(block)
        steps = {place: self._field(("step", place)) for place in rows if place.over is not None}
        with loop(b, I64(0), self._field(("size", block.over))) as c:
            body = self._body(block, self._column(rows, steps, c))
            values: dict[Node, Value] = {}
            body.reduce(values)
            body.compute(values)
            for node, place in block.stores:
                number = b.extract_element(values[node], ir.IntType(32)(0))
                b.store(number, self._element(rows[place], c))

    def _column(self, rows: dict[Place, Value], steps: dict[Place, Value], c: Value) -> dict[Place, Value]:
        """Where the rows of a column begin."""
        return rows | {place: self._element(rows[place], self.b.mul(c, step)) for place, step in steps.items()}

    def _element(self, base: Value, index: Value) -> Value:
        return self.b.gep(base, [index], source_etype=self.math.scalar)
