"""Elementary functions on vectors, as LLVM IR: within 4 units in the last place, NaN in gives NaN out, no traps.

exp: Cody-Waite reduction x = n ln2 + r, |r| ≤ ln2/2, a Taylor polynomial on that small interval (degree 7 in float32,
13 in float64: the remainder is below half a unit), scaled by 2^n in two steps so that results may be subnormal.
tanh: from expm1, which keeps the relative accuracy near 0. log: x = 2^k m, √½ ≤ m < √2, 2 artanh((m-1)/(m+1)).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir
import numpy as np

Value = Any

ELEMENTARY = ("exp", "log", "sigmoid", "softplus", "tanh")  # those of many instructions
# So many of them in one piece of code are calls: in place, a thousand were 9 million letters of IR or more, and took
# LLVM half a minute. The largest cell of the zoo has 10.
MANY = 64


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


def _split_ln2(bits: int) -> tuple[float, float]:
    # ln2 to 130 bits, as the sum of a short head (n * head is exact for all n that occur) and the rest
    ln2 = 0xB17217F7D1CF79ABC9E3B39803F2F6AF
    scale = 128
    head = (ln2 >> (scale - bits)) << (scale - bits)
    return head / 2.0**scale, (ln2 - head) / 2.0**scale


PRECISIONS = {
    "float32": Precision("float32", 32, 23, 127, 7, 5, 88.8, -104.0, *_split_ln2(14)),
    "float64": Precision("float64", 64, 52, 1023, 13, 11, 709.8, -745.2, *_split_ln2(40)),
}


@functools.cache
def _expm1_coefficients(precision: str) -> tuple[float, ...]:
    """Of q in exp(r) - 1 = r + r²·q(r) on |r| ≤ ln2/2, highest power first.

    q interpolated at the zeros of a Chebyshev polynomial, which is nearly the best polynomial of this degree: its error
    is below half a unit in the last place of the result with two terms less than Taylor's in float64, one in float32.
    """
    degree, edge = (4 if precision == "float32" else 9), math.log(2.0) / 2

    def q(r: float) -> float:
        return sum(r**k / math.factorial(k + 2) for k in range(20))

    series = np.polynomial.chebyshev.Chebyshev.interpolate(np.vectorize(q), degree, domain=[-edge, edge])
    powers = series.convert(kind=np.polynomial.polynomial.Polynomial, domain=[-1, 1])
    return tuple(float(c) for c in powers.coef[::-1])


class VectorMath:
    """Emits functions of vectors of `width` lanes into a builder's block."""

    def __init__(self, module: ir.Module, precision: Precision, width: int) -> None:
        self.module, self.precision, self.width = module, precision, width
        self.scalar = ir.FloatType() if precision.bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, width)
        self.integer = ir.VectorType(ir.IntType(precision.bits), width)

    def constant(self, value: float) -> ir.Constant:
        return ir.Constant(self.vector, [float(value)] * self.width)

    def _int(self, value: int) -> ir.Constant:
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

    def _polynomial(self, b: ir.IRBuilder, x: Value, coefficients: list[float]) -> Value:
        """Horner's rule, highest power first."""
        result = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            result = self.fma(b, result, x, self.constant(coefficient))
        return result

    def _nearest(self, b: ir.IRBuilder, x: Value, factor: float) -> tuple[Value, Value]:
        """The whole number nearest to x·factor, as a floating-point number and as an integer.

        Far above 2^mantissa the numbers are whole: adding such a one rounds, and leaves the integer in the low bits. No
        conversion instruction is needed; x86 has none for 64 bits before AVX-512.
        """
        shift = self._shift()
        shifted = self.fma(b, x, self.constant(factor), shift)
        return b.fsub(shifted, shift), b.sub(b.bitcast(shifted, self.integer), b.bitcast(shift, self.integer))

    def _shift(self) -> ir.Constant:
        return self.constant(1.5 * 2.0**self.precision.mantissa)

    def _reduce(self, b: ir.IRBuilder, x: Value) -> tuple[Value, Value, Value]:
        """n, n as an integer, and r with x = n ln2 + r; x is clamped to where exp is finite and not zero."""
        p = self.precision
        clamped = self.intrinsic(
            b, "minnum", self.intrinsic(b, "maxnum", x, self.constant(p.exp_low)), self.constant(p.exp_high)
        )
        n, whole = self._nearest(b, clamped, 1.0 / math.log(2.0))
        negative = b.fneg(n)
        r = self.fma(b, negative, self.constant(p.ln2_high), clamped)
        return n, whole, self.fma(b, negative, self.constant(p.ln2_low), r)

    def _power_of_two(self, b: ir.IRBuilder, n: Value) -> Value:
        """2^n for integers n within the normal exponents."""
        p = self.precision
        return b.bitcast(b.shl(b.add(n, self._int(p.bias)), self._int(p.mantissa)), self.vector)

    def _expm1_reduced(self, b: ir.IRBuilder, r: Value) -> Value:
        """exp(r) - 1 = r + r²·q(r), with full relative accuracy."""
        coefficients = [1.0 / math.factorial(k) for k in range(self.precision.exp_degree, 1, -1)]
        q = self._polynomial(b, r, coefficients)
        return self.fma(b, b.fmul(r, r), q, r)

    def _keep_nan(self, b: ir.IRBuilder, x: Value, value: Value) -> Value:
        return b.select(b.fcmp_unordered("uno", x, x), x, value)

    def exp(self, b: ir.IRBuilder, x: Value) -> Value:
        n, whole, r = self._reduce(b, x)
        _, half = self._nearest(b, n, 0.5)
        mantissa = b.fadd(self._expm1_reduced(b, r), self.constant(1.0))
        scaled = b.fmul(b.fmul(mantissa, self._power_of_two(b, half)), self._power_of_two(b, b.sub(whole, half)))
        p = self.precision
        scaled = b.select(b.fcmp_ordered(">", x, self.constant(p.exp_high)), self.constant(math.inf), scaled)
        scaled = b.select(b.fcmp_ordered("<", x, self.constant(p.exp_low)), self.constant(0.0), scaled)
        return self._keep_nan(b, x, scaled)

    def _clamped(self, b: ir.IRBuilder, x: Value, limit: float, above: bool) -> Value:
        """x, or the limit where x is beyond it; a NaN stays (llvm.minnum would lose it, and takes longer)."""
        bound = self.constant(limit)
        return b.select(b.fcmp_ordered(">" if above else "<", x, bound), bound, x)

    def _split(self, b: ir.IRBuilder, x: Value, shift: int = 0) -> tuple[Value, Value]:
        """(2^(n + shift), exp(r) - 1) with x = n ln2 + r and |r| ≤ ln2/2; n must stay within the normal exponents.

        Adding a number whose last place is 1 rounds to a whole n, which then stands in the last bits of the sum:
        shifted to where the exponent is, they are the power of two.
        """
        p = self.precision
        magic = self.constant(1.5 * 2.0**p.mantissa + p.bias + shift)
        total = self.fma(b, x, self.constant(1.0 / math.log(2.0)), magic)
        n = b.fsub(total, magic)
        scale = b.bitcast(b.shl(b.bitcast(total, self.integer), self._int(p.mantissa)), self.vector)
        r = self.fma(b, n, self.constant(-p.ln2_high), x)
        r = self.fma(b, n, self.constant(-p.ln2_low), r)
        q = self._polynomial(b, r, list(_expm1_coefficients(p.name)))
        return scale, self.fma(b, b.fmul(r, r), q, r)

    def sigmoid(self, b: ir.IRBuilder, x: Value) -> Value:
        """1 / (1 + e) or e / (1 + e) with e = exp(-|x|), which never overflows: small results keep all their digits."""
        one, shift = self.constant(1.0), 64
        low = self._clamped(b, b.fneg(self.intrinsic(b, "fabs", x)), self.precision.exp_low, above=False)
        scale, m = self._split(b, low, shift)
        # e may be subnormal: one exact product with a power of two takes it there, rounding once
        e = b.fmul(self.fma(b, m, scale, scale), self.constant(2.0**-shift))
        numerator = b.select(b.fcmp_ordered("<", x, self.constant(0.0)), e, one)
        return b.fdiv(numerator, b.fadd(one, e))

    def tanh(self, b: ir.IRBuilder, x: Value) -> Value:
        """expm1(2|x|) / (expm1(2|x|) + 2), with the sign of x; 1 where that is the nearest number."""
        limit = 9.5 if self.precision.bits == 32 else 20.0
        magnitude = self._clamped(b, self.intrinsic(b, "fabs", x), limit, above=True)
        scale, m = self._split(b, b.fadd(magnitude, magnitude))
        e = self.fma(b, m, scale, b.fsub(scale, self.constant(1.0)))
        return self.intrinsic(b, "copysign", b.fdiv(e, b.fadd(e, self.constant(2.0))), x)

    def log(self, b: ir.IRBuilder, x: Value) -> Value:
        p = self.precision
        tiny = self.constant(2.0 ** (1 - p.bias))
        shift = float(p.mantissa + 1)
        subnormal = b.fcmp_ordered("<", x, tiny)
        scaled = b.select(subnormal, b.fmul(x, self.constant(2.0**shift)), x)
        result = b.fadd(
            self._log_normal(b, scaled, b.select(subnormal, self.constant(-shift), self.constant(0.0))),
            self.constant(0.0),
        )
        result = b.select(b.fcmp_ordered("==", x, self.constant(math.inf)), x, result)
        result = b.select(b.fcmp_ordered("==", x, self.constant(0.0)), self.constant(-math.inf), result)
        result = b.select(b.fcmp_ordered("<", x, self.constant(0.0)), self.constant(math.nan), result)
        return self._keep_nan(b, x, result)

    def _log_normal(self, b: ir.IRBuilder, x: Value, extra: Value) -> Value:
        """log(x) + extra·ln2 for a positive normal x."""
        p = self.precision
        bits = b.bitcast(x, self.integer)
        # subtracting √½ in the exponent's unit makes the mantissa lie in [√½, √2)
        root = 0x3F3504F3 if p.bits == 32 else 0x3FE6A09E667F3BCD
        shifted = b.sub(bits, self._int(root))
        exponent = b.ashr(shifted, self._int(p.mantissa))
        m = b.bitcast(b.sub(bits, b.shl(exponent, self._int(p.mantissa))), self.vector)
        # (the way back of _nearest: an integer as a floating-point number)
        shift = self._shift()
        whole = b.bitcast(b.add(exponent, b.bitcast(shift, self.integer)), self.vector)
        k = b.fadd(b.fsub(whole, shift), extra)
        f = b.fsub(m, self.constant(1.0))
        s = b.fdiv(f, b.fadd(f, self.constant(2.0)))
        z = b.fmul(s, s)
        series = self._polynomial(b, z, [2.0 / (2 * j + 1) for j in range(p.log_terms, 0, -1)])
        # log(1+f) = f - f²/2 + s (f²/2 + z·series'): the large part f is exact
        half_square = b.fmul(b.fmul(f, f), self.constant(0.5))
        tail = b.fmul(s, b.fadd(half_square, b.fmul(z, series)))
        low = self.fma(b, k, self.constant(p.ln2_low), b.fsub(tail, half_square))
        return self.fma(b, k, self.constant(p.ln2_high), b.fadd(f, low))

    def softplus(self, b: ir.IRBuilder, x: Value) -> Value:
        """max(x, 0) + log1p(exp(-|x|)); log1p(u) = log(w) + (u - (w-1))/w with w = 1 + u."""
        one = self.constant(1.0)
        u = self.exp(b, b.fneg(self.intrinsic(b, "fabs", x)))
        w = b.fadd(one, u)
        lost = b.fdiv(b.fsub(u, b.fsub(w, one)), w)
        log1p = b.fadd(self._log_normal(b, w, self.constant(0.0)), lost)
        return self._keep_nan(b, x, b.fadd(self.intrinsic(b, "maxnum", x, self.constant(0.0)), log1p))

    def relu(self, b: ir.IRBuilder, x: Value) -> Value:
        return b.select(b.fcmp_ordered("<=", x, self.constant(0.0)), self.constant(0.0), x)

    def sqrt(self, b: ir.IRBuilder, x: Value) -> Value:
        return self.intrinsic(b, "sqrt", x)

    def abs(self, b: ir.IRBuilder, x: Value) -> Value:
        return self.intrinsic(b, "fabs", x)

    def sign(self, b: ir.IRBuilder, x: Value) -> Value:
        signed = self.intrinsic(b, "copysign", self.constant(1.0), x)
        return self._keep_nan(b, x, b.select(b.fcmp_ordered("==", x, self.constant(0.0)), self.constant(0.0), signed))

    def positive(self, b: ir.IRBuilder, x: Value) -> Value:
        return b.select(b.fcmp_ordered(">", x, self.constant(0.0)), self.constant(1.0), self.constant(0.0))

    def maximum(self, b: ir.IRBuilder, x: Value, y: Value) -> Value:
        first = b.or_(b.fcmp_ordered(">", x, y), b.fcmp_unordered("uno", x, x))
        return b.select(first, x, y)

    def minimum(self, b: ir.IRBuilder, x: Value, y: Value) -> Value:
        first = b.or_(b.fcmp_ordered("<", x, y), b.fcmp_unordered("uno", x, x))
        return b.select(first, x, y)

    def emitter(self, function: str) -> Callable[..., Value]:
        """(builder, *args) -> value, for a row of the table of functions."""
        arithmetic: dict[str, Callable[..., Value]] = {
            "add": lambda b, x, y: b.fadd(x, y),
            "sub": lambda b, x, y: b.fsub(x, y),
            "mul": lambda b, x, y: b.fmul(x, y),
            "div": lambda b, x, y: b.fdiv(x, y),
            "neg": lambda b, x: b.fneg(x),
        }
        return arithmetic.get(function) or getattr(self, function.lstrip("_"))

    def emitters(self, functions: Sequence[str]) -> Callable[[str], Callable[..., Value]]:
        """What emits each of the functions of a piece of code: `emitter`, or `apart` if there are many."""
        return self.apart if sum(name in ELEMENTARY for name in functions) > MANY else self.emitter

    def apart(self, function: str) -> Callable[..., Value]:
        """As `emitter`, but an elementary function becomes a call of one that is emitted once."""
        if function not in ELEMENTARY:
            return self.emitter(function)
        name = f"apart.{function}"
        made = self.module.globals.get(name)
        if made is None:
            made = ir.Function(self.module, ir.FunctionType(self.vector, [self.vector]), name)
            made.linkage = "internal"
            made.attributes.add("noinline")
            inner = ir.IRBuilder(made.append_basic_block())
            inner.ret(self.emitter(function)(inner, made.args[0]))
        return lambda b, x: b.call(made, [x])
