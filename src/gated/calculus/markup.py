"""Headings, paragraphs, lists and aligned equations in plain text, Markdown and LaTeX."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Sequence

from gated.calculus.notation import break_lines
from gated.calculus.wording import Words

Row = tuple[str, str]  # left and right of the equals sign


class Markup:
    """Collects a document. Subclasses say what its parts look like; `text()` is the result."""

    latex_math = True

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.counters = [0, 0]

    def math(self, formula: str) -> str:
        return f"${formula}$"

    def escape(self, prose: str) -> str:
        """Prose that comes from the cell's author."""
        return prose

    def title(self, title: str) -> None:
        self.parts.append(f"# {title}")

    def section(self, title: str) -> None:
        self.counters = [self.counters[0] + 1, 0]
        self.parts.append(f"## {self.counters[0]}. {self.formulas_of(title)}")

    def subsection(self, title: str) -> None:
        self.counters[1] += 1
        self.parts.append(f"### {self.counters[0]}.{self.counters[1]} {title}")

    def paragraph(self, prose: str) -> None:
        self.parts.append(self.spaced(prose))

    def spaced(self, prose: str) -> str:
        """Chinese punctuation brings its own space. (Not in Markdown: there a formula wants a space on either side.)"""
        return re.sub(r" *([，。；：、（）]) *", r"\1", self.formulas_of(prose))

    def formulas_of(self, prose: str) -> str:
        """‹t−1› in a sentence is a formula."""
        return re.sub("‹(.*?)›", lambda found: self.math(found[1].replace("−", "-").replace("δ", r"\delta")), prose)

    def items(self, entries: Sequence[str]) -> None:
        self.parts.append("\n".join(f"- {self.spaced(entry)}" for entry in entries))

    def equations(self, rows: Sequence[Row]) -> None:
        if rows:
            body = " \\\\\n".join(_aligned(rows))
            self.parts.append(f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$")

    def text(self) -> str:
        return "\n\n".join(self.parts) + "\n"


class Markdown(Markup):
    """Markdown with LaTeX mathematics between dollars, as GitHub shows it."""

    def spaced(self, prose: str) -> str:
        return self.formulas_of(prose)

    def escape(self, prose: str) -> str:
        return _outside_code(prose, lambda text: re.sub(r"([\\*_<>$\[\]#])", r"\\\1", text), "`{0}`")


class Latex(Markup):
    """A complete document. One with letters beyond Latin ones needs xelatex."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.words = words

    def escape(self, prose: str) -> str:
        return _outside_code(prose, _escape_latex, r"\texttt{{{0}}}", _escape_latex)

    def title(self, title: str) -> None:
        self.parts.append(f"\\title{{{title}}}\n\\author{{}}\n\\date{{}}\n\\begin{{document}}\n\\maketitle")

    def section(self, title: str) -> None:
        self.parts.append(f"\\section{{{self.formulas_of(title)}}}")

    def subsection(self, title: str) -> None:
        self.parts.append(f"\\subsection{{{title}}}")

    def items(self, entries: Sequence[str]) -> None:
        body = "\n".join(rf"  \item {self.spaced(entry)}" for entry in entries)
        self.parts.append(f"\\begin{{itemize}}\n{body}\n\\end{{itemize}}")

    def equations(self, rows: Sequence[Row]) -> None:
        if rows:
            body = " \\\\\n".join(_aligned(rows))
            self.parts.append(f"\\begin{{align*}}\n{body}\n\\end{{align*}}")

    def text(self) -> str:
        body = "\n\n".join(self.parts)
        chinese = any(unicodedata.east_asian_width(c) == "W" for c in body)
        fonts = r"\usepackage[UTF8]{ctex}" if chinese else r"\usepackage{fontspec}"
        simple = all(ord(c) < 0x180 for c in body)
        head = [
            f"% {self.words('compile', engine='pdflatex' if simple else 'xelatex')}",
            r"\documentclass[11pt,a4paper]{article}",
            "\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}" if simple else fonts,
            r"\usepackage{amsmath}",
            r"\usepackage[margin=2.5cm]{geometry}",
            r"\allowdisplaybreaks",
            "",
        ]
        return "\n".join(head) + body + "\n\n\\end{document}\n"


class Text(Markup):
    """Plain Unicode text, at most 100 columns wide."""

    latex_math = False
    width = 100

    def math(self, formula: str) -> str:
        return formula

    def formulas_of(self, prose: str) -> str:
        return prose.replace("‹", "").replace("›", "")

    def title(self, title: str) -> None:
        self.parts.append(f"{title}\n{'=' * columns(title)}")

    def section(self, title: str) -> None:
        self.counters = [self.counters[0] + 1, 0]
        line = f"{self.counters[0]}. {self.formulas_of(title)}"
        self.parts.append(f"\n{line}\n{'-' * columns(line)}")

    def subsection(self, title: str) -> None:
        self.counters[1] += 1
        self.parts.append(f"{self.counters[0]}.{self.counters[1]}  {title}")

    def paragraph(self, prose: str) -> None:
        self.parts.append(wrap(self.spaced(prose), self.width))

    def items(self, entries: Sequence[str]) -> None:
        self.parts.append("\n".join(wrap(self.spaced(entry), self.width, "  - ", "    ") for entry in entries))

    def equations(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        left = max(columns(lhs) for lhs, _ in rows)
        lines: list[str] = []
        for lhs, rhs in rows:
            pad = " " * (4 + left - columns(lhs))
            first, *rest = break_lines(rhs, self.width - left - 7)
            lines.append(f"{pad}{lhs} = {first}")
            lines += [" " * (left + 7) + line for line in rest]
        self.parts.append("\n".join(lines))


def columns(text: str) -> int:
    """The width of a text on a terminal: Chinese letters take two columns, combining marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _aligned(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    for lhs, rhs in rows:
        first, *rest = break_lines(rhs, 60)
        lines.append(f"{lhs} &= {first}")
        lines += [rf"&\quad {line}" for line in rest]
    return lines


def wrap(prose: str, width: int, first: str = "", later: str = "") -> str:
    """Lines of at most `width` columns. Chinese has no spaces between words: it may be broken after any letter."""
    if not any(unicodedata.east_asian_width(c) == "W" for c in prose):
        return textwrap.fill(
            prose, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
        )
    lines, line = [], first
    for piece in re.findall(r"[⺀-鿿][，。；：、）」！？]*|[^\s⺀-鿿]+|\s+", prose):
        if columns(line) + columns(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = later + piece.lstrip()
        else:
            line += piece
    return "\n".join([*lines, line.rstrip()])


def _escape_latex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {c: rf"\{c}" for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
    return "".join(special.get(c, c) for c in text)


def _outside_code(prose: str, change: Callable[[str], str], code: str, inside: Callable[[str], str] = str) -> str:
    """Change the prose; what stands between backticks is code."""
    parts = prose.split("`")
    if len(parts) % 2 == 0:
        return change(prose)
    return "".join(code.format(inside(part)) if k % 2 else change(part) for k, part in enumerate(parts))
