"""Right today, wrong tomorrow: what is said beside the table of programs whose gradients are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.audit.foreign.files import written
from tests.audit.specimens import table as specimens

from gated.audit import diagnose
from gated.audit.foreign.process import open_foreign
from gated.audit.foreign.source import Source
from gated.audit.foreign.unmade import unmade
from gated.cli import main

RIGHT = Path(__file__).parents[1] / "specimens" / "right"
RNN = (RIGHT / "params_rnn.py").read_text(encoding="utf-8")
LAYER = (RIGHT / "layer_lstm.py").read_text(encoding="utf-8")
UPDATE = """
    def update(self, rate):
        self.params["W"] -= rate * self.W_grad
        self.params["b"] -= rate * self.bias_grad
"""


def test_every_fault_of_the_texts_is_somewhere() -> None:
    numbers = {n for specimen in specimens.SPECIMENS for n in specimen.numbers}
    assert not numbers & set(specimens.ELSEWHERE) - {39}
    assert numbers | set(specimens.ELSEWHERE) == set(range(1, 41))


def test_a_method_that_reads_what_nothing_makes(tmp_path: Path) -> None:
    audit = diagnose(written(tmp_path, LAYER + UPDATE))
    said = "update reads W_grad, bias_grad, which nothing makes: an AttributeError as soon as it is called"
    assert audit.verdict == "right" and said in audit.warnings
    assert said in str(audit)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (UPDATE, {"update": ["W_grad", "bias_grad"]}),
        (UPDATE + "\n\ndef give(layer):\n    layer.W_grad = layer.bias_grad = 0.0\n", {}),
        (UPDATE.replace("self.W_grad", "getattr(self, 'W_grad')"), {"update": ["bias_grad"]}),
        (UPDATE + "\n    def load(self, values):\n        self.__dict__.update(values)\n", {}),
        ("\n    W_grad = None\n" + UPDATE, {"update": ["bias_grad"]}),
        (UPDATE + "\n    @property\n    def bias_grad(self):\n        return 0\n", {"update": ["W_grad"]}),
        ("", {}),
    ],
)
def test_only_what_nothing_makes(tmp_path: Path, text: str, found: dict[str, list[str]]) -> None:
    assert unmade(Source(str(written(tmp_path, LAYER + text))), "LSTM") == found


def test_a_base_from_elsewhere_may_make_anything(tmp_path: Path) -> None:
    text = LAYER.replace("class LSTM:", "class LSTM(dict):") + UPDATE
    assert unmade(Source(str(written(tmp_path, text))), "LSTM") == {}
    text = LAYER.replace("class LSTM:", "class Base:\n    pass\n\n\nclass LSTM(Base):") + UPDATE
    assert set(unmade(Source(str(written(tmp_path, text))), "LSTM")) == {"update"}


def test_an_adjoint_of_the_last_output_alone() -> None:
    """A layer that gives an output at every step; not one that gives the last alone."""
    audit = diagnose(RIGHT / "stepwise_lstm.py", lang="zh")
    assert "backward 只接受最后一个输出的伴随：前面各步上的损失无法传入" in audit.warnings
    assert "没有给出 x 的梯度" in audit.warnings
    with open_foreign(RIGHT / "last_output_lstm.py") as found:
        assert "last_only" not in [m.kind for m in found.manners()]


def test_a_derivative_that_overflows(tmp_path: Path) -> None:
    text = specimens.BY_NAME["params_rnn: slope by cosh"].text()
    audit = diagnose(written(tmp_path, text))
    assert audit.verdict == "right"
    assert [w for w in audit.warnings if "a derivative that overflows" in w]
    with open_foreign(RIGHT / "params_rnn.py") as found:
        assert "large_gradient" not in [m.sentence for m in found.manners()]


def test_an_output_layer_stands_outside() -> None:
    audit = diagnose(RIGHT / "loss_rnn.py")
    assert "the output layer (Why, by) and the loss are not audited: the adjoint is that of the states before it" in (
        audit.warnings
    )


def test_padding_stands_outside(tmp_path: Path) -> None:
    text = RNN.replace("(params, xs, h0)", "(params, xs, h0, mask)").replace(
        "(params, xs, h0, dhs)", "(params, xs, h0, mask, dhs)"
    )
    text = text.replace("for x in xs:", "for x, m in zip(xs, mask):").replace("hs.append(h)", "hs.append(h * m)")
    text = text.replace("dh = dh + dhs[t]", "dh = dh + dhs[t] * mask[t]")
    audit = diagnose(written(tmp_path, text))
    assert audit.verdict == "right"
    assert "sequences of one length alone were given: what mask does with shorter ones is not audited" in audit.warnings


def test_a_reading_for_which_nothing_speaks_is_no_verdict(tmp_path: Path) -> None:
    """No cell gives these outputs and no gradient agrees: unknown. One that does, or one factor for all: wrong."""
    odd = RNN.replace('h = np.tanh(params["Wxh"]', 'h = 0.1 * h + np.tanh(params["Wxh"]')
    audit = diagnose(written(tmp_path, odd))
    assert audit.verdict == "unknown" and audit.doubtful and "not one gradient agrees" in str(audit)
    assert {row.right for row in audit.gradients} == {False}
    slope = "(1 - (hs[t + 1] - 0.1 * hs[t]) ** 2)"
    right = odd.replace("(1 - hs[t + 1] ** 2)", slope).replace('["Whh"].T @ da\n', '["Whh"].T @ da + 0.1 * dh\n')
    assert diagnose(written(tmp_path, right)).verdict == "right"
    twice = right.replace("dh = dh + dhs[t]", "dh = dh + 2 * dhs[t]")
    audit = diagnose(written(tmp_path, twice), lang="zh")
    assert audit.verdict == "wrong" and "前向传播不是已知的任何一种细胞" in audit.unexplained[0]


def test_what_to_write_stands_in_three_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "def bake(flour):\n    return flour\n")
    assert main(["audit", str(path)]) == 2
    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("error: theirs.py: no adapter fits; it defines bake")
    assert "def forward(params, xs, h0, c0)" in second and "def backward(params, cache, dhs)" in third


def test_a_backward_method_is_theirs_beside_a_function_of_another_module(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    step = (RIGHT / "torch_lstm.py").read_text(encoding="utf-8").partition("import torch\n")[2]
    path = written(tmp_path, specimens.BY_NAME["torch_manual_gru: everything negative"].text() + step)
    assert diagnose(path, "ManualGRU").verdict == "wrong"


def test_the_forward_pass_of_the_question() -> None:
    audit = diagnose(RIGHT / "question.py")
    assert audit.forward.differences == (
        "this is no LSTM",
        "hₜ₋₁ is never read: no gate has a recurrent matrix",
        "x and c share one weight: a peephole has a weight of its own",
    )


def test_an_array_changed_in_place_takes_no_whole_numbers(tmp_path: Path) -> None:
    specimen = specimens.BY_NAME["cs231n_lstm: dnext_c changed in place"]
    with open_foreign(written(tmp_path, specimen.text()), specimen.only) as found:
        assert {m.kind for m in found.manners()} >= {"in_place"}
