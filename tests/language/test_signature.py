"""The arguments of a cell: inputs before a /, single numbers, constants, whole numbers, fixed families, other cells."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import gated
from gated import Cell, fixed, number, sigmoid, tanh
from gated.cells import gru, lstm
from gated.errors import ArgumentError, ArgumentTypeError, CellError, FileFormatError


def leaky(x, m, dt: number, /, h, *, W, U, b, s: number, S: fixed, leak=0.3, depth=2):
    new = tanh(W.h @ x + W.m @ m + W.t @ dt + b.h + s.a)
    for k in range(depth):
        new = tanh(U.h[k] @ (S.mask * new))
    return (1 - leak) * h + leak * new


LEAKY = gated.cell(leaky)


def test_what_the_arguments_are():
    graph = LEAKY.graph
    assert LEAKY.inputs == ("x", "m", "dt") and LEAKY.states == ("h",)
    assert graph.dims["dt"] == "1" and LEAKY.parameters["s.a"] == ("1",) and LEAKY.parameters["W.t"][1] == "1"
    assert graph.fixed == {"S.mask"} and LEAKY.constants == {"leak": 0.3, "depth": 2}
    assert [name for name in LEAKY.parameters if name.startswith("U")] == ["U.h0", "U.h1"]
    assert repr(LEAKY).startswith("<gated cell leaky(x, m, dt, /, h; W.h")


def test_an_annotation_is_read_however_it_is_written():
    """As an object, as a string, by the module's name, in a function where the names are local."""

    def inner():
        from gated import number as single

        def one(x, dt: gated.number, /, h, *, W, s: "gated.number", S: "fixed"):  # noqa: UP037  a string twice
            return tanh(W.h @ x) * dt + s.a * S.v * h

        def other(x, dt, /, h, *, W, s, S):
            return tanh(W.h @ x) * dt + s.a * S.v * h

        other.__annotations__ = {"dt": single, "s": gated.number, "S": gated.fixed, "x": float}
        return gated.cell(one), gated.cell(other)

    one, other = inner()
    assert one == other and one.graph.dims["dt"] == "1" and one.graph.fixed == {"S.v"}


def test_cells_differ_by_what_is_fixed_and_by_their_numbers():
    def learned(x, m, dt: number, /, h, *, W, U, b, s: number, S, leak=0.3, depth=2):
        new = tanh(W.h @ x + W.m @ m + W.t @ dt + b.h + s.a)
        for k in range(depth):
            new = tanh(U.h[k] @ (S.mask * new))
        return (1 - leak) * h + leak * new

    assert gated.cell(learned) != LEAKY != LEAKY.with_constants(leak=0.5)
    assert gated.cell(init={"S.mask": "zeros"})(leaky) != LEAKY
    assert LEAKY.with_constants(leak=0.5).with_constants(leak=0.3) == LEAKY


def test_constants_are_set():
    set_ = LEAKY.with_constants(leak=0.5, depth=3)
    assert set_.constants == {"leak": 0.5, "depth": 3} and "U.h2" in set_.parameters
    again = pickle.loads(pickle.dumps(set_))
    assert again == set_ and again.constants == set_.constants
    assert again.with_constants(depth=3, leak=0.1).constants == {"leak": 0.1, "depth": 3}
    with pytest.raises(ArgumentError, match="depth: got 2 for a cell without its function, expected 3"):
        again.with_constants(depth=2)
    for kind, values, part in [
        (ArgumentTypeError, {"leak": "a"}, "leak: got str 'a', expected a number"),
        (ArgumentError, {"leek": 1}, "constants of leaky: leak"),
        (ArgumentError, {"leak": float("nan")}, "leak: got nan, expected a finite number"),
        (ArgumentTypeError, {"depth": 2.0}, "depth: got float 2.0, expected a whole number"),
        (ArgumentTypeError, {"depth": True}, "expected a whole number"),
    ]:
        with pytest.raises(kind) as caught:
            LEAKY.with_constants(**values)
        assert part in str(caught.value)

    @gated.cell
    def divided(x, h, *, W, tau=2.0):
        return h / tau + W.a @ x

    with pytest.raises(ArgumentError, match="the equations divide by 0.0"):
        divided.with_constants(tau=0)
    layer = gated.Recurrent(divided, 2, 3, dtype="float64")
    slower = gated.Recurrent(divided.with_constants(tau=8), 2, 3, dtype="float64")
    x = np.ones((2, 1, 2))
    y, z = layer.forward(x)[0], slower.forward(x)[0]
    np.testing.assert_allclose((z[1] - z[0]) * 4, y[1] - y[0])
    assert "1 / 2" not in str(divided) and "tau" in str(divided)


