"""The public battery over the zoo and over cells that the zoo has no like of; and: does it see what is wrong?"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from tests.zoo import RANGES

import gated
from gated import (
    abs,
    check_cell,
    clip,
    cos,
    erf,
    exp,
    floor,
    hold,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)
from gated.audit import CheckReport, Row
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.native.passes.stepper import Stepper
from gated.backends.reference import ReferenceBackend
from gated.calculus.influence import notes_on
from gated.cells import ZOO
from gated.errors import ArgumentError, CheckFailed, GatedError
from gated.language import FUNCTIONS

# of each shape of equations one: what the others add to these, tests/backends and tests/properties look at
QUICK = ("rnn", "peephole_lstm", "projected_lstm", "gru_reset_after", "slstm", "lstm_full_gate_recurrence")


@gated.cell
def two_products(x, h, *, W, U, V, A):
    """Two chained products inside the step, through an inner size of their own."""
    h = tanh(V.h @ sigmoid(A.h @ tanh(U.h @ h + W.h @ x)))
    return h


@gated.cell
def other_size(x, h, s, *, W, U, Q, b):
    """A state of another size."""
    s = tanh(Q.s @ h + W.s @ x) * s
    h = sigmoid(U.h @ s + W.h @ x + b.h) * h
    return h, s


@gated.cell
def every_function(x, h, c, *, W, U, b, p):
    """Every function of the language, and every operator."""
    a = W.a @ x + U.a @ h + b.a
    positive = sqrt(exp(a) + 1) + log(1 + softplus(a))
    limits = maximum(a, 0.3 * c) - minimum(tanh(a), p.m * c)
    k = relu(a) + abs(c) / (1 + sigmoid(-a))
    c = positive * 0.1 + limits + k - 2 + erf(a) * sin(3 * c) - cos(a) * floor(4 * a)
    c = where(clip(c, -1, 1.5) > h**3, c, hold(a) * c)
    h = tanh(c) * 0.5 + h / 3
    return h, c


@gated.cell
def delay(x, h, c, d, *, W):
    """States that pass on what another state was: y is old by one step, d by two."""
    return c, tanh(W.h @ x + d), h


@gated.cell
def swapped(x, h, c, *, b):
    """Two states that change places; the input is not looked at."""
    return c, h + b.c


@gated.cell
def residual(x, h, *, U):
    """The state joins the input elementwise, so both have one size."""
    h = x + tanh(U.h @ h)
    return h


@gated.cell
def residual_inside(x, h, c, *, U, W):
    """A state of the input's size that is not the output."""
    c = x + tanh(U.h @ h) * c
    h = sigmoid(W.h @ c)
    return h, c


@gated.cell
def one_value_twice(x, h, c, *, W):
    h = tanh(W.h @ x + h * c)
    return h, h


@gated.cell
def constant_state(x, h, c, *, W):
    h = tanh(W.h @ x + h * c)
    return h, 0.5


@gated.cell
def state_from_parameter(x, h, c, *, W, b):
    h = W.h @ x + c
    return h, b.c


@gated.cell
def one_matrix_often(x, h, *, W, U, b):
    """One matrix, four operands, one of them a parameter."""
    h = tanh(W.h @ x + U.h @ b.h + U.h @ (U.h @ h) - U.h @ h)
    return h


EXTRA = [
    two_products,
    other_size,
    every_function,
    delay,
    swapped,
    residual,
    residual_inside,
    one_value_twice,
    constant_state,
    state_from_parameter,
    one_matrix_often,
]


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.many) for name in ZOO])
def test_every_cell_of_the_zoo(name):
    report = check_cell(ZOO[name], ranges=RANGES.get(name))
    # (where the phased one's gate is closed, gradients are a thousandth: the leak)
    assert report.passed and report.worst.error < (1e-12 if name == "phased_lstm" else 1e-13)


@pytest.mark.parametrize("cell", EXTRA, ids=lambda cell: cell.name)
def test_cells_unlike_those_of_the_zoo(cell):
    assert check_cell(cell, seed=1).passed


def test_the_cell_of_every_function_has_them_all():
    used = {node.attr for node in every_function.graph.order if node.op == "call"}
    assert {name for name, row in FUNCTIONS.items() if row.public} <= used


