"""What is wrong before any formula, what cannot be explained, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.audit.diagnosis.spoilt import CELLS, spoilt

import gated
from gated.audit.diagnosis import explain_gradients
from gated.audit.diagnosis.sentences import say

CELL = gated.cells.rnn


def test_a_changed_argument_is_named() -> None:
    right = spoilt(CELL)

    def mine(parameters: Any, x: Any, states: Any, dy: Any) -> Mapping[str, Any]:
        said = right(parameters, x, states, dy)
        dy += 1.0
        return said

    (finding,) = explain_gradients(CELL, mine).findings
    assert (finding.kind, finding.where) == ("in_place", ("dy",))


def test_a_state_that_stays_is_named() -> None:
    right, kept = spoilt(CELL), {"b.h": np.zeros(5)}

    class Mine:
        def fresh(self) -> Any:
            kept["b.h"] = np.zeros(5)

            def again(*args: Any) -> Mapping[str, Any]:
                said = dict(right(*args))
                said["b.h"] = kept["b.h"] = kept["b.h"] + said["b.h"]
                return said

            return again

        def __call__(self, *args: Any) -> Mapping[str, Any]:
            return right(*args)

    (finding,) = explain_gradients(CELL, Mine()).findings
    assert (finding.kind, finding.where) == ("stale_state", ("b.h",))


def test_a_mean_over_the_batch_is_named() -> None:
    mine = spoilt(CELL, ("delta_h.sum(axis=0)", "delta_h.mean(axis=0)"))
    (finding,) = explain_gradients(CELL, mine).findings
    assert (finding.kind, finding.where) == ("averaged", ("b.h",))
    assert finding.text == "b.h: divided by the number of sequences; their sum is wanted"


def test_what_cannot_be_explained_is_narrowed_down() -> None:
    cell = gated.cells.lstm
    diagnosis = explain_gradients(cell, spoilt(cell, ("delta_o.T @ h_prev", "delta_o.T @ h_prev * np.cos(t)")))
    assert not diagnosis.explained
    assert diagnosis.unexplained == ["the gradient of U.o"]


@pytest.mark.parametrize(
    ("name", "edit", "where"),
    [
        ("peephole_lstm", ("do = dh * tanh_c", "do = dh * np.cos(3 * tanh_c)"), "the adjoint δ_oₜ at one step"),
        ("gru", ("dh = dy[t] + dh_next", "dh = dy[t] + dh_next[:, ::-1]"), "what is carried back into dhₜ"),
        ("gru_reset_after", ("(h_prev - n)", "np.cos(h_prev - n) + 0.1 * dh"), "the adjoint δ_zₜ at one step"),
    ],
)
def test_what_follows_from_it_is_not_counted_again(name: str, edit: tuple[str, str], where: str) -> None:
    diagnosis = explain_gradients(CELLS[name], spoilt(CELLS[name], edit))
    assert (diagnosis.findings, diagnosis.unexplained) == ([], [where])


def test_a_mean_over_time_of_all_parameters_is_one_finding() -> None:
    mine = spoilt(
        CELL, ("    return y, final_states", "    for g in grads.values():\n        g /= T\n    return y, final_states")
    )
    (finding,) = explain_gradients(CELL, mine).findings
    assert (finding.kind, finding.where) == ("averaged", ("W.h", "U.h", "b.h"))
    assert finding.certain


def test_formulas_stand_side_by_side_in_both_languages() -> None:
    mine = spoilt(gated.cells.gru, ("delta_r @ U_r", "delta_z @ U_r"))
    (english,) = explain_gradients(gated.cells.gru, mine).findings
    (chinese,) = explain_gradients(gated.cells.gru, mine, lang="zh").findings
    assert english.right == "dhₜ = dyₜ + dhₜ₊₁ ⊙ (1 − zₜ₊₁) + du1ₜ₊₁ ⊙ rₜ₊₁ + U_zᵀ δ_zₜ₊₁ + U_rᵀ δ_rₜ₊₁"
    assert english.theirs == english.right.replace("U_rᵀ δ_rₜ₊₁", "U_rᵀ δ_zₜ₊₁") == chinese.theirs
    assert english.text == "dhₜ: δ_zₜ stands where δ_rₜ belongs"
    assert chinese.text == "dhₜ ：应为 δ_rₜ ，却用了 δ_zₜ"
    assert english.certain
    assert english.where[-1] == "dh" and "W.r" in english.where


def test_every_sentence_has_both_languages() -> None:
    assert all(len(said) == 2 and all(said) for said in say.table.values())
