"""Loops and other small pieces of LLVM IR that all kernels share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.vector_math import PRECISIONS

I64 = ir.IntType(64)
POINTER = ir.PointerType()
Value = Any


@dataclass(frozen=True)
class Machine:
    """What an emitter must know of a processor: the bytes of a vector register, and how many registers there are."""

    vector_bytes: int
    registers: int

    def width(self, precision: str) -> int:
        """Numbers in a vector register."""
        return self.vector_bytes * 8 // PRECISIONS[precision].bits


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


def splat(b: ir.IRBuilder, scalar: Value, width: int) -> Value:
    """A vector with the scalar in every lane."""
    undefined = ir.Constant(ir.VectorType(scalar.type, width), ir.Undefined)
    single = b.insert_element(undefined, scalar, ir.IntType(32)(0))
    return b.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width))
