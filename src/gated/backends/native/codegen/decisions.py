"""What is decided by values, as LLVM IR: comparisons, choices, what is held; and powers. See `elementary`.

A comparison leaves 1 or 0 in each lane. A choice selects: what is not taken may be NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath, emits
from gated.language.powers import LARGEST, repeated, small_whole

Value = Any


def _comparison(sign: str) -> Callable[..., Value]:
    return lambda math, b, x, y: b.select(b.fcmp_ordered(sign, x, y), math.constant(1.0), math.constant(0.0))


for _name, _sign in {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}.items():
    emits(_name)(_comparison(_sign))


@emits("where")
def where(math: VectorMath, b: ir.IRBuilder, condition: Value, p: Value, q: Value) -> Value:
    return b.select(b.fcmp_unordered("!=", condition, math.constant(0.0)), p, q)


@emits("clip")
def clip(math: VectorMath, b: ir.IRBuilder, x: Value, low: Value, high: Value) -> Value:
    above = b.select(b.fcmp_ordered(">", x, high), high, x)
    return b.select(b.fcmp_ordered("<", x, low), low, above)


@emits("_within")
def within(math: VectorMath, b: ir.IRBuilder, x: Value, low: Value, high: Value) -> Value:
    inside = b.and_(b.fcmp_ordered(">=", x, low), b.fcmp_ordered("<=", x, high))
    return b.select(inside, math.constant(1.0), math.constant(0.0))


@emits("hold")
def hold(math: VectorMath, b: ir.IRBuilder, x: Value) -> Value:
    return x


@emits("_kept")
def kept(math: VectorMath, b: ir.IRBuilder, adjoint: Value, term: Value) -> Value:
    return b.select(b.fcmp_ordered("==", adjoint, math.constant(0.0)), math.constant(0.0), term)


@emits("power")
def power(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """Products for small whole exponents, and a root for those a half beyond; else exp(y log x)."""
    exponent = y.constant[0].constant if isinstance(y, ir.Constant) else None
    if exponent is None:
        return _by_logarithm(math, b, x, y)
    whole = small_whole(exponent)
    if whole is not None:
        return _inverted(math, b, _product(math, b, x, abs(whole)), whole < 0)
    half = small_whole(abs(exponent) - 0.5)
    if half is not None and half < LARGEST:
        root = math.intrinsic(b, "sqrt", b.fadd(x, math.constant(0.0)))  # not -0.0
        value = b.fmul(_product(math, b, x, half), root) if half else root
        return _inverted(math, b, value, exponent < 0)
    if exponent != int(exponent):
        return _by_logarithm(math, b, x, y)
    value = _by_logarithm(math, b, math.intrinsic(b, "fabs", x), y)
    return math.intrinsic(b, "copysign", value, x) if int(exponent) % 2 else value


def _product(math: VectorMath, b: ir.IRBuilder, x: Value, exponent: int) -> Value:
    return repeated(x, exponent, b.fmul) if exponent else math.constant(1.0)


def _inverted(math: VectorMath, b: ir.IRBuilder, value: Value, inverse: bool) -> Value:
    return b.fdiv(math.constant(1.0), value) if inverse else value


def _by_logarithm(math: VectorMath, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """In float32 by way of float64, for what is lost in the logarithm is multiplied by its size."""
    if math.precision.bits == 64:
        return math.apart("exp")(b, b.fmul(y, math.apart("log")(b, x)))
    wide = VectorMath(math.module, PRECISIONS["float64"], math.width)
    return b.fptrunc(_by_logarithm(wide, b, b.fpext(x, wide.vector), b.fpext(y, wide.vector)), math.vector)
