"""Matrices that are made of parameters: what they are while they are traced, in print, in files."""

from __future__ import annotations

import copy
import json

import pytest

import gated
from gated import abs, number, sigmoid, tanh, where
from gated.calculus.influence import notes_on
from gated.calculus.made import made_matrices
from gated.errors import ArgumentError, CellError, FileFormatError
from gated.language import Cell
from gated.language.limits import MAX_MATRIX
from gated.language.printing import TEXT, Printer
from gated.schedule import schedule


@gated.cell
def several(x, h, *, W, U, S, A, B, b):
    M = abs(U.h) * S.m
    return tanh(M @ h + W.a.T @ x + A.f @ B.f.T @ h + (2 * sigmoid(-U.h)) @ h + b.h)


def traced(step) -> str:  # type: ignore[no-untyped-def]
    (line,) = gated.cell(step).equations()
    return line


class TestWhatIsWritten:
    def test_every_style(self) -> None:
        assert several.equations() == [
            "hₜ = tanh((|U_h| ⊙ S_m) hₜ₋₁ + W_aᵀ xₜ + A_f (B_fᵀ hₜ₋₁) + (2 · σ(−U_h)) hₜ₋₁ + b_h)"
        ]
        assert (
            r"\left(\left|U_{h}\right| \odot S_{m}\right) h_{t-1} + W_{a}^{\top} x_{t}" in several.equations("latex")[0]
        )
        assert "h_prev @ (np.abs(U_h) * S_m).T + x_t @ W_a + (h_prev @ B_f) @ A_f.T" in several.equations("numpy")[0]

    def test_shapes_follow_from_the_use(self) -> None:
        assert several.parameters == {
            "W.a": ("input", "hidden"),
            "U.h": ("hidden", "hidden"),
            "S.m": ("hidden", "hidden"),
            "A.f": ("hidden", "inner1"),
            "B.f": ("hidden", "inner1"),
            "b.h": ("hidden",),
        }

    def test_who_runs_it_finds_matrices_among_the_parameters(self) -> None:
        core = several.graph.core
        assert list(core.parameters) == ["A.f", "b.h", "abs(U.h) * S.m", "W.a.T", "B.f.T", "2 * sigmoid(-U.h)"]
        assert core.parameters["W.a.T"] == ("hidden", "input") and core.outputs is several.graph.outputs
        assert gated.cells.lstm.graph.core is gated.cells.lstm.graph

    def test_twice_transposed_is_the_parameter(self) -> None:
        assert traced(lambda x, h, *, U: U.h.T.T @ h + x) == "hₜ = U_h hₜ₋₁ + xₜ"

    def test_what_is_made_of_parameters_is_a_vector_where_it_is_used_as_one(self) -> None:
        cell = gated.cell(lambda x, h, *, p: x + sigmoid(p.a + 1) * h)
        assert cell.parameters == {"p.a": ("input",)} and not cell.graph.made

    def test_a_name_that_vectors_have_is_kept(self) -> None:
        @gated.cell
        def keeping(x, h, *, b, W):
            keep = sigmoid(b.k)
            return keep * h + (1 - keep) * (W.h @ x)

        assert keeping.equations()[0] == "keepₜ = σ(b_k)"

    def test_one_matrix_for_equal_expressions(self) -> None:
        cell = gated.cell(lambda x, h, *, U: (U.h - U.h.T) @ h + (U.h - U.h.T) @ (h * h) + x)
        assert list(cell.graph.made) == ["U.h - U.h.T"]

    def test_comparisons_choose_among_matrices_too(self) -> None:
        assert traced(lambda x, h, *, U: where(abs(U.h) > 0.1, U.h, 0.0) @ h + x) == (
            "hₜ = where(|U_h| > 0.1, U_h, 0) hₜ₋₁ + xₜ"
        )
        for step in (lambda x, h, *, U: (U.h > 1) @ h + x, lambda x, h, *, U: (U.h > 1).T @ h + x):
            with pytest.raises(CellError, match="a comparison stands outside where"):
                gated.cell(step)

    def test_constants_and_numbers_of_the_cell(self) -> None:
        def step(x, h, *, U, p: number, gamma=0.5):  # type: ignore[no-untyped-def]
            return (gamma * p.s * U.h) @ h + x

        cell = gated.cell(step)
        assert cell.parameters["p.s"] == ("1",) and list(cell.graph.made) == ["gamma * p.s * U.h"]
        assert Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell
        assert list(schedule(cell.graph).graph.parameters) == ["0.5 * p.s * U.h"]

    def test_a_cell_in_a_cell_takes_its_matrices_along(self) -> None:
        def step(x, h, *, A, B, c):  # type: ignore[no-untyped-def]
            return 0.5 * gated.cells.antisymmetric_rnn(x, h, W=A, U=B, b=c, gamma=0.3)

        assert traced(step) == "hₜ = 0.5 · (hₜ₋₁ + 0.1 · tanh((B_h − B_hᵀ) hₜ₋₁ − 0.3 · hₜ₋₁ + A_h xₜ + c_h))"

    def test_the_gradient_goes_through_the_map(self) -> None:
        made = made_matrices(gated.cell(lambda x, h, *, U: (U.h - 3 * U.h.T) @ h + x).graph)
        assert made is not None
        (seed,) = made.seeds.values()
        assert Printer(TEXT, {seed: "dM"}).term(made.gradients["U.h"]) == "dM − 3 · dMᵀ"


