"""What is done with whole vectors of numbers, each kernel in one pass over them.

Elementwise (`Elementwise`): a line of arithmetic for every place of some vectors, of which some are changed. Each
operation is rounded on its own, in the order in which it is written, as NumPy's are: the same bits as the reference's,
whatever the width of a processor's vectors.

    finite(ctx, i, n)    raises flag i if a number of the i-th of n shares is NaN or inf
    squares(ctx, i, n)   the sums of squares, in float64, of the pieces of the i-th of n shares
    total(ctx, 0, 1)     the sum of these sums, in their order
    decide(ctx, 0, 1)    whether an update is made, and by what factor its gradient is clipped

Pieces have one length whatever the number of threads, and each is summed in as many sums whatever the width of the
processor's vectors: the result has the same bits everywhere.

A kernel's table has one job (see `ir_tools.JobTable`). Numbers stand in it as float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
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
    share_of,
    splat,
    store_masked,
)
from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for

Value = Any
DOUBLE = ir.DoubleType()
FINITE_JOB = ("vector", "size", "flags")
SQUARES_JOB = ("vector", "size", "piece", "pieces", "sums", "total")
# `squares`: address of the vector's sum of squares; `wrong`: numbers that are 0 unless something was refused; `limit`:
# of the norm. What is found: the norm, by what the vector is multiplied, whether to go on
DECIDE_JOB = ("vector", "size", "squares", "loss", "wrong", "refusals", "norm", "factor", "go", "limit")


@dataclass(frozen=True)
class Lanes:
    """A vector in a register, with the signs of arithmetic; nothing is fused or put into another order."""

    b: ir.IRBuilder
    math: VectorMath
    value: Value

    def _new(self, value: Value) -> Lanes:
        return replace(self, value=value)

    def __add__(self, other: Lanes) -> Lanes:
        return self._new(self.b.fadd(self.value, other.value))

    def __sub__(self, other: Lanes) -> Lanes:
        return self._new(self.b.fsub(self.value, other.value))

    def __mul__(self, other: Lanes) -> Lanes:
        return self._new(self.b.fmul(self.value, other.value))

    def __truediv__(self, other: Lanes) -> Lanes:
        return self._new(self.b.fdiv(self.value, other.value))

    def root(self) -> Lanes:
        """The square root."""
        return self._new(self.math.intrinsic(self.b, "sqrt", self.value))


@dataclass(frozen=True)
class Elementwise:
    """A kernel that changes vectors place by place.

    Attributes:
        changed, read: the vectors, by name, that it changes, and that it only reads.
        numbers: what is the same in every place, by name.
        formula: called with all of these by name, gives the new values of `changed`, in order.
        scaled: a vector among `read` that is multiplied by a number first, whose address is in the table; nothing is
            done if what lies at another address, `go`, is 0. An address that is 0 asks for neither.
    """

    changed: tuple[str, ...]
    read: tuple[str, ...]
    numbers: tuple[str, ...]
    formula: Callable[..., tuple[Lanes, ...]]
    scaled: str = ""

    @property
    def job(self) -> tuple[str, ...]:
        """The fields of its table."""
        return "size", *self.changed, *self.read, *(("factor", "go") if self.scaled else ()), *self.numbers


SCALE = Elementwise(("vector",), (), ("factor",), lambda vector, factor: (vector * factor,))
ADD = Elementwise(("into",), ("part",), (), lambda into, part: (into + part,))
MULTIPLY = Elementwise(("into",), ("factors",), (), lambda into, factors: (into * factors,))


def emit_elementwise(module: ir.Module, math: VectorMath, name: str, kernel: Elementwise) -> None:
    """Add the function `name` to a module: name(ctx, i, n) does the i-th of n shares."""
    b, ctx, share, shares = begin(module, name)
    job = JobTable(b, ctx, kernel.job).read(b, I64(0))
    vectors = {name: _pointer(b, job[name]) for name in (*kernel.changed, *kernel.read)}
    numbers = {name: Lanes(b, math, splat(b, _number(b, math, job[name]), math.width)) for name in kernel.numbers}
    size, factor = (job["size"], None) if not kernel.scaled else _conditions(b, math, job)
    for offset, rest in _vectors(b, math, size, share, shares):
        places = {name: b.gep(vector, [offset], source_etype=math.scalar) for name, vector in vectors.items()}
        lanes = {name: Lanes(b, math, load_masked(b, math, place, rest)) for name, place in places.items()}
        if factor is not None:
            lanes[kernel.scaled] *= factor
        for changed, new in zip(kernel.changed, kernel.formula(**lanes, **numbers), strict=True):
            store_masked(b, math, new.value, places[changed], rest)
    b.ret_void()


def _conditions(b: ir.IRBuilder, math: VectorMath, job: dict[str, Value]) -> tuple[Value, Lanes]:
    """(size of the vectors, 0 if there is nothing to do; the factor, 1 if none is given)."""

    def at_address(name: str, kind: ir.Type, otherwise: Value) -> Value:
        spare = b.alloca(kind)
        b.store(otherwise, spare)
        given = b.icmp_signed("!=", job[name], I64(0))
        return b.load(b.select(given, _pointer(b, job[name]), spare), typ=kind)

    go = b.icmp_signed("!=", at_address("go", I64, I64(1)), I64(0))
    factor = at_address("factor", DOUBLE, DOUBLE(1.0))
    narrow = factor if math.precision.bits == 64 else b.fptrunc(factor, math.scalar)
    return b.select(go, job["size"], I64(0)), Lanes(b, math, splat(b, narrow, math.width))


def emit_sums(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add `finite`, `squares`, `total` and `decide` to a module."""
    _finite(module, math)
    _squares(module, VectorMath(module, math.precision, tuning_for(machine).square_lanes))
    _total(module)
    _decide(module, math)


