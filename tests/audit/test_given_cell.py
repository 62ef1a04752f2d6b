"""An audit that is told the user's own cell, whose parameters are found by name, by shape or by what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.audit.diagnosis.own_cells import two_memories
from typer.testing import CliRunner

from gated.audit import Audit, diagnose
from gated.cells import projected_rnn
from gated.cli.app import app
from gated.errors import ArgumentError, ForeignError
from gated.language import Cell, cell, sigmoid

GIVEN = Path(__file__).parent / "specimens" / "given"
CELL = f"{Path(__file__).parent / 'diagnosis' / 'own_cells.py'}:two_memories"


def audited(tmp_path: Path, file: str, *edits: tuple[str, str], cell: Cell = two_memories, lang: str = "en") -> Audit:
    text = (GIVEN / file).read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "code.py"
    path.write_text(text, encoding="utf-8")
    return diagnose(path, cell=cell, lang=lang)


@pytest.mark.parametrize(
    ("file", "edits", "gates"),
    [
        ("two_memories.py", (), "kan"),
        ("two_memories.py", (("b_", "bias_"), ('"p_a"', '"peep_a"')), "kan"),
        ("stacked.py", (), "nak"),
        ("stacked.py", (('"U"', '"recurrent"'), ('"W"', '"W_x"')), "nak"),
    ],
)
def test_parameters_are_found(tmp_path: Path, file: str, edits: tuple[tuple[str, str], ...], gates: str) -> None:
    audit = audited(tmp_path, file, *edits)
    assert audit.verdict == "right" and audit.forward.exact and audit.forward.given
    assert audit.forward.cell == "two_memories" and "".join(audit.forward.gates) == gates
    assert all(row.right for row in audit.gradients) and "the cell `two_memories` that was given" in str(audit)


@pytest.mark.parametrize(
    ("file", "old", "new", "kind", "where"),
    [
        ("two_memories.py", 'dm = dm * a + da * P["p_a"]', "dm = dm * a", "missing_term", "dm"),
        ("two_memories.py", "(dh * (np.tanh(new) - n) + dan * u)", "(dh * (np.tanh(new) - n))", "missing_term", "a_k"),
        ("stacked.py", "da = dm * (m - n) *", "da = -dm * (m - n) *", "wrong_sign", "a_a"),
        ("stacked.py", 'g["p"] += (da * m)', 'g["p"] += (da * n)', "wrong_operand", "p"),
    ],
)
def test_faults_are_named_in_its_terms(tmp_path: Path, file: str, old: str, new: str, kind: str, where: str) -> None:
    audit = audited(tmp_path, file, (old, new))
    (fault,) = audit.faults
    assert (audit.verdict, fault.kind, fault.where[-1]) == ("wrong", kind, where) and not audit.unexplained


def test_another_cell_is_said_to_be_another(tmp_path: Path) -> None:
    same = ("- n) + dan * u)", "- n))")
    other = audited(tmp_path, "two_memories.py", ("np.tanh(new) + (1 - k)", "np.tanh(new) + (1 - a)"), same)
    assert other.verdict == "wrong" and not other.forward.exact and not other.faults
    assert "it is not the cell `two_memories` that was given: its outputs are off by" in str(other)
    assert "the forward pass is not the cell that was given" in other.unexplained[0]


def test_a_cell_whose_parameters_are_not_there(tmp_path: Path) -> None:
    @cell
    def four_gates(x, h, m, *, W, U):  # type: ignore[no-untyped-def]
        m = sigmoid(W.f @ x) * m + sigmoid(W.i @ x) * (U.g @ h)
        h = sigmoid(W.o @ x) * m
        return h, m

    far = audited(tmp_path, "two_memories.py", cell=four_gates, lang="zh")
    assert far.verdict == "right" and far.forward.cell is None and "找不到给定的细胞" in str(far)


def test_without_it_the_message_says_how_to_give_it() -> None:
    with pytest.raises(ForeignError, match=r"--cell FILE\.py:NAME"):
        diagnose(GIVEN / "two_memories.py")


def test_what_is_no_cell_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"cell: got 'lstm', expected a cell, as `@gated.cell` makes it"):
        diagnose(GIVEN / "two_memories.py", cell="lstm")  # type: ignore[arg-type]

    @cell
    def of_u(u, h, *, W, U):  # type: ignore[no-untyped-def]
        h = sigmoid(W.a @ u + U.a @ h)
        return h

    with pytest.raises(ArgumentError, match="cell: got of_u, whose input is u, expected x as its first argument"):
        diagnose(GIVEN / "two_memories.py", cell=of_u)
    with pytest.raises(ArgumentError, match="got projected_rnn with sizes .*, expected one size for all"):
        diagnose(GIVEN / "two_memories.py", cell=projected_rnn)


def test_the_command_takes_it() -> None:
    done = CliRunner().invoke(app, ["audit", str(GIVEN / "stacked.py"), "--cell", CELL])
    assert done.exit_code == 0 and "the cell `two_memories` that was given" in done.output
