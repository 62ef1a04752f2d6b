"""The pages are true: their examples run and print what is shown, links lead somewhere, both languages agree."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from .pages import load, read

build, cells_page, measured = load("build"), load("cells_page"), load("measured")
PAIRS = [(page, page.replace(".md", ".zh.md")) for page in build.PAGES if not page.endswith(".zh.md")]
ALL = [*build.PAGES, "docs/cells.md", "docs/cells.zh.md", "CHANGELOG.md"]


@pytest.mark.parametrize("pair", PAIRS)
def test_examples_print_what_the_page_shows(pair: tuple[str, str]) -> None:
    """Programs that differ in comments and docstrings alone print the same: they run once for both languages."""
    pytest.importorskip("typer")
    ran: dict[str, list[str]] = {}
    for page in pair:
        program = what_runs(page)
        if program not in ran:
            ran[program] = [printed for _, printed in build.shown_and_printed(read(page))]
        shown = [block for block in build.blocks(read(page)) if build.is_shown(block)]
        assert len(shown) >= 3
        for block, printed in zip(shown, ran[program], strict=True):
            assert build.same(block, printed), f"{page}:{block.line} shows\n{block.text}\nbut came\n{printed}"


def what_runs(page: str) -> str:
    """The page's programs and commands, without comments, docstrings and prose."""
    ran = [block for block in build.blocks(read(page)) if block.mark != "no-run" and block.language != "text"]
    return repr([(b.mark, ast.dump(plain(b.text)) if b.language == "python" else build.commands(b)) for b in ran])


def test_the_comparison_of_examples_can_fail() -> None:
    page = "```python\nprint('one', 1.5)\nprint('two')\n```\n\n{}```text\n{}```\n"

    def agrees(mark: str, text: str) -> bool:
        ((block, printed),) = build.shown_and_printed(page.format(mark, text))
        return bool(build.same(block, printed))

    assert agrees("", "one 1.5\ntwo\n")
    assert not agrees("", "one 1.6\ntwo\n")
    assert agrees("<!-- numbers vary -->\n", "one 1.6\ntwo\n")
    assert not agrees("<!-- numbers vary -->\n", "one x\ntwo\n")
    assert agrees("<!-- excerpt -->\n", "…\ntwo\n")
    assert not agrees("<!-- excerpt -->\n", "two\none 1.5\n")


@pytest.mark.parametrize("page", build.PAGES)
def test_every_output_is_shown(page: str) -> None:
    """A block that prints is followed by what it prints; nothing is left to fill in."""
    text = read(page)
    assert "TODO" not in text
    found = build.blocks(text)
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.language == "python" and re.search(r"^(?!def|    )[^#\n]*print\(", block.text, re.MULTILINE):
            assert after is not None and after.language == "text", f"{page}:{block.line}"


@pytest.mark.parametrize("lang, suffix", [("en", ""), ("zh", ".zh")])
def test_the_page_of_cells_is_that_of_the_zoo(lang: str, suffix: str) -> None:
    assert read(f"docs/cells{suffix}.md") == cells_page.page(lang), "run: python docs/build.py"


def test_every_cell_has_a_chinese_line_and_none_is_left_over() -> None:
    from gated.cells import FAMILIES, ZOO

    assert set(cells_page.IN_CHINESE) == set(ZOO)
    assert list(cells_page.FAMILIES_IN_CHINESE) == list(FAMILIES)
    assert f"from the zoo: {len(ZOO)} of them" in read("README.md")
    assert f"从自带的 {len(ZOO)} 个细胞里取一个" in read("README.zh.md")


