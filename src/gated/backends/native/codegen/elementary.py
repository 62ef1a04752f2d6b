"""Elementwise operations on vectors, as LLVM IR: within 4 units in the last place, NaN in gives NaN out, no traps.

Each is registered under the name of its row in the book of operations; a row without machine code is an error when this
module is imported.

exp: Cody-Waite reduction x = n ln2 + r, |r| ≤ ln2/2, a Taylor polynomial on that small interval (degree 7 in float32,
13 in float64: the remainder is below half a unit), scaled by 2^n in two steps so that results may be subnormal.
tanh: from expm1, which keeps the relative accuracy near 0. log: x = 2^k m, √½ ≤ m < √2, 2 artanh((m-1)/(m+1)).
"""

from __future__ import annotations

import math as math_module
from collections.abc import Callable
from math import inf, nan
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen import decisions as _decisions  # noqa: F401  its functions register themselves
from gated.backends.native.codegen.vector_math import EMITTERS, PRECISIONS, VectorMath, emits, parts_of
from gated.language.functions import ERF_ONE, ERF_SMALL, FUNCTIONS, erf_series, erfc_series

Value = Any


def _instruction(name: str) -> Callable[..., Value]:
    """What is one instruction of LLVM's."""
    return lambda math, b, *args: getattr(b, name)(*args)


for _name in ("add", "sub", "mul", "div", "neg"):
    emits(_name)(_instruction(f"f{_name}"))


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


