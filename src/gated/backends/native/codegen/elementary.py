"""Elementwise operations on vectors, as LLVM IR: within 4 units in the last place, NaN in gives NaN out, no traps.

Each is registered under the name of its row in the book of operations; a row without machine code is an error when this
module is imported.

exp: Cody-Waite reduction x = n ln2 + r, |r| ≤ ln2/2, a Taylor polynomial on that small interval (degree 7 in float32,
13 in float64: the remainder is below half a unit), scaled by 2^n in two steps so that results may be subnormal.
tanh: from expm1, which keeps the relative accuracy near 0. log: x = 2^k m, √½ ≤ m < √2, 2 artanh((m-1)/(m+1)).
"""

from __future__ import annotations

from math import inf, nan
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.vector_math import EMITTERS, VectorMath, emits
from gated.language.functions import FUNCTIONS

Value = Any


@emits("add")
def add(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.fadd(x, y)


@emits("sub")
def subtract(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.fsub(x, y)


@emits("mul")
def multiply(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.fmul(x, y)


@emits("div")
def divide(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.fdiv(x, y)


@emits("neg")
def negate(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return b.fneg(x)


@emits("exp", long=True)
def exp(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    n, whole, r = math.reduce(b, x)
    _, half = math.nearest(b, n, 0.5)
    mantissa = b.fadd(math.expm1_reduced(b, r), math.constant(1.0))
    scaled = b.fmul(b.fmul(mantissa, math.power_of_two(b, half)), math.power_of_two(b, b.sub(whole, half)))
    p = math.precision
    scaled = b.select(b.fcmp_ordered(">", x, math.constant(p.exp_high)), math.constant(inf), scaled)
    scaled = b.select(b.fcmp_ordered("<", x, math.constant(p.exp_low)), math.constant(0.0), scaled)
    return math.keep_nan(b, x, scaled)


@emits("sigmoid", long=True)
def sigmoid(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    """1 / (1 + e) or e / (1 + e) with e = exp(-|x|), which never overflows: small results keep all their digits."""
    one, shift = math.constant(1.0), 64
    low = math.clamped(b, b.fneg(math.intrinsic(b, "fabs", x)), math.precision.exp_low, above=False)
    scale, m = math.split(b, low, shift)
    # e may be subnormal: one exact product with a power of two takes it there, rounding once
    e = b.fmul(math.fma(b, m, scale, scale), math.constant(2.0**-shift))
    numerator = b.select(b.fcmp_ordered("<", x, math.constant(0.0)), e, one)
    return b.fdiv(numerator, b.fadd(one, e))


@emits("tanh", long=True)
def tanh(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    """expm1(2|x|) / (expm1(2|x|) + 2), with the sign of x; 1 where that is the nearest number."""
    limit = 9.5 if math.precision.bits == 32 else 20.0
    magnitude = math.clamped(b, math.intrinsic(b, "fabs", x), limit, above=True)
    scale, m = math.split(b, b.fadd(magnitude, magnitude))
    e = math.fma(b, m, scale, b.fsub(scale, math.constant(1.0)))
    return math.intrinsic(b, "copysign", b.fdiv(e, b.fadd(e, math.constant(2.0))), x)


@emits("log", long=True)
def log(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    p = math.precision
    tiny = math.constant(2.0 ** (1 - p.bias))
    shift = float(p.mantissa + 1)
    subnormal = b.fcmp_ordered("<", x, tiny)
    scaled = b.select(subnormal, b.fmul(x, math.constant(2.0**shift)), x)
    result = b.fadd(
        _log_normal(math, b, scaled, b.select(subnormal, math.constant(-shift), math.constant(0.0))),
        math.constant(0.0),
    )
    result = b.select(b.fcmp_ordered("==", x, math.constant(inf)), x, result)
    result = b.select(b.fcmp_ordered("==", x, math.constant(0.0)), math.constant(-inf), result)
    result = b.select(b.fcmp_ordered("<", x, math.constant(0.0)), math.constant(nan), result)
    return math.keep_nan(b, x, result)


def _log_normal(math: VectorMath, b: ir.IRBuilder, x: Value, extra: Value) -> Value:
    """log(x) + extra·ln2 for a positive normal x."""
    p = math.precision
    bits = b.bitcast(x, math.integer)
    # subtracting √½ in the exponent's unit makes the mantissa lie in [√½, √2)
    root = 0x3F3504F3 if p.bits == 32 else 0x3FE6A09E667F3BCD
    shifted = b.sub(bits, math.whole(root))
    exponent = b.ashr(shifted, math.whole(p.mantissa))
    m = b.bitcast(b.sub(bits, b.shl(exponent, math.whole(p.mantissa))), math.vector)
    # (the way back of _nearest: an integer as a floating-point number)
    shift = math.shift()
    whole = b.bitcast(b.add(exponent, b.bitcast(shift, math.integer)), math.vector)
    k = b.fadd(b.fsub(whole, shift), extra)
    f = b.fsub(m, math.constant(1.0))
    s = b.fdiv(f, b.fadd(f, math.constant(2.0)))
    z = b.fmul(s, s)
    series = math.polynomial(b, z, [2.0 / (2 * j + 1) for j in range(p.log_terms, 0, -1)])
    # log(1+f) = f - f²/2 + s (f²/2 + z·series'): the large part f is exact
    half_square = b.fmul(b.fmul(f, f), math.constant(0.5))
    tail = b.fmul(s, b.fadd(half_square, b.fmul(z, series)))
    low = math.fma(b, k, math.constant(p.ln2_low), b.fsub(tail, half_square))
    return math.fma(b, k, math.constant(p.ln2_high), b.fadd(f, low))


@emits("softplus", long=True)
def softplus(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    """max(x, 0) + log1p(exp(-|x|)); log1p(u) = log(w) + (u - (w-1))/w with w = 1 + u."""
    one = math.constant(1.0)
    u = exp(math, b, b.fneg(math.intrinsic(b, "fabs", x)))
    w = b.fadd(one, u)
    lost = b.fdiv(b.fsub(u, b.fsub(w, one)), w)
    log1p = b.fadd(_log_normal(math, b, w, math.constant(0.0)), lost)
    return math.keep_nan(b, x, b.fadd(math.intrinsic(b, "maxnum", x, math.constant(0.0)), log1p))


@emits("relu")
def relu(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return b.select(b.fcmp_ordered("<=", x, math.constant(0.0)), math.constant(0.0), x)


@emits("sqrt")
def sqrt(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return math.intrinsic(b, "sqrt", x)


@emits("abs")
def absolute(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return math.intrinsic(b, "fabs", x)


@emits("_sign")
def sign(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    signed = math.intrinsic(b, "copysign", math.constant(1.0), x)
    return math.keep_nan(b, x, b.select(b.fcmp_ordered("==", x, math.constant(0.0)), math.constant(0.0), signed))


@emits("_positive")
def positive(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return b.select(b.fcmp_ordered(">", x, math.constant(0.0)), math.constant(1.0), math.constant(0.0))


@emits("maximum")
def maximum(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    first = b.or_(b.fcmp_ordered(">", x, y), b.fcmp_unordered("uno", x, x))
    return b.select(first, x, y)


@emits("minimum")
def minimum(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    first = b.or_(b.fcmp_ordered("<", x, y), b.fcmp_unordered("uno", x, x))
    return b.select(first, x, y)


_missing = [name for name in FUNCTIONS if name not in EMITTERS]
if _missing:
    raise NotImplementedError(f"an error in gated: no machine code for {', '.join(_missing)}; see {__name__}")
