"""What a loss is over all rows, from what it is in each, as one kernel.

`settle(ctx, i, n)` does the i-th of n shares of every job: dy of the rows that do not count becomes 0, whatever has
been made of what stands there. The first share adds weight · value over the rows that count, one after the other, in
float64.
"""

from __future__ import annotations

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I64,
    POINTER,
    JobTable,
    begin,
    loop,
    loop_with,
    share_of,
    store_masked,
)
from gated.backends.native.codegen.vector_math import VectorMath

# rows of `size` numbers side by side in dy; one value and one weight for each
JOB = ("values", "weights", "rows", "dy", "size", "sum")
DOUBLE = ir.DoubleType()


def emit_settle(module: ir.Module, math: VectorMath) -> None:
    """Add the function `settle` to a module."""
    b, ctx, share, shares = begin(module, "settle")
    table = JobTable(b, ctx, JOB)
    with loop(b, I64(0), table.count) as number:
        job = table.read(b, number)
        with loop(b, *share_of(b, job["rows"], share, shares)) as row:
            uncounted = b.fcmp_ordered("==", _number(b, math, job["weights"], row), math.scalar(0.0))
            with b.if_then(uncounted), loop(b, I64(0), job["size"], math.width) as column:
                offset = b.add(b.mul(row, job["size"]), column)
                address = b.gep(b.inttoptr(job["dy"], POINTER), [offset], source_etype=math.scalar)
                store_masked(b, math, math.constant(0.0), address, b.sub(job["size"], column))
        with b.if_then(b.icmp_signed("==", share, I64(0))):
            b.store(DOUBLE(0.0), b.inttoptr(job["sum"], POINTER))
            with b.if_then(b.icmp_signed(">", job["rows"], I64(0))):
                b.store(_sum(b, math, job), b.inttoptr(job["sum"], POINTER))
    b.ret_void()


def _sum(b: ir.IRBuilder, math: VectorMath, job: dict[str, ir.Value]) -> ir.Value:
    """Over at least one row."""
    carried = {"sum": DOUBLE(0.0)}
    with loop_with(b, I64(0), job["rows"], carried) as (row, held):
        weight, value = (_wide(b, _number(b, math, job[name], row)) for name in ("weights", "values"))
        counts = b.fcmp_unordered("!=", weight, DOUBLE(0.0))
        held["sum"] = b.fadd(held["sum"], b.select(counts, b.fmul(weight, value), DOUBLE(0.0)))
    return carried["sum"]


def _number(b: ir.IRBuilder, math: VectorMath, array: ir.Value, row: ir.Value) -> ir.Value:
    return b.load(b.gep(b.inttoptr(array, POINTER), [row], source_etype=math.scalar), typ=math.scalar)


def _wide(b: ir.IRBuilder, number: ir.Value) -> ir.Value:
    return number if number.type == DOUBLE else b.fpext(number, DOUBLE)
