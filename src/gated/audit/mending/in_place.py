"""Arguments that are changed in place: a += b on an array of the caller."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gated.audit.mending.edits import Candidate
from gated.audit.mending.syntax import PRODUCT, Code, Function, Statement, level

COPIES = ("{0} = {0}.copy()", "{0} = [part.copy() for part in {0}]")


def edits(code: Code, argument: str) -> list[Candidate]:
    """a = a + b for a += b; else a copy of the argument before anything is done with it."""
    return [*_written_out(code), *_copied(code, argument)]


def without(code: Code) -> list[Candidate]:
    """Each statement that changes an array taken out: the one that matters changes the argument no more."""
    return [
        Candidate(0.0, ((s.start, s.end, "pass"),), tuple(range(s.line, s.end_line + 1)))
        for s in code.statements
        if isinstance(s.node, ast.AugAssign) or (isinstance(s.node, ast.Assign) and _stores_into(s.node))
    ]


def _stores_into(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Subscript) for target in node.targets)


def _written_out(code: Code) -> Iterator[Candidate]:
    for statement in code.statements:
        node = statement.node
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            sign = _sign(code, node)
            value = code.said(node.value)
            held = value if level(node.value) > PRODUCT or sign == "+" else f"({value})"
            start, end = statement.start, code.span(node.value)[0]
            edit = [(start, end, f"{node.target.id} = {node.target.id} {sign} ")]
            if held != value:
                edit.append((*code.span(node.value), held))
            yield Candidate(0.5, tuple(edit), tuple(range(statement.line, statement.end_line + 1)))


def _sign(code: Code, node: ast.AugAssign) -> str:
    between = code.text[code.span(node.target)[1] : code.span(node.value)[0]]
    return between[: between.index("=")].strip()


def _copied(code: Code, argument: str) -> Iterator[Candidate]:
    for function in code.functions:
        first = _first(code, function)
        if first is not None and argument in {a.arg for a in function.args.args}:
            start = first.start
            indent = code.text[code.text.rfind("\n", 0, start) + 1 : start]
            newline = "\r\n" if "\r\n" in code.text else "\n"
            for copy in COPIES if not indent.strip() else ():
                yield Candidate(1.0, ((start, start, copy.format(argument) + newline + indent),), ())


def _first(code: Code, function: Function) -> Statement | None:
    """Its first statement, behind the docstring."""
    own = [s for s in code.statements if s.function is function and s.node in function.body]
    return next((s for s in own if not _is_text(s.node)), None)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