def test_the_chinese_page_of_cells_has_every_detail_of_the_english_one() -> None:
    from gated.cells import ZOO

    assert {name for name, cell in ZOO.items() if cells_page.remark(cell, "en")} == set(cells_page.REMARK_IN_CHINESE)
    for cell in ZOO.values():
        english, chinese = (cells_page.source(cell, lang) for lang in ("en", "zh"))
        left = re.findall(r"; |^the |, (?:which|on|begin|variant|Section|equations)\b|documentation|as in", chinese)
        assert not left, f"{cell.name}: {chinese}"
        numbers = r"\d+|`[^`]+`|[A-Z]\. [A-ZÀ-Ž][\w-]+"  # years, pages, sections, names of cells and people
        assert sorted(re.findall(numbers, english)) == sorted(re.findall(numbers, chinese)), cell.name
    for phrase in cells_page.SOURCE_IN_CHINESE:
        assert any(phrase in cells_page.source(cell, "en") for cell in ZOO.values()), phrase


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_remark_is_whole(lang: str) -> None:
    """Nothing of a docstring is lost on its way: what is on the page is what the cell's author wrote."""
    from gated.cells import ZOO

    text = read(f"docs/cells{'' if lang == 'en' else '.zh'}.md")
    for cell in ZOO.values():
        assert cells_page.remark(cell, lang) in text
        if lang == "en":
            whole = " ".join(cell.doc.split()).replace("<", "&lt;").replace(">", "&gt;")
            parts = cells_page.what(cell, lang), cells_page.source(cell, lang), cells_page.remark(cell, lang)
            assert all(part in whole for part in parts)
            assert len(whole) - sum(map(len, parts)) <= len(". Source: . "), cell.name


@pytest.mark.parametrize("page", build.PAGES)
def test_measured_places_say_what_the_results_say(page: str) -> None:
    assert read(page) == measured.filled(read(page), page), "run: python docs/build.py"


def test_every_promise_of_the_benchmark_has_its_line() -> None:
    shown = [target for line in measured.LINES for target in line.targets]
    assert sorted(target.text for target in shown) == sorted(target.text for target in measured.TARGETS)


def test_a_measured_place_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def row(key: str, point: str, ratio: float, others: float = 0.0) -> dict[str, Any]:
        return {"key": key, "point": point, "ratio": {"median": ratio}, "others": others}

    rows = [row("lstm", "100x1x64", 4.0), row("lstm", "100x32x128", 0.998), row("stream", "100x1x64", 3.5, 0.2)]
    rows += [
        row("infer.torch", "100x1x64", 2.0),
        row("infer.onnx", "100x1x64", 1.5),
        row("start.cold", "100x1x64", 1.2),
    ]
    rows += [row("gru", "100x1x64", 2.5) | {"ratio": None}, row("eager", "100x1x64", 9.0)]
    rows += [row("eager", "100x7x100", 1.0) | {"ratio": None}]
    conditions = {"threads": 2, "processor": "P", "versions": {"numpy": "1.2"}, "date": "2001-02-03"}
    text = json.dumps({"rows": rows, "conditions": conditions})
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(measured, "RESULTS", tmp_path)

    for kind, page in (("whole", "docs/native.md"), ("short", "README.zh.md")):
        empty = f"a\n<!-- measured: {kind} -->\n<!-- end of measured -->\nb\n"
        made = measured.filled(empty, page)
        assert made == measured.filled(made, page), "filled twice"
        lines = made.splitlines()
        assert lines[:2] + lines[-2:] == empty.splitlines()
        cells = {name.strip(): rest for line in lines if line.startswith("| ") for _, name, *rest in [line.split("|")]}
        found = [[cell.strip() for cell in rest[:2]] for rest in cells.values()]
        if page.endswith(".zh.md"):
            assert found[1] == ["2.00（目标 ≥ 1.5 ✓）", "0.998，在 100x32x128（目标 ≥ 1 ✗）"]
            assert found[2] == ["未测", ""] and len(found) < len(measured.LINES)
        else:
            assert found[1] == ["2.00 (wanted ≥ 1.5 ✓)", "0.998 at 100x32x128 (wanted ≥ 1 ✗)"]
            assert cells["LSTM, one step from Python, H = 64; ONNX Runtime †"][1] == " 3.50 (wanted ≥ 3 ✓) "
            assert cells["LSTM, inference; the better of PyTorch and ONNX Runtime"][1] == " 1.50 (wanted ≥ 1 ✓) "
            assert cells["the same; PyTorch, a loop in Python (1 of 2 points)"][1] == " 9.00 (wanted ≥ 2.5 ✓) "
            assert cells["the same, at 100x1x64 alone"][1] == " 9.00 (wanted ≥ 30 ✗) "
            assert cells["peephole LSTM, compiling forward and backward, seconds"][1] == " 1.20 (wanted ≤ 1 s ✗) "
        assert "numpy 1.2" in made and "2001-02-03" in made


