"""An audit of somebody's file as it is read: data, JSON, the page for the terminal, the HTML file, the command."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.audit.specimens.table import BY_NAME

import gated
from gated.audit.diagnosis import KINDS
from gated.audit.pages.html import as_html
from gated.audit.pages.mathml import mathml
from gated.audit.pages.terminal import as_rich, as_text, lines
from gated.audit.pages.words import say, style
from gated.audit.verdict import Audit
from gated.calculus.markup import columns
from gated.cli import main
from gated.errors import ArgumentError

WRONG = "params_gru: r left out"
RIGHT = Path(__file__).parent / "specimens" / "right" / "params_rnn.py"
IN_PLACE = "cs231n_lstm: dnext_c changed in place"


def written(folder: Path, name: str) -> Path:
    path = folder / "their<code>.py"
    path.write_text(BY_NAME[name].text() if name in BY_NAME else RIGHT.read_text(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Audit]:
    path = written(tmp_path_factory.mktemp("code"), WRONG)
    return {lang: gated.audit.diagnose(path, lang=lang) for lang in ("en", "zh")}


@pytest.fixture(scope="module")
def right() -> Audit:
    return gated.audit.diagnose(RIGHT)


def test_the_json_is_what_is_promised(audits: dict[str, Audit]) -> None:
    held = json.loads(audits["en"].to_json())
    assert held["verdict"] == "wrong"
    assert held["forward"] == {"cell": "gru", "exact": True, "gates": held["forward"]["gates"], "differences": []}
    assert sorted(held["forward"]["gates"]) == ["n", "r", "z"]
    for row in held["gradients"]:
        assert set(row) == {"name", "right", "relative_error", "worst_step"}
        assert row["right"] is (row["relative_error"] < 1e-8)
        assert (row["worst_step"] is None) == row["right"]
    (fault,) = held["faults"]
    assert {"kind", "where", "text", "right", "theirs", "lines", "certain"} <= set(fault)
    assert fault["kind"] in KINDS and fault["certain"] is True
    assert fault["where"][-1] == "dh"
    assert set(fault["where"][:-1]) == {row["name"] for row in held["gradients"] if not row["right"]}
    assert held["warnings"] and held["unexplained"] == []


def test_right_code(right: Audit) -> None:
    assert right.verdict == "right" and right.faults == () and right.roads == ()
    assert all(row.right for row in right.gradients)
    assert "RIGHT" in str(right) and "what is wrong" not in str(right)
    assert "<svg" not in as_html(right)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 100])
def test_the_page_for_the_terminal(audits: dict[str, Audit], lang: str, width: int) -> None:
    audit = audits[lang]
    text = as_text(audit, width)
    assert str(as_rich(audit, width)).split() == text.split()
    code = re.compile(r" +\d+ \| ")  # a line of theirs may be longer
    assert max(columns(line) for line in text.splitlines() if not code.match(line)) <= width
    (fault,) = audit.faults
    for part in (fault.kind, *fault.where, *(row.name for row in audit.gradients)):
        assert part in text
    for formula in (fault.right, fault.theirs, fault.text):
        assert "".join(formula.split()) in "".join(text.split())
    assert say(lang, "wrong") in text and say(lang, "notation").split()[0] in text
    styles = {style for line in lines(audit, width) for _, style in line}
    assert {"bold red", "red", "green", "dim"} <= styles


def test_what_is_chinese(audits: dict[str, Audit]) -> None:
    """Only names, formulas and the words of the kinds are left of English."""
    audit = audits["zh"]
    said = [*(f.text for f in audit.faults), *audit.warnings, *audit.unexplained, style(audit)]
    english = re.compile(r"\b(?!gated|sigmoid|exp|dtype|backward|forward)[a-z]{4,} [a-z]{3,}")
    assert all(re.search("[一-鿿]", sentence) for sentence in said)
    assert not [sentence for sentence in said if english.search(sentence)]


class _Tags(HTMLParser):
    """Checks that what is opened is closed, and keeps what could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loading: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.loading += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "action")]
        assert tag not in ("script", "link", "iframe", "img")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("path", "rect")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_html_file(audits: dict[str, Audit], lang: str) -> None:
    page = as_html(audits[lang])
    tags = _Tags()
    tags.feed(page)
    assert tags.open == [] and tags.loading == []
    assert "their&lt;code&gt;.py" in page and "their<code>" not in page
    assert "url(http" not in page and "@import" not in page
    assert f'lang="{"zh-Hans" if lang == "zh" else "en"}"' in page
    for formula in re.findall(r"<math>.*?</math>", page):
        ElementTree.fromstring(formula)
    assert len(re.findall("<math>", page)) >= 2
    picture = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert picture
    root = ElementTree.fromstring(picture[0].replace(' xmlns="http://www.w3.org/2000/svg"', ""))
    wrong = [path for path in root.iter("path") if path.get("class") == "road wrong"]
    assert len(wrong) == 1, "one road is wrong in this file, and it is red"
    assert [text.text for text in root.iter("text") if text.get("class") == "label theirs"]


