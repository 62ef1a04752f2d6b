"""Errors in equations that sent the user the wrong way, and what the language should have understood."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import tanh
from gated.errors import CellError


def message_of(function) -> str:
    with pytest.raises(CellError) as caught:
        gated.cell(function)
    where, text = str(caught.value).split(": ", 1)
    assert where.startswith("test_13_language.py:") and "\n" not in text and len(text) < 300
    for internal in ("Symbol", "Member", "Chain", "Family", "gated.language"):
        assert internal not in text
    return text


# A second input that is written as a state: the text says where it belongs


def two_inputs(x, m, h, *, W):
    return tanh(W.x @ x + W.m @ m + h)


def test_a_second_input() -> None:
    assert message_of(two_inputs) == (
        "the cell two_inputs returns 1 value(s) but has 2 state(s) (m, h); write return m, h; inputs "
        "beyond the first argument stand with it before a /: def cell(x, dt, /, h, *, W, ...)"
    )


# NumPy's numbers on both sides


NUMBERS = [np.sqrt(0.5), np.float32(0.3), np.int8(-3), np.array(0.7), np.array(2, "int16"), np.longdouble(1.25), 3]
TEXTS = {
    "+": lambda a, v: (a + v, v + a),
    "-": lambda a, v: (a - v, v - a),
    "*": lambda a, v: (a * v, v * a),
    "/": lambda a, v: (a / v, v / a),
    "functions": lambda a, v: (gated.maximum(a, v), gated.minimum(v, a)),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__ + str(number))
def test_numbers_of_numpy_on_both_sides(name, number) -> None:
    operator = TEXTS[name]

    def with_numpy(x, h, *, b):
        left, right = operator(number, b.k + x)
        return left + h, right + h

    def plain(x, h, *, b):
        left, right = operator(float(number), b.k + x)
        return left + h, right + h

    def two(function):
        def cell(x, h, c, *, b):
            a, d = function(x, h + c, b=b)
            return a, d

        return gated.cell(cell)

    assert two(with_numpy) == two(plain)
    assert str(two(with_numpy)) == str(two(plain))


# Matrices


def test_matrices_are_applied_from_the_right() -> None:
    @gated.cell
    def chain(x, h, *, A, B, C):
        return tanh(A.f @ B.f @ C.f @ h + A.x @ x)

    @gated.cell
    def brackets(x, h, *, A, B, C):
        return tanh(A.f @ (B.f @ (C.f @ h)) + A.x @ x)

    assert chain == brackets and chain.parameters == brackets.parameters
    assert chain.equations() == ["hₜ = tanh(A_f (B_f (C_f hₜ₋₁)) + A_x xₜ)"]
    layer = gated.Recurrent(chain, 3, 5, sizes={"inner1": 2, "inner2": 4})
    shapes = sorted(layer.params[f"l0.{name}.f"].shape for name in "ABC")
    assert shapes == [(2, 4), (4, 5), (5, 2)] or shapes == [(2, 5), (4, 2), (5, 4)]
    assert gated.check_cell(chain, backend="reference").passed


def test_a_product_of_matrices_may_have_a_name_and_be_used_again() -> None:
    @gated.cell
    def cell(x, h, *, A, B, W):
        low = A.f @ B.f
        return tanh(low @ h + low @ (h * h) + W.h @ x)

    assert cell.equations() == ["hₜ = tanh(A_f (B_f hₜ₋₁) + A_f (B_f hₜ₋₁²) + W_h xₜ)"]


def test_a_matrix_on_a_parameter_vector_is_what_it_was() -> None:
    @gated.cell
    def cell(x, h, *, U, b, W):
        shift = U.s @ b.s
        return tanh(W.h @ x + shift + h)

    assert cell.parameters["b.s"] == ("inner1",) and cell.parameters["U.s"] == ("hidden", "inner1")
    assert list(cell.graph.names.values()) == ["shift", "h"]


def both(x, h, *, A, b):
    shift = A.f @ b.f + h
    return A.f @ b.f @ x + shift


def test_a_vector_is_no_matrix_as_well() -> None:
    assert message_of(both).startswith("b.f is applied as a matrix here but used as a vector at test_13_language.py:")


# Operators that there are not


def remainder(x, h):
    return h % 2


def quotient(x, h):
    return 7 // h


def power(x, h, *, b):
    return 2**b.h + x


def power_of_numpy(x, h):
    return np.float64(2) ** h


def compared(x, h):
    return x * (np.float32(0.5) < h)


def compared_family(x, h, *, b):
    return x * (b <= 1)


def both_bits(x, h):
    return x & h


def divided_with_rest(x, h):
    return divmod(x, h)


def item(x, h):
    h[0] = 1
    return h


def attribute(x, h):
    h.scale = 2
    return h


def inverted(x, h):
    return ~h


def rounded(x, h, *, b):
    return round(b.h, 2) * h


def formatted(x, h):
    return h if f"{h:.3f}" else x


def appended(x, h):
    return "h" + h


def matrix_of_numpy(x, h, *, W):
    return np.dot(W.n, x) + h


def matrix_of_ufunc(x, h, *, W):
    return np.matmul(W.n, x) + h


def product_of_numpy(x, h):
    return np.multiply(x, h)


def length(x, h):
    return h / x.length


def member_name(x, h, *, W):
    return W.i.name @ x + h


def class_of_a_family(x, h, *, b):
    return b.__class__ * h


def of_another_library(x, h):
    return memoryview(h)


MESSAGES = [
    (remainder, "a remainder (%) is not in the language; the operators are + - * / ** and @"),
    (
        quotient,
        "a quotient without remainder (//) is not in the language; the operators are + - * / ** and @: write a / b",
    ),
    (power, "the equations raise to a power that is no plain number; write exp(b * log(a))"),
    (power_of_numpy, "the equations raise to a power that is no plain number; write exp(b * log(a))"),
    (compared, "a comparison stands outside where(...); it is no value, for the equations are traced once"),
    (compared_family, "the parameter family b was used as a value; an attribute names a member: write b.i"),
    (
        both_bits,
        "& is not in the language; the operators are + - * / ** and @: write where(a > 0, where(b > 0, p, q), q) for",
    ),
    (divided_with_rest, "divmod() is not in the language; the operators are + - * / ** and @: write a / b"),
    (item, "a symbol was indexed with [...]"),
    (attribute, "the attribute 'scale' of a vector was assigned to"),
    (inverted, "~ is not in the language; the operators are + - * / ** and @: write 1 - a"),
    (rounded, "a symbol was turned into a number"),
    (formatted, "a symbol was written into a text as a number"),
    (appended, "a str stands in the equations; only vectors, parameters and plain numbers may"),
    (matrix_of_numpy, "numpy.dot was applied to a symbol; a matrix is applied with @: write W.n @ v"),
    (matrix_of_ufunc, "numpy.matmul was applied to a symbol; a matrix is applied with @: write W.n @ v"),
    (product_of_numpy, "numpy.multiply was applied to a symbol; write a * b"),
    (length, "a vector has no attribute 'length'"),
    (member_name, "W.i has no attribute 'name'; a member has no members"),
    (
        class_of_a_family,
        "what Python calls __class__ (the members of a family have plain names, such as W.i) stands in",
    ),
    (
        of_another_library,
        "tracing the equations raised TypeError: memoryview: a bytes-like object is required, not a vec",
    ),
]


@pytest.mark.parametrize(("function", "text"), MESSAGES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_to_write_instead(function, text) -> None:
    assert message_of(function).startswith(text)


# Names


def test_a_member_may_have_any_name() -> None:
    @gated.cell
    def cell(x, h, *, W, b):
        return tanh(W._n @ x + W.name @ x + W._members @ x + b.place + b._misused + h)

    assert list(cell.parameters) == ["W._n", "W.name", "W._members", "b.place", "b._misused"]


def test_a_state_named_input_has_its_own_length() -> None:
    @gated.cell
    def cell(x, h, input, *, W, U):
        input = tanh(W.s @ x + U.s @ input)
        h = tanh(W.h @ x + U.h @ input) + h
        return h, input

    assert cell.graph.dims == {"x": "input", "h": "h", "input": "input_"}
    layer = gated.Recurrent(cell, 3, 5, sizes={"input_": 4}, dtype="float64")
    assert layer.params["l0.U.s"].shape == (4, 4) and layer.params["l0.U.h"].shape == (5, 4)
    assert layer.state_sizes == (5, 4)
    assert gated.check_cell(cell).passed
    assert gated.Cell.from_json(cell.to_json()) == cell


def test_a_value_named_like_an_inner_length() -> None:
    @gated.cell
    def cell(x, h, *, W, V):
        inner2 = tanh(V.a @ x)
        return tanh(W.a @ inner2 + W.b @ (V.b @ x) + h)

    assert cell.parameters["W.a"][1] == "inner2" and cell.parameters["W.b"][1] == "inner1"


def test_gru_says_that_it_is_not_pytorchs() -> None:
    text = " ".join((gated.GRU.__doc__ or "").split())
    assert "torch.nn.GRU, whose gates have the same names, is the latter: another cell" in text
