"""Machine code that is wrong on purpose, to see that guarded memory notices: a program.

Every mistake is made in a child process. Written to the standard output, as JSON: how each child ended, the number of
a signal, 1 for an error, 0 where nobody noticed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import llvmlite.ir as ir
import numpy as np
from guard_pages import Array, Guard
from guarded_runs import CASES, alloca_at_guard_page, run_cell, run_online

from gated.backends.native.codegen import gradient_kernels, moves, panels, renewal
from gated.backends.native.machine import programs
from gated.backends.native.passes import course, inference_plan, layer_plan, learner, plan, step_update, training_plan
from gated.backends.native.threads import groups, pool
from gated.backends.native.tuning import TRIED
from gated.cells import ZOO


def _short(place: Any) -> Any:
    return lambda guard, region, size: place(guard, region, max(0, size - region.dtype.itemsize))


def _moved(step_rows: Any, counts: int, rows: int) -> Any:
    def moved(groups: Any) -> Array:
        numbers: Array = step_rows(groups)
        numbers[:, 0] += counts
        numbers[:, 1:] += rows
        return numbers

    return moved


def _one_more(rows: Any) -> Any:
    return lambda course, plan, number: rows(course, plan, number + 1)


def _wider(put: Any) -> Any:
    return lambda plan, place, where: put(plan, place, (where[0], where[1]._replace(stride=where[1].stride + 1)))


def _given_wider(given: Any) -> Any:
    return lambda plan, name, size: given(plan, name, size)._replace(stride=given(plan, name, size).stride + 1)


def _longer(add: Any, kind: tuple[str, ...], name: str) -> Any:
    """One more in a field of every job of a kind, told by how many fields it has, and by its plan."""
    index = kind.index(name)

    def longer(jobs: Any, *fields: Any) -> None:
        meant = len(fields) == len(kind) and isinstance(jobs, plan.MovePlan) == (kind is moves.JOB)
        changed = [*fields[:index], more(fields[index]), *fields[index + 1 :]] if meant else fields
        add(jobs, *changed)

    def more(field: Any) -> Any:
        return (field[0] + 1, *field[1:]) if isinstance(field, tuple) else field + 1

    return longer


def _not_copied(place_of: Any) -> Any:
    return lambda plan, *args: place_of(plan, *args[:-1], False)


def _larger(put: Any, kind: str) -> Any:
    return lambda plan, name, value, *rest: put(plan, name, value + (name[0] == kind), *rest)


def _whole(access: Any) -> Any:
    os.environ["GATED_CACHE_DIR"] = ""  # compile anew, and leave nothing behind
    programs._cache.forget()
    return lambda *args: access(*args[:-1], None)


def _one_number_more(table: Any) -> Any:
    """A rule on a longer vector, whose table begins with its size."""
    return lambda update, first, *rest: table(update, first + (len(rest) > 3) if type(first) is int else first, *rest)


def _a_step_more(run: Any) -> Any:
    return lambda step, steps, *how: run(step, steps + (steps == step.most), *how)


Step, Rows, Update = learner.NativeStep, groups.Groups, step_update.StepUpdate
# name -> mode, and what is replaced by something wrong
MISTAKES: dict[str, tuple[str, list[tuple[Any, str, Any]]]] = {
    "none": ("ends", []),
    "none between canaries": ("canaries", []),
    "arrays an element too short": ("ends", [(Guard, "place", _short)]),
    "arrays an element too short between canaries": ("canaries", [(Guard, "place", _short)]),
    "a sequence too many": (
        "ends",
        [(Rows, "step_rows", lambda old: _moved(old, 1, 0)), (course.Course, "rows", _one_more)],
    ),
    "rows one too early": ("begins", [(Rows, "step_rows", lambda old: _moved(old, 0, -1))]),
    "rows one too late": ("ends", [(Rows, "step_rows", lambda old: _moved(old, 0, 1))]),
    "rows one too late between canaries": ("canaries", [(Rows, "step_rows", lambda old: _moved(old, 0, 1))]),
    "rows too far apart": ("ends", [(plan.LoopPlan, "put", _wider)]),
    "whole vectors of the caller's rows": ("ends", [(training_plan.ForwardPlan, "_rows_of", _not_copied)]),
    "the same in the backward pass": ("ends", [(training_plan.BackwardPlan, "_rows_of", _not_copied)]),
    "the same without a tape": ("ends", [(inference_plan.InferencePlan, "_rows_of", _not_copied)]),
    "outputs side by side too far apart": (
        "ends",
        [(inference_plan.InferencePlan, "_given", _given_wider)],
    ),
    "products one number too long": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "size"))]),
    "a vector too many in a row": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "to"))]),
    "loads without a mask": ("ends", [(gradient_kernels, "load_masked", _whole)]),
    "stores without a mask": ("ends", [(gradient_kernels, "store_masked", _whole)]),
    "stores without a mask between canaries": ("canaries", [(gradient_kernels, "store_masked", _whole)]),
    "registers an element too few": ("ends", [(ir.IRBuilder, "alloca", lambda old: alloca_at_guard_page(1))]),
    "copies of parameters an element too long": (
        "ends",
        [(plan.JobPlan, "add", lambda old: _longer(old, renewal.JOB, "size"))],
    ),
    "a digest an element too long": (
        "ends",
        [(plan.JobPlan, "add", lambda old: _longer(old, renewal.DIGEST_JOB, "size"))],
    ),
    "moves one row too many": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, moves.JOB, "outer"))]),
    "moves one number too many": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, moves.JOB, "size"))]),
    "a panel of too many units": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, panels.JOB, "outer"))]),
    "a gradient with too many columns": (
        "ends",
        [(plan.JobPlan, "add", lambda old: _longer(old, gradient_kernels.MATRIX_JOB, "n"))],
    ),
    "a gradient with too many rows": (
        "ends",
        [(plan.JobPlan, "add", lambda old: _longer(old, gradient_kernels.MATRIX_JOB, "m"))],
    ),
    "a vector's gradient too long": (
        "ends",
        [(plan.JobPlan, "add", lambda old: _longer(old, gradient_kernels.VECTOR_JOB, "size"))],
    ),
    "states that nobody has set": (
        "ends",
        [(layer_plan._Carrying, "_carry", lambda old: lambda own, plans, *args: plans)],
    ),
    "an online step too many": ("ends", [(Step, "run", _a_step_more)]),
    "an online step with a column too many": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "size"))]),
    "an online step with a vector too many": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "to"))]),
    "an online step with an update of too many numbers": ("ends", [(Update, "_table", _one_number_more)]),
    "an online step with columns too far apart": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "step"))]),
}


def main() -> None:
    small = replace(CASES[1], sequences=6, counts=(6,) * 5)
    # the last: a gradient of a few columns is looked at only where it is made of several pieces
    runs = [
        (run_cell, ZOO["lstm"], "float32", small),
        (run_online, ZOO["lstm"], "float32", CASES[1]),
        (run_cell, ZOO["lstm"], "float32", CASES[7]),
    ]
    for run, *args in runs:
        run(*args, np.array)  # the children find everything compiled
    ended = {}
    for name, (mode, changes) in MISTAKES.items():
        child = os.fork()
        if not child:
            try:
                for owner, attribute, wrong in changes:
                    setattr(owner, attribute, wrong(getattr(owner, attribute)))
                which = 2 if name == "loads without a mask" else name.startswith("an online")
                run, *args = runs[which]
                with Guard(mode).installed() as guard:
                    found = run(*args, guard.keep)
                    guard.check()
                if not all(np.isfinite(value).all() for value in found.values()):
                    raise AssertionError("not finite")
            except AssertionError:
                os._exit(1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        ended[name] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    TRIED["worthwhile"] = 1.0  # every piece of work is worth a thread
    pool.Pool.latency = lambda _: 0.0
    main()
