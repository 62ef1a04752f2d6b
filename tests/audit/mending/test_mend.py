"""The lines of a fault, and a mended copy: only what was measured is said, only what is right is offered."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from tests.audit.specimens import table as specimens

from gated.audit.code_audit import FAULTS, diagnose, explain
from gated.audit.foreign.process import open_foreign
from gated.audit.mending import Mending, locate_and_mend

RIGHT = Path(specimens.__file__).parent / "right"


@dataclass
class Mended:
    mending: Mending
    kinds: list[str]


def mend(path: Path, only: str | None = None, **how: Any) -> Mended:
    with open_foreign(path, only) as theirs:
        manners = [manner for manner in theirs.manners() if manner.kind in FAULTS]
        match = theirs.match()
        assert match is not None
        diagnosis = explain(theirs, match)
        mending = locate_and_mend(theirs, match, diagnosis, manners, **how)
    return Mended(mending, [*(m.kind for m in manners), *(f.kind for f in diagnosis.findings)])


def written(folder: Path, text: str) -> Path:
    path = folder / "theirs.py"
    path.write_bytes(text.encode())
    return path


def changed_lines(right: str, wrong: str) -> set[int]:
    """Lines of the wrong text that are not those of the right one."""
    blocks = SequenceMatcher(None, right.splitlines(), wrong.splitlines(), autojunk=False).get_opcodes()
    return {line + 1 for tag, _, _, first, end in blocks if tag != "equal" for line in range(first, end)}


SAMPLE = (
    "params_lstm: o without tanh c",
    "params_lstm: slope of tanh at c itself",
    "params_lstm: i with the wrong sign",
    "params_lstm: the path through c is cut",
    "params_lstm: the path through h is cut",
    "params_lstm: h misses f",
    "params_lstm: h through Ui untransposed",
    "params_lstm: the loss of earlier steps is dropped",
    "params_lstm: biases overwritten",
    "params_lstm: biases averaged over the batch",
    "params_lstm: W of the last step",
    "params_lstm: U sees c",
    "params_lstm: i and f exchanged",
    "params_lstm: averaged over time",
    "params_lstm: dhs changed in place",
    "params_gru: delta of h for that of r",
    "params_gru: r before the matrix",
    "params_gru_after: n without r on its way to U",
    "params_rnn: slope at the output before",
    "cs231n_lstm: dnext_c changed in place",
    "stepwise_lstm: biases of i and o are that of f",
    "question: x hears of o alone",
    "params_lstm: o without tanh c + i without g",
    "params_lstm: g without i + x misses o + biases averaged over the batch",
    "params_peephole_lstm: c misses the output peephole + c goes back without that of i",
    "params_gru: everything negative + delta of h for that of r + r before the matrix",
    "params_rnn: W hh untransposed + slope at the output before",
)


QUICK = (
    "params_lstm: o without tanh c",
    "params_lstm: biases overwritten",
    "cs231n_lstm: dnext_c changed in place",
    "params_rnn: W hh untransposed + slope at the output before",
)


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.many) for n in SAMPLE])
def test_lines_and_a_right_copy(name: str, tmp_path: Path) -> None:
    """Each fault has lines, one of them the edited one; the copy is right, and differs in those lines alone."""
    (specimen,) = (s for s in specimens.SPECIMENS if s.name == name)
    wrong, right = specimen.text(), (RIGHT / f"{specimen.right}.py").read_text(encoding="utf-8")
    found = mend(written(tmp_path, wrong), specimen.only, seconds=60).mending
    edited = changed_lines(right, wrong)
    assert found.lines and all(set(lines) & edited for lines in found.lines)
    assert found.text is not None and found.complete and all(found.mended)
    assert diagnose(written(tmp_path, found.text), specimen.only).verdict == "right"
    kept = [line for number, line in enumerate(wrong.splitlines(), 1) if number not in set().union(*found.lines)]
    assert [line for line in kept if line not in found.text.splitlines()] == []
    assert found.diff.startswith("--- a/theirs.py\n+++ b/theirs.py\n@@ ")


RNN = (RIGHT / "params_rnn.py").read_text(encoding="utf-8")


def test_the_rest_of_the_file_stays_byte_for_byte(tmp_path: Path) -> None:
    """Comments, blank lines, quotes, other brackets, letters beyond ASCII, ends of lines."""
    odd = RNN.replace(
        'dh = params["Whh"].T @ da', "dh = (  params['Whh'] @ da )   # ← 转置 ∂h\n\n        # 结束"
    ).replace("\n", "\r\n")
    found = mend(written(tmp_path, odd), seconds=60).mending
    assert found.text == odd.replace("params['Whh'] @ da", "params['Whh'].T @ da")
    line = odd[: odd.index("params['Whh']")].count("\n") + 1
    assert found.lines == ((line,),) and found.complete


def test_a_statement_over_several_lines(tmp_path: Path) -> None:
    old = "da = dh * (1 - hs[t + 1] ** 2)"
    text = RNN.replace(
        old, "da = (\n            dh  # what comes in\n            * (1 - hs[t] ** 2)  # its slope\n        )"
    )
    found = mend(written(tmp_path, text), seconds=60).mending
    line = text[: text.index("(1 - hs[t] ** 2)")].count("\n") + 1
    assert found.lines == ((line,),) and found.complete
    assert found.text is not None and "dh  # what comes in\n" in found.text and "# its slope\n" in found.text


def test_what_cannot_be_mended_is_not_offered(tmp_path: Path) -> None:
    """A factor that no edit of one place makes right again: no line, no patch."""
    text = RNN.replace('grads["bh"] += da', 'grads["bh"] += np.cos(3.0 * da + 1.0)')
    text = text.replace("dxs[t] =", 'dxs[t] = np.sin(hs[t]).sum() * params["Wxh"].sum() *')
    found = mend(written(tmp_path, text), seconds=1.5)
    assert found.mending.text is None and found.mending.diff == ""
    assert not any(found.mending.mended) and not any(found.mending.lines)


def test_what_can_be_mended_is_offered_beside_what_cannot(tmp_path: Path) -> None:
    text = RNN.replace('dh = params["Whh"].T @ da', 'dh = params["Whh"] @ da')
    text = text.replace('grads["bh"] += da', 'grads["bh"] += da * hs[t] * hs[t + 1] * da / da * dh / dh * dhs[t]')
    found = mend(written(tmp_path, text), seconds=6)
    offered = found.mending.text
    if offered is not None:  # the explanation may have found none of both
        assert 'dh = params["Whh"].T @ da' in offered and any(found.mending.mended)


def test_right_code_has_nothing_to_mend(tmp_path: Path) -> None:
    found = mend(written(tmp_path, RNN))
    assert found.mending == Mending((), ())


def test_a_loop_that_an_edit_makes_endless_is_left(tmp_path: Path) -> None:
    """Steps counted down by hand: an edit of the counter never ends, and the search goes on."""
    old = "    for t in range(len(xs) - 1, -1, -1):\n        dh = dh + dhs[t]\n"
    new = "    t = len(xs)\n    while t > 0:\n        t = t - 1\n        dh = dh - dhs[t]\n"
    found = mend(written(tmp_path, RNN.replace(old, new)), seconds=60).mending
    assert found.complete and found.text is not None and "dh = dh + dhs[t]" in found.text


def test_an_argument_that_is_written_into(tmp_path: Path) -> None:
    """a[t] += b has no a + b: a copy is made where the function begins, behind its docstring."""
    text = RNN.replace("hs = [h0,", '"""Gradients."""\n    hs = [h0,').replace(
        "dh = dh + dhs[t]", "dhs[t] += dh\n        dh = dhs[t]"
    )
    found = mend(written(tmp_path, text), seconds=60)
    assert found.kinds == ["in_place"] and found.mending.complete and found.mending.text is not None
    assert '"""Gradients."""\n    dhs = dhs.copy()\n    hs = [h0,' in found.mending.text
    assert found.mending.lines == ((text[: text.index("dhs[t] +=")].count("\n") + 1,),)


def test_a_layer_of_a_class(tmp_path: Path) -> None:
    """Gates in one array, methods, attributes of the object."""
    text = (RIGHT / "layer_lstm.py").read_text(encoding="utf-8")
    wrong = text.replace("dc * old * f * (1 - f)", "dc * c * f * (1 - f)")
    found = mend(written(tmp_path, wrong), seconds=60).mending
    assert found.text == text and found.complete


def test_functions_over_one_step(tmp_path: Path) -> None:
    text = (RIGHT / "step_gru.py").read_text(encoding="utf-8")
    wrong = text.replace("dprev_h = dah @ Wh.T + dnext_h * z", "dprev_h = dah @ Wh.T")
    found = mend(written(tmp_path, wrong), seconds=60).mending
    assert found.text is not None and found.complete and "+ dnext_h * z" in found.text


def test_an_autograd_function(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    text = (RIGHT / "torch_lstm.py").read_text(encoding="utf-8")
    wrong = text.replace("dc + dh * o * (1 - tc**2)", "dc + dh * (1 - tc**2)")
    found = mend(written(tmp_path, wrong), seconds=60).mending
    assert found.text is not None and found.complete and found.lines[0]
