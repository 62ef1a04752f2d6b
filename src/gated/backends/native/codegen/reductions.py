"""Reductions over the units, as LLVM IR: each is registered under the name of its row in the book of operations.

The vectors of a row are put together lane by lane, in their order, then the lanes by halves. So a result depends on the
number of units and of lanes alone: not on threads, nor on the direction in which a time loop takes the columns.
"""

from __future__ import annotations

import math as math_module
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen import elementary
from gated.backends.native.codegen.ir_tools import I64, first_lanes, loop_with, splat
from gated.backends.native.codegen.vector_math import VectorMath
from gated.language.reductions import REDUCTIONS

Value = Any


@dataclass(frozen=True)
class RowOfUnits:
    """What a reduction goes over.

    Attributes:
        read: offset of a vector's first unit -> the vector; what it holds beyond the last unit does not matter.
        size: how many units there are, at least 1.
    """

    math: VectorMath
    read: Callable[[Value], Value]
    size: Value

    def fold(self, b: ir.IRBuilder, start: float, combine: Callable[[Value, Value], Value], of: Any = None) -> Value:
        """All units put together, in every lane.

        Args:
            start: what changes nothing; it stands for the lanes beyond the last unit.
            combine: of two vectors.
            of: a function of the vectors that is put together instead of them.
        """
        width, edge = self.math.width, self.math.constant(start)
        blocks = b.sdiv(b.add(self.size, I64(width - 1)), I64(width))
        carried = {"all": edge}
        with loop_with(b, I64(0), blocks, carried) as (block, held):
            offset = b.mul(block, I64(width))
            value = self.read(offset) if of is None else of(self.read(offset))
            units = first_lanes(b, self.math, b.sub(self.size, offset))
            held["all"] = combine(b.select(units, value, edge), held["all"])
        return splat(b, _across(b, carried["all"], width, combine), width)


Reducer = Callable[[ir.IRBuilder, RowOfUnits], Value]
REDUCERS: dict[str, Reducer] = {}  # by the name of the operation


def reduces(name: str) -> Callable[[Reducer], Reducer]:
    """Register machine code for a reduction of the book: a function of a `RowOfUnits` that gives one number, in every
    lane."""

    def enter(reducer: Reducer) -> Reducer:
        REDUCERS[name] = reducer
        return reducer

    return enter


@reduces("total")
def total(b: ir.IRBuilder, units: RowOfUnits) -> Value:
    return units.fold(b, 0.0, b.fadd)


@reduces("logsumexp")
def logsumexp(b: ir.IRBuilder, units: RowOfUnits) -> Value:
    """The largest is taken out, so that nothing overflows; where it is not finite, nothing is."""
    math = units.math
    peak = units.fold(b, -math_module.inf, lambda x, y: _larger(b, x, y))
    finite = b.fcmp_ordered("<", math.intrinsic(b, "fabs", peak), math.constant(math_module.inf))
    shift = b.select(finite, peak, math.constant(0.0))
    summed = units.fold(b, 0.0, b.fadd, lambda value: elementary.exp(math, b, b.fsub(value, shift)))
    return b.fadd(elementary.log(math, b, summed), shift)


def _larger(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.select(b.fcmp_ordered(">", x, y), x, y)


def _across(b: ir.IRBuilder, vector: Value, width: int, combine: Callable[[Value, Value], Value]) -> Value:
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
