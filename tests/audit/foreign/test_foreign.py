"""Somebody's own code: recognised, matched with a cell, differentiated, compared; in a child process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.audit.foreign.files import written
from tests.audit.specimens import table as specimens

from gated.audit.foreign import matching
from gated.audit.foreign.process import D, Foreign, H, open_foreign
from gated.cells import ZOO
from gated.errors import ArgumentError, ForeignError
from gated.nn import Recurrent

SPECIMENS = Path(__file__).parents[1] / "specimens"


# file -> cell, their gates in our letters, states that can be given, adjoint of the last output alone
EXPECTED = {
    "cs231n_lstm": ("lstm", "ifog", ("h",), False),
    "cs231n_rnn": ("rnn", "h", ("h",), False),
    "dictionary_lstm": ("lstm", None, ("h",), False),
    "layer_lstm": ("lstm", "figo", (), False),
    "params_gru": ("gru", None, ("h",), False),
    "params_gru_after": ("gru_reset_after", None, ("h",), False),
    "params_lstm": ("lstm", None, ("h", "c"), False),
    "params_peephole_lstm": ("peephole_lstm", None, ("h", "c"), False),
    "params_rnn": ("rnn", None, ("h",), False),
    "question": ("one_weight_lstm", None, ("h", "c"), False),
    "stepwise_lstm": ("lstm", None, ("h", "c"), True),
    "torch_lstm": ("lstm", "ifgo", ("h", "c"), False),
    "torch_module_lstm": ("lstm", "ifgo", ("h", "c"), False),
    "arrays_lstm": ("lstm", "ifgo", ("h", "c"), False),
    "cell_dictionary_lstm": ("lstm", "figo", ("h", "c"), False),
    "gates_lstm": ("lstm", "figo", ("h", "c"), False),
    "layer_gru": ("gru", "zrn", ("h",), False),
    "layer_rnn": ("rnn", "h", (), False),
    "params_stacked_peephole_lstm": ("peephole_lstm", "ifgo", ("h", "c"), False),
    "emptied_cache_lstm": ("lstm", "ifog", ("h", "c"), False),
    "tuple_lstm": ("lstm", "figo", ("h", "c"), False),
    "nested_gru": ("gru", None, ("h",), False),
    "loss_rnn": ("rnn", "h", ("h",), False),
    "one_result_lstm": ("lstm", "ifgo", ("h", "c"), False),
    "gate_axis_lstm": ("lstm", "ifgo", ("h", "c"), False),
    "squares_lstm": ("lstm", "ifog", (), False),
    "steps_rnn": ("rnn", "h", ("h",), False),
    "last_output_lstm": ("lstm", "ifog", (), True),
    "two_gates_gru": ("gru", None, ("h",), False),
    "step_gru": ("gru_reset_after", "rzn", ("h",), False),
    "cell_in_layer_gru": ("gru_reset_after", "rzn", ("h",), False),
    "gate_dictionaries_lstm": ("lstm", "ifog", (), False),
    "remembering_rnn": ("rnn", "h", ("h",), False),
    "stateful_lstm": ("lstm", "fgio", (), False),
    "torch_sequence_gru": ("gru", "zrn", (), False),
    "pair_lstm": ("lstm", "ifog", ("h", "c"), False),
    "lazy_lstm": ("lstm", "ifgo", (), False),
    "last_state_rnn": ("rnn", "h", (), True),
    "joined_gru": ("gru", None, ("h",), False),
    "torch_manual_gru": ("gru_reset_after", None, ("h",), False),
    "called_peephole_lstm": ("peephole_lstm", "ifog", (), False),
}


def of_cell(found: Foreign, rng: np.random.Generator, T: int, N: int, D: int, H: int) -> tuple[dict, dict]:
    """Their gradients and those of the cell itself, on the same numbers, by the cell's names."""
    cell = found.match().cell
    D = H if found.equal_sizes else D
    layer = Recurrent(cell, D, H, 1, dtype="float64", backend="reference")
    absent = found.match().absent
    for name, held in layer.params.items():
        held[...] = 0.5 * rng.standard_normal(held.shape) * (name.removeprefix("l0.") not in absent)
    P = {name.removeprefix("l0."): value.copy() for name, value in layer.params.items()}
    x, dy = rng.standard_normal((T, N, D)), rng.standard_normal((T, N, H))
    dy[: -1 if found.last_only else 0] = 0
    states = [rng.standard_normal((N, H)) * (s in found.states) for s in cell.graph.states]
    _, last, tape = layer.forward(x, tuple(s[None] for s in states))
    dx, dstates, grads = layer.backward(tape, dy, tuple(np.zeros_like(s) for s in last))
    right = {name.removeprefix("l0."): grads[name] for name in grads} | {"x": dx}
    right |= {s: d[0] for s, d in zip(cell.graph.states, dstates, strict=True)}
    return found.mine(P, x, states, dy), right


