"""The table of functions: value, derivative, NumPy, text, LaTeX. To add a function is to add a row.

`derivative(args, y)` gives one partial derivative per argument, where possible in the saved output y, as a person
would write it. `numpy` takes `out=`, and must be analytic on complex numbers near the real axis (complex-step check):
what is decided, is decided by the real part. Rows whose name starts with an underscore occur in derivatives only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.language.graph import Node, call, constant

Array = np.ndarray[Any, Any]
Partials = Callable[[tuple[Node, ...], Node], tuple[Node, ...]]


@dataclass(frozen=True)
class Function:
    """One row. `text`, `latex` and `source` are templates over the printed arguments; `precedence` as in Python."""

    name: str
    arity: int
    numpy: Callable[..., Array]
    derivative: Partials
    text: str
    latex: str
    source: str
    precedence: int = 100  # of the printed result: a term (ADD), a factor (MULTIPLY) or an atom
    public: bool = False
    helper: str | None = None  # definition that the NumPy source needs


ADD, PRODUCT, MULTIPLY, ATOM = 10, 15, 20, 100


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


def _place(value: Array, out: Array | None) -> Array:
    if out is None:
        return value
    np.copyto(out, value)
    return out


def _ones(args: tuple[Node, ...], y: Node) -> tuple[Node, ...]:
    return tuple(constant(1.0) for _ in args)


_SIGMOID = "def sigmoid(x):\n    return 1.0 / (1.0 + np.exp(-x))\n"
_SOFTPLUS = "def softplus(x):\n    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)\n"

# fmt: off
# Conventions at the kinks: relu'(0) = 0, |x|' = 0 at 0, and at a tie maximum and minimum share the adjoint evenly
# (as PyTorch does).
_ROWS = (
    Function("add", 2, np.add, _ones, "{0} + {1}", "{0} + {1}", "{0} + {1}", ADD),
    Function("sub", 2, np.subtract, lambda a, y: (constant(1.0), constant(-1.0)),
             "{0} − {1}", "{0} - {1}", "{0} - {1}", ADD),
    Function("mul", 2, np.multiply, lambda a, y: (a[1], a[0]), "{0} ⊙ {1}", r"{0} \odot {1}", "{0} * {1}", MULTIPLY),
    Function("div", 2, np.divide, lambda a, y: (1.0 / a[1], -(y / a[1])),
             "{0} / {1}", r"\frac{{{0}}}{{{1}}}", "{0} / {1}", MULTIPLY),
    Function("neg", 1, np.negative, lambda a, y: (constant(-1.0),), "−{0}", "-{0}", "-{0}", ADD),
    Function("sigmoid", 1, sigmoid, lambda a, y: (y * (1.0 - y),), "σ({0})", r"\sigma({0})", "sigmoid({0})",
             public=True, helper=_SIGMOID),
    Function("tanh", 1, np.tanh, lambda a, y: (1.0 - y * y,), "tanh({0})", r"\tanh({0})", "np.tanh({0})", public=True),
    Function("relu", 1, relu, lambda a, y: (call("_positive", a[0]),), "relu({0})", r"\mathrm{{relu}}({0})",
             "np.maximum({0}, 0.0)", public=True),
    Function("softplus", 1, softplus, lambda a, y: (call("sigmoid", a[0]),), "softplus({0})",
             r"\mathrm{{softplus}}({0})", "softplus({0})", public=True, helper=_SOFTPLUS),
    Function("exp", 1, np.exp, lambda a, y: (y,), "exp({0})", r"\exp({0})", "np.exp({0})", public=True),
    Function("log", 1, np.log, lambda a, y: (1.0 / a[0],), "log({0})", r"\log({0})", "np.log({0})", public=True),
    Function("sqrt", 1, np.sqrt, lambda a, y: (0.5 / y,), "√({0})", r"\sqrt{{{0}}}", "np.sqrt({0})", public=True),
    Function("abs", 1, absolute, lambda a, y: (call("_sign", a[0]),), "|{0}|", r"\left|{0}\right|", "np.abs({0})",
             public=True),
    Function("maximum", 2, maximum,
             lambda a, y: (0.5 + 0.5 * call("_sign", a[0] - a[1]), 0.5 - 0.5 * call("_sign", a[0] - a[1])),
             "max({0}, {1})", r"\max({0}, {1})", "np.maximum({0}, {1})", public=True),
    Function("minimum", 2, minimum,
             lambda a, y: (0.5 - 0.5 * call("_sign", a[0] - a[1]), 0.5 + 0.5 * call("_sign", a[0] - a[1])),
             "min({0}, {1})", r"\min({0}, {1})", "np.minimum({0}, {1})", public=True),
    Function("_sign", 1, sign, lambda a, y: (constant(0.0),), "sign({0})", r"\mathrm{{sign}}({0})", "np.sign({0})"),
    Function("_positive", 1, positive, lambda a, y: (constant(0.0),), "[{0} > 0]", r"[{0} > 0]",
             "np.heaviside({0}, 0.0)"),
)
# fmt: on

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Reduction:
    """A row of the reductions over the units (losses): as Function, with the value of shape (rows, 1)."""

    name: str
    numpy: Callable[[Array], Array]
    derivative: Callable[[Node, Node], Node]


def _total(x: Array) -> Array:
    return np.sum(x, axis=-1, keepdims=True)


def _logsumexp(x: Array) -> Array:
    largest = np.max(np.real(x), axis=-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    return np.log(np.sum(np.exp(x - shift), axis=-1, keepdims=True)) + shift


REDUCTIONS: dict[str, Reduction] = {
    "total": Reduction("total", _total, lambda x, y: constant(1.0)),
    "logsumexp": Reduction("logsumexp", _logsumexp, lambda x, y: call("exp", x - y)),
}