@pytest.mark.parametrize("english, chinese", PAIRS)
def test_both_languages_have_the_same_examples(english: str, chinese: str) -> None:
    mine, theirs = build.blocks(read(english)), build.blocks(read(chinese))
    assert [(b.language, b.mark) for b in mine] == [(b.language, b.mark) for b in theirs]
    for a, b in zip(mine, theirs, strict=True):
        if a.language == "python":
            assert meaning(a.text) == meaning(b.text), f"{chinese}:{b.line}"
        elif a.language == "console":
            translated = [re.sub(r" --lang zh(?!_)", "", command) for command in build.commands(b)]
            assert build.commands(a) == translated, f"{chinese}:{b.line}"


@pytest.mark.parametrize("english, chinese", [*PAIRS, ("docs/cells.md", "docs/cells.zh.md")])
def test_both_languages_have_the_same_sections(english: str, chinese: str) -> None:
    def outline(page: str) -> dict[str, int]:
        text = build.FENCE.sub("", read(page))
        levels = {mark: len(re.findall(rf"^{mark} ", text, re.MULTILINE)) for mark in ("#", "##", "###")}
        rows = {"table rows": text.count("\n| "), "items": len(re.findall(r"^- ", text, re.MULTILINE))}
        return {**levels, **rows}

    assert outline(english) == outline(chinese)


def meaning(code: str) -> str:
    """Code without comments, docstrings and the language asked for."""
    tree = plain(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "lang"]
    return ast.dump(tree)


def plain(code: str) -> ast.Module:
    """Code without comments and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


def test_commands_and_their_options_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("typer")
    from typer.testing import CliRunner

    from gated.cli.app import app

    monkeypatch.setenv("COLUMNS", "200")
    helps: dict[tuple[str, ...], str] = {}
    seen = 0
    for page in build.PAGES:
        lines = [line for block in build.blocks(read(page)) for line in build.commands(block)]
        lines += re.findall(r"`(gated [^`]*)`", read(page))
        for line in lines:
            words = shlex.split(line)
            if words[0] != "gated":
                continue
            depth = (
                3 if words[1] in ("experiment", "caption", "translate", "music") and words[2:] else 2
            )  # a command of its own under another
            command = tuple(words[1:depth])
            if command not in helps:
                result = CliRunner().invoke(app, [*command, "--help"])
                assert result.exit_code == 0, f"{page}: {line}: {result.output}"
                helps[command] = result.output
            for option in words[depth:]:
                if option.startswith("-"):
                    assert re.search(rf"(?<![\w-]){option}(?![\w-])", helps[command]), f"{page}: {line}: {option}"
            seen += 1
    assert seen >= 10


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    for page in build.PAGES:
        named = set(re.findall(r"^\$ make (\w+)", read(page), re.MULTILINE))
        assert named <= targets, page


def test_extras_that_pages_install_exist() -> None:
    project: Any = read("pyproject.toml")
    for page in build.PAGES:
        for extras in re.findall(r"pip install [^\n]*\[([\w,]+)\]", read(page)):
            for extra in extras.split(","):
                assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"{page}: {extra}"


@pytest.mark.parametrize("page", [page for page in ALL if page.endswith(".zh.md")])
def test_chinese_punctuation_is_full_width(page: str) -> None:
    text = re.sub(r"`[^`\n]*`", "", build.FENCE.sub("", read(page)))
    wrong = re.findall(r".{0,8}[\u4e00-\u9fff][,:;?!].{0,8}|.{0,8}[,:;?!][\u4e00-\u9fff].{0,8}", text)
    assert not wrong
