"""One dialect of docstrings, Google's: Args, Returns, Raises, Attributes; names between single backticks."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest

import gated

SOURCE = Path(gated.__file__).parent
OTHER = {
    r"``": "single backticks",
    r":\w+:`": "a name between backticks, without a role",
    r"^\s*:(param|returns?|raises|type|rtype)\b": "Args:, Returns:, Raises:",
    r"^\s*(Parameters|Arguments|Return|Yield|Raise|Attribute|Params):?\s*$": "Args:, Returns:, Raises:, Attributes:",
    r"^\s*[-=]{4,}": "no underlined headings",
}


def faults(text: str) -> list[str]:
    """What is of another dialect in a docstring."""
    return [
        f"{m[0].strip()!r}: write {right}" for wrong, right in OTHER.items() for m in re.finditer(wrong, text, re.M)
    ]


def test_docstrings_are_of_one_dialect() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                wrong += [f"{path.relative_to(SOURCE)}: {fault}" for fault in faults(ast.get_docstring(node) or "")]
    assert not wrong, "; ".join(wrong)


def test_another_dialect_is_found() -> None:
    for text in ("Of ``x``.", "See :func:`f`.", "A.\n\n:param x: y", "A.\n\nParameters\n----------\nx : int"):
        assert faults(text), text
    assert not faults("A.\n\nArgs:\n    x: y.\n\nReturns:\n    `x`.")


def test_griffe_reads_them_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """The arguments that a docstring names are those that there are."""
    griffe = pytest.importorskip("griffe")
    package = griffe.load("gated", search_paths=[str(SOURCE.parent)])

    def read(thing: object) -> None:
        if thing.docstring:  # type: ignore[attr-defined]
            thing.docstring.parse("google")  # type: ignore[attr-defined]
        for member in getattr(thing, "members", {}).values():
            if not member.is_alias:
                read(member)

    with caplog.at_level(logging.WARNING, "griffe"):
        read(package)
    assert not caplog.messages, "\n".join(caplog.messages)
