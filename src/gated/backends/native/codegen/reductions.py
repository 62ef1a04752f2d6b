"""Reductions over the units, as LLVM IR: each is registered under the name of its row in the book of operations.

The vectors of a row are put together lane by lane, in a few sums side by side, each in its order; then these, then the
lanes by halves. So a result depends on the number of units and of lanes alone: not on threads, nor on the direction in
which a time loop takes the columns. What lies beyond the last unit has no part in it.
"""

from __future__ import annotations

import math as math_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen import elementary
from gated.backends.native.codegen.ir_tools import I64, first_lanes, loop_if_any, splat
from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.tuning import tuning_for
from gated.language.reductions import REDUCTIONS

Value = Any
Combine = Callable[[Value, Value], Value]


@dataclass(frozen=True)
class RowOfUnits:
    """A vector that a reduction goes over.

    Attributes:
        read: offset of a vector's first unit -> the vector; what it holds beyond the last unit does not matter.
        dim: what its length is called.
        size: how many units there are, at least 1.
    """

    read: Callable[[Value], Value]
    dim: str
    size: Value


@dataclass(frozen=True)
class Units:
    """All that a reduction goes over, one row behind the other."""

    math: VectorMath
    rows: Sequence[RowOfUnits]

    def fold(
        self, b: ir.IRBuilder, start: float, combine: Combine, of: Callable[[Value], Value] | None = None
    ) -> Value:
        """All units put together, in every lane.

        Args:
            start: what changes nothing; it stands for the lanes beyond the last unit.
            combine: of two vectors.
            of: a function of the vectors that is put together instead of them.
        """
        sums: list[Value] = []
        for _, rows in groupby(self.rows, lambda row: row.dim):
            sums += self._of_one_length(b, list(rows), self.math.constant(start), combine, of or (lambda value: value))
        while len(sums) > 1:
            sums = [combine(*sums[i : i + 2]) if i + 1 < len(sums) else sums[i] for i in range(0, len(sums), 2)]
        return splat(b, _across(b, sums[0], self.math.width, combine), self.math.width)

    def _of_one_length(
        self, b: ir.IRBuilder, rows: list[RowOfUnits], edge: Value, combine: Combine, of: Callable[[Value], Value]
    ) -> list[Value]:
        """The sums, one for each row and chain: whole vectors chain by chain, then the others, then the last lanes."""
        width, size = self.math.width, rows[0].size
        chains = max(1, tuning_for().unit_chains // len(rows))
        whole = b.sdiv(size, I64(width))
        together = b.sub(whole, b.srem(whole, I64(chains)))
        sums = {(i, chain): edge for i in range(len(rows)) for chain in range(chains)}
        with loop_if_any(b, I64(0), together, sums, chains) as (block, held):
            for i, chain in sums:
                value = of(rows[i].read(b.mul(b.add(block, I64(chain)), I64(width))))
                held[i, chain] = combine(value, held[i, chain])
        first = {(i, 0): sums[i, 0] for i in range(len(rows))}
        if chains > 1:
            with loop_if_any(b, together, whole, first) as (block, held):
                for i, row in enumerate(rows):
                    held[i, 0] = combine(of(row.read(b.mul(block, I64(width)))), held[i, 0])
        blocks = b.sdiv(b.add(size, I64(width - 1)), I64(width))
        with loop_if_any(b, whole, blocks, first) as (block, held):  # once, or not at all
            offset = b.mul(block, I64(width))
            units = first_lanes(b, self.math, b.sub(size, offset))
            for i, row in enumerate(rows):
                held[i, 0] = combine(b.select(units, of(row.read(offset)), edge), held[i, 0])
        return list((sums | first).values())

    def count(self, b: ir.IRBuilder) -> Value:
        """How many units there are, as a number in every lane."""
        total = self.rows[0].size
        for row in self.rows[1:]:
            total = b.add(total, row.size)
        return splat(b, b.sitofp(total, self.math.scalar), self.math.width)


Reducer = Callable[..., Value]
REDUCERS: dict[str, Reducer] = {}  # by the name of the operation


def reduces(name: str) -> Callable[[Reducer], Reducer]:
    """Register machine code for a reduction of the book: a function of `Units`, and of the number that it needs if it
    does, that gives one number, in every lane."""

    def enter(reducer: Reducer) -> Reducer:
        REDUCERS[name] = reducer
        return reducer

    return enter


@reduces("total")
def total(b: ir.IRBuilder, units: Units) -> Value:
    return units.fold(b, 0.0, b.fadd)


@reduces("average")
def average(b: ir.IRBuilder, units: Units) -> Value:
    return b.fdiv(total(b, units), units.count(b))


@reduces("inner_product")
def dot(b: ir.IRBuilder, units: Units) -> Value:
    def product(first: RowOfUnits, second: RowOfUnits) -> RowOfUnits:
        return RowOfUnits(lambda offset: b.fmul(first.read(offset), second.read(offset)), first.dim, first.size)

    return total(b, Units(units.math, list(map(product, units.rows[::2], units.rows[1::2]))))


@reduces("norm")
def norm(b: ir.IRBuilder, units: Units) -> Value:
    return units.math.intrinsic(b, "sqrt", units.fold(b, 0.0, b.fadd, lambda value: b.fmul(value, value)))


@reduces("deviation")
def deviation(b: ir.IRBuilder, units: Units, number: Value) -> Value:
    """In two passes: the squares are those of what is left when the mean is taken off."""
    mean = average(b, units)

    def square(value: Value) -> Value:
        centred = b.fsub(value, mean)
        return b.fmul(centred, centred)

    variance = b.fdiv(units.fold(b, 0.0, b.fadd, square), units.count(b))
    return units.math.intrinsic(b, "sqrt", b.fadd(variance, number))


@reduces("peak")
@reduces("largest")
def largest(b: ir.IRBuilder, units: Units) -> Value:
    """NaN, if one of them is."""

    def larger(x: Value, y: Value) -> Value:
        return b.select(b.or_(b.fcmp_ordered(">", x, y), b.fcmp_unordered("uno", x, x)), x, y)

    return units.fold(b, -math_module.inf, larger)


@reduces("logsumexp")
def logsumexp(b: ir.IRBuilder, units: Units) -> Value:
    """The largest is taken out, so that nothing overflows; where it is not finite, nothing is."""
    math = units.math
    peak = units.fold(b, -math_module.inf, lambda x, y: b.select(b.fcmp_ordered(">", x, y), x, y))
    finite = b.fcmp_ordered("<", math.intrinsic(b, "fabs", peak), math.constant(math_module.inf))
    shift = b.select(finite, peak, math.constant(0.0))
    summed = units.fold(b, 0.0, b.fadd, lambda value: elementary.exp(math, b, b.fsub(value, shift)))
    return b.fadd(elementary.log(math, b, summed), shift)


def _across(b: ir.IRBuilder, vector: Value, width: int, combine: Combine) -> Value:
    """One number from all lanes, by halves."""
    lane, left = ir.IntType(32), width
    while left > 1:
        left //= 2
        mask = ir.Constant(ir.VectorType(lane, width), [(i + left) % width for i in range(width)])
        vector = combine(vector, b.shuffle_vector(vector, vector, mask))
    return b.extract_element(vector, lane(0))


_missing = [name for name in REDUCTIONS if name not in REDUCERS]
if _missing:
    raise NotImplementedError(f"an error in gated: no machine code for {', '.join(_missing)}; see {__name__}")
