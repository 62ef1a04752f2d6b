"""What the update inside an online step takes besides its rule: the numbers of each update.

    turn(ctx, 0, 1)   the numbers of the next update, copied to where its rule reads them

The table has one job (see `ir_tools.JobTable`).
"""

from __future__ import annotations

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I64, POINTER, JobTable, at, begin, loop, read

# `source` moves on with every call, by `count` numbers (of 64 bits)
TURN_JOB = ("source", "target", "count")


def emit_turn(module: ir.Module) -> None:
    """Add the function `turn` to a module."""
    b, ctx, _, _ = begin(module, "turn")
    job = JobTable(b, ctx, TURN_JOB).read(b, I64(0))
    source, target = (b.inttoptr(job[name], POINTER) for name in ("source", "target"))
    with loop(b, I64(0), job["count"]) as i:
        b.store(read(b, source, i), at(b, target, i))
    b.store(b.add(job["source"], b.mul(job["count"], I64(8))), at(b, ctx, 1 + TURN_JOB.index("source")))
    b.ret_void()