def test_every_gradient_is_compared_in_every_configuration():
    report = check_cell(gated.cells.projected_lstm)
    first = {row.quantity for row in report.rows if row.configuration == "5 steps"}
    expected = {"gradient of x", "gradient of the initial h", "gradient of the initial c"}
    expected |= {f"gradient of l0.{name}" for name in gated.cells.projected_lstm.parameters}
    assert expected <= first
    both = {row.quantity for row in report.rows if row.configuration == "two layers, bidirectional"}
    assert {f"gradient of {k}.P.h" for k in ("l0", "l0_reverse", "l1", "l1_reverse")} <= both
    assert len({row.configuration for row in report.rows if row.bound is None}) == 6


def test_the_states_and_adjoints_are_not_at_rest():
    # each gradient that is compared is a real one: nothing of the zoo's most common cell is zero
    rows = [row for row in check_cell(gated.cells.peephole_lstm).rows if row.quantity.startswith("gradient")]
    assert all(row.norms[1] > 1e-3 for row in rows)


PASSES = ("y", "gradient of x", "gradient of l0.b.f", "gradient of the initial c", "y of infer", "y of stream")


def test_the_machine_code_is_compared_in_every_configuration():
    report = check_cell(gated.cells.lstm)
    rows = {(row.configuration, row.quantity) for row in report.rows if row.bound is not None}
    for dtype in ("float64", "float32"):
        for name in PASSES:
            assert ("7 steps, 19 units", f"native {dtype}: {name}") in rows
            assert (("mixed lengths", f"native {dtype}: {name}") in rows) == (name != "y of stream")
        assert ("two layers, bidirectional", f"native {dtype}: gradient of l1_reverse.U.o") in rows
    assert len({configuration for configuration, _ in rows}) == 7
    assert report.worst.bound is None and report.worst.error < 1e-13, "the gradients are held to the tolerance"
    head = str(report).splitlines()[0]
    assert "machine code against NumPy: native float64 2.0e-13, native float32 " in head
    assert all(row.bound < 2e-5 for row in report.rows if row.bound is not None)


@pytest.mark.parametrize("name", ["forward", "backward", "infer"])
def test_wrong_machine_code_is_seen(monkeypatch, name):
    method = {"infer": "infer_chain"}.get(name, name)
    right = getattr(NativeBackend, method)

    def off(self, *args):
        result = right(self, *args)
        array = result.y if name == "forward" else result[0]
        array *= 1.00001
        return result

    monkeypatch.setattr(NativeBackend, method, off)
    report = check_cell(gated.cells.rnn, raise_on_failure=False)
    quantity = {"forward": "y", "backward": "gradient of x", "infer": "y of infer"}[name]
    failed = {row.quantity for row in report.failures}
    assert {f"native float64: {quantity}", f"native float32: {quantity}"} <= failed
    assert all(quantity.startswith("native ") for quantity in failed)
    assert "machine code and NumPy differ" in str(report) and "native float64" in report.message()
    with pytest.raises(CheckFailed, match="native float"):
        check_cell(gated.cells.rnn)
    assert check_cell(gated.cells.rnn, backend="reference").passed


def test_a_wrong_stream_is_seen(monkeypatch):
    right = Stepper.step
    monkeypatch.setattr(Stepper, "step", lambda self: right(self) * np.float32(1.00001))
    failed = {row.quantity for row in check_cell(gated.cells.rnn, raise_on_failure=False).failures}
    assert {"native float64: y of stream", "native float32: y of stream"} <= failed
    assert all(quantity.endswith("of stream") for quantity in failed)


def test_the_machine_code_can_be_left_out():
    report = check_cell(gated.cells.rnn, backend="reference")
    assert all(row.bound is None for row in report.rows)
    assert str(report).splitlines()[0].endswith("machine code not compared")
    with pytest.raises(ArgumentError, match="backend: got 'llvm', expected one of 'native', 'reference'"):
        check_cell(gated.cells.rnn, backend="llvm")


def test_what_float32_cannot_hold_is_told():
    @gated.cell
    def cell(x, h, *, W):
        return tanh(W.h @ x + 1e-60 * (1e60 * h))

    report = check_cell(cell)
    assert report.passed and {row.quantity.split(":")[0] for row in report.rows if row.bound} == {"native float64"}
    (note,) = report.notes
    assert note.startswith("no machine code in float32 (dtype: got float32, in which the number 1e")