def test_files_and_copies() -> None:
    data = json.loads(json.dumps(several.to_json()))
    again = Cell.from_json(data)
    assert again == several and again.equations() == several.equations() and again.to_json() == several.to_json()
    assert copy.deepcopy(several).parameters == several.parameters


def _changed(change) -> str:  # type: ignore[no-untyped-def]
    """What is said of the file of (U.h - U.h.T) @ h + x after a change of its nodes."""
    data = gated.cell(lambda x, h, *, U: (U.h - U.h.T) @ h + x).to_json()
    change(data["nodes"])
    with pytest.raises(FileFormatError) as caught:
        Cell.from_json(data)
    return str(caught.value)


def test_a_file_is_not_believed() -> None:
    nodes = gated.cell(lambda x, h, *, U: (U.h - U.h.T) @ h + x).to_json()["nodes"]
    assert [row[0] for row in nodes] == ["leaf", "transpose", "call", "leaf", "product", "leaf", "call"]
    assert "there is no matrix" in _changed(lambda n: n[4].__setitem__(1, [3]))  # a vector
    assert "there is no matrix" in _changed(lambda n: n[4].__setitem__(1, [-1]))
    assert "transpose of one matrix" in _changed(lambda n: n[1].__setitem__(3, [0, 0]))
    assert "there is no matrix 'U.x'" in _changed(lambda n: n[0].__setitem__(1, ["matrix", "U.x"]))
    assert "dimension" in _changed(lambda n: n[1].__setitem__(2, "hidden"))
    assert "joins dimensions" in _changed(lambda n: n[6].__setitem__(3, [4, 2]))  # a matrix among vectors
    assert "is applied to dimension" in _changed(lambda n: n[4].__setitem__(3, [2]))


def test_a_matrix_has_few_parts() -> None:
    def doubled(x, h, *, U):
        a = abs(U.h)
        for _ in range(60):
            a = a + a
        return a @ h + x

    with pytest.raises(CellError, match=rf"test_matrices.py:\d+: a matrix .* expected at most {MAX_MATRIX}"):
        gated.cell(doubled)


class TestLeftOut:
    def test_a_factor(self) -> None:
        assert several.without("S").equations() == ["hₜ = tanh(W_aᵀ xₜ + A_f (B_fᵀ hₜ₋₁) + (2 · σ(−U_h)) hₜ₋₁ + b_h)"]

    def test_a_term_leaves_the_parameter_itself(self) -> None:
        cell = gated.cell(lambda x, h, *, U, D: (U.h - D.h) @ h + x).without("D")
        assert cell.equations() == ["hₜ = U_h hₜ₋₁ + xₜ"] and not cell.graph.made

    def test_what_would_be_a_number_everywhere_is_refused(self) -> None:
        cell = gated.cell(lambda x, h, *, U: gated.exp(U.h) @ h + x)
        with pytest.raises(ArgumentError, match=r"exp\(U.h\) is 1 everywhere then"):
            cell.without("U")


def test_a_parameter_without_influence_is_noted() -> None:
    cell = gated.cell(lambda x, h, *, U, V: (0.0 * U.h + V.h) @ h + x)
    assert notes_on(cell.graph) == ["the parameter U.h has no influence on the output h"]
