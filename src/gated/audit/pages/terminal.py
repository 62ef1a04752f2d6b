"""An audit for the terminal: lines of pieces with a style each, so that one page serves with and without colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gated.audit.foreign.table import GradientRow
from gated.audit.pages.words import forward_sentences, others, say, style, summary
from gated.audit.verdict import RIGHT, WRONG, Audit, Fault
from gated.calculus.markup import columns, wrap

if TYPE_CHECKING:
    from rich.text import Text

Piece = tuple[str, str]  # (text, style)
Line = list[Piece]
WIDTH = 100
BOLD, GOOD, BAD, DIM, DOUBT = "bold", "bold green", "bold red", "dim", "bold yellow"
EMPTY: Line = []


def as_text(audit: Audit, width: int = WIDTH) -> str:
    """The page without colours, lines of at most `width` columns (a line of their code may be longer)."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines(audit, width))


def as_rich(audit: Audit, width: int = WIDTH) -> Text:
    """The page for `rich.print`."""
    from rich.text import Text

    return Text("\n").join(Text.assemble(*line) for line in lines(audit, width))


def lines(audit: Audit, width: int) -> Iterator[Line]:
    lang, colour = audit.lang, {RIGHT: GOOD, WRONG: BAD}.get(audit.verdict, DOUBT)
    yield [(f"{Path(audit.path).name}  ", BOLD)]
    yield from _paragraph(f"{', '.join(audit.where)} ({style(audit)})", width, "  ", DIM)
    yield EMPTY
    head = f"{say(lang, audit.verdict)}: "
    first, *rest = wrap(head + summary(audit), width, later="  ").split("\n")
    yield [(first[: len(head)], colour), (first[len(head) :], BOLD)]
    yield from ([(line, BOLD)] for line in rest)
    yield EMPTY
    yield [(say(lang, "forward"), BOLD)]
    for sentence in forward_sentences(audit):
        yield from _paragraph(sentence, width)
    if audit.gradients:
        yield EMPTY
        yield from _table(audit)
    if audit.faults:
        yield EMPTY
        yield [(say(lang, "faults"), BOLD)]
        source = read_source(audit.path)
        for number, fault in enumerate(audit.faults, 1):
            yield from _fault(number, fault, lang, width, source)
    if audit.unexplained:
        yield EMPTY
        yield [(say(lang, "unexplained"), BOLD)]
        for sentence in audit.unexplained:
            yield from _paragraph(sentence, width)
    if audit.warnings:
        yield EMPTY
        yield [(say(lang, "warnings"), BOLD)]
        for sentence in audit.warnings:
            yield from _paragraph(sentence, width)
    if audit.others:
        yield EMPTY
        yield [(say(lang, "others"), BOLD)]
        for sentence in others(audit):
            yield from _paragraph(sentence, width)
    if any(fault.right for fault in audit.faults):
        yield EMPTY
        yield from ([(line, DIM)] for line in wrap(say(lang, "notation"), width).split("\n"))


def _paragraph(text: str, width: int, indent: str = "  ", style: str = "") -> Iterator[Line]:
    for line in wrap(text, width, indent, indent).split("\n"):
        yield [(line, style)]


def _table(audit: Audit) -> Iterator[Line]:
    lang = audit.lang
    heads = [say(lang, word) for word in ("gradient", "verdict", "error", "step")]
    rows = [_cells(row, lang) for row in audit.gradients]
    widths = [max(columns(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    yield [("  " + "  ".join(_padded(head, w) for head, w in zip(heads, widths, strict=True)), BOLD)]
    for row, cells in zip(audit.gradients, rows, strict=True):
        style = DIM if row.right is None else GOOD if row.right else BAD
        padded = [_padded(cell, w) for cell, w in zip(cells, widths, strict=True)]
        yield [(f"  {padded[0]}  ", ""), (padded[1], style), ("  " + "  ".join(padded[2:]), "")]


def _cells(row: GradientRow, lang: str) -> tuple[str, str, str, str]:
    if row.right is None:
        return row.name, say(lang, "not_given"), "", ""
    step = str(row.worst_step) if row.worst_step else ""
    return row.name, say(lang, "ok" if row.right else "bad"), f"{row.relative_error:.1e}", step


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _fault(number: int, fault: Fault, lang: str, width: int, source: list[str]) -> Iterator[Line]:
    yield [(f"{number}. ", BAD), (say(lang, fault.kind), BAD), (f"   [{fault.kind}]", DIM)]
    yield from _paragraph(fault.text, width, "   ")
    if fault.right:
        pairs = (("should", fault.right, "green"), ("theirs", fault.theirs, "red"))
        label = max(columns(say(lang, key)) for key, _, _ in pairs)
        for key, formula, style in pairs:
            yield from _formula(_padded(say(lang, key), label), formula, style, width)
        if fault.legend:
            yield from _paragraph(say(lang, "with", ",  ".join(fault.legend)), width, "   ", DIM)
    for line in fault.lines:
        if 0 < line <= len(source):
            yield [(f"   {line:>5} | ", DIM), (source[line - 1].rstrip(), "")]
    if fault.where:
        yield from _paragraph(f"{say(lang, 'spoils')}: {', '.join(fault.where)}", width, "   ", DIM)
    if not fault.certain:
        yield from _paragraph(say(lang, "perhaps"), width, "   ", DOUBT)


def _formula(label: str, formula: str, style: str, width: int) -> Iterator[Line]:
    head = f"   {label}  "
    indent = " " * columns(head)
    first, *rest = wrap(formula, width, indent, indent + "  ").split("\n")
    yield [(head, DIM), (first[len(indent) :], style)]
    yield from ([(line, style)] for line in rest)


def read_source(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