def wider(b: ir.IRBuilder, math: VectorMath, value: Value) -> Value:
    """A vector in float64."""
    return value if math.precision.bits == 64 else b.fpext(value, ir.VectorType(DOUBLE, math.width))


def narrower(b: ir.IRBuilder, math: VectorMath, value: Value) -> Value:
    """A vector of float64 in the dtype of the kernel."""
    return value if math.precision.bits == 64 else b.fptrunc(value, math.vector)


def _number(b: ir.IRBuilder, math: VectorMath, bits: Value) -> Value:
    """A number from a table, rounded to the dtype of the kernel."""
    number = b.bitcast(bits, DOUBLE)
    return number if math.precision.bits == 64 else b.fptrunc(number, math.scalar)


def _vectors(
    b: ir.IRBuilder, math: VectorMath, size: Value, share: Value, shares: Value
) -> Iterator[tuple[Value, Value | None]]:
    """Twice: where the code for a whole vector of a share is to be put, and for the lanes that fill none."""
    whole = b.sdiv(size, I64(math.width))
    with loop(b, *share_of(b, whole, share, shares)) as k:
        yield b.mul(k, I64(math.width)), None
    offset = b.mul(whole, I64(math.width))
    with _rest(b, size, offset, b.icmp_signed("==", share, b.sub(shares, I64(1)))) as rest:
        yield offset, rest


@contextmanager
def _rest(b: ir.IRBuilder, size: Value, offset: Value, here: Value) -> Iterator[Value]:
    """If something is left behind `offset`, and that `here`: how much."""
    rest = b.sub(size, offset)
    with b.if_then(b.and_(here, b.icmp_signed(">", rest, I64(0)))):
        yield rest


