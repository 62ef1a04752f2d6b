"""Runs the native backend's machine code in guarded memory: a program, for an access out of bounds ends it.

    python guarded_runs.py cells DTYPE CELL ...     all passes of some cells
    python guarded_runs.py kernels DTYPE            the kernels that all cells share, alone
    python guarded_runs.py alarms                   code that is wrong on purpose, each mistake in a process of its own

What runs is written to the standard output before it does. Legend: D inputs, H hidden, T steps, N sequences, R rows.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import numpy as np
from guard_pages import MODES, Array, Guard, forget_plans

import gated
from gated.backends.native import backend, gradients, inference, memory, online_run, plan, pool, programs
from gated.backends.native.programs import common
from gated.cells import ZOO
from gated.learning import SGD, Adam, Online
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Network

native = backend.NativeBackend()
ONLINE = ("peephole_lstm", "slstm")  # of these cells the online step too
ODD = (1, 2, 3, 15, 16, 17, 33)
Results = dict[str, Array]


@dataclass(frozen=True)
class Case:
    """Sizes of a call. `apart`: whether the threads' sequences lie apart, where there are several threads."""

    d: int
    h: int
    steps: int
    counts: tuple[int, ...]  # running sequences at each step
    sequences: int
    threads: int = 1
    apart: bool = True


def case(d: int, h: int, steps: int, sequences: int, threads: int = 1, apart: bool = True) -> Case:
    """Sequences of equal length."""
    return Case(d, h, steps, (sequences,) * steps, sequences, threads, apart)


CASES = (
    case(1, 1, 1, 1),
    case(2, 3, 5, 2),
    case(3, 2, 0, 3),
    case(15, 16, 2, 1),
    case(17, 15, 2, 7),
    case(33, 17, 1, 9),
    case(16, 33, 3, 4),
    case(2, 2, 20, 15),  # more rows than the gradients take at once, more steps than few sequences do
    Case(3, 17, 5, (6, 4, 4, 1, 0), 7),
    case(3, 16, 4, 7, threads=3),
    case(17, 5, 3, 3, threads=3),
    case(15, 17, 3, 7, threads=3, apart=False),
    Case(16, 3, 4, (9, 8, 3, 3), 9, threads=3),
)


@lru_cache
def layer_of(cell: Any, dtype: str, sizes: Case) -> gated.Recurrent:
    own = {"h": sizes.h + 2} if cell.name == "projected_lstm" else None
    return gated.Recurrent(cell, sizes.d, sizes.h, dtype=dtype, sizes=own, seed=1)


def arguments(cell: Any, dtype: str, sizes: Case) -> tuple[Any, ...]:
    """(schedule, lengths of dimensions, parameters, x, states, dy, adjoints of the last states)"""
    layer = layer_of(cell, dtype, sizes)
    rng = np.random.default_rng(7)
    rows = sum(sizes.counts)
    x, dy = (rng.standard_normal((rows, size)).astype(dtype) for size in (sizes.d, layer.state_sizes[0]))
    states, last = (
        [rng.uniform(0.5, 1.0, (sizes.sequences, size)).astype(dtype) for size in layer.state_sizes] for _ in range(2)
    )
    parameters = {name.removeprefix("l0."): value for name, value in layer.params.items()}
    return layer._schedule, layer._layer_sizes[0], parameters, x, states, dy, last