@pytest.mark.parametrize("name", specimens.RIGHT)
def test_right_code_is_recognised_matched_and_right(name: str) -> None:
    """No alarm, the cell and the order of its gates, and the same gradients as gated's own, for other sizes too."""
    if name.startswith("torch"):
        pytest.importorskip("torch")
    cell, gates, states, last_only = EXPECTED[name]
    rng = np.random.default_rng(21)
    with open_foreign(SPECIMENS / "right" / f"{name}.py") as found:
        table = found.table()
        assert table.right and not table.failure, [row for row in table.rows if row.right is False]
        assert (found.states, found.last_only) == (states, last_only)
        match = found.match()
        assert match is not None and match.exact and match.name == cell
        assert gates is None or "".join(match.gates) == gates
        assert bool(match.differences()) == (match.name not in ZOO) and len(match.notes()) <= 1
        for sizes in ((4, 2, 5, 6), (1, 1, 6, 5), (3, 3, 2, 3)):
            mine, right = of_cell(found, rng, *sizes)
            assert set(right) - set(mine) <= {"x", "h", "c"}
            for quantity, value in mine.items():
                size = max(np.linalg.norm(right[quantity]), 1e-3)
                assert np.linalg.norm(value - right[quantity]) < 1e-9 * size, quantity
        assert not {m.kind for m in found.manners()} - {
            "overflow",
            "tiny_check",
            "integer",
            "clipped",
            "last_only",
            "outside",
        }


def test_names_are_theirs() -> None:
    with open_foreign(SPECIMENS / "right" / "dictionary_lstm.py") as found:
        names = {row.name: row.kind for row in found.table().rows}
        assert names["Wf"] == "parameter" and names["x"] == "input" and names["a0"] == "state"
        assert "Wy" not in names  # an output layer that no output of the recurrence depends on
        assert found.match().their_name("U.g") == "Wc" and found.where == ("lstm_forward", "lstm_backward")


def test_a_function_can_be_named() -> None:
    with open_foreign(f"{SPECIMENS / 'right' / 'dictionary_lstm.py'}:lstm_cell_backward") as found:
        assert found.one_step and found.states == ("h", "c") and found.table().right
        mine, right = of_cell(found, np.random.default_rng(1), 3, 2, 4, 5)
        assert all(np.allclose(mine[n], right[n], 1e-9, 1e-12) for n in right)


@pytest.fixture(scope="module")
def in_process() -> Any:
    """Specimens are ours: here they are run without a child, which takes a second to start."""
    from gated.audit.foreign.find import find
    from gated.audit.foreign.source import Source

    return lambda path, name=None: find(Source(str(path)), name)


