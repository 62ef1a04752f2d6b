"""Rows of a table by number: looked up, and the sums of what comes back to them.

    look_up(ctx, i, n)    the rows of the i-th of n shares of the numbers, copied
    chain(ctx, 0, 1)      the rows of each number become a chain, in their order
    sum_rows(ctx, i, n)   the sum of each chain, in float64, into the row of its number; one thread does a whole chain

Every id is compared with the number of rows before anything is read or written by it. If one lies outside, `wrong` is
set, and no sum is made.

A chain begins at the first row with an id; `next` has the following one of each row, -1 behind the last. `ends` has for
each id (two numbers) its first row and how many it has, and is only looked at where an id has come. `firsts` has for
each id that has come (two numbers) the first row, and how many rows the chains before it have: by these the chains are
shared among the threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I64,
    POINTER,
    JobTable,
    at,
    begin,
    load_masked,
    loop,
    read,
    share_of,
    store_masked,
)
from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.codegen.vectors import narrower, wider
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for

Value = Any
LOOK_UP_JOB = ("table", "ids", "out", "rows", "size", "count", "wrong")
SUM_JOB = ("ids", "dy", "into", "rows", "size", "count", "next", "ends", "firsts", "chains", "wrong")


def emit_table_rows(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add `look_up`, `chain` and `sum_rows` to a module."""
    _look_up(module, math)
    _chain(module)
    _sum_rows(module, math, tuning_for(machine).vector_chunk)


class _Job:
    """The fields of the one job of a table, addresses as pointers."""

    def __init__(self, b: ir.IRBuilder, ctx: Value, names: tuple[str, ...]) -> None:
        self.fields = JobTable(b, ctx, names).read(b, I64(0))
        self.b = b

    def number(self, name: str) -> Value:
        return self.fields[name]

    def pointer(self, name: str) -> Value:
        return self.b.inttoptr(self.fields[name], POINTER)

    def id_of(self, row: Value) -> Value:
        return read(self.b, self.pointer("ids"), row)

    def inside(self, number: Value) -> Value:
        return self.b.icmp_unsigned("<", number, self.number("count"))


