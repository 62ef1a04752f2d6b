"""Loops that end too soon, sums that are not taken, adjoints that do not come back: one fault each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.audit.diagnosis.spoilt import CELLS, spoilt

import gated
from gated.audit.diagnosis import explain_gradients

CELL = gated.cells.rnn
LOOP = "for t in reversed(range(T))"
DH = {
    "rnn": "dh_next = delta_h @ U_h",
    "lstm": "dh_next = delta_o @ U_o + delta_g @ U_g + delta_f @ U_f + delta_i @ U_i",
    "gru": "dh_next = dh * (1.0 - z) + du1 * r + delta_z @ U_z + delta_r @ U_r",
}


def kinds(name: str, *edits: tuple[str, str], **options: Any) -> list[tuple[str, str]]:
    diagnosis = explain_gradients(CELLS[name], spoilt(CELLS[name], *edits), **options)
    assert diagnosis.explained, (diagnosis.unexplained, diagnosis.errors)
    return [(finding.kind, finding.where[-1]) for finding in diagnosis.findings]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_loop_that_leaves_out_the_last_step(name: str) -> None:
    (found,) = kinds(name, (LOOP, LOOP.replace("range(T)", "range(T - 1)")))
    assert found[0] == "missing_term"


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_loop_that_leaves_out_the_first_step(name: str) -> None:
    (found,) = kinds(name, (LOOP, LOOP.replace("range(T)", "range(1, T)")))
    assert found[0] == "missing_term"


@pytest.mark.parametrize("name", DH)
def test_an_adjoint_that_is_handed_on_as_it_is(name: str) -> None:
    ((kind, where),) = kinds(name, (DH[name], "dh_next = dh"))
    assert kind in ("wrong_delta", "cut_path") and where == "dh"


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_all_of_an_adjoint_with_the_wrong_sign(name: str) -> None:
    assert kinds(name, ("dh = dy[t] + dh_next", "dh = -(dy[t] + dh_next)")) == [("wrong_sign", "dh")]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_loss_that_is_not_taken_in(name: str) -> None:
    assert kinds(name, ("dh = dy[t] + dh_next", "dh = dh_next")) == [("missing_term", "dh")]


def test_a_row_in_the_place_of_a_sum_over_the_batch() -> None:
    assert kinds("rnn", ("delta_h.sum(axis=0)", "delta_h[0]")) == [("not_summed", "b.h")]
    assert kinds("rnn", ("delta_h.sum(axis=0)", "delta_h[-1]")) == [("not_summed", "b.h")]


@pytest.mark.parametrize("edited", ["U.h", "W.h U.h", "W.h U.h b.h"])
def test_sums_that_are_overwritten_where_states_start_at_zero(edited: str) -> None:
    edits = [(f'grads["{name}"] +=', f'grads["{name}"] =') for name in edited.split()]
    ((kind, where),) = kinds("rnn", *edits, initial=[])
    assert kind == "not_summed" and where in edited


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.001, 5.0])
def test_a_rate_that_has_no_place_there(rate: float) -> None:
    edit = ('grads["U.f"] += delta_f.T', f'grads["U.f"] += {rate} * delta_f.T')
    assert kinds("lstm", edit) == [("extra_factor", "U.f")]


def test_nothing_that_enters_the_cell_state() -> None:
    assert kinds("lstm", ("dc = dc_next + dh * o * (1.0 - tanh_c * tanh_c)", "dc = dc_next")) == [
        ("missing_term", "dc")
    ]


def test_the_adjoint_of_an_auxiliary_value_from_another_gate() -> None:
    assert kinds("gru", ("du1 = delta_n @ U_n", "du1 = (dh * (n - h_prev) * z * (1.0 - z)) @ U_n")) == [
        ("wrong_delta", "du1")
    ]


def test_all_that_shows_a_node_is_wrong_and_the_node_too() -> None:
    edits = [
        ("delta_h = dh * (1.0 - h * h)", "delta_h = dh"),
        ('grads["W.h"] += delta_h.T', 'grads["W.h"] += (delta_h * h_prev).T'),
        ('grads["U.h"] += delta_h.T', 'grads["U.h"] += (delta_h * h).T'),
        ("delta_h.sum(axis=0)", "delta_h.sum(axis=0) / T"),
    ]
    assert sorted(where for _, where in kinds("rnn", *edits)) == ["U.h", "W.h", "a_h", "b.h"]


@pytest.mark.parametrize("wrong", [[], ["x"], ["h"]])
def test_values_of_the_outer_of_two_loops(wrong: list[str]) -> None:
    def mine(parameters: Any, x: Any, states: Any, dy: Any) -> Mapping[str, Any]:
        W, U, b = (parameters[name] for name in ("W.h", "U.h", "b.h"))
        hs = [states[0]]
        for step in x:
            hs.append(np.tanh(step @ W.T + hs[-1] @ U.T + b))
        grads = {name: np.zeros_like(value) for name, value in parameters.items()}
        dx = np.zeros_like(x)
        for t in range(len(x)):
            delta = dy[t] * (1 - hs[t + 1] ** 2)
            for s in range(t, -1, -1):
                grads["W.h"] += delta.T @ x[t if "x" in wrong else s]
                grads["U.h"] += delta.T @ hs[t if "h" in wrong else s]
                grads["b.h"] += delta.sum(0)
                dx[s] += delta @ W
                delta = delta @ U * (1 - hs[s] ** 2)
        return {**grads, "x": dx}

    diagnosis = explain_gradients(gated.cells.rnn, mine, initial=[])
    assert diagnosis.explained
    expected = {"x": ("wrong_operand", "W.h"), "h": ("wrong_operand", "U.h")}
    assert [(f.kind, f.where[-1]) for f in diagnosis.findings] == [expected[name] for name in wrong]


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ("dh @ U_o + dh @ U_g + dh @ U_f + dh @ U_i", "wrong_delta"),
        ("delta_o @ U_o.T + delta_g @ U_g.T + delta_f @ U_f.T + delta_i @ U_i.T", "transposed"),
        ("dc * f", "wrong_delta"),
    ],
)
def test_the_same_slip_in_all_that_comes_back(new: str, kind: str) -> None:
    assert kinds("lstm", (DH["lstm"], f"dh_next = {new}")) == [(kind, "dh")]


def test_an_adjoint_with_the_wrong_sign_of_which_two_others_are_made() -> None:
    edits = [
        ("du1 = delta_n @ U_n", "du1 = -delta_n @ U_n"),
        ('grads["W.n"] += delta_n.T', 'grads["W.n"] -= delta_n.T'),
        ("dz = dh * (n - h_prev)", "dz = dh * n"),
    ]
    assert sorted(kinds("gru", *edits)) == [("missing_term", "a_z"), ("wrong_sign", "W.n"), ("wrong_sign", "du1")]


def test_all_matrices_with_the_wrong_sign() -> None:
    edits = [(f'grads["{name}"] += ', f'grads["{name}"] -= ') for name in ("W.r", "W.z", "W.n", "U.r", "U.z", "U.n")]
    assert {kind for kind, _ in kinds("gru", *edits)} == {"wrong_sign"} and len(kinds("gru", *edits)) == 2


@pytest.mark.parametrize("before", ["x[t - 1]", "(x[t - 1] if t else 0 * x[t])"])
def test_the_input_of_the_step_before(before: str) -> None:
    edit = ('grads["W.f"] += delta_f.T @ x_t', f'grads["W.f"] += delta_f.T @ {before}')
    assert kinds("lstm", edit) == [("wrong_operand", "W.f")]


def test_rates_and_single_steps_of_all_matrices() -> None:
    edits = [(f'grads["U.{g}"] += ', f'grads["U.{g}"] += 0.01 * ') for g in "ifgo"]
    edits += [(f'grads["W.{g}"] += delta_{g}', f'grads["W.{g}"] += (t == 0) * delta_{g}') for g in "ifgo"]
    assert sorted(kinds("lstm", *edits)) == [("extra_factor", "U.o"), ("not_summed", "W.o")]
