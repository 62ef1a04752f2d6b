"""What is done with one vector of a row: the elementwise part of a block, as LLVM IR."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, load_up_to, splat, store_up_to
from gated.backends.native.codegen.reductions import REDUCERS, RowOfUnits, Units
from gated.backends.native.codegen.vector_math import VectorMath
from gated.language.graph import ONE_DIM, Node, is_constant
from gated.program.lowering import Block, Place

Value = Any


class Body:
    """Loads, operations and stores of a block.

    Args:
        row_of: where the row of a place begins.
        size_of: the length of a dimension.
    """

    def __init__(
        self,
        math: VectorMath,
        b: ir.IRBuilder,
        block: Block,
        row_of: Callable[[Place], Value],
        size_of: Callable[[str], Value],
    ) -> None:
        self.math, self.b, self.block, self.row_of, self.size_of = math, b, block, row_of, size_of
        self.bytes = math.precision.bits // 8

    def reduce(self, values: dict[Node, Value]) -> None:
        """The reductions; the numbers that they need are loaded."""
        for node, places in self.block.reductions.items():
            factor = self.block.factors.get(node)
            rows = [
                RowOfUnits(partial(self._units, place, factor), place.dim, self.size_of(place.dim)) for place in places
            ]
            numbers = [self._value(arg, values) for arg in node.args if arg.dim == ONE_DIM]
            values[node] = REDUCERS[node.attr](self.b, Units(self.math, rows), *numbers)

    def load(self, values: dict[Node, Value], offset: Value, nodes: Iterable[Node] | None = None) -> None:
        """What the block loads, or some of it, of the units from `offset` on."""
        for node in self.block.loads if nodes is None else nodes:
            loaded = [self.vector(place, offset) for place in self.block.loads[node]]
            values[node] = loaded[0] if len(loaded) == 1 else self.b.fadd(loaded[0], loaded[1])

    def compute(self, values: dict[Node, Value]) -> None:
        """The sums and the operations."""
        b, block = self.b, self.block
        for node, terms in block.sums.items():
            values[node] = self._sum([(self._value(a, values), v and values[v]) for a, v in terms])
        emitter = self.math.emitters([node.attr for node in block.operations])
        for node in block.operations:
            values[node] = emitter(node.attr)(b, *(self._value(arg, values) for arg in node.args))

    def store(self, values: dict[Node, Value], offset: Value) -> None:
        """Of the units from `offset` on."""
        for node, place in self.block.stores:
            value, address = self._value(node, values), self.address(place, offset)
            if place.tight:
                store_up_to(self.b, self.math, value, address, self._rest(place, offset))
            else:
                self.b.store(value, address, align=self.bytes)

    def vector(self, place: Place, offset: Value) -> Value:
        """Of a row; one number is for all units."""
        if place.one_hot:
            return self._one_hot(self.b.load(self.row_of(place), typ=I64), offset)
        if place.dim == ONE_DIM:
            return self.entry(self.row_of(place))
        if place.tight:
            return load_up_to(self.b, self.math, self.address(place, offset), self._rest(place, offset))
        return self.b.load(self.address(place, offset), typ=self.math.vector, align=self.bytes)

    def entry(self, address: Value) -> Value:
        """A number, for all units."""
        return splat(self.b, self.b.load(address, typ=self.math.scalar), self.math.width)

    def address(self, place: Place, offset: Value) -> Value:
        return self.b.gep(self.row_of(place), [offset], source_etype=self.math.scalar)

    def _rest(self, place: Place, offset: Value) -> Value:
        """How many numbers of a row there are from `offset` on."""
        return self.b.sub(self.size_of(place.dim), offset)

    def _one_hot(self, unit: Value, offset: Value) -> Value:
        """1 at this unit, 0 elsewhere."""
        b, width = self.b, self.math.width
        lanes = ir.Constant(ir.VectorType(I64, width), list(range(width)))
        there = b.icmp_signed("==", lanes, splat(b, b.sub(unit, offset), width))
        return b.select(there, self.math.constant(1.0), self.math.constant(0.0))

    def _units(self, place: Place, factor: Place | None, offset: Value) -> Value:
        """What a reduction reads."""
        value = self.vector(place, offset)
        return value if factor is None else self.b.fmul(self.vector(factor, offset), value)

    def _value(self, node: Node, values: dict[Node, Value]) -> Value:
        return self.math.constant(node.attr) if is_constant(node) else values[node]

    def _sum(self, terms: list[tuple[Value, Value | None]]) -> Value:
        """Σ a v, where v may be 1 (None)."""
        total = None
        for a, v in terms:
            if total is None:
                total = a if v is None else self.b.fmul(a, v)
            else:
                total = self.b.fadd(total, a) if v is None else self.math.fma(self.b, a, v, total)
        return self.math.constant(0.0) if total is None else total
