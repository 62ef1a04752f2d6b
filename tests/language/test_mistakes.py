"""Mistakes in equations: each is answered with the line, what was written and what to write instead."""

from __future__ import annotations

import builtins
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gated
from gated import maximum, tanh
from gated.cells import lstm
from gated.errors import CellError

HERE = "test_mistakes.py:"

# Each function is a cell with one mistake, and what its message must say.
MISTAKES = {}


def says(*parts):
    def note(function):
        MISTAKES[function.__name__] = (function, parts)
        return function

    return note


@says("truth value", "where(a > b, p, q)", "maximum(a, b)", HERE)
def an_if(x, h, *, W):
    if W.h @ x:
        h = h + x
    return h


@says("truth value", "`and`")
def an_and(x, h, *, W):
    return (W.h @ x) and h


@says("truth value")
def an_if_on_a_parameter(x, h, *, b):
    return h if b.h else x


@says("a comparison stands outside where(...)", "where(a > b, 1, 0)", HERE)
def a_comparison(x, h, *, W):
    return W.h @ x * (h > 0)


@says("a comparison stands outside where(...)")
def a_matrix_of_a_comparison(x, h, *, W):
    return W.h @ (h > x)


@says("a comparison stands outside where(...)")
def a_function_of_a_comparison(x, h, *, W):
    return tanh(h > W.h @ x)


@says("returns a comparison", "where(a > b, 1, 0)", HERE)
def a_comparison_as_a_state(x, h, *, W):
    return W.h @ x > h


@says("the truth of a comparison", "where(a > b, p, q)", HERE)
def an_if_on_a_comparison(x, h, *, W):
    return h if W.h @ x > 0 else x


@says("the truth of a comparison", "a chain a < b < c", "where(a > 0, where(b > 0, p, q), q)", HERE)
def a_chain(x, h, *, W):
    return gated.where(0 < W.h @ x < 1, h, x)


@says("the truth of a comparison", "where(a > 0, p, where(b > 0, p, q))")
def an_or_of_comparisons(x, h, *, W):
    return gated.where(W.h @ x > 0 or h > 0, h, x)


@says("& is not in the language", "where(a > 0, where(b > 0, p, q), q)")
def a_bitwise_and(x, h, *, W):
    return gated.where((W.h @ x > 0) & (h > 0), h, x)


@says("numpy.logical_and", "where(a > 0, where(b > 0, p, q), q)")
def a_logical_and(x, h, *, W):
    return gated.where(np.logical_and(W.h @ x > 0, h > 0), h, x)


@says("the condition of where is a vector", "where(a > b, p, q)", HERE)
def a_vector_as_condition(x, h, *, W):
    return gated.where(W.h @ x, h, x)


@says("the condition of where is an array of shape (3,)", HERE)
def an_array_as_condition(x, h, *, W):
    return gated.where(np.ones(3) > 0, h, W.h @ x)


@says("where() takes 3 argument(s), got 2", "where(a > b, p, q)")
def a_where_of_two(x, h, *, W):
    return gated.where(W.h @ x > 0, h)


@says("numpy.where was applied", "gated.where")
def the_where_of_numpy(x, h, *, W):
    return np.where(W.h @ x > 0, h, 0)


@says("numpy.clip was applied", "gated.clip")
def the_clip_of_numpy(x, h, *, W):
    return np.clip(W.h @ x + h, 0, 1)


@says("clip between 2.0 and 1.0", "the low end is above the high one", HERE)
def a_crossed_clip(x, h, *, W):
    return gated.clip(W.h @ x + h, 2, 1)


@says("elu() takes a plain number as alpha", HERE)
def a_vector_as_alpha(x, h, *, W):
    return gated.elu(W.h @ x, h)


@says("compared with == or !=", "where(a >= b, where(a <= b, p, q), q)")
def an_equality(x, h, *, W):
    return (W.h @ x) == h


@says("compared")
def a_parameter_compared(x, h, *, b):
    return h * (b.h == 0)


@says("the truth of a comparison", "maximum(a, b)")
def the_max_of_python(x, h, *, W):
    return builtins.max(W.h @ x, h)


