"""Edits of whole statements: one removed, one moved."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gated.audit.foreign.programs import Edit
from gated.audit.mending.syntax import Code, Statement


def without(code: Code, statement: Statement) -> Edit:
    """The statement removed, with its lines."""
    text, start, end = code.text, statement.start, statement.end
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    rest = text[end:]
    stop = end + len(rest) - len(rest.lstrip(" \t"))
    if text[first:start].strip() or text[stop : stop + 1] not in ("\n", "\r", ""):
        return start, end, "pass"
    stop += len("\r\n") if text[stop : stop + 2] == "\r\n" else 1
    return first, min(stop, len(text)), ""


def moved_up(code: Code, statement: Statement) -> Iterator[list[Edit]]:
    """The statement before each of those that it stands behind, the nearest first."""
    start, end, instead = without(code, statement)
    if instead:  # it shares its line
        return
    for other in reversed(statement.before):
        at = code.text.rfind("\n", 0, other.start) + 1
        line = code.text[start:end]
        yield [(at, at, line if line.endswith("\n") else f"{line}\n"), (start, end, "")]


def adds(node: ast.Assign | ast.AugAssign) -> bool:
    """v += a, v = v + a."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add)
    said = {ast.unparse(target) for target in node.targets}
    parts = [node.value.left, node.value.right] if isinstance(node.value, ast.BinOp) else []
    return any(ast.unparse(part) in said for part in parts)
