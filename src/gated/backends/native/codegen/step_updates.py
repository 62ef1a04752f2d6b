"""What the update inside an online step takes besides its rule: clipping, and the numbers of each update.

    turn(ctx, 0, 1)   the numbers of the next update, copied to where its rule reads them
    clip(ctx, 0, 1)   a vector scaled to the bound on its norm, if that is larger; runs behind `squares` and `total`

What comes out is defined by `gated.learning.rules.clipping`. A kernel's table has one job (see `ir_tools.JobTable`).
"""

from __future__ import annotations

import math
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, POINTER, JobTable, at, loop, read
from gated.backends.native.codegen.vectors import DOUBLE, SCALE, begin

Value = Any
# `source` moves on with every call, by `count` numbers (of 64 bits)
TURN_JOB = ("source", "target", "count")
# `total`: address of the sum of squares; `limit`: a number, in float64; `scale`: address of the table for `scale`
CLIP_JOB = ("vector", "size", "total", "limit", "scale")


def emit_step_updates(module: ir.Module, scalar: ir.Type) -> None:
    """Add `turn` and `clip` to a module that has `scale`, for vectors of this kind of numbers."""
    _turn(module)
    _clip(module, scalar)


def _turn(module: ir.Module) -> None:
    b, ctx, _, _ = begin(module, "turn")
    job = JobTable(b, ctx, TURN_JOB).read(b, I64(0))
    source, target = (b.inttoptr(job[name], POINTER) for name in ("source", "target"))
    with loop(b, I64(0), job["count"]) as i:
        b.store(read(b, source, i), at(b, target, i))
    b.store(b.add(job["source"], b.mul(job["count"], I64(8))), at(b, ctx, 1 + TURN_JOB.index("source")))
    b.ret_void()


def _clip(module: ir.Module, scalar: ir.Type) -> None:
    b, ctx, _, _ = begin(module, "clip")
    job = JobTable(b, ctx, CLIP_JOB).read(b, I64(0))
    norm = b.alloca(DOUBLE)
    root = module.declare_intrinsic("llvm.sqrt", [DOUBLE])
    b.store(b.call(root, [b.load(b.inttoptr(job["total"], POINTER), typ=DOUBLE)]), norm)
    with b.if_then(b.fcmp_ordered("==", b.load(norm, typ=DOUBLE), DOUBLE(math.inf)), likely=False):
        # perhaps it is only the squares that overflow: the numbers are scaled first
        peak = _folded(b, module, job, scalar, lambda most, one: b.select(b.fcmp_ordered(">", one, most), one, most))
        squares = _folded(b, module, job, scalar, lambda sums, one: b.fadd(sums, _square(b, b.fdiv(one, peak))))
        b.store(b.fmul(peak, b.call(root, [squares])), norm)
    found, limit = b.load(norm, typ=DOUBLE), b.bitcast(job["limit"], DOUBLE)
    finite = b.fcmp_ordered("<", found, DOUBLE(math.inf))
    with b.if_then(b.and_(finite, b.fcmp_ordered(">", found, limit))):
        table = b.inttoptr(job["scale"], POINTER)
        factor = b.bitcast(b.fdiv(limit, found), I64)
        b.store(factor, at(b, table, 1 + SCALE.job.index("factor")))
        b.call(module.globals["scale"], [table, I64(0), I64(1)])
    b.ret_void()


def _folded(b: ir.IRBuilder, module: ir.Module, job: dict[str, Value], scalar: ir.Type, combine: Any) -> Value:
    """combine(what was found so far, the magnitude of a number), in float64, through the whole vector."""
    found, size = b.alloca(DOUBLE), module.declare_intrinsic("llvm.fabs", [DOUBLE])
    b.store(DOUBLE(0.0), found)
    vector = b.inttoptr(job["vector"], POINTER)
    with loop(b, I64(0), job["size"]) as i:
        number = b.load(b.gep(vector, [i], source_etype=scalar), typ=scalar)
        wide = number if scalar == DOUBLE else b.fpext(number, DOUBLE)
        b.store(combine(b.load(found, typ=DOUBLE), b.call(size, [wide])), found)
    return b.load(found, typ=DOUBLE)


def _square(b: ir.IRBuilder, value: Value) -> Value:
    return b.fmul(value, value)
