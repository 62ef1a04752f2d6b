"""Rows moved from one order or spacing to another, or added to others, as one kernel; and tables filled in, as another.

`move(ctx, i, n)` does the i-th of n shares of every job: rows (outer, inner) of `size` numbers each.
`fill(ctx, 0, n)` makes the n numbers of a table (see `memory.regions.Sheet`): each of them and the address of its base.
"""

from __future__ import annotations

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

# strides count numbers; `add` is 1 where the rows are to be added to what is there
JOB = (
    "source",
    "target",
    "outer",
    "inner",
    "size",
    "source outer",
    "source inner",
    "target outer",
    "target inner",
    "add",
)


# of pointers: to the numbers, to which base each belongs to, to the table; behind them the addresses of the bases
FILL = ("values", "which", "table")


def emit_fill(module: ir.Module) -> None:
    """Add the function `fill` to a module."""
    b, ctx, first, stop = begin(module, "fill")
    values, which, table = (b.inttoptr(read(b, ctx, i), POINTER) for i in range(len(FILL)))
    bases = at(b, ctx, I64(len(FILL)))
    with loop(b, first, stop) as number:
        base = b.load(at(b, bases, b.load(at(b, which, number), typ=I64)), typ=I64)
        b.store(b.add(b.load(at(b, values, number), typ=I64), base), at(b, table, number))
    b.ret_void()


def emit_move(module: ir.Module, math: VectorMath) -> None:
    """Add the function `move` to a module."""
    b, ctx, share, shares = begin(module, "move")
    table = JobTable(b, ctx, JOB)
    with loop(b, I64(0), table.count) as number:
        job = table.read(b, number)
        add = b.icmp_signed("!=", job["add"], I64(0))
        whole = b.sub(job["size"], b.srem(job["size"], I64(math.width)))
        with loop(b, *share_of(b, job["outer"], share, shares)) as outer, loop(b, I64(0), job["inner"]) as inner:
            source, target = (
                b.gep(
                    b.inttoptr(job[name], POINTER),
                    [b.add(b.mul(outer, job[f"{name} outer"]), b.mul(inner, job[f"{name} inner"]))],
                    source_etype=math.scalar,
                )
                for name in ("source", "target")
            )
            with loop(b, I64(0), whole, math.width) as column:
                _vector(b, math, source, target, column, None, add)
            rest = b.sub(job["size"], whole)
            with b.if_then(b.icmp_signed(">", rest, I64(0))):
                _vector(b, math, source, target, whole, rest, add)
    b.ret_void()


def _vector(
    b: ir.IRBuilder,
    math: VectorMath,
    source: ir.Value,
    target: ir.Value,
    column: ir.Value,
    rest: ir.Value | None,
    add: ir.Value,
) -> None:
    """One vector, or its first `rest` lanes."""
    source, target = (b.gep(row, [column], source_etype=math.scalar) for row in (source, target))
    value = load_masked(b, math, source, rest)
    with b.if_else(add) as (more, new):
        with more:
            store_masked(b, math, b.fadd(load_masked(b, math, target, rest), value), target, rest)
        with new:
            store_masked(b, math, value, target, rest)
