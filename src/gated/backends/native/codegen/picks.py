"""Numbers drawn by chance from the outputs of a network: see `interface.Arithmetic.pick`.

    pick(ctx, 0, 1)    for each sequence one number, by the softmax of its row of outputs

What is drawn is written twice: to `ids`, from where the next step takes it, and into line `step` of `drawn`. That
number, which says too which line of the uniform numbers is next, is then one more. A sequence whose outputs are not
finite, or whose id is negative, gets -1.

Sums are made in float64 and in order, whatever the width of the processor's vectors.
"""

from __future__ import annotations

from math import inf
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I1,
    I64,
    POINTER,
    JobTable,
    at,
    begin,
    load_masked,
    loop,
    loop_with,
    read,
    splat,
)
from gated.backends.native.codegen.likeliest import emit_likeliest
from gated.backends.native.codegen.vector_math import EMITTERS, PRECISIONS, VectorMath
from gated.backends.native.codegen.vectors import DOUBLE, wider
from gated.backends.native.processor import Machine

Value = Any
# `chances`: memory for `size` float64 numbers, in whole vectors; `temperature`: of a float64 number
# `order`: memory for `size` numbers; `most`: of a number, how many of the likeliest have a chance; `part`: of a float64
# number, the part of the probability that the likeliest have which have one, infinity for all
PICK_JOB = (
    "y", "rows", "size", "uniforms", "ids", "drawn", "step", "chances", "temperature", "order", "most", "part"
)  # fmt: skip


