"""The derivation of a cell's backward pass, as a document or as a NumPy program."""

from __future__ import annotations

from gated.calculus.document import Document
from gated.calculus.markup import Latex, Markdown, Text
from gated.calculus.numpy_source import numpy_program
from gated.calculus.steps import steps
from gated.calculus.wording import LANGUAGES, Words
from gated.errors import wrong
from gated.language.graph import Graph

FORMATS = ("text", "markdown", "latex", "numpy")


def derive(graph: Graph, format: str = "text", lang: str = "en") -> str:
    """Write down the derivation of a cell's backward pass.

    Args:
        graph: the graph of a cell.
        format: "text" (Unicode), "markdown" (mathematics between dollars), "latex" (a complete document; the Chinese
            one is for xelatex), or "numpy" (a Python program that computes what was derived).
        lang: "en" or "zh".

    Raises:
        ArgumentError: an unknown format or language.
    """
    if format not in FORMATS:
        raise wrong("format", repr(format), f"one of {', '.join(FORMATS)}")
    if lang not in LANGUAGES:
        raise wrong("lang", repr(lang), f"one of {', '.join(LANGUAGES)}")
    plan, words = steps(graph), Words(lang)
    if format == "numpy":
        return numpy_program(plan, words)
    markup = Latex(words) if format == "latex" else {"text": Text, "markdown": Markdown}[format]()
    return Document(plan, markup, words).write()
