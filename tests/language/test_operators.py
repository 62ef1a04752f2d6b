"""Every operator of Python, on everything that stands in equations: an equation, or an answer in the user's words."""

from __future__ import annotations

import math
import operator
import re

import numpy as np
import pytest

import gated
from gated.errors import CellError

VALUES = {
    "a state": lambda x, h, W, A, B: h,
    "an expression": lambda x, h, W, A, B: h + x,
    "a member": lambda x, h, W, A, B: B.v,
    "a matrix": lambda x, h, W, A, B: A.m,
    "a product of matrices": lambda x, h, W, A, B: A.m @ B.w,
    "a family": lambda x, h, W, A, B: A,
}
OTHERS = {
    "a whole number": 2,
    "a number": 0.5,
    "of NumPy": np.float64(0.5),
    "of NumPy, whole": np.int64(3),
    "an array without axes": np.array(0.25),
    "an array": np.ones(3),
    "a text": "h",
    "a list": [1.0],
    "a truth": True,
    "None": None,
}
BINARY = [
    *(getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")),
    *(
        getattr(operator, name)
        for name in ("lshift", "rshift", "and_", "or_", "xor", "lt", "le", "eq", "ne", "ge", "gt")
    ),
    *(getattr(operator, name) for name in ("iadd", "imul", "itruediv", "ipow", "imatmul", "contains", "getitem")),
    divmod,
]
ALLOWED = ("add", "sub", "mul", "truediv", "iadd", "imul", "itruediv")
SHAPE = operator.attrgetter("shape")
FIRST = operator.itemgetter(0)
MEMBERS = "a member", "a matrix"
UNARY = [
    *(operator.neg, operator.pos, operator.abs, operator.invert, operator.not_, operator.index),
    *(
        bool,
        int,
        float,
        complex,
        len,
        iter,
        next,
        list,
        tuple,
        set,
        sum,
        reversed,
        round,
        math.floor,
        math.ceil,
        math.trunc,
    ),
    *(
        math.tanh,
        math.exp,
        np.asarray,
        np.array,
        np.tanh,
        np.sin,
        np.sum,
        np.mean,
        np.square,
        np.isfinite,
        sorted,
        range,
    ),
    *(
        lambda v: f"{v:.2f}",
        lambda v: format(v, "d"),
        lambda v: v(),
        FIRST,
        SHAPE,
        lambda v: [0][v],
    ),
]
CLEAN = re.compile(r"\b(Symbol|Member|Chain|Family|Vector|gated\.language|object at 0x)\b")


def traced(function):
    """What a cell with this expression in it comes to: a cell, or the text of the error."""

    def cell(x, h, *, W, A, B):
        return h + W.h @ x + function(x, h, W, A, B)

    try:
        return gated.cell(cell)
    except CellError as error:
        text = str(error)
        assert text.startswith("test_operators.py:") and "\n" not in text and len(text) < 500, text
        assert not CLEAN.search(text), text
        return text


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("function", BINARY, ids=lambda function: function.__name__)
def test_operators_of_two(name, function) -> None:
    value = VALUES[name]
    for kind, other in OTHERS.items():
        for left in (True, False):

            def expression(*args, other=other, left=left):
                return function(value(*args), other) if left else function(other, value(*args))

            result = traced(expression)
            if function is operator.getitem and left and kind == "a whole number" and name in MEMBERS:
                continue  # R.t[2] is the member t2
            is_number = kind not in ("an array", "a text", "a list", "a truth", "None")
            allowed = function.__name__ in ALLOWED or (left and function.__name__ in ("pow", "ipow"))
            may = allowed and is_number and name not in ("a family",)
            if may and name == "a product of matrices":
                assert isinstance(result, gated.Cell)
            elif may:
                assert "is never used" in result, result  # A or B, which this equation does not have
            else:
                assert isinstance(result, str) and "is never used" not in result, result


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("number", range(len(UNARY)))
def test_operators_of_one(name, number) -> None:
    value, function = VALUES[name], UNARY[number]
    if function is FIRST and name in MEMBERS:
        return  # R.t[0] is the member t0
    result = traced(lambda *args: function(value(*args)))
    a_member = function is SHAPE and name == "a family"
    if function not in (operator.neg, operator.pos, operator.abs) and not a_member:
        assert isinstance(result, str) and "is never used" not in result


def test_numbers_and_vectors_in_every_order_make_the_same_equations() -> None:
    def with_arrays(x, h, *, b):
        return np.array(2) * h + np.float32(0.5) - (np.int8(1) - b.k) / np.float64(4) + np.array(1.0) / (x + h)

    def plain(x, h, *, b):
        return 2 * h + 0.5 - (1 - b.k) / 4 + 1 / (x + h)

    assert gated.cell(with_arrays) == gated.cell(plain)
