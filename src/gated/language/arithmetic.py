"""The operators + - * / ** and the sign: their rows in the book, and how they are simplified in derivatives.

A cell's own equations are built by `graph.call` and stay as they were written; what is derived from them is built here,
0 + a as a and 1 * a as a.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from gated.language.graph import Node, are_numbers, call, constant, is_constant
from gated.language.operations import ADD, MULTIPLY, POWER, Elementwise, Legend, enter
from gated.language.powers import power


def _is(node: Node, row: str) -> bool:
    return node.operation.name == row


def add(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("add", a, b)
    if is_constant(a, 0.0):
        return b
    if is_constant(b, 0.0):
        return a
    if _is(b, "neg"):
        return subtract(a, b.args[0])
    return call("add", a, b)


def subtract(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("sub", a, b)
    if is_constant(a, 0.0):
        return negate(b)
    if is_constant(b, 0.0):
        return a
    if _is(b, "neg"):
        return add(a, b.args[0])
    return call("sub", a, b)


def multiply(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("mul", a, b)
    if is_constant(b):
        a, b = b, a
    if is_constant(a, 0.0):
        return a
    if is_constant(a, 1.0):
        return b
    if is_constant(a, -1.0):
        return negate(b)
    for first, second in ((a, b), (b, a)):
        if _is(first, "neg"):
            return negate(multiply(first.args[0], second))
    return call("mul", a, b)


def divide(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("div", a, b)
    if is_constant(b, 1.0) or is_constant(a, 0.0):
        return a
    if _is(a, "neg"):
        return negate(divide(a.args[0], b))
    return call("div", a, b)


def negate(a: Node) -> Node:
    if is_constant(a):
        return call("neg", a)
    if _is(a, "neg"):
        return a.args[0]
    if _is(a, "sub"):
        return call("sub", a.args[1], a.args[0])
    return call("neg", a)


def raised(a: Node, exponent: Node) -> Node:
    if is_constant(exponent, 0.0):
        return constant(1.0)
    if is_constant(exponent, 1.0):
        return a
    return call("power", a, exponent)


def _power_slopes(a: tuple[Node, ...], y: Node) -> tuple[Node, Node]:
    """Not n y / a, which is 0 / 0 at 0."""
    base, exponent = a
    own = exponent * raised(base, exponent - 1.0)
    return own, constant(0.0) if is_constant(exponent) else y * call("log", base)


def times_slope(adjoint: Node, slope: Node) -> Node:
    """The product as a person writes it: the sign in front, q / n and not q times 1 / n."""
    if _is(slope, "neg"):
        return negate(times_slope(adjoint, slope.args[0]))
    if is_constant(slope) and slope.attr < 0:
        return negate(multiply(adjoint, negate(slope)))
    if _is(slope, "mul") and is_constant(slope.args[0]):
        return multiply(slope.args[0], times_slope(adjoint, slope.args[1]))
    if _is(slope, "div") and is_constant(slope.args[0], 1.0):
        return divide(adjoint, slope.args[1])
    return multiply(adjoint, slope)


def _bad_divisor(values: Sequence[float | None]) -> str | None:
    divisor = values[1]
    if divisor is None:
        return None
    if divisor == 0.0:
        return f"by {divisor}"
    if not math.isfinite(1.0 / divisor):
        return f"by {divisor}, and 1 / {divisor}, their derivative, is not finite"
    return None


def _no_exponent(values: Sequence[float | None]) -> str | None:
    return "to a power that is no plain number; write exp(b * log(a))" if values[1] is None else None


def _known(english: str, chinese: str, text: str, latex: str) -> Legend:
    return Legend(f"{{f}}: {english}.", f"{{f}} ：{chinese}。", (text, latex), needed=False)


# fmt: off
ARITHMETIC = (
    Elementwise(name="add", arity=2, numpy=np.add, derivative=lambda a, y: (constant(1.0), constant(1.0)),
                text="{0} + {1}", latex="{0} + {1}", source="{0} + {1}", precedence=ADD,
                operator="add", ufuncs=("add",), signs=(1, 1), build=add,
                legend=_known("the sum", "和", "a + b", "a + b")),
    Elementwise(name="sub", arity=2, numpy=np.subtract, derivative=lambda a, y: (constant(1.0), constant(-1.0)),
                text="{0} − {1}", latex="{0} - {1}", source="{0} - {1}", precedence=ADD,
                operator="sub", ufuncs=("subtract",), signs=(1, -1), build=subtract,
                legend=_known("the difference", "差", "a − b", "a - b")),
    Elementwise(name="mul", arity=2, numpy=np.multiply, derivative=lambda a, y: (a[1], a[0]),
                text="{0} ⊙ {1}", latex=r"{0} \odot {1}", source="{0} * {1}", precedence=MULTIPLY,
                operator="mul", ufuncs=("multiply",), multiplies=True, build=multiply,
                legend=_known("the elementwise product", "逐元素的积", "a ⊙ b", r"a \odot b")),
    Elementwise(name="div", arity=2, numpy=np.divide, derivative=lambda a, y: (1.0 / a[1], -(y / a[1])),
                text="{0} / {1}", latex=r"\frac{{{0}}}{{{1}}}", source="{0} / {1}", precedence=MULTIPLY,
                operator="truediv", ufuncs=("divide", "true_divide"), divides=True, build=divide, verb="divide",
                fault=_bad_divisor,
                legend=_known("the elementwise quotient", "逐元素的商", "a / b", r"\frac{a}{b}")),
    Elementwise(name="neg", arity=1, numpy=np.negative, derivative=lambda a, y: (constant(-1.0),),
                text="−{0}", latex="-{0}", source="-{0}", precedence=ADD,
                operator="neg", ufuncs=("negative",), signs=(-1,), build=negate,
                legend=_known("the opposite", "相反数", "−a", "-a")),
    Elementwise(name="power", arity=2, numpy=power, derivative=_power_slopes,
                text="{0}^{1}", latex="{0}^{{{1}}}", source="{0} ** {1}", precedence=POWER,
                operator="pow", ufuncs=("power", "float_power"), build=raised, verb="raise", fault=_no_exponent,
                legend=_known("the power", "幂", "aⁿ", "a^{n}")),
)
# fmt: on
enter(*ARITHMETIC)

BUILDERS = {build.__name__: build for build in (add, subtract, multiply, divide, negate, raised)}


def _node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else constant(value)


def _method(build: Callable[..., Node], reflected: bool) -> Callable[..., Node]:
    def method(self: Node, *others: Node | float) -> Node:
        nodes = [_node(other) for other in others]
        return build(*nodes, self) if reflected else build(self, *nodes)

    return method


for _row in ARITHMETIC:
    setattr(Node, f"__{_row.operator}__", _method(_row.of, reflected=False))
    if _row.arity == 2:
        setattr(Node, f"__r{_row.operator}__", _method(_row.of, reflected=True))
