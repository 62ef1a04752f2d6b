"""What elementary functions on vectors are made of, as LLVM IR; `elementary` has the functions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import llvmlite.ir as ir

from gated.language.polynomials import interpolated

Value = Any

# So many of them in one piece of code are calls: in place, a thousand were 9 million letters of IR or more, and took
# LLVM half a minute. The largest cell of the zoo has 10.
MANY = 64


Emitter = Callable[..., Value]  # (math, builder, *vectors) -> vector
EMITTERS: dict[str, Emitter] = {}  # by the name of the operation
LONG: set[str] = set()  # those of many instructions


def emits(name: str, long: bool = False) -> Callable[[Emitter], Emitter]:
    """Register machine code for an elementwise row of the book of operations."""

    def enter(emitter: Emitter) -> Emitter:
        EMITTERS[name] = emitter
        if long:
            LONG.add(name)
        return emitter

    return enter


def _register_all() -> None:
    from gated.backends.native.codegen import elementary  # noqa: F401  its functions register themselves


@dataclass(frozen=True)
class Precision:
    """The constants of one floating-point format."""

    name: str
    bits: int
    mantissa: int
    bias: int
    exp_degree: int
    log_terms: int
    exp_high: float  # exp overflows above
    exp_low: float  # exp is zero below
    ln2_high: float
    ln2_low: float


def parts_of(number: int, scale: int, bits: int, count: int) -> tuple[float, ...]:
    """number / 2^scale in so many parts of `bits` bits, and what is left of it.

    Products of such a part with whole numbers that have no more than the other bits of a mantissa are exact.
    """
    parts, rest = [], number
    for _ in range(count):
        shift = rest.bit_length() - bits
        head = rest >> shift << shift
        parts.append(head / 2.0**scale)
        rest -= head
    return *parts, rest / 2.0**scale


_LN2 = 0xB17217F7D1CF79ABC9E3B39803F2F6AF, 128  # ln2 2^128

PRECISIONS = {
    "float32": Precision("float32", 32, 23, 127, 7, 5, 88.8, -104.0, *parts_of(*_LN2, 14, 1)),
    "float64": Precision("float64", 64, 52, 1023, 13, 11, 709.8, -745.2, *parts_of(*_LN2, 40, 1)),
}


@functools.cache
def _expm1_coefficients(precision: str) -> tuple[float, ...]:
    """Of q in exp(r) - 1 = r + r²·q(r) on |r| ≤ ln2/2, highest power first.

    Interpolated, its error is below half a unit in the last place of the result with two terms less than Taylor's in
    float64, one in float32.
    """
    degree, edge = (4 if precision == "float32" else 9), math.log(2.0) / 2

    def q(r: float) -> float:
        return sum(r**k / math.factorial(k + 2) for k in range(20))

    return interpolated(q, degree, -edge, edge)


class VectorMath:
    """Emits functions of vectors of `width` lanes into a builder's block."""

    def __init__(self, module: ir.Module, precision: Precision, width: int) -> None:
        self.module, self.precision, self.width = module, precision, width
        self.scalar = ir.FloatType() if precision.bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, width)
        self.integer = ir.VectorType(ir.IntType(precision.bits), width)

    def constant(self, value: float) -> ir.Constant:
        return ir.Constant(self.vector, [float(value)] * self.width)

    def whole(self, value: int) -> ir.Constant:
        return ir.Constant(self.integer, [value] * self.width)

    def intrinsic(self, b: ir.IRBuilder, name: str, *args: Value) -> Value:
        full = f"llvm.{name}.v{self.width}f{self.precision.bits}"
        function = self.module.globals.get(full)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(self.vector, [self.vector] * len(args)), full)
        return b.call(function, args)

    def fma(self, b: ir.IRBuilder, x: Value, y: Value, z: Value) -> Value:
        """x y + z, rounded once where the processor can, else twice: everything here is accurate enough either way.

        (LLVM's "fma" would call the C library's, one lane at a time, on a processor that has none.)
        """
        return self.intrinsic(b, "fmuladd", x, y, z)

    def polynomial(self, b: ir.IRBuilder, x: Value, coefficients: Sequence[float]) -> Value:
        """Horner's rule, highest power first."""
        result = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            result = self.fma(b, result, x, self.constant(coefficient))
        return result

    def nearest(self, b: ir.IRBuilder, x: Value, factor: float) -> tuple[Value, Value]:
        """The whole number nearest to x·factor, as a floating-point number and as an integer.

        Far above 2^mantissa the numbers are whole: adding such a one rounds, and leaves the integer in the low bits. No
        conversion instruction is needed; x86 has none for 64 bits before AVX-512.
        """
        shift = self.shift()
        shifted = self.fma(b, x, self.constant(factor), shift)
        return b.fsub(shifted, shift), b.sub(b.bitcast(shifted, self.integer), b.bitcast(shift, self.integer))

    def shift(self) -> ir.Constant:
        return self.constant(1.5 * 2.0**self.precision.mantissa)

    def reduce(self, b: ir.IRBuilder, x: Value) -> tuple[Value, Value, Value]:
        """n, n as an integer, and r with x = n ln2 + r; x is clamped to where exp is finite and not zero."""
        p = self.precision
        clamped = self.intrinsic(
            b, "minnum", self.intrinsic(b, "maxnum", x, self.constant(p.exp_low)), self.constant(p.exp_high)
        )
        n, whole = self.nearest(b, clamped, 1.0 / math.log(2.0))
        negative = b.fneg(n)
        r = self.fma(b, negative, self.constant(p.ln2_high), clamped)
        return n, whole, self.fma(b, negative, self.constant(p.ln2_low), r)

    def power_of_two(self, b: ir.IRBuilder, n: Value) -> Value:
        """2^n for integers n within the normal exponents."""
        p = self.precision
        return b.bitcast(b.shl(b.add(n, self.whole(p.bias)), self.whole(p.mantissa)), self.vector)

    def expm1_reduced(self, b: ir.IRBuilder, r: Value) -> Value:
        """exp(r) - 1 = r + r²·q(r), with full relative accuracy."""
        coefficients = [1.0 / math.factorial(k) for k in range(self.precision.exp_degree, 1, -1)]
        q = self.polynomial(b, r, coefficients)
        return self.fma(b, b.fmul(r, r), q, r)

    def keep_nan(self, b: ir.IRBuilder, x: Value, value: Value) -> Value:
        return b.select(b.fcmp_unordered("uno", x, x), x, value)

    def clamped(self, b: ir.IRBuilder, x: Value, limit: float, above: bool) -> Value:
        """x, or the limit where x is beyond it; a NaN stays (llvm.minnum would lose it, and takes longer)."""
        bound = self.constant(limit)
        return b.select(b.fcmp_ordered(">" if above else "<", x, bound), bound, x)

    def split(self, b: ir.IRBuilder, x: Value, shift: int = 0) -> tuple[Value, Value]:
        """(2^(n + shift), exp(r) - 1) with x = n ln2 + r and |r| ≤ ln2/2; n must stay within the normal exponents.

        Adding a number whose last place is 1 rounds to a whole n, which then stands in the last bits of the sum:
        shifted to where the exponent is, they are the power of two.
        """
        p = self.precision
        magic = self.constant(1.5 * 2.0**p.mantissa + p.bias + shift)
        total = self.fma(b, x, self.constant(1.0 / math.log(2.0)), magic)
        n = b.fsub(total, magic)
        scale = b.bitcast(b.shl(b.bitcast(total, self.integer), self.whole(p.mantissa)), self.vector)
        r = self.fma(b, n, self.constant(-p.ln2_high), x)
        r = self.fma(b, n, self.constant(-p.ln2_low), r)
        q = self.polynomial(b, r, list(_expm1_coefficients(p.name)))
        return scale, self.fma(b, b.fmul(r, r), q, r)

    def emitter(self, function: str) -> Callable[..., Value]:
        """(builder, *args) -> value, for an elementwise row of the book of operations."""
        _register_all()
        return partial(EMITTERS[function], self)

    def emitters(self, functions: Sequence[str]) -> Callable[[str], Callable[..., Value]]:
        """What emits each of the functions of a piece of code: `emitter`, or `apart` if there are many."""
        _register_all()
        return self.apart if sum(name in LONG for name in functions) > MANY else self.emitter

    def apart(self, function: str) -> Callable[..., Value]:
        """As `emitter`, but an elementary function becomes a call of one that is emitted once."""
        if function not in LONG:
            return self.emitter(function)
        name = f"apart.{function}.{self.precision.name}"
        made = self.module.globals.get(name)
        if made is None:
            made = ir.Function(self.module, ir.FunctionType(self.vector, [self.vector]), name)
            made.linkage = "internal"
            made.attributes.add("noinline")
            inner = ir.IRBuilder(made.append_basic_block())
            inner.ret(self.emitter(function)(inner, made.args[0]))
        return lambda b, x: b.call(made, [x])
