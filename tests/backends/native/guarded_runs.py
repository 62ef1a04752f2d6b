"""Runs the native backend's machine code in guarded memory: a program, for an access out of bounds ends it.

    python guarded_runs.py cells DTYPE EACH CELL ...     all passes of some cells
    python guarded_runs.py kernels DTYPE                 the kernels that all cells share, and those of no cell, alone
    python guarded_runs.py registers DTYPE EACH CELL ... all passes, with what is on the stack in guarded memory

EACH is 1 where every cell meets all sizes; else it meets one in so many, and the next cell others. What runs is written
to the standard output before it does. Legend: D inputs, H hidden, T steps, N sequences, R rows.
"""

from __future__ import annotations

import faulthandler
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import llvmlite.ir as ir
import numpy as np
import one_scan
from guard_pages import MODES, Array, Guard, forget_plans

import gated
from gated.backends.draws import drawn
from gated.backends.interface import Pass
from gated.backends.native.codegen.ir_tools import I64, POINTER
from gated.backends.native.codegen.update_rules import KERNELS
from gated.backends.native.codegen.vectors import ADD, SCALE
from gated.backends.native.machine import programs
from gated.backends.native.machine.programs import common, vectors
from gated.backends.native.machine.target import host, target_machine
from gated.backends.native.memory import leases as memory
from gated.backends.native.passes import backend
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED, tuning_for
from gated.backends.whole_step import Given
from gated.cells import ZOO
from gated.learning import SGD, Adam, Online, RMSProp
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
    case(4, 20, 1, 7),  # few units in the last block: a quarter of its lanes, here and below
    case(3, 36, 3, 6, threads=2),
    case(5, 100, 2, 1, threads=3),
    case(5, 33, 4, 1, threads=3),  # fewer sequences than threads: they share the columns
    case(16, 40, 3, 2, threads=3),
    Case(3, 35, 4, (2, 1, 1, 0), 2, threads=3),
    Case(4, 50, 3, (5, 4, 1), 5, threads=2),
)
COLUMNS = {
    "columns_bytes": 0,
    "sequence_bytes": 1,
    "columns_blocks": 1,
}  # shared by threads with sequences of their own