@pytest.mark.parametrize(
    "formula, expected",
    [
        ("dcₜ", '<msub><mrow><mi mathvariant="normal">d</mi><mi>c</mi></mrow><mi>t</mi></msub>'),
        ("U_iᵀ", "<msubsup><mi>U</mi><mi>i</mi><mo>⊤</mo></msubsup>"),
        (
            "u12ₜ₊₁",
            "<msub><mi>u12</mi><mrow><mi>t</mi><mo>+</mo><mn>1</mn></mrow></msub>",
        ),
        ("Σₜ", "<munder><mo>∑</mo><mi>t</mi></munder>"),
        ("(1 − a)²", None),
        ("δ_iₜ ⊙ iₜ ⊙ (1 − iₜ) < 0.5e-3", None),
    ],
)
def test_formulas(formula: str, expected: str | None) -> None:
    written = mathml(formula)
    assert expected is None or written == f"<math>{expected}</math>"
    plain = "".join(ElementTree.fromstring(written).itertext())
    folded = formula.translate(str.maketrans("ₜ₊₁ᵀ²Σ", "t+1⊤2∑")).replace("_", "").replace(" ", "")
    assert plain.replace(",", "") == folded


# the command


@pytest.mark.parametrize("name, status", [(WRONG, 1), ("", 0), (IN_PLACE, 1)])
def test_the_exit_status(tmp_path: Path, name: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, name)
    spec = f"{path}:{BY_NAME[name].only}" if name in BY_NAME and BY_NAME[name].only else str(path)
    page = tmp_path / "page.html"
    assert main(["audit", spec, "--json", "--html", str(page), "--lang", "zh"]) == status
    out, err = capsys.readouterr()
    held = json.loads(out)
    assert held["verdict"] == ("wrong" if status else "right")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>") and "page.html" in err
    if name == IN_PLACE:
        assert [fault["kind"] for fault in held["faults"]] == ["in_place"]
        assert all(row["right"] for row in held["gradients"])


@pytest.mark.parametrize(
    "text, words",
    [
        ("def forward(:\n", "SyntaxError"),
        ("import numpy as np\n", "got a file without functions and classes"),
        ("def double(x):\n    return 2 * x\n", "no adapter fits"),
        ("import no_such_module\n", "no_such_module"),
    ],
)
def test_what_cannot_be_audited(tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "code.py"
    path.write_text(text)
    assert main(["audit", str(path), "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and words in err


def test_a_backward_pass_that_raises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "code.py"
    path.write_text(RIGHT.read_text().replace("dxs = ", "dxs = undefined + "))
    assert main(["audit", str(path)]) == 2
    assert "NameError" in "".join(capsys.readouterr())


def test_what_is_audited() -> None:
    with pytest.raises(ArgumentError, match="lang: got 'fr', expected one of en, zh"):
        gated.audit.diagnose(RIGHT, lang="fr")
    with pytest.raises(ArgumentError, match="code: got 3, expected a Python file, or a function"):
        gated.audit.diagnose(3)
    with pytest.raises(ArgumentError, match="path: got 'nowhere.py', expected a Python file"):
        gated.audit.diagnose("nowhere.py")
    import tests.audit.specimens.right.params_rnn as module

    for code in (module, module.rnn_backward if hasattr(module, "rnn_backward") else module, f"{RIGHT}"):
        assert gated.audit.diagnose(code).verdict == "right"


def test_what_else_is_in_the_file(tmp_path: Path) -> None:
    """A file of several functions: none is forgotten, what is wrong is shown, and decides."""
    path = written(tmp_path, IN_PLACE)
    audit = gated.audit.diagnose(path)
    assert audit.verdict == "wrong" and audit.where == ("lstm_step_forward", "lstm_step_backward")
    (other,) = audit.others
    assert other.where == ("lstm_forward", "lstm_backward") and other.own_verdict == "right"
    assert "lstm_forward, lstm_backward" in str(audit) and "lstm_forward, lstm_backward" in as_html(audit)
    held = audit.to_dict()
    assert held["others"] == [{"where": other.where, "verdict": "right", "faults": []}]
    assert gated.audit.diagnose(path, "lstm_backward").verdict == "right"
