"""Every relative link of every page leads to a file, every anchor to a heading, and every picture has its text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .pages import ROOT, load, read

build = load("build")
PAGES = [
    *build.PAGES,
    "docs/cells.md",
    "docs/cells.zh.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "benchmarks/results/results.md",
]
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page; of equal ones the second has -1."""
    found: Counter[str] = Counter()
    made = set()
    for heading in re.findall(r"^#+ (.+)$", build.FENCE.sub("", page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        made.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return made


def faults(page: Path) -> list[str]:
    """What is wrong with the links of a page."""
    text = build.FENCE.sub("", page.read_text(encoding="utf-8"))
    wrong = []
    for match in LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if match["picture"] and len(match["text"]) < 10:
            wrong.append(f"{match[0]}: a picture needs a text that says what it shows")
        if match["target"].startswith("https://"):
            continue
        file = page.parent / target if target else page
        if not file.exists():
            wrong.append(f"{match[0]}: there is no {target}")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            wrong.append(f"{match[0]}: {file.name} has no heading #{anchor}")
    return wrong


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    assert not faults(ROOT / name)


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith(".zh.md")])
def test_chinese_pages_link_to_chinese_pages(name: str) -> None:
    for match in LINK.finditer(build.FENCE.sub("", read(name))):
        path = (ROOT / name).parent / match["target"].partition("#")[0]
        if path.suffix in (".md", ".png") and match["text"] != "English":
            chinese = path.with_name(f"{path.stem}.zh{path.suffix}")
            assert path.stem.endswith(".zh") or not chinese.exists(), match[0]


def test_the_pictures_are_all_shown() -> None:
    shown = {
        ((ROOT / name).parent / match["target"]).resolve()
        for name in PAGES
        for match in LINK.finditer(read(name))
        if match["picture"]
    }
    pictures = {path.resolve() for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert pictures <= shown, sorted(path.name for path in pictures - shown)


def test_a_fault_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Two words, here\n\n## Again\n\n## Again\n\n## 中文标题\n", encoding="utf-8")
    page = tmp_path / "page.md"
    right = (
        "[a](other.md) [a](other.md#two-words-here) [a](other.md#again-1) [a](other.md#中文标题) [a](#mine)\n\n# Mine\n"
    )
    page.write_text(right, encoding="utf-8")
    assert faults(page) == []
    for target in ("nowhere.md", "other.md#two-words", "other.md#again-2", "#two-words-here"):
        page.write_text(f"{right}[b]({target})\n", encoding="utf-8")
        assert len(faults(page)) == 1, target
    page.write_text("![short](other.md)\n\n```text\n[c](nowhere.md)\n# no heading\n```\n", encoding="utf-8")
    assert len(faults(page)) == 1


def test_pictures_of_a_page_are_in_its_language() -> None:
    """Each `name.zh.png` beside its `name.png`, and each page shows its own."""
    for page in sorted((ROOT / "docs").glob("*.zh.md")) + sorted(ROOT.glob("*.zh.md")):
        for shown in re.findall(r"\]\(([\w/-]*pictures/[\w.-]+)\)", page.read_text(encoding="utf-8")):
            assert shown.endswith(".zh.png"), f"{page.name} shows {shown}"
            assert (page.parent / shown.replace(".zh.png", ".png")).is_file(), shown
