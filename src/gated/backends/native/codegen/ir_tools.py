"""Loops and other small pieces of LLVM IR that all kernels share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.vector_math import VectorMath

I1 = ir.IntType(1)
I64 = ir.IntType(64)
POINTER = ir.PointerType()
Value = Any


def begin(module: ir.Module, name: str) -> tuple[ir.IRBuilder, Value, Value, Value]:
    """A new function (table, share, shares) that a thread can be given; where its code begins, and its arguments."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), name)
    return ir.IRBuilder(function.append_basic_block()), *function.args


@contextmanager
def loop(b: ir.IRBuilder, low: Value, high: Value, step: int = 1) -> Iterator[Value]:
    """for i in range(low, high, step)"""
    function, before = b.function, b.block
    head, body, end = (function.append_basic_block() for _ in range(3))
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(low, before)
    b.cbranch(b.icmp_signed("<", i, high), body, end)
    b.position_at_end(body)
    yield i
    i.add_incoming(b.add(i, I64(step)), b.block)
    b.branch(head)
    b.position_at_end(end)


@contextmanager
def loop_with(
    b: ir.IRBuilder, low: Value, high: Value, carried: dict[Any, Value]
) -> Iterator[tuple[Value, dict[Any, Value]]]:
    """A loop that runs at least once, over values in registers.

    The body updates the dict that it is given; `carried` holds the last values afterwards.
    """
    function, before = b.function, b.block
    head, end = function.append_basic_block(), function.append_basic_block()
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(low, before)
    values = {}
    for key, value in carried.items():
        values[key] = b.phi(value.type)
        values[key].add_incoming(value, before)
    phis = dict(values)
    yield i, values
    following = b.add(i, I64(1))
    i.add_incoming(following, b.block)
    for key, phi in phis.items():
        phi.add_incoming(values[key], b.block)
    b.cbranch(b.icmp_signed("<", following, high), head, end)
    b.position_at_end(end)
    carried.update(values)


@contextmanager
def loop_if_any(
    b: ir.IRBuilder, low: Value, high: Value, carried: dict[Any, Value], step: int = 1
) -> Iterator[tuple[Value, dict[Any, Value]]]:
    """The same, but it need not run: if `low` is `high`, `carried` stays as it was."""
    function, before = b.function, b.block
    head, body, end = (function.append_basic_block() for _ in range(3))
    b.branch(head)
    b.position_at_end(head)
    i, phis = b.phi(I64), {key: b.phi(value.type) for key, value in carried.items()}
    i.add_incoming(low, before)
    for key, value in carried.items():
        phis[key].add_incoming(value, before)
    b.cbranch(b.icmp_signed("<", i, high), body, end)
    b.position_at_end(body)
    values = dict(phis)
    yield i, values
    i.add_incoming(b.add(i, I64(step)), b.block)
    for key, phi in phis.items():
        phi.add_incoming(values[key], b.block)
    b.branch(head)
    b.position_at_end(end)
    carried.update(phis)


def share_of(b: ir.IRBuilder, total: Value, share: Value, shares: Value) -> tuple[Value, Value]:
    """Where one of so many even shares of 0..total begins and ends."""
    low, high = (b.sdiv(b.mul(total, i), shares) for i in (share, b.add(share, I64(1))))
    return low, high


def at(b: ir.IRBuilder, base: Value, index: Value | int) -> Value:
    """Address of a 64-bit number."""
    return b.gep(base, [I64(index) if isinstance(index, int) else index], source_etype=I64)


def read(b: ir.IRBuilder, base: Value, index: Value | int) -> Value:
    """A 64-bit number."""
    return b.load(at(b, base, index), typ=I64)


def splat(b: ir.IRBuilder, scalar: Value, width: int) -> Value:
    """A vector with the scalar in every lane."""
    undefined = ir.Constant(ir.VectorType(scalar.type, width), ir.Undefined)
    single = b.insert_element(undefined, scalar, ir.IntType(32)(0))
    return b.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width))


class JobTable:
    """A list of jobs in memory, as 64-bit numbers: how many there are, then the fields of each."""

    def __init__(self, b: ir.IRBuilder, ctx: Value, names: tuple[str, ...]) -> None:
        self.ctx, self.names = ctx, names
        self.count = b.load(ctx, typ=I64)

    def address(self, b: ir.IRBuilder, number: Value) -> Value:
        return b.gep(self.ctx, [b.add(b.mul(number, I64(len(self.names))), I64(1))], source_etype=I64)

    def read(self, b: ir.IRBuilder, number: Value) -> dict[str, Value]:
        return self.fields(b, self.address(b, number), self.names)

    @staticmethod
    def fields(b: ir.IRBuilder, address: Value, names: tuple[str, ...]) -> dict[str, Value]:
        return {name: read(b, address, i) for i, name in enumerate(names)}


def load_masked(b: ir.IRBuilder, math: VectorMath, address: Value, rest: Value | None) -> Value:
    """A vector, or its first `rest` lanes (with zeros behind): memory beyond them is not touched."""
    size = math.precision.bits // 8
    if rest is None:
        return b.load(address, typ=math.vector, align=size)
    function = _masked(
        b, math, "load", ir.FunctionType(math.vector, [POINTER, ir.IntType(32), _lanes(math), math.vector])
    )
    return b.call(function, [address, ir.IntType(32)(size), first_lanes(b, math, rest), math.constant(0.0)])


def load_up_to(b: ir.IRBuilder, math: VectorMath, address: Value, rest: Value) -> Value:
    """As `load_masked`, for where `rest` is rarely less than all lanes: a mask costs more than to ask."""
    whole = b.icmp_signed(">=", rest, I64(math.width))
    with b.if_else(whole) as (usual, edge):
        with usual:
            all_lanes, above = load_masked(b, math, address, None), b.block
        with edge:
            some, below = load_masked(b, math, address, rest), b.block
    value = b.phi(math.vector)
    value.add_incoming(all_lanes, above)
    value.add_incoming(some, below)
    return value


def store_up_to(b: ir.IRBuilder, math: VectorMath, value: Value, address: Value, rest: Value) -> None:
    """As `store_masked`, for where `rest` is rarely less than all lanes."""
    with b.if_else(b.icmp_signed(">=", rest, I64(math.width))) as (usual, edge):
        with usual:
            store_masked(b, math, value, address, None)
        with edge:
            store_masked(b, math, value, address, rest)


def store_masked(b: ir.IRBuilder, math: VectorMath, value: Value, address: Value, rest: Value | None) -> None:
    """Store a vector, or its first `rest` lanes."""
    size = math.precision.bits // 8
    if rest is None:
        b.store(value, address, align=size)
        return
    kind = ir.FunctionType(ir.VoidType(), [math.vector, POINTER, ir.IntType(32), _lanes(math)])
    b.call(_masked(b, math, "store", kind), [value, address, ir.IntType(32)(size), first_lanes(b, math, rest)])


def _lanes(math: VectorMath) -> ir.VectorType:
    return ir.VectorType(I1, math.width)


def _masked(b: ir.IRBuilder, math: VectorMath, what: str, kind: ir.FunctionType) -> ir.Function:
    name = f"llvm.masked.{what}.v{math.width}f{math.precision.bits}.p0"
    module = b.function.module
    return module.globals.get(name) or ir.Function(module, kind, name)


def first_lanes(b: ir.IRBuilder, math: VectorMath, rest: Value) -> Value:
    """The first `rest` lanes of a vector, as a mask; all, if there are more."""
    lanes = ir.Constant(ir.VectorType(I64, math.width), list(range(math.width)))
    return b.icmp_signed("<", lanes, splat(b, rest, math.width))