@says("returns 1 value(s) but has 2 state(s) (h, c)", "write return h, c")
def too_few_states(x, h, c, *, W):
    return tanh(W.h @ x + h + c)


@says("returns 2 value(s) but has 1 state(s) (h)", "write return h")
def too_many_states(x, h, *, W):
    h = tanh(W.h @ x + h)
    return h, h


@says("returns c at place 1, where the state h belongs", "write return h, c")
def states_in_the_wrong_order(x, h, c, *, W, U):
    c = W.c @ x + c
    h = tanh(U.h @ c) + h
    return c, h


@says("returns 0 value(s)")
def an_empty_tuple(x, h):
    return ()


@says("returns None", "write return h, c")
def no_return(x, h, *, W):
    h = tanh(W.h @ x)  # noqa: F841


@says("returns a dict")
def a_dict(x, h, *, W):
    return {"h": W.h @ x}


@says("returns a str")
def a_text(x, h):
    return "h"


@says("returns a set")
def a_set(x, h):
    return {h}


@says("returns a tuple")
def a_nested_tuple(x, h):
    return ((h,),)


@says("returns a bool")
def a_truth(x, h):
    return True


@says("returns a parameter family")
def a_family(x, h, *, W):
    return W


@says("W.h is used with two shapes", "as long as h here and as long as x", HERE, "its own member name")
def a_matrix_of_two_shapes(x, h, *, W):
    return tanh(W.h @ x + W.h @ h)


@says("W.a is never used", "(h)", "remove it")
def a_member_unused(x, h, *, W):
    a = W.a @ x  # noqa: F841
    return tanh(W.h @ x + h)


@says("b.a is never used")
def a_member_only_named(x, h, *, W, b):
    b.a  # noqa: B018
    return tanh(W.h @ x + h + b.h)


@says("family U is never used", "U.i", "remove it from the signature")
def a_family_unused(x, h, *, W, U):
    return tanh(W.h @ x + h)


@says("family W was used as a value", "write W.i")
def a_family_without_member(x, h, *, W):
    return tanh(W @ x + h)


@says("family W was used as a value")
def a_family_compared(x, h, *, W):
    return h * (W > 0)


@says("family W was used as a value")
def a_family_in_a_function(x, h, *, W):
    return tanh(W) + h


@says("W.h was assigned to", "set on the layer")
def a_member_assigned(x, h, *, W):
    W.h = 3
    return h


@says("'a b'", "one word")
def a_member_of_two_words(x, h, *, W):
    return getattr(W, "a b") @ x + h


@says("numpy.tanh was applied to a symbol", "write gated.tanh")
def a_function_of_numpy(x, h, *, W):
    return np.tanh(W.h @ x + h)


@says("numpy.arctan was applied", "the functions of the language are sigmoid, tanh")
def a_function_of_numpy_that_there_is_not(x, h, *, b):
    return np.arctan(b.h) + h


@says("numpy.where was applied")
def a_choice_of_numpy(x, h, *, W):
    return np.where(W.h @ x, h, 0)


@says("numpy.concatenate was applied")
def a_concatenation(x, h, *, W):
    return W.h @ np.concatenate([x, h])


@says("turned into a number", "math.tanh()", "the functions of the language are")
def a_function_of_math(x, h, *, W):
    return math.tanh(W.h @ x + h)


@says("turned into a number")
def a_parameter_in_a_function_of_math(x, h, *, b):
    return math.exp(b.h) + h


@says("name 'cosh' is not defined")
def an_unknown_name(x, h, *, W):
    return cosh(W.h @ x + h)  # noqa: F821


@says("name 'softplus' is not defined", "write: from gated import softplus")
def a_function_not_imported(x, h, *, W):
    return softplus(W.h @ x + h)  # noqa: F821


@says("gated has no 'cosh'", "the functions of the language are")
def an_unknown_function_of_gated(x, h, *, W):
    return gated.cosh(W.h @ x + h)


@says("a vector stands left of W.i", "write W.i @ v")
def a_product_from_the_left(x, h, *, W):
    return x @ W.i + h


