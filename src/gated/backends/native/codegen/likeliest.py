"""Leaves a chance to the likeliest alone: see `interface.Arithmetic.pick`.

    keep_likeliest(y, chances, order, size, most, part)    the chances of all but the first in the order become 0
    sink(y, order, place, size)                            a number of the heap goes where it belongs

The order is that of falling outputs, equal ones as they stand. `order` holds all numbers below `size` as a heap (J. W.
J. Williams, 1964, Algorithm 232: Heapsort), the first of the order at its top, which is taken off one by one; so what a
draw costs is the making of the heap, and a path through it for each that is kept. The last are those that are left.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, POINTER, at, loop, loop_with, read
from gated.backends.native.codegen.vectors import DOUBLE

Value = Any


def emit_likeliest(module: ir.Module, scalar: ir.Type) -> ir.Function:
    """Add both to a module. `scalar`: the type of the outputs."""
    sink = _Sink(module, scalar)
    sink.emit()
    keep = _Keep(module, sink.function)
    keep.emit()
    return keep.function


class _Keep:
    """The first function in the making."""

    def __init__(self, module: ir.Module, sink: ir.Function) -> None:
        self.function, self.sink = _function(module, "keep_likeliest", *[POINTER] * 3, I64, I64, DOUBLE), sink
        self.b = ir.IRBuilder(self.function.append_basic_block())
        self.y, self.chances, self.order, self.size, self.most, self.part = self.function.args
        self.left, self.kept = self.b.alloca(I64), self.b.alloca(DOUBLE)  # in the heap; the sum of what was taken off

    def emit(self) -> None:
        b, size = self.b, self.size
        sums = {"total": DOUBLE(0.0)}
        with loop_with(b, I64(0), size, sums) as (k, now):
            b.store(k, at(b, self.order, k))
            now["total"] = b.fadd(now["total"], b.load(self._chance(k), typ=DOUBLE))
        wanted, half = b.fmul(self.part, sums["total"]), b.sdiv(size, I64(2))
        with loop(b, I64(0), half) as k:
            b.call(self.sink, [self.y, self.order, b.sub(b.sub(half, I64(1)), k), size])
        b.store(size, self.left)
        b.store(DOUBLE(0.0), self.kept)
        with loop(b, I64(0), self.most) as k:
            lacks = b.fcmp_ordered("<", b.load(self.kept, typ=DOUBLE), wanted)
            with b.if_then(b.or_(b.icmp_signed("==", k, I64(0)), lacks)):  # one is kept always
                self._take_off()
        with loop(b, I64(0), b.load(self.left, typ=I64)) as k:
            b.store(DOUBLE(0.0), self._chance(read(b, self.order, k)))
        b.ret_void()

    def _chance(self, number: Value) -> Value:
        return self.b.gep(self.chances, [number], source_etype=DOUBLE)

    def _take_off(self) -> None:
        """The first of the heap; the last takes its place and sinks."""
        b = self.b
        first, last = read(b, self.order, 0), b.sub(b.load(self.left, typ=I64), I64(1))
        b.store(b.fadd(b.load(self.kept, typ=DOUBLE), b.load(self._chance(first), typ=DOUBLE)), self.kept)
        b.store(last, self.left)
        b.store(read(b, self.order, last), at(b, self.order, 0))
        b.call(self.sink, [self.y, self.order, I64(0), last])


class _Sink:
    """The second function in the making."""

    def __init__(self, module: ir.Module, scalar: ir.Type) -> None:
        self.function, self.scalar = _function(module, "sink", POINTER, POINTER, I64, I64), scalar
        self.b = ir.IRBuilder(self.function.append_basic_block())
        self.y, self.order, self.first, self.size = self.function.args

    def emit(self) -> None:
        b = self.b
        before = b.block
        head, body, end = (self.function.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        place = b.phi(I64)
        place.add_incoming(self.first, before)
        left = b.add(b.mul(place, I64(2)), I64(1))
        b.cbranch(b.icmp_signed("<", left, self.size), body, end)
        b.position_at_end(body)
        right = b.add(left, I64(1))
        right = b.select(b.icmp_signed("<", right, self.size), right, left)  # the same where there is but one
        child = b.select(self._before(read(b, self.order, right), read(b, self.order, left)), right, left)
        mine, best = read(b, self.order, place), read(b, self.order, child)
        sinks = self._before(best, mine)
        b.store(b.select(sinks, best, mine), at(b, self.order, place))
        b.store(b.select(sinks, mine, best), at(b, self.order, child))
        place.add_incoming(b.select(sinks, child, self.size), b.block)
        b.branch(head)
        b.position_at_end(end)
        b.ret_void()

    def _before(self, one: Value, other: Value) -> Value:
        """Whether a number comes before another one in the order."""
        b = self.b
        mine, its = (b.load(b.gep(self.y, [n], source_etype=self.scalar), typ=self.scalar) for n in (one, other))
        equal = b.and_(b.fcmp_ordered("==", mine, its), b.icmp_signed("<", one, other))
        return b.or_(b.fcmp_ordered(">", mine, its), equal)


def _function(module: ir.Module, name: str, *kinds: ir.Type) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    return function