def _look_up(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares = begin(module, "look_up")
    job = _Job(b, ctx, LOOK_UP_JOB)
    table, out, size = job.pointer("table"), job.pointer("out"), job.number("size")
    whole = b.sub(size, b.srem(size, I64(math.width)))
    rest = b.sub(size, whole)
    with loop(b, *share_of(b, job.number("rows"), share, shares)) as row:
        number = job.id_of(row)
        with b.if_else(job.inside(number)) as (copy, refuse):
            with copy:
                source, target = (
                    b.gep(base, [b.mul(index, size)], source_etype=math.scalar)
                    for base, index in ((table, number), (out, row))
                )
                with loop(b, I64(0), whole, math.width) as column:
                    _copy(b, math, source, target, column, None)
                with b.if_then(b.icmp_signed(">", rest, I64(0))):
                    _copy(b, math, source, target, whole, rest)
            with refuse:
                b.store(I64(1), job.pointer("wrong"))
    b.ret_void()


def _copy(b: ir.IRBuilder, math: VectorMath, source: Value, target: Value, column: Value, rest: Value | None) -> None:
    source, target = (b.gep(row, [column], source_etype=math.scalar) for row in (source, target))
    store_masked(b, math, load_masked(b, math, source, rest), target, rest)


def _chain(module: ir.Module) -> None:
    b, ctx, _, _ = begin(module, "chain")
    job, rows_done, chains = _Job(b, ctx, SUM_JOB), b.alloca(I64), b.alloca(I64)
    rows, following, ends, firsts = job.number("rows"), job.pointer("next"), job.pointer("ends"), job.pointer("firsts")
    b.store(I64(0), job.pointer("chains"))
    with loop(b, I64(0), rows) as row:
        number = job.id_of(row)
        with b.if_else(job.inside(number)) as (known, refuse):
            with known:
                b.store(I64(-1), _first_of(b, ends, number))
                b.store(I64(0), _length_of(b, ends, number))
            with refuse:
                b.store(I64(1), job.pointer("wrong"))
    with b.if_then(b.icmp_signed("==", b.load(job.pointer("wrong"), typ=I64), I64(0))):
        with loop(b, I64(0), rows) as k:  # from the last row to the first: a chain is built from its end
            row = b.sub(b.sub(rows, I64(1)), k)
            number = job.id_of(row)
            first, length = _first_of(b, ends, number), _length_of(b, ends, number)
            b.store(b.load(first, typ=I64), at(b, following, row))
            b.store(row, first)
            b.store(b.add(b.load(length, typ=I64), I64(1)), length)
        for counter in (rows_done, chains):
            b.store(I64(0), counter)
        with loop(b, I64(0), rows) as row:
            number = job.id_of(row)
            with b.if_then(b.icmp_signed("==", b.load(_first_of(b, ends, number), typ=I64), row)):
                chain, before = (b.load(counter, typ=I64) for counter in (chains, rows_done))
                b.store(row, _first_of(b, firsts, chain))
                b.store(before, _length_of(b, firsts, chain))
                b.store(b.add(before, b.load(_length_of(b, ends, number), typ=I64)), rows_done)
                b.store(b.add(chain, I64(1)), chains)
        b.store(b.load(chains, typ=I64), job.pointer("chains"))
    b.ret_void()


def _first_of(b: ir.IRBuilder, pairs: Value, number: Value) -> Value:
    """The address of the first of two numbers."""
    return at(b, pairs, b.mul(number, I64(2)))


def _length_of(b: ir.IRBuilder, pairs: Value, number: Value) -> Value:
    """The address of the second."""
    return at(b, pairs, b.add(b.mul(number, I64(2)), I64(1)))


def _sum_rows(module: ir.Module, math: VectorMath, chunk: int) -> None:
    b, ctx, share, shares = begin(module, "sum_rows")
    job = _Job(b, ctx, SUM_JOB)
    into, size = job.pointer("into"), job.number("size")
    chains = b.load(job.pointer("chains"), typ=I64)
    low, high = share_of(b, job.number("rows"), share, shares)
    wide = I64(chunk * math.width)
    chunks = b.mul(b.sdiv(size, wide), wide)
    whole = b.mul(b.sdiv(size, I64(math.width)), I64(math.width))
    rest = b.sub(size, whole)
    with loop(b, I64(0), chains) as chain:
        before = b.load(_length_of(b, job.pointer("firsts"), chain), typ=I64)
        mine = b.and_(b.icmp_signed(">=", before, low), b.icmp_signed("<", before, high))
        with b.if_then(mine):
            first = b.load(_first_of(b, job.pointer("firsts"), chain), typ=I64)
            target = b.gep(into, [b.mul(job.id_of(first), size)], source_etype=math.scalar)
            with loop(b, I64(0), chunks, chunk * math.width) as column:
                _sum(b, math, job, first, target, column, chunk, None)
            with loop(b, chunks, whole, math.width) as column:
                _sum(b, math, job, first, target, column, 1, None)
            with b.if_then(b.icmp_signed(">", rest, I64(0))):
                _sum(b, math, job, first, target, whole, 1, rest)
    b.ret_void()


def _sum(
    b: ir.IRBuilder,
    math: VectorMath,
    job: _Job,
    first: Value,
    target: Value,
    column: Value,
    vectors: int,
    rest: Value | None,
) -> None:
    """So many vectors of a chain's sum."""
    columns = [b.add(column, I64(k * math.width)) for k in range(vectors)]
    dy, size = job.pointer("dy"), job.number("size")

    def of_row(row: Value) -> list[Value]:
        start = b.gep(dy, [b.mul(row, size)], source_etype=math.scalar)
        places = [b.gep(start, [k], source_etype=math.scalar) for k in columns]
        return [wider(b, math, load_masked(b, math, place, rest)) for place in places]

    with _along(b, job.pointer("next"), first, of_row(first)) as (row, sums):
        sums[:] = [b.fadd(total, part) for total, part in zip(sums, of_row(row), strict=True)]
    for k, total in zip(columns, sums, strict=True):
        store_masked(b, math, narrower(b, math, total), b.gep(target, [k], source_etype=math.scalar), rest)


@contextmanager
def _along(b: ir.IRBuilder, following: Value, first: Value, values: list[Value]) -> Iterator[tuple[Value, list[Value]]]:
    """For each row of a chain behind its first; the body changes the list, which holds the last values afterwards."""
    function, before = b.function, b.block
    head, body, end = (function.append_basic_block() for _ in range(3))
    b.branch(head)
    b.position_at_end(head)
    last = b.phi(I64)
    last.add_incoming(first, before)
    phis = [b.phi(value.type) for value in values]
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, before)
    row = read(b, following, last)
    b.cbranch(b.icmp_signed(">=", row, I64(0)), body, end)
    b.position_at_end(body)
    values[:] = phis
    yield row, values
    last.add_incoming(row, b.block)
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, b.block)
    b.branch(head)
    b.position_at_end(end)
    values[:] = phis