@says("two vectors are multiplied with @", "write a * b")
def a_product_of_vectors(x, h, *, W):
    return x @ h + W.h @ x


@says("W.i is used as a vector here but applied as a matrix at", HERE)
def a_matrix_then_a_vector(x, h, *, W):
    return W.i @ x + W.i + h


@says("W.i is applied as a matrix here but used as a vector at", HERE)
def a_vector_then_a_matrix(x, h, *, W):
    h = W.i + h
    return W.i @ x + h


@says("to a power that is no plain number", "exp(b * log(a))", HERE)
def a_power(x, h, *, W):
    return (W.i @ x) ** h


@says("to a power that is no plain number", "exp(b * log(a))")
def a_power_of_a_number(x, h, *, W):
    return 2 ** (W.i @ x) + h


@says("to a power that is no plain number")
def a_power_of_numpys_number(x, h, *, b):
    return h + np.float64(2) ** b.i


@says("numpy.square", "write v ** 2")
def a_square_of_numpy(x, h, *, W):
    return np.square(W.i @ x) + h


@says("indexed with [...]", "a vector is used whole")
def an_index(x, h, *, W):
    return W.i @ x[0] + h


@says("W.i was indexed", "used whole")
def an_index_of_a_parameter(x, h, *, W):
    return W.i["a"] @ x + h


@says("W.i was indexed with -1", "W.i[0]")
def an_index_from_the_end(x, h, *, W):
    return W.i[-1] @ x + h


@says("iterated over or unpacked")
def an_unpacking(x, h, *, W):
    a, b = W.i @ x
    return a * b


@says("iterated over")
def a_loop_over_a_vector(x, h):
    for a in x:
        h = h + a
    return h


@says("len() of a symbol", "sizes are chosen when a layer is built")
def a_length(x, h):
    return h * len(x)


@says("called like a function")
def a_call(x, h):
    return x(h)


@says("W.h was called like a function", "write W.h @ v")
def a_call_of_a_parameter(x, h, *, W):
    return W.h(x) + h


@says("W.T is no member", "the transpose of the matrix W.i is W.i.T")
def a_transpose_of_a_family(x, h, *, W):
    return W.T @ h


@says("W.h.T is used as a vector here", "apply it, W.h.T @ v")
def a_transpose_as_a_vector(x, h, *, W):
    return h * W.h.T


@says("U.h is a matrix in U.h - U.h.T here but used as a vector at", "give each its own member name")
def a_vector_that_becomes_part_of_a_matrix(x, h, *, U):
    h = h * U.h
    return (U.h - U.h.T) @ h


@says("U.h is used as a vector here but applied as a matrix at", "give each its own member name")
def a_part_of_a_matrix_that_becomes_a_vector(x, h, *, U):
    h = abs(U.h) @ h
    return h * U.h


@says("W.h - W.h.T needs a square matrix", "W.h is transposed in it and not", "as long as h and the other as x")
def a_matrix_that_is_not_square(x, h, *, W):
    return (W.h - W.h.T) @ x + h


@says("the matrix U.h has two shapes: in S.m * U.h", "as long as x here", "in U.h as h at")
def a_mask_of_two_shapes(x, h, *, U, S):
    return U.h @ h + (S.m * U.h) @ x


@says("(A.f @ B.f).T is not in the language", "the transpose of a product is B.f.T @ A.f.T")
def a_transpose_of_a_product(x, h, *, A, B):
    return (A.f @ B.f).T @ h


@says("abs(U.h) is applied to a plain number", "2.0 * (abs(U.h) @ v)")
def a_made_matrix_times_a_number(x, h, *, U):
    return abs(U.h) @ 2.0 + h


@says("divide by 0.0")
def a_matrix_over_zero(x, h, *, U):
    return (U.h / 0.0) @ h


@says("2 * U.h has no attribute 'rows'", "a matrix a transpose: (2 * U.h).T")
def an_attribute_of_a_matrix(x, h, *, U):
    return (2.0 * U.h).rows @ h