class Parameters(dict[str, Array]):
    """With room for what a call leaves to the next one."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        super().__init__(arrays)
        self.kept: list[Any] = []


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
    parameters = Parameters({name: keep(value) for name, value in parameters.items()})
    x, dy = keep(x), keep(dy)
    counts = np.array(sizes.counts, np.int64)
    gated.set_num_threads(sizes.threads)
    with patch.dict(TRIED, apart=1 << 30 if sizes.apart else 0, ahead=0):
        found: Results = {}
        for turn in ("", "second ", "third "):  # with what the calls before have left, of which two take turns
            assert len(parameters.kept) == (turn != "")
            scan = native.forward(schedule, lengths, parameters, keep(x), counts, states)
            found |= {f"{turn}y": scan.y.copy()} | {f"{turn}last {k}": array for k, array in enumerate(scan.last)}
            gradients = {name: memory.empty(value.shape, value.dtype) for name, value in parameters.items()}
            found[f"{turn}dx"], first = native.backward(scan, keep(dy), last, gradients)
            found |= {f"{turn}first {k}": array for k, array in enumerate(first)}
            found |= {f"{turn}{name}": array for name, array in gradients.items()}

        given = Pass(schedule, lengths, parameters, x, counts, states)
        found["inferred y"], ends = one_scan.infer(native, given, keep)
        found |= {f"inferred {k}": array for k, array in enumerate(ends)}
        with patch.dict(TRIED, large=0):  # the products with x ahead
            found["ahead y"], _ = one_scan.infer(native, given, keep)
        with patch.dict(TRIED, COLUMNS):
            found["shared y"], ends = one_scan.infer(native, given, keep)
            found |= {f"shared {k}": array for k, array in enumerate(ends)}
        found |= run_stack(cell, dtype, sizes, keep)
        if sizes.steps and sizes.counts[-1] == sizes.sequences:
            stepper = one_scan.stream(native, given, keep)
            for t, x_t in enumerate(x.reshape(sizes.steps, sizes.sequences, -1)):
                stepper.x[...] = x_t
                found[f"streamed {t}"] = stepper.step().copy()
    return {name: np.array(array) for name, array in found.items()}


def run_stack(cell: Any, dtype: str, sizes: Case, keep: Callable[[Array], Array]) -> Results:
    """Two layers in both directions without a tape: in one run, and each in its own."""
    own = {"h": sizes.h + 2} if cell.name == "projected_lstm" else None
    layer = gated.Recurrent(cell, sizes.d, sizes.h, 2, bidirectional=True, dtype=dtype, sizes=own, seed=1)
    rng = np.random.default_rng(7)
    x = keep(rng.standard_normal((sum(sizes.counts), sizes.d)).astype(dtype))
    states = [keep(rng.uniform(0.5, 1.0, s.shape).astype(dtype)) for s in layer.initial_state(sizes.sequences)]
    initial = {level: [state[2 * level : 2 * level + 2] for state in states] for level in range(2)}
    given = Given(x, sizes.steps, sizes.sequences, np.array(sizes.counts, np.int64), initial)
    theta = keep(layer.theta)
    found: Results = {}
    for name, tried in (("one run", {}), ("several", {"all_kept": 0}), ("ahead", {"large": 0}), ("shared", COLUMNS)):
        with patch.dict(TRIED, tried):
            y, last = native.infer_chain(*layer._chains, theta, given)
        found |= {f"stack y, {name}": y.copy()}
        found |= {f"stack {k}.{i}, {name}": state for k, own in last.items() for i, state in enumerate(own)}
    return found


def run_online(cell: Any, dtype: str, sizes: Case, keep: Callable[[Array], Array]) -> Results:
    """Online learners: steps as many as one call can do, some without a target; other optimizers, of a stack too."""
    rng = np.random.default_rng(3)
    steps, n, v = tuning_for().online_steps, min(sizes.sequences, 2), max(1, sizes.h - 2)
    x = rng.standard_normal((steps, n, sizes.d)).astype(dtype)
    target, mask = rng.integers(0, v, (steps, n)), rng.random((steps, n)) < 0.7
    found: Results = {}
    # in guarded memory the parameters, and so the squares that are added up, are in another order: float32 hides it
    bound = 0.1 if dtype == "float32" else 1e6
    ways = (SGD(0.01), steps, 1, None), (Adam(0.01), 3, 1, None), (RMSProp(0.01, momentum=0.5), steps, 2, bound)
    for optimizer, count, layers, clip in ways:
        rnn = gated.Recurrent(cell, sizes.d, sizes.h, layers, dtype=dtype, seed=2)
        network = Network({"rnn": rnn, "head": Dense(sizes.h, v, dtype=dtype, seed=3)})
        options = {"loss": SoftmaxCrossEntropy(), "batch": n, "clip": clip, "backend": "native"}
        learner = Online(network, optimizer=optimizer, **options)
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


@gated.cell
def over_units(x, h, *, W, U, b):  # type: ignore[no-untyped-def]
    """Every reduction, of one vector and of several, of x, of the state and of what is made of it."""
    a, s = gated.softmax(U.a @ h + b.a, x)
    n = gated.layer_norm(gated.tanh(W.n @ x) * a) + gated.max(x, h) * gated.norm(x) / (1 + gated.norm(h, x))
    h = gated.tanh(n + gated.mean(h) * h) * gated.dot(s, x) + gated.sum(h, x) * b.s
    return h


def cell_named(name: str) -> Any:
    return over_units if name == "over_units" else ZOO[name]


def sizes_of(dtype: str, each: int, names: tuple[str, ...]) -> Iterator[tuple[str, Case]]:
    """Every cell with its share of the cases, all of them if `each` is 1."""
    for number, name in enumerate(names, dtype == "float64"):
        for sizes in CASES[number % each :: each]:
            yield name, sizes


def cells(dtype: str, each: str, *names: str) -> None:
    """All passes of these cells."""
    for name, sizes in sizes_of(dtype, int(each), names):
        cell = cell_named(name)
        guarded(f"{name} {dtype} {sizes}", run_cell, cell, dtype, sizes)
        if name in ONLINE and sizes in (CASES[1], CASES[4]):
            guarded(f"online {name} {dtype} {sizes}", run_online, ZOO[name], dtype, sizes)


# kernels alone


def table(guard: Guard, *jobs: Any, frozen: bool = True) -> int:
    """Address of a table of jobs; fields are numbers, or arrays whose address is meant."""
    fields = [field.ctypes.data if isinstance(field, np.ndarray) else field for job in jobs for field in job]
    return int(guard.keep(np.array([len(jobs), *fields], np.int64), frozen).ctypes.data)


def run_pack(guard: Guard, dtype: str, outer: int, inner: int, transposed: bool, shares: int) -> None:
    """Two matrices in one panel, and back."""
    width = host().machine.width(dtype)
    rng = np.random.default_rng(0)
    matrices = [guard.keep(rng.standard_normal((outer, inner)).astype(dtype)) for _ in range(2)]
    sources = [guard.keep(matrix.T) if transposed else matrix for matrix in matrices]
    blocks = -(-outer // width)
    panel = memory.empty((blocks, inner, 2, width), np.dtype(dtype))
    targets = [panel[:1, :1, g] for g in range(2)]
    row = outer if transposed else inner
    sizes, step = (outer, inner, row), 2 * width
    jobs = [(source, to, *sizes, step, int(transposed), width) for source, to in zip(sources, targets, strict=True)]
    address = table(guard, *jobs)
    run_shares("pack", dtype, address, shares)
    wanted = np.zeros((2, blocks * width, inner), dtype)
    wanted[:, :outer] = matrices
    same({"panel": panel}, {"panel": wanted.reshape(2, blocks, width, inner).transpose(1, 3, 0, 2)})
    again = [memory.empty(source.shape, source.dtype) for source in sources]
    back = table(guard, *((found, *job[1:]) for found, job in zip(again, jobs, strict=True)))
    run_shares("unpack", dtype, back, shares)
    same(dict(enumerate(again)), dict(enumerate(sources)))
    if outer > width // 2:
        return
    shared = memory.empty((inner, 2, width // 2), np.dtype(dtype))  # both in one vector
    jobs = [(source, shared[:1, g], *sizes, width, int(transposed), width // 2) for g, source in enumerate(sources)]
    run_shares("pack", dtype, table(guard, *jobs), shares)
    same({"shared": shared}, {"shared": wanted[:, : width // 2].transpose(2, 0, 1)})


def run_gradients(guard: Guard, dtype: str, m: int, n: int, rows: int, shares: int) -> None:
    """C = Aᵀ B, with and without what additions lose, and the sums of B's rows; nothing behind a row's last number."""
    rng = np.random.default_rng(0)
    a, b = (guard.keep(rng.integers(-3, 4, (rows, size)).astype(dtype)) for size in (m, n))  # exact in any order
    c, kept, lost = (memory.empty((m, n), a.dtype) for _ in range(3))
    total, product = (memory.empty((n,), a.dtype) for _ in range(2))
    jobs = [(a, m, b, n, *to, m, n, rows, again) for to in ((c, 0), (kept, lost)) for again in (0, 1)]
    matrices = table(guard, *jobs)
    vectors = table(guard, (b, n, 0, 0, rows, n, total), (b, n, b, n, rows, n, product))
    run_shares("matrix_gradients", dtype, matrices, shares)
    run_shares("vector_gradients", dtype, vectors, shares)
    wanted = 2 * a.T @ b
    same(
        {"matrix": c, "compensated": kept, "lost": lost, "vector": total, "of products": product},
        {
            "matrix": wanted,
            "compensated": wanted,
            "lost": np.zeros_like(lost),
            "vector": b.sum(0),
            "of products": (b * b).sum(0),
        },
    )


def run_move(guard: Guard, dtype: str, outer: int, inner: int, size: int, shares: int) -> None:
    """Rows put into another order, then added to themselves."""
    rows = guard.keep(np.random.default_rng(0).standard_normal((outer, inner, size)).astype(dtype))
    swapped = memory.empty((inner, outer, size), rows.dtype)
    strides = inner * size, size, size, outer * size
    for add in (0, 1):
        run_shares("move", dtype, table(guard, (rows, swapped, outer, inner, size, *strides, add)), shares)
    same({"rows": swapped}, {"rows": 2 * rows.swapaxes(0, 1)})


def run_vectors(guard: Guard, dtype: str, size: int, shares: int) -> None:
    """Updates, and what else is done place by place: what is only read cannot be written to."""
    one = np.array([0.5]).view(np.int64)[0]  # every number
    for name, kernel in {**KERNELS, "scale": SCALE, "add": ADD}.items():
        changed = [guard.keep(np.ones(size, dtype), frozen=False) for _ in kernel.changed]
        read = [guard.keep(np.ones(size, dtype)) for _ in kernel.read]
        job = size, *changed, *read, *[0] * (2 if kernel.scaled else 0), *[one] * len(kernel.numbers)
        run_shares(name, dtype, table(guard, job), shares, vectors)
        same({name: changed[0]}, {name: np.repeat(changed[0][:1], size)})


def run_sums(guard: Guard, dtype: str, size: int, piece: int, shares: int) -> None:
    """A sum of squares in pieces, and whether all is finite."""
    vector, pieces = guard.keep(np.arange(size).astype(dtype)), -(-size // piece)
    sums, total = (memory.empty((count,), np.dtype("float64")) for count in (pieces, 1))
    flags = memory.empty((shares,), np.dtype("int64"))
    address = table(guard, (vector, size, piece, pieces, sums, total))
    run_shares("squares", dtype, address, shares, vectors)
    run_shares("total", dtype, address, 1, vectors)
    run_shares("finite", dtype, table(guard, (vector, size, flags)), shares, vectors)
    same({"total": total, "flags": flags}, {"total": np.array([(np.arange(size) ** 2.0).sum()]), "flags": 0 * flags})


def run_step_updates(guard: Guard, dtype: str, size: int) -> None:
    """The numbers of three updates one after the other, and by what a vector is multiplied for a bound on its norm."""
    given, target = guard.keep(np.arange(3.0 * size)), memory.empty((size,), np.dtype("float64"))
    address = table(guard, (given, target, size), frozen=False)  # it tells the next one
    for k in range(3):
        run_shares("turn", dtype, address, 1, vectors)
        same({"numbers": target}, {"numbers": given[k * size : (k + 1) * size]})
    for large in (1.0, 1e300) if dtype == "float64" else (1.0,):  # of which the squares are not finite
        vector = guard.keep(np.full(size, large, dtype))
        total = guard.keep(np.array([size * (1.0 if large == 1.0 else np.inf)]))
        loss, wrong = guard.keep(np.zeros(1)), guard.keep(np.zeros(1, np.int64))
        norm, factor = (memory.empty((1,), np.dtype("float64")) for _ in range(2))
        go = memory.empty((1,), np.dtype("int64"))
        limit = np.array([0.5 * large * np.sqrt(size)]).view(np.int64)[0]
        job = vector, size, total, loss, wrong, 1, norm, factor, go, limit
        run_shares("decide", dtype, table(guard, job), 1, vectors)
        scaled, wanted = vector * factor, np.full(size, 0.5 * large)
        if not np.allclose(scaled, wanted, rtol=1e-6) or go[0] != 1:
            raise AssertionError(f"{scaled} is not {wanted}")


def run_table_rows(guard: Guard, dtype: str, count: int, size: int, rows: int, shares: int) -> None:
    """Rows looked up, and the sums of what comes back."""
    rng = np.random.default_rng(0)
    ids = guard.keep(rng.integers(0, count, rows))
    held, dy = (guard.keep(rng.integers(-3, 4, (n, size)).astype(dtype)) for n in (count, rows))
    out, into = memory.empty((rows, size), held.dtype), guard.keep(np.zeros((count, size), dtype), frozen=False)
    wrong, chains = (guard.keep(np.zeros(1, np.int64), frozen=False) for _ in range(2))
    following, firsts, ends = (memory.empty(shape, ids.dtype) for shape in ((rows,), (rows, 2), (count, 2)))
    looked = table(guard, (held, ids, out, rows, size, count, wrong))
    run_shares("look_up", dtype, looked, shares, vectors)
    summed = table(guard, (ids, dy, into, rows, size, count, following, ends, firsts, chains, wrong))
    run_shares("chain", dtype, summed, 1, vectors)
    run_shares("sum_rows", dtype, summed, shares, vectors)
    wanted = np.zeros((count, size), dtype)
    np.add.at(wanted, ids, dy)  # exact in any order
    same({"rows": out, "sums": into, "wrong": wrong}, {"rows": held[ids], "sums": wanted, "wrong": 0 * wrong})


def run_draws(guard: Guard, dtype: str, size: int, rows: int, shares: int) -> None:
    """Draws in rows that lie apart, and the last numbers of an array; as the reference makes them."""
    steps, sequences = (guard.keep(np.arange(rows) * k) for k in (3, 5))
    for stride, (kind, last) in itertools.product((size, size + 3), (("bernoulli", 1 << 31), ("normal", 0.5))):
        out = memory.empty((rows, stride), np.dtype(dtype))
        out[...] = -1.0
        last = last if kind == "bernoulli" else np.array([last]).view(np.int64)[0]
        own = out[:, stride - size :]
        for told in (steps, 0):
            job = told, sequences, rows, size, stride, own.ctypes.data, 7, 1, 2, last
            run_shares(kind, dtype, table(guard, job), shares, vectors)
            wanted = drawn(1 | 2 << 32, 7, kind, 0.5, steps if told is steps else None, sequences, size, dtype)
            if not np.allclose(own, wanted, rtol=1e-6) or (out[:, : stride - size] != -1.0).any():
                raise AssertionError(f"{out} is not {wanted}")


def run_shares(name: str, dtype: str, address: int, shares: int, room: Callable[[str], Any] = common) -> None:
    """One of the kernels, share by share."""
    function = room(dtype).code.function(name)
    for share in range(shares):
        function(address, share, shares)


def kernels(dtype: str) -> None:
    """Pack and gradient kernels, for all odd sizes."""
    for mode in MODES:
        with Guard(mode).installed() as guard:
            for outer, inner, transposed in itertools.product(ODD, ODD, (False, True)):
                print(f"pack {dtype} {mode} {outer} x {inner}, transposed: {transposed}", flush=True)
                run_pack(guard, dtype, outer, inner, transposed, 1 + outer % 3)
            wide = (65, 33, 257), (130, 3, 257), (201, 17, 3)  # an A wider than what is taken at a time
            for m, n, rows in (*itertools.product(ODD, (*ODD, 65, 130), (1, 3, 257)), *wide):
                print(f"gradients {dtype} {mode} {m} x {n}, {rows} rows", flush=True)
                run_gradients(guard, dtype, m, n, rows, 1 + m % 3)
            for outer, inner, size in itertools.product((1, 2, 5), (1, 3), (*ODD, 65)):
                print(f"move {dtype} {mode} {outer} x {inner} x {size}", flush=True)
                run_move(guard, dtype, outer, inner, size, 1 + size % 3)
            for size in (*ODD, 64, 65):
                print(f"vectors {dtype} {mode} {size}", flush=True)
                run_vectors(guard, dtype, size, 1 + size % 3)
                run_step_updates(guard, dtype, size)
                for piece in (1, 16, 17, 100):
                    run_sums(guard, dtype, size, piece, 1 + size % 3)
            for count, size, rows in itertools.product((1, 2, 5), (*ODD, 65, 130), (1, 3, 40)):
                print(f"table rows {dtype} {mode} {count} x {size}, {rows} ids", flush=True)
                run_table_rows(guard, dtype, count, size, rows, 1 + rows % 3)
            for size, rows in itertools.product((*ODD, 64, 65), (1, 3)):
                print(f"draws {dtype} {mode} {rows} x {size}", flush=True)
                run_draws(guard, dtype, size, rows, 1 + size % 3)
            guard.check()


# registers


def alloca_at_guard_page(missing: int = 0) -> Callable[..., Any]:
    """In place of `IRBuilder.alloca`: memory that ends at a guard page, for vectors `missing` elements too short.

    The code is good for one thread, for one process, and not for the cache.
    """
    os.environ["GATED_CACHE_DIR"] = ""
    programs._cache.forget()
    guard, data = Guard("ends"), target_machine(host()).target_data

    def alloca(builder: Any, kind: Any, size: int = 1, name: str = "") -> Any:
        size -= missing if isinstance(kind, ir.VectorType) else 0
        room = guard.keep(np.zeros(size * kind.get_abi_size(data), np.uint8), frozen=False)
        ended.append(room)
        return I64(room.ctypes.data).inttoptr(POINTER)

    return alloca


ended: list[Array] = []  # that memory


def registers(dtype: str, each: str, *names: str) -> None:
    """The sums of tiles, which lie on the stack between product and operations, at a guard page too."""
    with patch.object(ir.IRBuilder, "alloca", alloca_at_guard_page()):
        for name, sizes in sizes_of(dtype, int(each), names):
            guarded(
                f"registers {name} {dtype} {sizes}",
                run_cell,
                cell_named(name),
                dtype,
                replace(sizes, threads=1),
                modes=(),
            )


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(270, exit=True)  # who hangs says where
    TRIED["worthwhile"] = 1.0  # every piece of work is worth a thread
    pool.Pool.latency = lambda _: 0.0  # however often it has to wait for others
    {"cells": cells, "kernels": kernels, "registers": registers}[sys.argv[1]](*sys.argv[2:])
