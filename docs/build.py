"""Runs the examples of the pages and writes their outputs; writes the tables of cells and of the benchmark.

    python docs/build.py            fill in the outputs and the tables
    python docs/build.py --numbers  also where only numbers changed that may vary
    python docs/build.py --check    say which pages would change

A page is Markdown. Its ```python blocks run in order, in one namespace, in an empty folder; a ```text block right
after one shows what it printed. A comment on the line before a block says how it is treated:

    <!-- no-run -->         python or console: not run
    <!-- file: my.py -->    python: also written to a file of this name, for the commands that follow
    <!-- numbers vary -->   text: numbers depend on machine and library versions; words do not
    <!-- excerpt -->        text: some of the lines that were printed, in their order; a line of … stands for the rest

Between <!-- measured: ... --> and <!-- end of measured --> stands what the last whole benchmark said (`measured.py`),
between <!-- house: ... --> and <!-- end of house --> what is made from the source files (`house.py`).

In a ```console block lines with $ are commands; those of `gated` run, and what follows each is an excerpt of what it
printed, numbers not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    "CONTRIBUTING.zh.md",
    "docs/guide.md",
    "docs/guide.zh.md",
    "docs/language.md",
    "docs/language.zh.md",
    "docs/my-backprop.md",
    "docs/my-backprop.zh.md",
    "docs/captions-assignment.md",
    "docs/captions-assignment.zh.md",
    "docs/learning.md",
    "docs/learning.zh.md",
    "docs/captions.md",
    "docs/captions.zh.md",
    "docs/caption-data.md",
    "docs/caption-data.zh.md",
    "docs/scores.md",
    "docs/scores.zh.md",
    "docs/networks.md",
    "docs/networks.zh.md",
    "docs/estimators.md",
    "docs/estimators.zh.md",
    "docs/translator.md",
    "docs/translator.zh.md",
    "docs/classify.md",
    "docs/classify.zh.md",
    "docs/forecaster.md",
    "docs/forecaster.zh.md",
    "docs/music.md",
    "docs/music.zh.md",
    "docs/language-models.md",
    "docs/language-models.zh.md",
    "docs/training.md",
    "docs/training.zh.md",
    "docs/scenes.md",
    "docs/scenes.zh.md",
    "docs/native.md",
    "docs/native.zh.md",
    "docs/architecture.md",
    "docs/architecture.zh.md",
)
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|\binf\b|\bnan\b")


@dataclass
class Block:
    """One fenced block: where its text is in the page, and how it is treated."""

    language: str
    mark: str
    text: str
    start: int
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(
            match["language"],
            match["mark"] or "",
            match["text"],
            match.start("text"),
            page.count("\n", 0, match.start("text")) + 1,
        )
        for match in FENCE.finditer(page)
    ]


def shown_and_printed(page: str) -> Iterator[tuple[Block, str]]:
    """Runs a page; yields each text block with what was really printed, and each console block likewise."""
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        printed = ""
        for block in blocks(page):
            if block.language == "python" and block.mark != "no-run":
                printed = _run_python(block, namespace)
            elif block.language == "text":
                yield block, printed
            elif is_shown(block):
                yield block, "".join(f"$ {command}\n{_run_command(command)}" for command in commands(block))


def is_shown(block: Block) -> bool:
    """Does the block hold what was printed?"""
    return block.language == "text" or (block.language == "console" and block.mark != "no-run")


def commands(block: Block) -> list[str]:
    """The commands of a console block, without the $."""
    return [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]


def same(block: Block, printed: str) -> bool:
    """Does the block show what was printed, as its mark asks for it?"""
    shown, came = _lines(block.text), _lines(printed)
    if block.mark == "numbers vary" or block.language == "console":
        shown, came = [_blank(line) for line in shown], [_blank(line) for line in came]
    if block.mark == "excerpt" or block.language == "console":
        rest = iter(came)
        return all(line in rest for line in shown if line.strip() not in ("", "…"))
    return shown == came


def _run_python(block: Block, namespace: dict[str, Any]) -> str:
    name = "example.py"
    if block.mark.startswith("file: "):
        name = block.mark.removeprefix("file: ")
        Path(name).write_text(block.text, encoding="utf-8")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block.text, name, "exec", dont_inherit=True), namespace)  # the pages are ours
    return output.getvalue()


def _run_command(command: str) -> str:
    words = shlex.split(command)
    if words[0] != "gated":
        return ""
    from gated.cli import main

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        main(words[1:])
    return output.getvalue()


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _blank(line: str) -> str:
    """The words of a line: numbers become #, and the spaces that align them become one."""
    return " ".join(NUMBER.sub("#", line).split())


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def filled_in(page: str, numbers: bool = False) -> str:
    """The page with the outputs of its examples; excerpts and console blocks stay as they are.

    numbers: write the numbers of this run where they are allowed to vary, too.
    """
    changes = [
        (block, printed)
        for block, printed in shown_and_printed(page)
        if block.language == "text" and block.mark != "excerpt"
        if not same(block, printed) or (numbers and block.mark == "numbers vary")
    ]
    for block, printed in reversed(changes):
        end = block.start + len(block.text)
        page = page[: block.start] + printed.strip("\n") + "\n" + page[end:]
    return page


def main(arguments: list[str]) -> int:
    """Write (or with --check only name) the pages that are not up to date; 1 if there was one."""
    sys.path[:0] = [str(ROOT / "docs"), str(ROOT)]
    import cells_page
    import measured

    import house

    wanted = {f"docs/cells{suffix}.md": cells_page.page(lang) for lang, suffix in (("en", ""), ("zh", ".zh"))}
    for name in PAGES:
        page = filled_in((ROOT / name).read_text(encoding="utf-8"), "--numbers" in arguments)
        wanted[name] = house.filled(measured.filled(page, name), name)
    stale = 0
    for name, text in wanted.items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale = 1
            print(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    return stale if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