def run_cell(cell: Any, dtype: str, sizes: Case, keep: Callable[[Array], Array]) -> Results:
    """Every pass of the backend, whose results are to be the same wherever its memory lies."""
    schedule, lengths, parameters, x, states, dy, last = arguments(cell, dtype, sizes)
    parameters, x, dy = {name: keep(value) for name, value in parameters.items()}, keep(x), keep(dy)
    counts = np.array(sizes.counts, np.int64)
    gated.set_num_threads(sizes.threads)
    with patch.object(backend, "APART", 1 << 30 if sizes.apart else 0), patch.object(inference, "CACHE", 0):
        scan = native.forward(schedule, lengths, parameters, x, counts, states)
        found = {"y": scan.y.copy(), **{f"last {k}": array for k, array in enumerate(scan.last)}}
        gradients = {name: memory.empty(value.shape, value.dtype) for name, value in parameters.items()}
        found["dx"], first = native.backward(scan, dy, last, gradients)
        found |= gradients | {f"first {k}": array for k, array in enumerate(first)}
        found["inferred y"], ends = native.infer(schedule, lengths, parameters, x, counts, states)
        found |= {f"inferred {k}": array for k, array in enumerate(ends)}
        if sizes.steps and sizes.counts[-1] == sizes.sequences:
            stepper = native.stepper(schedule, lengths, parameters, sizes.sequences, x.dtype)
            stepper.put(states)
            for t, x_t in enumerate(x.reshape(sizes.steps, sizes.sequences, -1)):
                stepper.x[...] = x_t
                found[f"streamed {t}"] = stepper.step().copy()
    return {name: np.array(array) for name, array in found.items()}


def run_online(cell: Any, dtype: str, sizes: Case, keep: Callable[[Array], Array]) -> Results:
    """An online learner: steps as many as one call can do, some without a target, then with another optimizer."""
    rng = np.random.default_rng(3)
    steps, n, v = online_run.STEPS, min(sizes.sequences, 2), max(1, sizes.h - 2)
    x = rng.standard_normal((steps, n, sizes.d)).astype(dtype)
    target, mask = rng.integers(0, v, (steps, n)), rng.random((steps, n)) < 0.7
    found: Results = {}
    for optimizer, count in ((SGD(0.01), steps), (Adam(0.01), 3)):
        rnn = gated.Recurrent(cell, sizes.d, sizes.h, dtype=dtype, seed=2)
        network = Network({"rnn": rnn, "head": Dense(sizes.h, v, dtype=dtype, seed=3)})
        learner = Online(network, optimizer=optimizer, loss=SoftmaxCrossEntropy(), batch=n, backend="native")
        kind = type(optimizer).__name__
        found[f"{kind} predictions"] = learner.partial_fit(x[:count], target[:count], mask[:count])
        own = learner._engine.native
        found[f"{kind} theta"] = getattr(own, "ordered", np.array)(own.theta)
        found |= {f"{kind} trace {key}": np.array(value) for key, value in own.traces.items()}
    return found


def same(found: Results, wanted: Results) -> None:
    """Raise unless all are the same to the bit, and finite."""
    for name, want in wanted.items():
        if not np.isfinite(want).all() or not np.array_equal(found[name], want):
            raise AssertionError(f"{name} is not what it is in other memory: {found[name]}, {want}")


def guarded(name: str, run: Callable[..., Results], *args: Any, modes: tuple[str, ...] = MODES) -> None:
    """Run in ordinary memory, then in guarded memory; raise if anything differs or was written to."""
    forget_plans()
    print(f"{name}, ordinary memory", flush=True)
    wanted = run(*args, np.array)
    for mode in modes:
        print(f"{name}, {mode}", flush=True)
        with Guard(mode).installed() as guard:
            found = run(*args, guard.keep)
            guard.check()
        same(found, wanted)


def cells(dtype: str, *names: str) -> None:
    """All passes of these cells."""
    for name, sizes in itertools.product(names, CASES):
        guarded(f"{name} {dtype} {sizes}", run_cell, ZOO[name], dtype, sizes)
        if name in ONLINE and sizes in (CASES[1], CASES[4]):
            guarded(f"online {name} {dtype} {sizes}", run_online, ZOO[name], dtype, sizes)


# kernels alone


def table(guard: Guard, *jobs: Any) -> int:
    """Address of a table of jobs; fields are numbers, or arrays whose address is meant."""
    fields = [field.ctypes.data if isinstance(field, np.ndarray) else field for job in jobs for field in job]
    return int(guard.keep(np.array([len(jobs), *fields], np.int64)).ctypes.data)