def emit_pick(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add `pick` to a module."""
    wide = VectorMath(module, PRECISIONS["float64"], machine.width("float64"))
    _Pick(module, VectorMath(module, math.precision, wide.width), wide).emit()


class _Pick:
    """The kernel in the making. `math`: of the outputs, with as many lanes as `wide`, of the chances."""

    def __init__(self, module: ir.Module, math: VectorMath, wide: VectorMath) -> None:
        self.math, self.wide = math, wide
        self.b, ctx, _, _ = begin(module, "pick")
        self.keep = emit_likeliest(module, math.scalar)
        self.job = JobTable(self.b, ctx, PICK_JOB).read(self.b, I64(0))
        self.size = self.job["size"]

    def _pointer(self, name: str) -> Value:
        return self.b.inttoptr(self.job[name], POINTER)

    def emit(self) -> None:
        b, rows, ids = self.b, self.job["rows"], self._pointer("ids")
        temperature = b.load(self._pointer("temperature"), typ=DOUBLE)
        step = read(b, self._pointer("step"), 0)
        first = b.mul(step, rows)
        found = b.alloca(I64)
        with loop(b, I64(0), rows) as row:
            y = b.gep(self._pointer("y"), [b.mul(row, self.size)], source_etype=self.math.scalar)
            peak, finite = self._peak(y)
            going = b.and_(finite, b.icmp_signed(">=", read(b, ids, row), I64(0)))
            b.store(I64(-1), found)
            cold = b.fcmp_ordered("==", temperature, DOUBLE(0.0))
            with b.if_then(b.and_(going, cold)):
                b.store(self._first_of(y, peak), found)
            with b.if_then(b.and_(going, b.not_(cold))):
                uniform = b.load(self._number("uniforms", b.add(first, row)), typ=DOUBLE)
                b.store(self._chosen(y, peak, temperature, uniform), found)
            number = b.load(found, typ=I64)
            b.store(number, at(b, ids, row))
            b.store(number, at(b, self._pointer("drawn"), b.add(first, row)))
        b.store(b.add(step, I64(1)), at(b, self._pointer("step"), 0))
        b.ret_void()

    def _number(self, name: str, index: Value) -> Value:
        return self.b.gep(self._pointer(name), [index], source_etype=DOUBLE)

    def _vector(self, y: Value, first: Value) -> Value:
        """Some outputs in float64; zeros behind the last."""
        rest = self.b.sub(self.size, first)
        place = self.b.gep(y, [first], source_etype=self.math.scalar)
        return wider(self.b, self.math, load_masked(self.b, self.math, place, rest))

    @property
    def _vectors(self) -> Value:
        return self.b.sdiv(self.b.add(self.size, I64(self.wide.width - 1)), I64(self.wide.width))

    def _peak(self, y: Value) -> tuple[Value, Value]:
        """The largest output, and whether it is finite and none is NaN."""
        b, wide = self.b, self.wide
        lanes = ir.Constant(ir.VectorType(I64, wide.width), list(range(wide.width)))
        carried = {"peak": wide.constant(-inf), "nan": ir.Constant(ir.VectorType(I1, wide.width), [0] * wide.width)}
        with loop_with(b, I64(0), self._vectors, carried) as (k, now):
            first = b.mul(k, I64(wide.width))
            x = self._vector(y, first)
            inside = b.icmp_signed("<", lanes, splat(b, b.sub(self.size, first), wide.width))
            now["nan"] = b.or_(now["nan"], b.fcmp_unordered("uno", x, x))
            larger = b.and_(inside, b.fcmp_ordered(">", x, now["peak"]))
            now["peak"] = b.select(larger, x, now["peak"])
        peak, nan = DOUBLE(-inf), I1(0)
        for lane in range(wide.width):
            mine, bad = (b.extract_element(carried[name], ir.IntType(32)(lane)) for name in ("peak", "nan"))
            peak, nan = b.select(b.fcmp_ordered(">", mine, peak), mine, peak), b.or_(nan, bad)
        finite = b.and_(b.fcmp_ordered("<", peak, DOUBLE(inf)), b.fcmp_ordered(">", peak, DOUBLE(-inf)))
        return peak, b.and_(finite, b.not_(nan))

    def _first_of(self, y: Value, peak: Value) -> Value:
        """Where the first output stands that is the largest."""
        b = self.b
        carried = {"found": I64(0)}
        with loop_with(b, I64(0), self.size, carried) as (k, now):
            place = b.sub(b.sub(self.size, I64(1)), k)
            value = b.load(b.gep(y, [place], source_etype=self.math.scalar), typ=self.math.scalar)
            value = value if self.math.precision.bits == 64 else b.fpext(value, DOUBLE)
            now["found"] = b.select(b.fcmp_ordered("==", value, peak), place, now["found"])
        return carried["found"]

    def _chosen(self, y: Value, peak: Value, temperature: Value, uniform: Value) -> Value:
        """The first place where the sum of the chances is above the uniform number's part of all."""
        b, wide = self.b, self.wide
        with loop(b, I64(0), self._vectors) as k:
            first = b.mul(k, I64(wide.width))
            below = b.fsub(self._vector(y, first), splat(b, peak, wide.width))
            chances = EMITTERS["exp"](wide, b, b.fdiv(below, splat(b, temperature, wide.width)))
            b.store(chances, self._number("chances", first), align=8)
        self._leave_the_likeliest(y)
        sums = {"total": DOUBLE(0.0)}
        with loop_with(b, I64(0), self.size, sums) as (k, now):
            place = self._number("chances", k)
            now["total"] = b.fadd(now["total"], b.load(place, typ=DOUBLE))
            b.store(now["total"], place)
        part, counted = b.fmul(uniform, sums["total"]), {"below": I64(0)}
        with loop_with(b, I64(0), self.size, counted) as (k, now):
            passed = b.fcmp_ordered("<=", b.load(self._number("chances", k), typ=DOUBLE), part)
            now["below"] = b.add(now["below"], b.zext(passed, I64))
        return counted["below"]

    def _leave_the_likeliest(self, y: Value) -> None:
        """First so many, then of these those that have so much of the probability; nothing where both allow all."""
        b, inf_part = self.b, DOUBLE(inf)
        most, part = read(b, self._pointer("most"), 0), b.load(self._pointer("part"), typ=DOUBLE)
        given = [y, self._pointer("chances"), self._pointer("order"), self.size]
        with b.if_then(b.icmp_signed("<", most, self.size)):
            b.call(self.keep, [*given, most, inf_part])
        with b.if_then(b.fcmp_ordered("<", part, inf_part)):
            b.call(self.keep, [*given, self.size, part])