@emits("_equal")
def equal(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.select(b.fcmp_ordered("==", x, y), math.constant(1.0), math.constant(0.0))


@emits("_inverse")
def inverse(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    zero = math.constant(0.0)
    return b.select(b.fcmp_ordered("==", x, zero), zero, b.fdiv(math.constant(1.0), x))


@emits("maximum")
def maximum(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    first = b.or_(b.fcmp_ordered(">", x, y), b.fcmp_unordered("uno", x, x))
    return b.select(first, x, y)


@emits("minimum")
def minimum(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    first = b.or_(b.fcmp_ordered("<", x, y), b.fcmp_unordered("uno", x, x))
    return b.select(first, x, y)


def _in_double(math: VectorMath, b: ir.IRBuilder, x: Value, function: Callable[..., Value]) -> Value:
    """A function of many constants is written once, in float64; in float32 all its digits are right then."""
    if math.precision.bits == 64:
        return function(math, b, x)
    wide = VectorMath(math.module, PRECISIONS["float64"], math.width)
    return b.fptrunc(function(wide, b, b.fpext(x, wide.vector)), math.vector)


# π/2 in four parts, three of 33 bits: their products with whole numbers below 2^20 are exact
_HALF_PI = parts_of(0x3243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89, 257, 33, 3)


def _difference(b: ir.IRBuilder, x: Value, y: Value) -> tuple[Value, Value]:
    """x - y, and what rounding took from it (Knuth, The art of computer programming 2, 4.2.2)."""
    total = b.fsub(x, y)
    back = b.fsub(total, x)
    return total, b.fsub(b.fsub(x, b.fsub(total, back)), b.fadd(y, back))


def _quarter_turns(math: VectorMath, b: ir.IRBuilder, x: Value) -> tuple[Value, Value, Value]:
    """n as an integer, and r + rest with x = n π/2 + r + rest, |r| ≤ π/4, rest far below r's last place."""
    first, second, third, fourth = (math.constant(part) for part in _HALF_PI)
    n, whole = math.nearest(b, x, 2.0 / math_module.pi)
    high = b.fsub(x, b.fmul(n, first))
    high, low = _difference(b, high, b.fmul(n, second))
    high, lost = _difference(b, high, b.fmul(n, third))
    low = b.fsub(b.fadd(low, lost), b.fmul(n, fourth))
    r = b.fadd(high, low)
    return whole, r, b.fadd(b.fsub(high, r), low)


def _turned(math: VectorMath, b: ir.IRBuilder, x: Value, turns: int) -> Value:
    """sin(x + turns π/2). Where |x| is so large that its last place is beyond a turn, some number from -1 to 1."""
    far = b.fcmp_ordered(">", math.intrinsic(b, "fabs", x), math.constant(2.0**51))
    whole, r, rest = _quarter_turns(math, b, b.select(far, math.constant(0.0), x))
    z, one = b.fmul(r, r), math.constant(1.0)
    # Taylor's series: at π/4 the first term that is left out is below a tenth of the last place
    sine = math.polynomial(b, z, [(-1.0) ** k / math_module.factorial(2 * k + 1) for k in range(9, 0, -1)])
    sine = b.fadd(r, math.fma(b, b.fmul(r, z), sine, rest))
    cosine = math.polynomial(b, z, [(-1.0) ** k / math_module.factorial(2 * k) for k in range(9, 1, -1)])
    half = b.fmul(z, math.constant(0.5))
    near = b.fsub(one, half)
    lost = b.fsub(b.fsub(one, near), half)
    cosine = b.fadd(near, math.fma(b, b.fmul(z, z), cosine, b.fsub(lost, b.fmul(r, rest))))
    quarter = b.add(whole, math.whole(turns))
    odd = b.icmp_signed("!=", b.and_(quarter, math.whole(1)), math.whole(0))
    down = b.icmp_signed("!=", b.and_(quarter, math.whole(2)), math.whole(0))
    value = b.select(odd, cosine, sine)
    value = b.select(down, b.fneg(value), value)
    endless = b.fcmp_ordered("==", math.intrinsic(b, "fabs", x), math.constant(inf))
    return math.keep_nan(b, x, b.select(endless, math.constant(nan), value))


@emits("sin", long=True)
def sine(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    value = _in_double(math, b, x, lambda m, b, x: _turned(m, b, x, 0))
    return b.select(b.fcmp_ordered("==", x, math.constant(0.0)), x, value)  # -0.0


@emits("cos", long=True)
def cosine(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return _in_double(math, b, x, lambda m, b, x: _turned(m, b, x, 1))


@emits("erf", long=True)
def error_function(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return math.keep_nan(b, x, _in_double(math, b, x, _erf))


def _erf(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    """As `language.functions.erf`: a series in x² up to 1.5, then 1 - exp(-x²) q."""
    magnitude = math.intrinsic(b, "fabs", x)
    small = b.fmul(magnitude, math.polynomial(b, b.fmul(magnitude, magnitude), erf_series()))
    far = math.clamped(b, math.clamped(b, magnitude, ERF_SMALL, above=False), ERF_ONE, above=True)
    u = b.fsub(math.constant(5.0 / 3.0), b.fdiv(math.constant(4.0), far))
    tail = b.fmul(exp(math, b, b.fneg(b.fmul(far, far))), math.polynomial(b, u, erfc_series()))
    value = b.select(b.fcmp_ordered("<=", magnitude, math.constant(ERF_SMALL)), small, b.fsub(math.constant(1.0), tail))
    return math.intrinsic(b, "copysign", value, x)


@emits("floor")
def floor(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    """Rounded to the nearest by adding a number whose last place is 1, and one less if that is above."""
    edge = math.constant(2.0**math.precision.mantissa)
    magnitude = math.intrinsic(b, "fabs", x)
    nearest = math.intrinsic(b, "copysign", b.fsub(b.fadd(magnitude, edge), edge), x)
    above = b.fcmp_ordered(">", nearest, x)
    value = b.select(above, b.fsub(nearest, math.constant(1.0)), nearest)
    return b.select(b.fcmp_ordered("<", magnitude, edge), value, x)


_missing = [name for name in FUNCTIONS if name not in EMITTERS]
if _missing:
    raise NotImplementedError(f"an error in gated: no machine code for {', '.join(_missing)}; see {__name__}")