def run_pack(guard: Guard, dtype: str, outer: int, inner: int, transposed: bool, shares: int) -> None:
    """Two matrices in one panel."""
    width = inference.host().machine.width(dtype)
    rng = np.random.default_rng(0)
    matrices = [guard.keep(rng.standard_normal((outer, inner)).astype(dtype)) for _ in range(2)]
    sources = [guard.keep(matrix.T) if transposed else matrix for matrix in matrices]
    blocks = -(-outer // width)
    panel = memory.empty((blocks, inner, 2, width), np.dtype(dtype))
    targets = [panel[:1, :1, g] for g in range(2)]
    jobs = [(source, to, outer, inner, 2 * width, int(transposed)) for source, to in zip(sources, targets, strict=True)]
    address = table(guard, *jobs)
    for share in range(shares):
        common(dtype).pack(address, share, shares)
    wanted = np.zeros((2, blocks * width, inner), dtype)
    wanted[:, :outer] = matrices
    same({"panel": panel}, {"panel": wanted.reshape(2, blocks, width, inner).transpose(1, 3, 0, 2)})


def run_gradients(guard: Guard, dtype: str, m: int, n: int, rows: int, shares: int) -> None:
    """C = Aᵀ B and the sums of the rows of B, with nothing behind the last number of a row."""
    rng = np.random.default_rng(0)
    a, b = (guard.keep(rng.integers(-3, 4, (rows, size)).astype(dtype)) for size in (m, n))  # exact in any order
    c, total = memory.empty((m, n), a.dtype), memory.empty((n,), a.dtype)
    matrices = table(guard, (a, m, b, n, c, m, n, rows, 0), (a, m, b, n, c, m, n, rows, 1))
    vectors = table(guard, (b, n, rows, n, total))
    for share in range(shares):
        common(dtype).matrix_gradients(matrices, share, shares)
        common(dtype).vector_gradients(vectors, share, shares)
    same({"matrix": c, "vector": total}, {"matrix": 2 * a.T @ b, "vector": b.sum(0)})


def kernels(dtype: str) -> None:
    """Pack and gradient kernels, for all odd sizes."""
    for mode in MODES:
        with Guard(mode).installed() as guard:
            for outer, inner, transposed in itertools.product(ODD, ODD, (False, True)):
                print(f"pack {dtype} {mode} {outer} x {inner}, transposed: {transposed}", flush=True)
                run_pack(guard, dtype, outer, inner, transposed, 1 + outer % 3)
            for m, n, rows in itertools.product(ODD, (*ODD, 65, 130), (1, 3, 257)):
                print(f"gradients {dtype} {mode} {m} x {n}, {rows} rows", flush=True)
                run_gradients(guard, dtype, m, n, rows, 1 + m % 3)
            guard.check()


# mistakes that must not go unnoticed


def _short(place: Any) -> Any:
    return lambda guard, region, size: place(guard, region, max(0, size - region.dtype.itemsize))


def _moved(step_rows: Any, counts: int, rows: int) -> Any:
    def moved(groups: Any) -> Array:
        numbers: Array = step_rows(groups)
        numbers[:, 0] += counts
        numbers[:, 1:] += rows
        return numbers

    return moved


def _one_more(run: Any) -> Any:
    return lambda call, plan, sequences, counts=None: run(call, plan, sequences + 1, counts)


def _wider(put: Any) -> Any:
    return lambda plan, place, where: put(plan, place, (where[0], where[1]._replace(stride=where[1].stride + 1)))


def _longer(add: Any, kind: int, field: int) -> Any:
    def longer(jobs: Any, *fields: Any, work: float) -> None:
        changed = [*fields[:field], fields[field] + 1, *fields[field + 1 :]] if len(fields) == kind else fields
        add(jobs, *changed, work=work)

    return longer


def _not_copied(place_of: Any) -> Any:
    return lambda plan, *args: place_of(plan, *args[:-1], False)


def _larger(put: Any, kind: str) -> Any:
    return lambda plan, name, value, base=None: put(plan, name, value + (name[0] == kind), base)


def _whole(access: Any) -> Any:
    forget_code()  # of the right kernels
    return lambda *args: access(*args[:-1], None)


def _a_step_more(run: Any) -> Any:
    return lambda step, steps, fused: run(step, steps + (steps == step.most), fused)


Step, Rows = online_run.NativeStep, backend.Groups
# name -> mode, and what is replaced by something wrong
MISTAKES: dict[str, tuple[str, list[tuple[Any, str, Any]]]] = {
    "none": ("ends", []),
    "none between canaries": ("canaries", []),
    "arrays an element too short": ("ends", [(Guard, "place", _short)]),
    "arrays an element too short between canaries": ("canaries", [(Guard, "place", _short)]),
    "a sequence too many": (
        "ends",
        [(Rows, "step_rows", lambda old: _moved(old, 1, 0)), (plan.Call, "run", _one_more)],
    ),
    "rows one too early": ("begins", [(Rows, "step_rows", lambda old: _moved(old, 0, -1))]),
    "rows one too late": ("ends", [(Rows, "step_rows", lambda old: _moved(old, 0, 1))]),
    "rows one too late between canaries": ("canaries", [(Rows, "step_rows", lambda old: _moved(old, 0, 1))]),
    "rows too far apart": ("ends", [(plan.LoopPlan, "put", _wider)]),
    "whole vectors of the caller's rows": ("ends", [(backend.ForwardPlan, "_rows_of", _not_copied)]),
    "the same in the backward pass": ("ends", [(backend.BackwardPlan, "_rows_of", _not_copied)]),
    "the same without a tape": ("ends", [(inference.InferencePlan, "_caller", _not_copied)]),
    "products one number too long": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "size"))]),
    "a vector too many in a row": ("ends", [(plan.LoopPlan, "_set", lambda old: _larger(old, "blocks"))]),
    "loads without a mask": ("ends", [(gradients, "load_masked", _whole)]),
    "stores without a mask": ("ends", [(gradients, "store_masked", _whole)]),
    "stores without a mask between canaries": ("canaries", [(gradients, "store_masked", _whole)]),
    "a panel of too many units": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, 6, 2))]),
    "a gradient with too many columns": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, 9, 6))]),
    "a gradient with too many rows": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, 9, 5))]),
    "a vector's gradient too long": ("ends", [(plan.JobPlan, "add", lambda old: _longer(old, 5, 3))]),
    "states that nobody has set": ("ends", [(Rows, "put_initial", lambda old: lambda *args: None)]),
    "an online step too many": ("ends", [(Step, "run", _a_step_more)]),
}


def forget_code() -> None:
    """Compile anew, and leave nothing behind."""
    programs._cache.made.clear()
    os.environ["GATED_CACHE_DIR"] = ""


def alarms() -> None:
    """Print as JSON how each mistake ended: the number of a signal, 1 for an error, 0 where nobody noticed."""
    small = replace(CASES[1], sequences=6, counts=(6,) * 5)
    runs = [(run_cell, ZOO["lstm"], "float32", small), (run_online, ZOO["lstm"], "float32", CASES[1])]
    for run, *args in runs:
        run(*args, np.array)  # the children find everything compiled
    faulthandler.disable()
    ended = {}
    for name, (mode, changes) in MISTAKES.items():
        child = os.fork()
        if not child:
            try:
                for owner, attribute, wrong in changes:
                    setattr(owner, attribute, wrong(getattr(owner, attribute)))
                run, *args = runs[(Step, "run", _a_step_more) in changes]
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
    faulthandler.enable()
    faulthandler.dump_traceback_later(270, exit=True)  # who hangs says where
    pool.WORTHWHILE = 1.0  # every piece of work is worth a thread
    {"cells": cells, "kernels": kernels, "alarms": alarms}[sys.argv[1]](*sys.argv[2:])
