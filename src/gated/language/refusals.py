"""What a cell's equations cannot say, and what to write instead: the texts of errors, by the operator that was used."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from gated.errors import CellError
from gated.language.functions import FUNCTIONS, PUBLIC, some_functions

_PACKAGE = os.path.join(os.path.dirname(sys._getframe().f_code.co_filename), "")  # as frames name it, links and all


def place() -> str:
    """file:line of the equation being traced (the nearest frame outside the language package)."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def refuse(message: str) -> NoReturn:
    raise CellError(f"{place()}: {message}")


_ONLY = "is not in the language; the operators are + - * / ** and @"
_TWO = "where(a > 0, where(b > 0, p, q), q) for both, where(a > 0, p, where(b > 0, p, q)) for either"
_BITS = f"write {_TWO}"
_EQUAL = (
    "a symbol was compared with == or !=; the equations are traced once, before any number exists: "
    "write where(a >= b, where(a <= b, p, q), q), or a margin, where(abs(a - b) < 0.1, p, q)"
)
UNDECIDED = (
    "a comparison stands outside where(...); it is no value, for the equations are traced once, before any number "
    "exists: write where(a > b, 1, 0)"
)
UNTRUE = (
    "the truth of a comparison was asked for (an `if`, `and`, `or`, `not`, max(), or a chain a < b < c); the equations "
    f"are traced once, before any number exists: write where(a > b, p, q) or maximum(a, b); of two comparisons {_TWO}"
)
# Python's special methods of two operands, without underscores, each with an r in front where the vector is the right
OPERATORS = {
    "mod": f"a remainder (%) {_ONLY}",
    "floordiv": f"a quotient without remainder (//) {_ONLY}: write a / b",
    "divmod": f"divmod() {_ONLY}: write a / b",
    "lshift": f"<< {_ONLY}",
    "rshift": f">> {_ONLY}",
    "and": f"& {_ONLY}: {_BITS}",
    "or": f"| {_ONLY}: {_BITS}",
    "xor": f"^ {_ONLY}: write v ** 2 for a square",
}
_NUMBER = "a symbol was turned into a number (float(), math.tanh(), ...); " + some_functions()
_INDEXED = "a symbol was indexed with [...]; a vector is used whole: make each part a member or a state of its own"
OTHERS = {
    **dict.fromkeys(("eq", "ne"), _EQUAL),
    **dict.fromkeys(("float", "int", "index", "complex", "round", "trunc", "floor", "ceil"), _NUMBER),
    **dict.fromkeys(("getitem", "setitem", "delitem"), _INDEXED),
    "iter": "a symbol was iterated over or unpacked; it is one vector",
    "reversed": "a symbol was iterated over or unpacked; it is one vector",
    "next": "a symbol was iterated over or unpacked; it is one vector",
    "contains": "`in` was asked of a symbol; it is one vector, without numbers that could be looked for",
    "len": "len() of a symbol was asked for; sizes are chosen when a layer is built from the cell",
    "bool": "the truth value of a symbol was asked for (an `if`, `while`, `and`, `or`, `not` or max()); the "
    "equations are traced once, before any number exists: write where(a > b, p, q), maximum(a, b) or minimum(a, b)",
    "call": "a symbol was called like a function; " + some_functions(),
    "invert": f"~ {_ONLY}: write 1 - a",
    "enter": "a symbol was used in a `with`; it is one vector",
    "exit": "a symbol was used in a `with`; it is one vector",
    "array": "a symbol was turned into a NumPy array; " + some_functions(),
}

# NumPy's names, as far as they are not those of the language
_OPERATOR_OF_UFUNC = {
    "remainder": "mod",
    "fmod": "mod",
    "floor_divide": "floordiv",
    "divmod": "divmod",
    "left_shift": "lshift",
    "right_shift": "rshift",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
}
_OPERATORS = [row for row in FUNCTIONS.values() if row.operator and not row.public]
ARITHMETIC = {ufunc: row.name for row in _OPERATORS if row.arity == 2 for ufunc in row.ufuncs}
_WRITTEN = {
    **{
        ufunc: f"write {row.source.format(*('ab' if row.arity == 2 else 'v'))}"
        for row in _OPERATORS
        for ufunc in row.ufuncs
    },
    "positive": "write v",
    "reciprocal": "write 1 / v",
    "square": "write v ** 2",
    "power": "write v ** 2, or with an exponent that is no number exp(b * log(a))",
    "cbrt": "write v ** (1 / 3), for v >= 0",
    "heaviside": "write gated.where(v > 0, 1, 0)",
    "sign": "write gated.where(v > 0, 1, gated.where(v < 0, -1, 0))",
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor", "logical_not"), _BITS),
    **dict.fromkeys(("equal", "not_equal"), _EQUAL),
    **{name: f"write gated.{row.name}" for row in PUBLIC.values() for name in (row.name, *row.ufuncs)},
}
_PRODUCTS = ("matmul", "dot", "inner", "vdot", "tensordot", "einsum", "multi_dot", "vecdot", "matvec", "vecmat")


def numpy_refused(name: str, first: Any) -> NoReturn:
    """`numpy.name` was applied to something; `first` is its first argument."""
    if name in _OPERATOR_OF_UFUNC:
        refuse(OPERATORS[_OPERATOR_OF_UFUNC[name]])
    hint = _WRITTEN.get(name, some_functions())
    if name in _PRODUCTS:
        matrix = getattr(type(first), "matrix_name", None)
        hint = f"a matrix is applied with @: write {'W.name' if matrix is None else matrix(first)} @ v"
    refuse(f"numpy.{name} was applied to a symbol; {hint}")


def refusing(message: str) -> Callable[..., Any]:
    """A method that answers with this."""

    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(message)

    return method


def without_class_names(message: str) -> str:
    """The text of an error that Python or a library raised, in the user's words, and perhaps with a hint."""
    plain = re.sub(r"(?:'|\b)(Symbol|Member|Chain|Family)(?:'|\b)(?: objects?)?", "a vector of the equations", message)
    return message if plain == message else f"{plain}; {some_functions()}, and the operators + - * / ** and @"
