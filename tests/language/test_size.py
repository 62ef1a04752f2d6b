"""Large cells: how large they may be, that depth is no matter, and that what is shared is written once."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gated
from gated import tanh
from gated.cells import ZOO
from gated.errors import CellError, FileFormatError
from gated.language.limits import MAX_DOC, MAX_NAME, MAX_NODES, is_name
from gated.language.naming import DEEP, auxiliaries

DEEP_CELLS = Path(__file__).parent / "deep_cells.py"
_spec = importlib.util.spec_from_file_location("deep_cells", DEEP_CELLS)
assert _spec is not None and _spec.loader is not None
deep_cells = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(deep_cells)
LIMIT = 160  # levels of recursion: pytest alone has fifty, LLVM's emitter and dataclasses need most of the rest
LENGTHS = [("scaled", 300), ("sums", 300), ("functions", 300), ("shared", 150), ("squares", 100), ("wide", 100)]
LENGTHS.append(("products", 10))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "length"), LENGTHS)
def test_depth_is_no_matter(kind, length) -> None:
    command = [sys.executable, str(DEEP_CELLS), kind, str(length), str(LIMIT)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout == "done\n", result.stderr[-2000:]


# The limit


def test_what_can_be_made_can_be_saved_and_read_back() -> None:
    cell = deep_cells.cell_of("functions", MAX_NODES - 6)
    assert len(cell.graph.order) == MAX_NODES
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell


def test_more_is_refused_in_equations_and_in_files() -> None:
    with pytest.raises(CellError) as caught:
        deep_cells.cell_of("functions", MAX_NODES - 5)
    assert str(caught.value).endswith(
        "the equations of deep have 1025 values and operations, expected at most 1024; a loop over time steps is no "
        "part of a cell, which is one step"
    )
    data = deep_cells.cell_of("functions", MAX_NODES - 6).to_json()
    data["nodes"].append(["call", "tanh", "hidden", [len(data["nodes"]) - 1]])
    with pytest.raises(FileFormatError, match="'nodes' must be a list of 1 to 1024 nodes"):
        gated.Cell.from_json(data)


def test_the_zoo_is_far_from_the_limit() -> None:
    assert max(len(cell.graph.order) for cell in ZOO.values()) == 92


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (f"def cell(x, h):\n    {'g' * 101} = x + h\n    return {'g' * 101} * h\n", f"the name '{'g' * 40}', expected"),
        (f"def cell(x, {'s' * 101}):\n    return x + {'s' * 101}\n", f"one word of at most {MAX_NAME} letters"),
        (f"def cell(x, h, *, W):\n    return h + W.{'m' * 101} @ x\n", "the name 'mmmm"),
        (f"def {'c' * 101}(x, h):\n    return h + x\n", "the name 'cccc"),
        (f"def cell(x, h):\n    '''{'d' * (MAX_DOC + 1)}'''\n    return h + x\n", "the docstring has 20001 letters"),
    ],
)
def test_what_a_file_could_not_hold_cannot_be_made(source, part) -> None:
    scope: dict = {}
    exec(source, scope)
    with pytest.raises(CellError) as caught:
        gated.cell(next(value for name, value in scope.items() if name != "__builtins__"))
    assert part in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["h̃", "候选", "α", "x·y", "c_1", "_n", "ﬁ"])
def test_whatever_python_takes_for_a_name_survives_a_file(name) -> None:
    scope: dict = {"tanh": tanh}
    exec(f"def cell(x, h, *, W):\n    {name} = tanh(W.{name} @ x + h)\n    return {name} * h\n", scope)
    cell = gated.cell(scope["cell"])
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell
    assert not is_name(name + " ") and not is_name("") and not is_name(3) and not is_name("1a")


def test_control_characters_of_a_docstring_are_not_printed() -> None:
    def cell(x, h):
        return x + h

    cell.__doc__ = "red: \x1b[31m\x00 and\ttabs\nare fine"
    made = gated.cell(cell)
    assert made.doc == "red: \\x1b[31m\\x00 and tabs\nare fine" and gated.Cell.from_json(made.to_json()).doc == made.doc
    with pytest.raises(FileFormatError, match="without control characters") as caught:
        gated.Cell.from_json({**made.to_json(), "doc": "\x1b[31m"})
    assert "\x1b" not in str(caught.value) and r"\x1b[31m" in str(caught.value)


# What is shared is written once


def nested(levels: int) -> gated.Cell:
    def twice(v, times):
        for _ in range(times):
            v = v + v
        return v

    def doubled(x, h, *, W):
        return tanh(twice(W.h @ x + h, levels))

    return gated.cell(doubled)


@pytest.mark.parametrize("levels", [26, 400, 1000])
def test_what_nests_in_itself_is_short(levels) -> None:
    cell = nested(levels)
    for style in ("text", "latex", "numpy"):
        lines = cell.equations(style)
        assert len("\n".join(lines)) < 60 * (levels + 5) and len(lines) == len(auxiliaries(cell.graph)) + 1
        assert max(map(len, lines)) < 1000
    for format in ("text", "markdown", "latex", "numpy"):
        for lang in ("en", "zh"):
            assert len(cell.derive(format, lang)) < 1000 * (levels + 10)


def test_auxiliary_values_are_equations_like_others() -> None:
    cell = nested(6)
    assert cell.equations() == [
        "u1ₜ = " + " + ".join(["W_h xₜ + hₜ₋₁"] * 8),
        "hₜ = tanh(" + " + ".join(["u1ₜ"] * 8) + ")",
    ]
    layer = gated.Recurrent(cell, 2, 3, dtype="float64")
    x, h = np.ones((1, 1, 2)), np.full((1, 1, 3), 1e-3)
    scope = {"np": np, "x_t": x[0], "h_prev": h[0], "W_h": layer.params["l0.W.h"]}
    for line in cell.equations("numpy"):
        exec(line, scope)  # the printer's text
    np.testing.assert_allclose(scope["h"], layer.forward(x, (h,))[1][0][0], rtol=1e-13)


def test_names_of_auxiliary_values_are_free() -> None:
    def twelve_times(v):
        for _ in range(12):
            v = v + v
        return v

    def cell(x, h, *, W, u):
        v2 = twelve_times(W.h @ x + u.b)
        return tanh(v2) * h

    lines = gated.cell(cell).equations()
    assert [line.split()[0] for line in lines] == ["w1ₜ", "w2ₜ", "w3ₜ", "v2ₜ", "hₜ"]


def test_short_equations_stay_as_they_were_written() -> None:
    @gated.cell
    def cell(x, h, *, W, U):
        return tanh(W.h @ x + U.h @ h) * (1 - tanh(W.h @ x + U.h @ h))

    assert cell.equations() == ["hₜ = tanh(W_h xₜ + U_h hₜ₋₁) ⊙ (1 − tanh(W_h xₜ + U_h hₜ₋₁))"]


def test_deep_equations_are_cut_where_python_could_not_read_them() -> None:
    cell = deep_cells.cell_of("functions", 300)
    lines = cell.equations("numpy")
    assert 300 // DEEP < len(lines) < 300 // DEEP + 3 and max(line.count("(") for line in lines) <= DEEP
    compile("\n".join(lines), "equations", "exec")


def test_a_derivation_names_its_parts() -> None:
    text = nested(8).derive()
    names = ", ".join(f"u{k}ₜ" for k in range(1, 9))
    assert f"{names}: auxiliary values, parts of the equations to which the cell gives no name" in " ".join(
        text.split()
    )
    many = " ".join(nested(40).derive().split())
    assert "u10ₜ, u11ₜ, …, u40ₜ: auxiliary values" in many
    chinese = nested(8).derive(lang="zh")
    assert "u1ₜ、u2ₜ" in chinese and "辅助量" in chinese