@gated.cell
def forgotten(x, h, c, m, *, W, U, b):
    """c is made anew from nothing that was; m remembers, and nobody asks it; b.z counts 0 times."""
    c = tanh(W.c @ x + U.c @ h)
    m = 0.5 * m + sigmoid(W.m @ x)
    return tanh(c) + 0 * b.z, c, m


NOTES = [
    (
        forgotten,
        [
            "the state c is never read: no equation uses what it was at the step before",
            "the state m never reaches the output h, at no later step either",
            "the parameter W.m has no influence on the output h, only on states that do not reach it",
            "the parameter b.z has no influence on the output h",
        ],
    ),
    (swapped, ["the input x has no influence on the output h"]),
    (delay, []),
    (constant_state, []),
]


@pytest.mark.parametrize(("cell", "notes"), NOTES, ids=lambda value: getattr(value, "name", ""))
def test_what_may_be_a_mistake_is_noted(cell, notes):
    report = check_cell(cell, backend="reference")
    assert report.passed and list(report.notes) == notes
    for note in notes:
        assert f"  note: {note}\n" in str(report)


def test_of_the_zoo_only_outputs_that_no_step_reads_are_noted():
    noted = {name: notes for name, cell in ZOO.items() if (notes := notes_on(cell.graph))}
    assert noted.keys() == {
        "memory_controller_lstm",
        "typed_lstm",
        "qrnn",
        "sru",
        "elstm",
        "scrn",
        "intersection_rnn",
        "lru",
        "rwkv4",
    }
    for name, (note,) in noted.items():
        assert note.startswith(f"the state {ZOO[name].states[0]} is never read: ")


def test_print_tells_of_a_state_that_is_never_read():
    assert str(forgotten).endswith("\n    (the state c is never read)") and "never read" not in str(delay)


# Machine code made of a wrong derivative would stay in this process's cache, for other tests: it is left out.


def with_wrong_derivative(monkeypatch, name, derivative):
    monkeypatch.setitem(FUNCTIONS, name, dataclasses.replace(FUNCTIONS[name], derivative=derivative))


def test_a_wrong_derivative_is_seen(monkeypatch):
    with_wrong_derivative(monkeypatch, "tanh", lambda a, y: (1.0 - y,))
    with pytest.raises(CheckFailed) as caught:
        check_cell(gated.cells.rnn, backend="reference")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("rnn: gradient of ", "seed 0", "relative error", "norm", "farthest off at [", "expected"):
        assert part in message
    assert isinstance(caught.value, (GatedError, AssertionError))


def test_the_wrong_gradients_are_told_from_the_right_ones(monkeypatch):
    # exp occurs only behind the output gate: what does not pass through it must stay right
    @gated.cell
    def cell(x, h, c, *, W):
        o = exp(W.o @ x)
        return tanh(W.h @ x), c + o

    with_wrong_derivative(monkeypatch, "exp", lambda a, y: (2.0 * y,))
    report = check_cell(cell, raise_on_failure=False, backend="reference")
    failed = {row.quantity for row in report.failures if row.configuration == "5 steps"}
    assert failed == {"gradient of x", "gradient of l0.W.o"}


def test_a_forgotten_term_is_seen(monkeypatch):
    # the mistake that a check from rest does not see: the path through c is cut
    right = ReferenceBackend.backward

    def forgets(self, scan, dy, dstates, gradients):
        return right(self, scan, dy, [dstates[0], np.zeros_like(dstates[1])], gradients)

    monkeypatch.setattr(ReferenceBackend, "backward", forgets)
    with pytest.raises(CheckFailed, match="gradient of"):
        check_cell(gated.cells.lstm)


def test_a_changed_argument_is_seen(monkeypatch):
    right = ReferenceBackend.backward

    def spoils(self, scan, dy, dstates, gradients):
        result = right(self, scan, dy, dstates, gradients)
        scan.states[0][...] += 1e-16
        scan.x[...] *= 1.0000000001
        dy[...] *= 1.0000000001
        return result

    monkeypatch.setattr(ReferenceBackend, "backward", spoils)
    failed = {row.quantity for row in check_cell(gated.cells.gru, raise_on_failure=False).failures}
    assert {"tape left alone", "arguments left alone", "second backward pass"} <= failed