@pytest.mark.parametrize(
    "specimen",
    [pytest.param(s, marks=pytest.mark.many if k % 6 else ()) for k, s in enumerate(specimens.SPECIMENS)],
    ids=lambda s: s.name,
)
def test_wrong_code_is_wrong(specimen: Any, tmp_path: Path, in_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has something wrong, in the gradients whose own sum is wrong at least; or a manner says it."""
    from gated.audit.foreign.manners import manners
    from gated.audit.foreign.source import Source
    from gated.audit.foreign.table import table

    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "specimen.py"
    path.write_text(specimen.text(), encoding="utf-8")
    subject = in_process(path, specimen.only)
    found = table(subject, seeds=(1,))
    assert not found.failure
    wrong = {row.name for row in found.rows if row.right is False}
    for fault in specimen.faults:
        if fault.kind in ("in_place", "stale_state"):
            assert [m.where for m in manners(subject, Source(str(path))) if m.kind == fault.kind] == [*fault.where]
        elif not fault.kind:
            assert found.right
        else:
            assert wrong and {n for n in fault.where if n in {r.name for r in found.rows}} <= wrong
    assert all(row.worst_step for row in found.rows if row.right is False)


RNN = (SPECIMENS / "right" / "params_rnn.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\nprint('hello')\nsys.exit(3)\n", r"their code called sys\.exit\(3\)"),
        ("raise KeyError('x')\n", r"KeyError: 'x' \(line 1\)"),
        ("", "theirs.py: got a file without functions and classes, expected a forward and a backward pass"),
        ("\0\1", "SyntaxError: source code string cannot contain null bytes"),
        ("import no_such_module_here\n", r"ModuleNotFoundError: No module named 'no_such_module_here' \(line 1\)"),
        ("from .beside import f\n", r"ModuleNotFoundError: No module named '.*beside' \(line 1\)"),
        ("raise ValueError('two\\nlines')\n", r"ValueError: two\\nlines \(line 1\)"),
        ("def f(:\n", r"SyntaxError: .* \(line 1\)"),
        ("import os\nos._exit(5)\n", r"their code: got an ended process \(exit status 5, open\), expected functions"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
            r"their code: got an ended process \(signal SIGSEGV, open\)",
        ),
        ("import numpy as np\na = np.ones((1 << 31, 8))\n", "their code asked for more memory than it may have"),
        ("input()\n", r"EOFError: .* \(line 1\)"),
        ("def f(n):\n    return f(n + 1)\n\nf(0)\n", "RecursionError: .*"),
    ],
)
def test_what_their_code_does_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ForeignError, match=f"^{message}") as error:
        open_foreign(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_an_endless_loop_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ForeignError, match=r"^their code: got no answer within 4 s \(open\), expected an end"):
        open_foreign(written(tmp_path, "while True:\n    pass\n"), seconds=4)


def test_a_loop_in_backward_is_ended_as_well(tmp_path: Path) -> None:
    text = RNN.replace(
        "    for t in range(len(xs) - 1, -1, -1):",
        "    while len(xs) == 5:\n        pass\n    for t in range(len(xs) - 1, -1, -1):",
    )
    with open_foreign(written(tmp_path, text), seconds=8) as found:
        with pytest.raises(ForeignError, match=r"^their code: got no answer within 8 s \(table\)"):
            found.table()
        with pytest.raises(ForeignError, match="ended process|no answer"):
            found.manners()


def test_what_they_print_and_change_stays_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "import os, sys, numpy as np\nprint('noise' * 10000)\nos.environ['THEIRS'] = '1'\nnp.random.seed(1)\n"
    text += "print('more', file=sys.stderr)\nos.chdir('/')\n" + RNN.replace(
        "h, hs = h0, []", "h, hs = h0, []\n    print(h)"
    )
    directory, modules, paths = os.getcwd(), set(sys.modules), list(sys.path)
    with open_foreign(written(tmp_path, text)) as found:
        assert found.table().right
    assert capfd.readouterr() == ("", "") and "THEIRS" not in os.environ and os.getcwd() == directory
    assert set(sys.modules) == modules and sys.path == paths


def test_a_backward_pass_that_raises_is_a_finding(tmp_path: Path) -> None:
    text = RNN.replace("dh = dh + dhs[t]", "dh = dh + dhs[t] + undefined")
    with open_foreign(written(tmp_path, text)) as found:
        table = found.table()
        assert not table.right and table.failure == "NameError: name 'undefined' is not defined"
        assert found.match().cell.name == "rnn"


def test_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(
        ForeignError,
        match=r"^theirs.py: no adapter fits; it defines f, g, and nothing called backward, bptt or grad\nwrite beside",
    ) as error:
        open_foreign(written(tmp_path, "def f(a):\n    return a\n\n\ndef g(a):\n    return a\n"))
    assert len(str(error.value).split("\n")) == 3
    with pytest.raises(ForeignError, match=r"^name: got h, expected one of those that the file defines: f, g$"):
        open_foreign(written(tmp_path, "def f(a):\n    return a\n\n\ndef g(a):\n    return a\n"), "h")
    with pytest.raises(ArgumentError, match=r"^path: got '.*nothing.py', expected a Python file, or file.py:name"):
        open_foreign(tmp_path / "nothing.py")


def test_only_the_last_output(tmp_path: Path) -> None:
    """A layer without return_sequences takes the adjoint of the last output; earlier ones are refused, not ignored."""
    text = (SPECIMENS / "right" / "layer_lstm.py").read_text(encoding="utf-8")
    text = text.replace("return_sequences=False", "seed=0").replace(
        " = hidden_size, return_sequences", " = hidden_size, False"
    )
    with open_foreign(written(tmp_path, text)) as found:
        assert found.last_only and found.table().right
        P, x = {n: np.ones(s) for n, s in found.shapes(3, 4).items()}, np.ones((2, 1, 3))
        with pytest.raises(ForeignError, match="dy: their code takes the adjoint of the last output alone"):
            found.gradients(P, x, {}, np.ones((2, 1, 4)))


def test_a_state_that_theirs_does_not_take(tmp_path: Path) -> None:
    with open_foreign(SPECIMENS / "right" / "cs231n_lstm.py") as found:
        P = found.match().to_ours({n: np.ones(s) for n, s in found.shapes(D, H).items()}, D, H)
        with pytest.raises(ArgumentError, match="^states: got an initial c that is not zero, expected zero"):
            found.mine(P, np.ones((2, 1, D)), [np.ones((1, H)), np.ones((1, H))], np.ones((2, 1, H)))


def test_differences_where_numbers_may_not_be_complex(tmp_path: Path) -> None:
    """Their outputs lie in an array of float64, which complex numbers do not fit: no alarm."""
    text = (SPECIMENS / "right" / "cs231n_rnn.py").read_text(encoding="utf-8")
    text = text.replace(
        "    return np.stack(h, 1), cache",
        "    out = np.zeros(np.shape(h), float)\n    out[...] = np.array(h)\n    return out.swapaxes(0, 1), cache",
    )
    with open_foreign(written(tmp_path, text)) as found:
        table = found.table()
        assert not table.exact and table.right and max(row.relative_error for row in table.rows) < 1e-8


def test_right_at_one_step_alone(tmp_path: Path) -> None:
    with open_foreign(written(tmp_path, RNN.replace('dh = params["Whh"].T @ da', "dh = 0 * dh"))) as found:
        assert not found.table().right_only_at_one_step  # h0 is wrong at one step too
    text = RNN.replace('dh = params["Whh"].T @ da', 'dh = params["Whh"].T @ da * (1 if t == 0 else 0)')
    with open_foreign(written(tmp_path, text)) as found:
        assert found.table().right_only_at_one_step


def test_state_that_is_kept_between_calls(tmp_path: Path) -> None:
    text = RNN.replace(
        "def outputs(params, xs, h0):\n    h, hs = h0, []",
        "calls = [0.0]\n\n\ndef outputs(params, xs, h0):\n    calls[0] += 1e-6\n    h, hs = h0 + calls[0], []",
    )
    with open_foreign(written(tmp_path, text)) as found:
        kinds = [(m.kind, m.sentence) for m in found.manners()]
        assert ("stale_state", "other_outputs") in kinds


def test_an_array_of_whole_numbers(tmp_path: Path) -> None:
    text = RNN.replace(
        "dxs = np.zeros_like(xs)",
        "dxs = np.zeros_like(xs)\n    dhs = dhs / np.ones_like(dhs) * 0.5 if dhs.dtype.kind == 'i' else dhs",
    )
    with open_foreign(written(tmp_path, text)) as found:
        assert [m.where for m in found.manners() if m.kind == "integer"] == ["dy"]


LSTM = (SPECIMENS / "right" / "params_lstm.py").read_text(encoding="utf-8")
GRU = (SPECIMENS / "right" / "params_gru.py").read_text(encoding="utf-8")


# their forward pass, what is changed in it -> the cell that was meant, the sentence, the gate
DEPARTURES = [
    (LSTM, "o * np.tanh(new), new", "o * new, new", "lstm", "no_tanh_c", ""),
    (LSTM, "o * np.tanh(new), new", "np.tanh(o * new), new", "lstm", "tanh_outside", ""),
    (LSTM, 'h @ p["Uf"]', '0 * h @ p["Uf"]', "lstm", "no_recurrence", "f"),
    (LSTM, "new = f * c + i * g", "new = (1 - i) * c + i * g", "lstm", "coupled_i", ""),
    (LSTM, "g = np.tanh(x", "g = sigma(x", "lstm", "sigmoid_candidate", "g"),
    (GRU, '(r * h) + p["bn"]', 'h + p["bn"]', "gru", "unused", "r"),
    (GRU, "h = (1 - z) * h + z * n", "h = z * n", "gru", "no_old", ""),
]


@pytest.mark.parametrize(("text", "old", "new", "cell", "sentence", "gate"), DEPARTURES, ids=lambda v: str(v)[:24])
def test_what_their_forward_pass_departs_in(
    text: str, old: str, new: str, cell: str, sentence: str, gate: str, tmp_path: Path
) -> None:
    assert text.count(old) == 1
    with open_foreign(written(tmp_path, text.replace(old, new))) as found:
        match = found.match()
    assert (
        match.exact
        and match.name == cell
        and match.different == ((sentence, gate),)
        and (match.far > 1e-3 or sentence == "no_recurrence")
    )
    english, chinese = match.differences("en"), match.differences("zh")
    assert len(english) == len(chinese) == 1 and english != chinese


@pytest.mark.parametrize("name", ["nested_gru", "two_gates_gru"])
def test_the_update_gate_may_keep_h(name: str) -> None:
    """As a cell of its own, so that formulas read as theirs do."""
    with open_foreign(SPECIMENS / "right" / f"{name}.py") as found:
        match = found.match()
    assert match.cell.equations()[-1] == "hₜ = zₜ ⊙ hₜ₋₁ + (1 − zₜ) ⊙ nₜ" and all(p.sign == 1 for p in match.pieces)
    assert match.name == "gru" and not match.differences() and len(match.notes("zh")) == 1


def test_biases_that_they_do_not_have_are_none_of_the_cell() -> None:
    with open_foreign(SPECIMENS / "right" / "steps_rnn.py") as found:
        match = found.match()
    assert match.absent == ("b.h",) and set(match.cell.parameters) == {"W.h", "U.h"} and match.name == "rnn"


RENAMED = {
    "params_gru": ("Wz Wxz", "Wr Wxr", "Wn Wxh", "Uz Whz", "Ur Whr", "Un Whh", "bn bh"),
    "params_peephole_lstm": ("pi Wci", "pf Wcf", "po Wco"),
}


@pytest.mark.parametrize("name", RENAMED)
def test_other_names(name: str, tmp_path: Path) -> None:
    """The operand before the gate, h for the candidate; peepholes as weights on c."""
    text = (SPECIMENS / "right" / f"{name}.py").read_text(encoding="utf-8")
    for old, new in (pair.split() for pair in RENAMED[name]):
        text = text.replace(f'"{old}"', f'"{new}"')
    with open_foreign(written(tmp_path, text)) as found:
        assert found.table().right and found.match().exact and found.match().cell.name == name.removeprefix("params_")
        mine, right = of_cell(found, np.random.default_rng(2), 3, 2, 4, 5)
        assert set(mine) == set(right) and all(np.allclose(mine[n], right[n], 1e-9, 1e-12) for n in right)


@pytest.mark.parametrize("name", ["li_gru", "janet", "mut3"])
def test_a_rare_cell_is_recognised_to_rounding_or_not_at_all(name: str) -> None:
    rng = np.random.default_rng(1)
    layer = Recurrent(ZOO[name], 3, 5, dtype="float64", backend="reference")
    layer.theta[:] = rng.normal(0, 0.5, layer.theta.size)
    arrays = {key.removeprefix("l0.").replace(".", "_"): value for key, value in layer.params.items()}
    shapes = {key: value.shape for key, value in arrays.items()}
    x, h = rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 5))
    y = layer.forward(x, (h[None],))[0]
    found = matching.match(shapes, arrays, x, {"h": h}, y)
    assert found is not None and found.cell.name == name and found.error <= 1e-14
    near = matching.match(shapes, arrays, x, {"h": h}, y * 1.01)
    assert near is None or near.name != name