def _finite(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares = begin(module, "finite")
    found = b.alloca(math.integer)
    b.store(math.whole(0), found)
    job = JobTable(b, ctx, FINITE_JOB).read(b, I64(0))
    vector, p = _pointer(b, job["vector"]), math.precision
    exponent = math.whole(((1 << p.bits - 1) - 1) >> p.mantissa << p.mantissa)
    for offset, rest in _vectors(b, math, job["size"], share, shares):
        place = b.gep(vector, [offset], source_etype=math.scalar)
        bits = b.bitcast(load_masked(b, math, place, rest), math.integer)
        # an exponent of ones and one more: the sign is set
        carried = b.add(b.and_(bits, exponent), math.whole(1 << p.mantissa))
        b.store(b.or_(b.load(found, typ=math.integer), carried), found)
    signs = b.icmp_signed("<", b.load(found, typ=math.integer), math.whole(0))
    mask = ir.IntType(math.width)
    b.store(
        b.zext(b.icmp_unsigned("!=", b.bitcast(signs, mask), mask(0)), I64), at(b, _pointer(b, job["flags"]), share)
    )
    b.ret_void()


def _squares(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares = begin(module, "squares")
    job = JobTable(b, ctx, SQUARES_JOB).read(b, I64(0))
    vector, sums = _pointer(b, job["vector"]), _pointer(b, job["sums"])
    kind = ir.VectorType(DOUBLE, math.width)
    partial = b.alloca(kind)
    with loop(b, *share_of(b, job["pieces"], share, shares)) as piece:
        b.store(ir.Constant(kind, [0.0] * math.width), partial)
        low = b.mul(piece, job["piece"])
        beyond = b.add(low, job["piece"])
        high = b.select(b.icmp_signed("<", beyond, job["size"]), beyond, job["size"])
        whole = b.add(low, b.mul(b.sdiv(b.sub(high, low), I64(math.width)), I64(math.width)))
        with loop(b, low, whole, math.width) as offset:
            _add_squares(b, math, vector, offset, None, partial)
        with _rest(b, high, whole, ir.IntType(1)(1)) as rest:
            _add_squares(b, math, vector, whole, rest, partial)
        found = b.load(partial, typ=kind)
        lanes = [b.extract_element(found, ir.IntType(32)(lane)) for lane in range(math.width)]
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = [b.fadd(lanes[k], lanes[k + half]) for k in range(half)]
        b.store(lanes[0], b.gep(sums, [piece], source_etype=DOUBLE))
    b.ret_void()


def _add_squares(
    b: ir.IRBuilder, math: VectorMath, vector: Value, offset: Value, rest: Value | None, partial: Value
) -> None:
    place = b.gep(vector, [offset], source_etype=math.scalar)
    wide = wider(b, math, load_masked(b, math, place, rest))
    b.store(b.fadd(b.load(partial, typ=wide.type), b.fmul(wide, wide)), partial)


def _total(module: ir.Module) -> None:
    b, ctx, _, _ = begin(module, "total")
    job = JobTable(b, ctx, SQUARES_JOB).read(b, I64(0))
    sums, total = _pointer(b, job["sums"]), b.alloca(DOUBLE)
    b.store(DOUBLE(0.0), total)
    with loop(b, I64(0), job["pieces"]) as piece:
        part = b.load(b.gep(sums, [piece], source_etype=DOUBLE), typ=DOUBLE)
        b.store(b.fadd(b.load(total, typ=DOUBLE), part), total)
    b.store(b.load(total, typ=DOUBLE), _pointer(b, job["total"]))
    b.ret_void()


def _decide(module: ir.Module, math: VectorMath) -> None:
    b, ctx, _, _ = begin(module, "decide")
    job = JobTable(b, ctx, DECIDE_JOB).read(b, I64(0))
    squares, loss = (b.load(_pointer(b, job[name]), typ=DOUBLE) for name in ("squares", "loss"))
    held = b.alloca(DOUBLE)
    b.store(b.call(module.declare_intrinsic("llvm.sqrt", [DOUBLE]), [squares]), held)
    with b.if_then(b.fcmp_ordered("==", b.load(held, typ=DOUBLE), DOUBLE(inf)), likely=False):
        b.store(_large_norm(b, module, math, job), held)
    norm, limit = b.load(held, typ=DOUBLE), b.bitcast(job["limit"], DOUBLE)
    above = b.and_(b.fcmp_ordered(">", norm, limit), b.fcmp_ordered("<", norm, DOUBLE(inf)))
    factor = b.select(above, b.fdiv(limit, norm), DOUBLE(1.0))
    refused = b.alloca(I64)
    b.store(I64(0), refused)
    with loop(b, I64(0), job["refusals"]) as k:
        more = b.load(at(b, _pointer(b, job["wrong"]), k), typ=I64)
        b.store(b.or_(b.load(refused, typ=I64), more), refused)
    go = b.icmp_signed("==", b.load(refused, typ=I64), I64(0))
    for number in (loss, norm):  # NaN and inf less themselves are NaN
        go = b.and_(go, b.fcmp_ordered("==", b.fsub(number, number), DOUBLE(0.0)))
    for name, value in (("norm", norm), ("factor", factor), ("go", b.zext(go, I64))):
        b.store(value, _pointer(b, job[name]))
    b.ret_void()


def _large_norm(b: ir.IRBuilder, module: ir.Module, math: VectorMath, job: dict[str, Value]) -> Value:
    """The norm where the squares overflow: the numbers are scaled first. inf if one of them is."""
    peak = _folded(b, module, math, job, lambda most, one: b.select(b.fcmp_ordered(">", one, most), one, most))

    def add(total: Value, one: Value) -> Value:
        part = b.fdiv(one, peak)
        return b.fadd(total, b.fmul(part, part))

    root = b.call(module.declare_intrinsic("llvm.sqrt", [DOUBLE]), [_folded(b, module, math, job, add)])
    return b.select(b.fcmp_ordered("==", peak, DOUBLE(inf)), peak, b.fmul(peak, root))


def _folded(
    b: ir.IRBuilder,
    module: ir.Module,
    math: VectorMath,
    job: dict[str, Value],
    combine: Callable[[Value, Value], Value],
) -> Value:
    """combine(what was found so far, the magnitude of a number), in float64, through the whole vector."""
    found, size = b.alloca(DOUBLE), module.declare_intrinsic("llvm.fabs", [DOUBLE])
    b.store(DOUBLE(0.0), found)
    with loop(b, I64(0), job["size"]) as i:
        number = b.load(b.gep(_pointer(b, job["vector"]), [i], source_etype=math.scalar), typ=math.scalar)
        wide = number if math.precision.bits == 64 else b.fpext(number, DOUBLE)
        b.store(combine(b.load(found, typ=DOUBLE), b.call(size, [wide])), found)
    return b.load(found, typ=DOUBLE)


def _pointer(b: ir.IRBuilder, number: Value) -> Value:
    return b.inttoptr(number, POINTER)