def test_nan_gradients_fail(monkeypatch):
    with_wrong_derivative(monkeypatch, "tanh", lambda a, y: (y * float("nan"),))
    report = check_cell(gated.cells.rnn, raise_on_failure=False, backend="reference")
    assert not report.passed and np.isnan(report.worst.error)


def test_ranges_keep_a_cell_where_it_is_defined():
    @gated.cell
    def grows(x, h, n, *, W, p):
        n = sqrt(n * n + 1) + log(n) * 0 + 1 / p.n
        return tanh(W.h @ x) / n, n

    with pytest.raises(ArgumentError, match=r"ranges: got n not finite .* expected ranges"):
        check_cell(grows)
    assert check_cell(grows, ranges={"n": (0.5, 1.5), "p.n": (1, 2), "x": (-1, 1)}).passed


def test_seed_and_tolerance_are_used():
    a, b = check_cell(gated.cells.rnn, seed=0), check_cell(gated.cells.rnn, seed=1)
    assert a.rows[0].norms != b.rows[0].norms
    assert a == check_cell(gated.cells.rnn, seed=0)
    with pytest.raises(CheckFailed):
        check_cell(gated.cells.rnn, tolerance=1e-20)


def test_the_report_is_a_table(capsys):
    report = check_cell(gated.cells.rnn, verbose=True)
    text = capsys.readouterr().out
    assert text == str(report) + "\n"
    lines = text.splitlines()
    assert lines[0].startswith("rnn: seed 0, tolerance 1.0e-12") and lines[-1].startswith("  passed: ")
    # what the machine code did well is one line for each configuration and dtype, and the worst of it
    native = [row for row in report.rows if row.bound is not None]
    settings = {(row.configuration, row.quantity.split(":")[0]) for row in native}
    assert len(lines) == len(report.rows) - len(native) + len(settings) + 2
    assert all(line.endswith("ok") for line in lines[1:-1])
    here = [row for row in native if row.configuration == "1 step" and row.quantity.startswith("native float32")]
    assert f"native float32: all {len(here)} " in text and f"{max(row.error for row in here):8.1e}  ok" in text


def test_a_failed_report_says_where():
    rows = (Row("1 step", "gradient of x", 0.5, (1.0, 2.0), "farthest off at [0]: got 1, expected 2"),)
    report = CheckReport("cell", 0, 1e-12, rows)
    assert not report.passed and report.worst is rows[0] and report.failures == rows
    assert "WRONG  farthest off at [0]" in str(report) and "FAILED: 1 of 1" in str(report)


@gated.cell
def pole(x, h, *, W, U):
    return 1 / (W.h @ x + U.h @ h)


@gated.cell
def near_a_pole(x, h, c, *, W, U, b):
    c = c + tanh(W.h @ x + U.h @ h + b.h)
    return W.a @ x / c, c


@pytest.mark.parametrize("cell", [pole, near_a_pole], ids=lambda cell: cell.name)
@pytest.mark.parametrize("seed", range(8))
def test_no_right_cell_is_called_wrong_for_the_numbers_drawn(cell, seed):
    report = check_cell(cell, seed=seed)
    assert report.passed and report.worst.error < 1e-11
    told = [note for note in report.notes if "make rounding" in note]
    assert all(
        re.match(r"the numbers drawn \(.*\) make rounding \de\+\d\d times larger, and the bounds", n) for n in told
    )
    assert bool(told) == any(row.bound is not None and row.bound > 2e-13 for row in report.rows if "64" in row.quantity)


def test_a_mistake_is_seen_near_a_pole_too(monkeypatch):
    right = NativeBackend.backward

    def off(self, *args):
        result = right(self, *args)
        result[0][...] *= 1.001
        return result

    monkeypatch.setattr(NativeBackend, "backward", off)
    report = check_cell(pole, raise_on_failure=False)
    assert {"native float64: gradient of x"} <= {row.quantity for row in report.failures}


def test_what_cannot_be_compared_is_told(monkeypatch):
    monkeypatch.setattr("gated.audit.check.HOPELESS", 1e4)
    with pytest.raises(ArgumentError, match=r"^ranges: got numbers on which pole makes rounding \de\+\d+ times larger"):
        check_cell(pole)
