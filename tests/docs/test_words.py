"""One word for one thing in Chinese: 细胞 is a cell, 隐藏单元 a hidden unit, 测试 a test."""

from __future__ import annotations

import re

import pytest

import gated

from .pages import ROOT, load, read

build, measured = load("build"), load("measured")
PAGES = [page for page in [*build.PAGES, "docs/cells.zh.md"] if page.endswith(".zh.md")]
NAMES = "门控循环单元", "最小门控单元"  # of kinds of networks: they stay what they are
WRONG = {
    r"(?<!隐藏)单元": "a cell is 细胞, a hidden unit 隐藏单元",
    r"神经元": "隐藏单元",
    r"考试|再考": "测试",
    r"前向计算|反向计算": "前向传播, 反向传播",
}


def faults(text: str) -> list[str]:
    for name in NAMES:
        text = text.replace(name, "")
    return [
        f"{text[max(0, m.start() - 12) : m.end() + 12]!r}: write {right}"
        for wrong, right in WRONG.items()
        for m in re.finditer(wrong, text)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_words_of_a_page(page: str) -> None:
    assert not faults(read(page))


@pytest.mark.parametrize("page", PAGES)
def test_words_are_explained_where_they_first_stand(page: str) -> None:
    text = re.sub(r"\]\([^)]*\)", "", build.FENCE.sub("", read(page)))  # no code, no targets of links
    text = text.split("\n", 3)[3]  # the title and the links to other pages come first
    assert text.count("细胞（cell") == 1
    assert text.index("细胞（cell") == text.index("细胞"), "explain it where it first stands"
    spoken = re.sub(r"`[^`]*`", "", text)
    if "tape" in spoken and not page.endswith("cells.zh.md"):
        assert "计算记录" in spoken[: spoken.index("tape") + 60], "say that it is the 计算记录"


def test_words_of_derivations_and_tables() -> None:
    for name in ("lstm", "gru", "slstm", "lstm_full_gate_recurrence"):
        for form in ("text", "markdown", "latex", "numpy"):
            assert not faults(gated.cells.ZOO[name].derive(form, lang="zh"))
    assert not faults((ROOT / "docs" / "pictures.py").read_text(encoding="utf-8"))
    for name in ("cells_page", "cells_in_chinese"):
        assert not faults((ROOT / "docs" / f"{name}.py").read_text(encoding="utf-8"))
    assert not any(faults(line.zh) for line in measured.LINES)


def test_a_fault_is_found() -> None:
    assert not faults("每个隐藏单元一个，门控循环单元，最小门控单元，测试")
    for text in ("这个单元", "神经元", "之后的考试", "前向计算"):
        assert len(faults(text)) == 1
