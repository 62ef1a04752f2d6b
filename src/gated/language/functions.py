"""The elementwise functions: their rows in the book of operations. To add a function is to add a row here.

`derivative(args, y)` gives one partial derivative per argument, where possible in the saved output y, as a person
would write it. `numpy` takes `out=`, and must be analytic on complex numbers near the real axis (complex-step check):
what is decided, is decided by the real part. Those that are `inner` occur in derivatives only.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from gated.language import arithmetic as _arithmetic  # noqa: F401  its rows enter the book first
from gated.language import decisions
from gated.language.graph import Node, call, constant
from gated.language.operations import Elementwise, Legend, Rows, enter
from gated.language.polynomials import interpolated

Array = np.ndarray[Any, Any]


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """1 / (1 + exp(-x)): exact to the last digits for both signs; exp may overflow to inf, which gives the limit 0."""
    e = np.exp(np.negative(x))
    e = e + 1.0
    return np.divide(1.0, e, out=out)


def relu(x: Array, out: Array | None = None) -> Array:
    # not x * (x > 0): an infinite x must not give NaN, and NaN must stay NaN
    return _place(np.where(np.real(x) <= 0.0, np.zeros_like(x), x), out)


def softplus(x: Array, out: Array | None = None) -> Array:
    """log(1 + exp(x)) without overflow: log1p(exp(-|x|)) + max(x, 0)."""
    magnitude = absolute(x)
    return np.add(np.log1p(np.exp(np.negative(magnitude))), relu(x), out=out)


def absolute(x: Array, out: Array | None = None) -> Array:
    return _place(np.where(np.real(x) < 0.0, np.negative(x), x), out)


def sign(x: Array, out: Array | None = None) -> Array:
    return _place(np.sign(np.real(x)).astype(np.asarray(x).dtype), out)


def positive(x: Array, out: Array | None = None) -> Array:
    return _place((np.real(x) > 0.0).astype(np.asarray(x).dtype), out)


def maximum(a: Array, b: Array, out: Array | None = None) -> Array:
    return _choose(np.real(a) > np.real(b), a, b, out)


def minimum(a: Array, b: Array, out: Array | None = None) -> Array:
    return _choose(np.real(a) < np.real(b), a, b, out)


def _choose(first: Array, a: Array, b: Array, out: Array | None) -> Array:
    # NaN in, NaN out: the comparison is false for a NaN on either side, so a NaN in `a` must be chosen by hand
    return _place(np.where(first | np.isnan(np.real(a)), a, b), out)


def floor(x: Array, out: Array | None = None) -> Array:
    return _place(np.floor(np.real(x)).astype(np.asarray(x).dtype), out)


def erf(x: Array, out: Array | None = None) -> Array:
    """2/√π ∫ exp(-t²) dt from 0 to x. Near the real axis: the first terms of Taylor's series in the imaginary part."""
    array = np.asarray(x)
    if array.dtype.kind != "c":
        return _place(_real_erf(array.astype(np.float64)).astype(array.dtype), out)
    real = np.real(array).astype(np.float64)
    w = 1j * np.imag(array)
    slope = 2.0 / math.sqrt(math.pi) * np.exp(-real * real)
    value = _real_erf(real) + slope * w * (1.0 - real * w + (2.0 * real * real - 1.0) / 3.0 * w * w)
    return _place(value.astype(array.dtype), out)


ERF_SMALL, ERF_ONE = 1.5, 6.0  # up to the one Taylor's series, from the other on 1 is the nearest number


@cache
def erf_series() -> tuple[float, ...]:
    """Of p in erf(x) = x p(x²) on |x| ≤ 1.5, highest power first: Abramowitz & Stegun (1964), eq. 7.1.5."""
    return tuple(2.0 / math.sqrt(math.pi) * (-1.0) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(26, -1, -1))