def test_a_cell_within_a_cell_is_its_equations():
    @gated.cell
    def outer(x, h, c, s, *, A, B, d, C, D, e):
        h, c = lstm(x, s, c, W=A, U=B, b=d)
        s = gru(h, s, W=C, U=D, b=e)
        return h * s, c, s

    @gated.cell
    def written(x, h, c, s, *, A, B, d, C, D, e):
        i = sigmoid(A.i @ x + B.i @ s + d.i)
        f = sigmoid(A.f @ x + B.f @ s + d.f)
        g = tanh(A.g @ x + B.g @ s + d.g)
        o = sigmoid(A.o @ x + B.o @ s + d.o)
        c = f * c + i * g
        h = o * tanh(c)
        r = sigmoid(C.r @ h + D.r @ s + e.r)
        z = sigmoid(C.z @ h + D.z @ s + e.z)
        n = tanh(C.n @ h + D.n @ (r * s) + e.n)
        s = (1 - z) * s + z * n
        return h * s, c, s

    assert outer == written
    assert {"i", "f", "g", "o", "r", "z", "n"} <= set(outer.graph.names.values())

    @gated.cell
    def twice(x, h, g, *, A, B):
        h = once(x, h, W=A, leak=0.5)
        g = once(h, g, W=B)
        return h, g

    assert "leak" not in twice.constants and {"n", "n2"} <= set(twice.graph.names.values())


@gated.cell
def once(x, h, *, W, leak=0.25):
    n = tanh(W.h @ x)
    return (1 - leak) * h + leak * n


def f01(x, h=2, *, W):
    return h + W.a @ x


def f02(x, h, *, W, k=float("inf")):
    return h + k * W.a @ x


def f03(x, h, *, W, k=True):
    return h + W.a @ x


def f04(x, h, *, W, k=0.5):
    return h + W.a @ x


def f05(x, h, *, W, k="a"):
    return h + W.a @ x


def f06(x, h: fixed, *, W):
    return h + W.a @ x


def f07(x, m, /, *, W):
    return W.a @ x


def f08(x, *, W):
    return W.a @ x


def f09(*xs, W):
    return xs


def f10(x, h, *, s: number):
    return s.a @ h


def f11(x: number, h, *, W):
    return W.a @ 2.0 + h


def f12(x, h, c, *, A, B):
    return lstm(x, h, c, W=A, U=B)


def f13(x, h, *, A, B, d):
    return lstm(x, h, W=A, U=B, b=d)


def f14(x, h, c, *, A, B, d):
    return lstm(x, h, c, W=A, U=B, q=d)


def f15(x, h, c, *, A, B, d):
    return lstm(x, h, c, W=A, U=B, b=h)


def f16(x, h, c, *, A, B, d: number):
    return lstm(x, h, c, W=A, U=B, b=d)


def f17(x, h, *, A):
    return A.t["a"] @ h


def f18(x, h, *, A):
    return A.t[h] @ h


def f19(x, h, *, A):
    return A.t[-1] @ h


def f20(x, h, *, W):
    return once(x, h, W=W, leak=2.0, other=1)


def f22(x, h, *, W, tau=0.0):
    return h / tau + W.a @ x


def f23(x, h, *, W, keep=1.5):
    return gated.bernoulli(keep) * h + W.a @ x


def f21(x, m, /, h, c, *, W):
    return W.a @ x + W.b @ m