@says("a vector has no attribute 'sum'")
def an_attribute(x, h):
    return h.sum()


@says("W.h is applied to a plain number", "a matrix needs a vector")
def a_matrix_times_a_number(x, h, *, W):
    return W.h @ 3.0 + h


@says("the number inf", "only finite numbers")
def an_infinite_number(x, h):
    return h + float("inf")


@says("the number nan", "only finite numbers")
def not_a_number(x, h):
    return h + np.nan


@says("divide by 0")
def a_division_by_zero(x, h):
    return h / 0


@says("an array of shape (3,)", "only vectors, parameters and plain numbers")
def an_array(x, h):
    return h + np.ones(3)


@says("a NumPy array stands in the equations", "make the array a parameter")
def an_array_on_the_left(x, h):
    return np.ones(3) * h


@says("a complex stands in the equations")
def a_complex_number(x, h):
    return h + 1j


@says("a bool stands in the equations")
def a_boolean(x, h):
    return h * True


@says("a NoneType stands in the equations")
def none_in_a_sum(x, h):
    return h + None


@says("tanh() takes 1 argument(s), got 2")
def too_many_arguments(x, h):
    return tanh(x, h)


@says("maximum() takes 2 argument(s), got 1")
def too_few_arguments(x, h):
    return maximum(h)


@says("the argument *s of a cell", "write def cell(x, h, *, W, U, b)")
def star_arguments(x, *s):
    return s[0]


@says("the argument *W of a cell")
def star_star_arguments(x, h, **W):
    return h


@says("the argument h has a default value", "write the name alone")
def a_default(x, h=1):
    return h


@says("the constant W is None", "a finite number")
def a_default_of_a_family(x, h, *, W=None):
    return h


@says("has no state", "write def cell(x, h, *, W, ...)")
def no_state(x, *, W):
    return W.h @ x


@says("no positional argument", "the first one is the input x")
def no_input(*, W):
    return W


@says("async or yield", "expected a plain def")
def a_generator(x, h):
    yield h


@says("async or yield")
async def a_coroutine(x, h):
    return h


@says("raised ValueError: two lines become one", HERE)
def an_exception(x, h):
    raise ValueError("two lines\n  become one")


@says("the cell rnn is called without its family W", "rnn(x, h, W=..., U=..., b=...)")
def another_cell_called(x, h):
    return gated.cells.rnn(x, h)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_equations(name):
    function, parts = MISTAKES[name]
    with pytest.raises(CellError) as caught:
        gated.cell(function)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    for part in parts:
        assert part in message
    assert isinstance(caught.value, TypeError)


def test_the_line_of_the_mistake_is_named():
    first = an_if.__code__.co_firstlineno
    with pytest.raises(CellError, match=f"{HERE}{first + 2}:"):  # the decorator, the def, the `if`
        gated.cell(an_if)
    with pytest.raises(CellError, match=f"{HERE}{an_exception.__code__.co_firstlineno + 2}:"):
        gated.cell(an_exception)


@pytest.mark.parametrize("thing", [3, None, print, int, lstm, "def cell"])
def test_what_is_no_function_is_no_cell(thing):
    with pytest.raises(CellError, match="write @gated.cell above a def"):
        gated.cell(thing)


def test_an_error_of_the_user_says_what_the_user_wrote() -> None:
    def cell(x, h):
        raise ValueError("a Family of 3, a Symbol")

    with pytest.raises(CellError, match="raised ValueError: a Family of 3, a Symbol$"):
        gated.cell(cell)


def test_the_line_is_the_users_where_the_package_is_reached_by_a_link(tmp_path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(Path(gated.__file__).resolve().parents[1])
    program = "import gated\ndef cell(x, h):\n    return h % 2\ngated.cell(cell)\n"
    (tmp_path / "mine.py").write_text(program)
    env = {**os.environ, "PYTHONPATH": str(link)}
    done = subprocess.run([sys.executable, str(tmp_path / "mine.py")], capture_output=True, text=True, env=env)
    assert "CellError: mine.py:3: a remainder (%)" in done.stderr, done.stderr