@cache
def erfc_series() -> tuple[float, ...]:
    """Of q in erf(x) = 1 - exp(-x²) q(5/3 - 4/x) on 1.5 ≤ x ≤ 6, highest power first.

    q stands for exp(x²) erfc(x).
    """

    def scaled(u: float) -> float:
        x = 12.0 / (5.0 - 3.0 * u)
        return math.erfc(x) * math.exp(x * x)

    return interpolated(scaled, 18, -1.0, 1.0)


def _real_erf(x: Array) -> Array:
    magnitude = np.abs(x)
    near, far = np.minimum(magnitude, ERF_SMALL), np.clip(magnitude, ERF_SMALL, ERF_ONE)
    small = near * np.polyval(erf_series(), near * near)
    large = 1.0 - np.exp(-far * far) * np.polyval(erfc_series(), 5.0 / 3.0 - 4.0 / far)
    return np.copysign(np.where(magnitude <= ERF_SMALL, small, large), x)


def _place(value: Array, out: Array | None) -> Array:
    if out is None:
        return value
    np.copyto(out, value)
    return out


def _shares(a: Node, b: Node) -> tuple[Node, Node]:
    """(1, 0) where a > b, (0, 1) where a < b, a half for both where they are equal."""
    sign_of = call("_sign", a - b)
    return 0.5 + 0.5 * sign_of, 0.5 - 0.5 * sign_of


_SIGMOID = "def sigmoid(x):\n    return 1.0 / (1.0 + np.exp(-x))\n"
_ERF = """def erf(x):
    z = np.minimum(x * x, 36.0)
    term = total = np.clip(x, -6.0, 6.0)
    for n in range(1, 150):
        term = term * (2.0 * z / (2.0 * n + 1.0))
        total = total + term
    return 2.0 / np.sqrt(np.pi) * np.exp(-z) * total
"""
_SOFTPLUS = "def softplus(x):\n    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)\n"

_WITH = "{f}, with the derivative {d}.", "{f} ，其导数为 {d} 。"
_HAS = "{f} has the derivative {d}.", "{f} 的导数为 {d} 。"
_EXTREMUM = (
    "{f}: the adjoint goes to the argument that was chosen; at a tie both get half of it. "
    "This is what the factor {d} and its mirror image say.",
    "{f} ：伴随传给被选中的那个自变量；两者相等时各得一半。因子 {d} 及其对称形式说的就是这一点。",
)
_HALF = "0.5 + 0.5 · sign(a − b)", r"0.5 + 0.5 \cdot \mathrm{sign}(a - b)"