SAYS = {
    f01: "the argument h has a default value; inputs and states are given by the layer",
    f02: "the constant k is inf; a default value is a finite number",
    f03: "the constant k is True",
    f04: "the constant k is never used; use it or remove it from the signature",
    f05: "the constant k is 'a'",
    f06: "the argument h is annotated as fixed; only a family of parameters is",
    f07: "before a / stand the inputs, behind it the states",
    f08: "the cell f08 has no state; write def cell(x, h, *, W, ...)",
    f09: "every state and every parameter family has a name",
    f10: "s.a is applied as a matrix, but s is annotated as number; write s.a * v",
    f11: "a matrix needs a vector",
    f12: "the cell lstm is called without its family b; write lstm(x, h, c, W=..., U=..., b=...)",
    f13: "the cell lstm is called with 2 value(s) but has 3",
    f14: "the cell lstm has no family q",
    f15: "b of the cell lstm is given no family; write one of this cell's: b=A",
    f16: "stands for vectors and matrices, but d is a number",
    f17: "A.t was indexed with 'a'",
    f18: "A.t was indexed with something that is no whole number",
    f19: "A.t was indexed with -1",
    f20: "the cell once has no family other",
    f22: "the equations divide by 0.0",
    f23: "the equations draw r1 from bernoulli(1.5); a probability is from 0 to 1",
    f21: "returns 1 value(s) but has 2 state(s) (h, c)",
}  # fmt: skip


@pytest.mark.parametrize("function", SAYS)
def test_mistakes_are_answered_with_the_line(function):
    with pytest.raises(CellError) as caught:
        gated.cell(function)
    message = str(caught.value)
    lines = {line for _, _, line in function.__code__.co_lines()}
    assert message.startswith(tuple(f"test_signature.py:{line}: " for line in lines)), message
    assert SAYS[function] in message and "\n" not in message


def test_a_cell_is_not_called_outside_of_equations():
    with pytest.raises(CellError, match="the cell lstm is not called itself; build a layer"):
        lstm(1, 2)


def test_a_whole_number_reads_the_equations_again():
    @gated.cell(init={"R.*": "zeros"})
    def highway(x, h, *, W, R, b, depth=2):
        for k in range(depth):
            n = tanh(R.n[k] @ h + b.n[k] + (W.n @ x if k == 0 else 0))
            t = sigmoid(R.t[k] @ h + b.t[k] + (W.t @ x if k == 0 else 0))
            h = h + t * (n - h)
        return h

    deeper = highway.with_constants(depth=3)
    assert [name for name in deeper.parameters if name.startswith("R.t")] == ["R.t0", "R.t1", "R.t2"]
    assert deeper.graph.init == {f"R.{member}{k}": "zeros" for member in "nt" for k in range(3)}
    with pytest.raises((CellError, ArgumentError)):
        highway.with_constants(depth=0)


# as gated wrote it when a cell had one input and no constants
OLD = {
    "format": 1,
    "name": "old",
    "doc": "",
    "inputs": ["x"],
    "states": ["h"],
    "output_names": ["h"],
    "outputs": [5],
    "parameters": {"W.h": ["hidden", "input"], "p.h": ["hidden"]},
    "dims": {"x": "input", "h": "hidden"},
    "nodes": [
        ["leaf", ["input", "x"], "input", []],
        ["product", ["W.h"], "hidden", [0]],
        ["leaf", ["vector", "p.h"], "hidden", []],
        ["leaf", ["state", "h"], "hidden", []],
        ["call", "mul", "hidden", [2, 3]],
        ["call", "add", "hidden", [1, 4]],
    ],
    "names": [[5, "h"]],
}


def test_a_file_of_an_older_version_is_read_and_written_as_it_was():
    old = Cell.from_json(OLD)
    assert old.to_json() == OLD and old.inputs == ("x",) and old.constants == {}
    assert gated.Recurrent(old, 2, 3).forward(np.ones((2, 1, 2)))[0].shape == (2, 1, 3)
    with pytest.raises(FileFormatError, match="expected a finite number under a free name"):
        Cell.from_json({**OLD, "constants": {"h": 1.0}})