# fmt: off
# Conventions at the kinks: relu'(0) = 0, |x|' = 0 at 0, and at a tie maximum and minimum share the adjoint evenly
# (as PyTorch does).
_ROWS = (
    Elementwise(name="sigmoid", arity=1, numpy=sigmoid, derivative=lambda a, y: (y * (1.0 - y),),
                text="σ({0})", latex=r"\sigma({0})", source="sigmoid({0})", helper=_SIGMOID,
                public="The logistic function 1 / (1 + exp(-x)).", ufuncs=("expit",),
                legend=Legend(*_WITH, ("σ(a) = 1 / (1 + exp(−a))", r"\sigma(a) = \frac{1}{1 + e^{-a}}"),
                              ("σ(a) ⊙ (1 − σ(a))", r"\sigma(a) \odot (1 - \sigma(a))"))),
    Elementwise(name="tanh", arity=1, numpy=np.tanh, derivative=lambda a, y: (1.0 - y * y,),
                text="tanh({0})", latex=r"\tanh({0})", source="np.tanh({0})",
                public="The hyperbolic tangent.", ufuncs=("tanh",),
                legend=Legend(*_HAS, ("tanh(a)", r"\tanh(a)"), ("1 − tanh(a)²", r"1 - \tanh(a)^{2}"))),
    Elementwise(name="relu", arity=1, numpy=relu, derivative=lambda a, y: (call("_positive", a[0]),),
                jumps=lambda a: a,
                text="relu({0})", latex=r"\mathrm{{relu}}({0})", source="np.maximum({0}, 0.0)",
                public="max(x, 0), with derivative 0 at 0.",
                legend=Legend("{f}, with the derivative {d}: 1 where {a} is positive, otherwise 0.",
                              "{f} ，其导数为 {d} ： {a} 为正处取 1，其余取 0。",
                              ("relu(a) = max(a, 0)", r"\mathrm{relu}(a) = \max(a, 0)"), ("[a > 0]", "[a > 0]"))),
    Elementwise(name="softplus", arity=1, numpy=softplus, derivative=lambda a, y: (call("sigmoid", a[0]),),
                text="softplus({0})", latex=r"\mathrm{{softplus}}({0})", source="softplus({0})", helper=_SOFTPLUS,
                public="log(1 + exp(x)), without overflow.",
                legend=Legend(*_WITH, ("softplus(a) = log(1 + exp(a))", r"\mathrm{softplus}(a) = \log(1 + e^{a})"),
                              ("σ(a)", r"\sigma(a)"))),
    Elementwise(name="exp", arity=1, numpy=np.exp, derivative=lambda a, y: (y,),
                text="exp({0})", latex=r"\exp({0})", source="np.exp({0})",
                public="The exponential function.", ufuncs=("exp",),
                legend=Legend(*_HAS, ("exp(a)", r"\exp(a)"), ("exp(a)", r"\exp(a)"), needed=False)),
    Elementwise(name="log", arity=1, numpy=np.log, derivative=lambda a, y: (1.0 / a[0],),
                text="log({0})", latex=r"\log({0})", source="np.log({0})",
                public="The natural logarithm.", ufuncs=("log",),
                legend=Legend(*_HAS, ("log(a)", r"\log(a)"), ("1 / a", r"\frac{1}{a}"), needed=False)),
    Elementwise(name="sqrt", arity=1, numpy=np.sqrt, derivative=lambda a, y: (0.5 / y,),
                text="√({0})", latex=r"\sqrt{{{0}}}", source="np.sqrt({0})",
                public="The square root.", ufuncs=("sqrt",),
                legend=Legend(*_HAS, ("√(a)", r"\sqrt{a}"), ("0.5 / √(a)", r"\frac{0.5}{\sqrt{a}}"), needed=False)),
    Elementwise(name="sin", arity=1, numpy=np.sin, derivative=lambda a, y: (call("cos", a[0]),),
                text="sin({0})", latex=r"\sin({0})", source="np.sin({0})",
                public="The sine.", ufuncs=("sin",),
                legend=Legend(*_HAS, ("sin(a)", r"\sin(a)"), ("cos(a)", r"\cos(a)"), needed=False)),
    Elementwise(name="cos", arity=1, numpy=np.cos, derivative=lambda a, y: (-call("sin", a[0]),),
                text="cos({0})", latex=r"\cos({0})", source="np.cos({0})",
                public="The cosine.", ufuncs=("cos",),
                legend=Legend(*_HAS, ("cos(a)", r"\cos(a)"), ("−sin(a)", r"-\sin(a)"), needed=False)),
    Elementwise(name="erf", arity=1, numpy=erf,
                derivative=lambda a, y: (2.0 / math.sqrt(math.pi) * call("exp", -(a[0] * a[0])),),
                text="erf({0})", latex=r"\mathrm{{erf}}({0})", source="erf({0})", helper=_ERF,
                public="The error function 2/√π ∫ exp(-t²) dt from 0 to x.", ufuncs=("erf",),
                legend=Legend(*_WITH, ("erf(a) = 2/√π ∫₀ᵃ exp(−t²) dt",
                                       r"\mathrm{erf}(a) = \frac{2}{\sqrt{\pi}} \int_0^a e^{-t^2}\, dt"),
                              ("2/√π exp(−a²)", r"\frac{2}{\sqrt{\pi}}\, e^{-a^2}"))),
    Elementwise(name="floor", arity=1, numpy=floor, derivative=lambda a, y: (constant(0.0),),
                jumps=lambda a: (a[0] - call("floor", a[0] + 0.5),),
                text="⌊{0}⌋", latex=r"\left\lfloor {0} \right\rfloor", source="np.floor({0})",
                public="The largest whole number that is not above x, with derivative 0.", ufuncs=("floor",),
                legend=Legend("{f}: the largest whole number that is not above {a}; its derivative is taken as {d}.",
                              "{f} ：不大于 {a} 的最大整数；其导数取为 {d} 。",
                              ("⌊a⌋", r"\left\lfloor a \right\rfloor"), ("0", "0"))),
    Elementwise(name="abs", arity=1, numpy=absolute, derivative=lambda a, y: (call("_sign", a[0]),),
                jumps=lambda a: a,
                text="|{0}|", latex=r"\left|{0}\right|", source="np.abs({0})",
                public="The absolute value, with derivative 0 at 0.", operator="abs", ufuncs=("absolute", "fabs"),
                legend=Legend("{f} has the derivative {d}, taken as 0 at 0.", "{f} 的导数为 {d} ，在 0 处取 0。",
                              ("|a|", r"\left|a\right|"), ("sign(a)", r"\mathrm{sign}(a)"))),
    Elementwise(name="maximum", arity=2, numpy=maximum,
                derivative=lambda a, y: _shares(*a), jumps=lambda a: (a[0] - a[1],),
                text="max({0}, {1})", latex=r"\max({0}, {1})", source="np.maximum({0}, {1})",
                public="The larger of two values; a tie shares the derivative evenly.", ufuncs=("maximum", "fmax"),
                legend=Legend(*_EXTREMUM, ("max(a, b)", r"\max(a, b)"), _HALF, group="extremum")),
    Elementwise(name="minimum", arity=2, numpy=minimum,
                derivative=lambda a, y: _shares(*a)[::-1], jumps=lambda a: (a[0] - a[1],),
                text="min({0}, {1})", latex=r"\min({0}, {1})", source="np.minimum({0}, {1})",
                public="The smaller of two values; a tie shares the derivative evenly.", ufuncs=("minimum", "fmin"),
                legend=Legend(*_EXTREMUM, ("min(a, b)", r"\min(a, b)"), _HALF, group="extremum")),
    Elementwise(name="_sign", arity=1, numpy=sign, derivative=lambda a, y: (constant(0.0),), inner=True,
                text="sign({0})", latex=r"\mathrm{{sign}}({0})", source="np.sign({0})",
                legend=Legend("{f}: −1, 0 or 1.", "{f} ：取 −1、0 或 1。",
                              ("sign(a)", r"\mathrm{sign}(a)"), ("0", "0"), needed=False)),
    Elementwise(name="_positive", arity=1, numpy=positive, derivative=lambda a, y: (constant(0.0),), inner=True,
                text="[{0} > 0]", latex=r"[{0} > 0]", source="np.heaviside({0}, 0.0)",
                legend=Legend("{f}: 1 where a is positive, otherwise 0.", "{f} ：a 为正处取 1，其余取 0。",
                              ("[a > 0]", "[a > 0]"), ("0", "0"), needed=False)),
)
# fmt: on
enter(*_ROWS)

FUNCTIONS = Rows(Elementwise)  # with the operators, which are entered first
PUBLIC: dict[str, Elementwise] = {row.name: row for row in (*_ROWS, *decisions.ROWS) if row.public}
"""The functions that users write."""
COMPOSED = ("hard_sigmoid", "hard_tanh", "elu", "silu", "gelu", "leaky_relu", "softsign")
"""Those that are made of others: see `compositions`."""


OVER_UNITS = ("sum", "mean", "max", "dot", "norm", "softmax", "layer_norm")  # the words of `reducing`


def known_functions() -> str:
    """All of them, for a message that says nothing else."""
    words = ", ".join((*PUBLIC, *COMPOSED))
    return f"the functions of the language are {words}, and over the units {', '.join(OVER_UNITS)}"


def some_functions() -> str:
    """The usual ones, for a message that has more to say."""
    return "the functions of the language are sigmoid, tanh, relu, exp, log, abs, where, sum and others: dir(gated)"
