"""Their backward functions as places in a text: statements, the expressions in them, and what may replace them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gated.audit.foreign.programs import line_starts

TEST, SUM, PRODUCT, SIGN, POWER, ATOM = 1, 4, 5, 6, 7, 8  # how strongly an expression binds
Function = ast.FunctionDef | ast.AsyncFunctionDef
_LEVELS = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.MatMult: PRODUCT, ast.Div: PRODUCT, ast.Pow: POWER}


def level(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return _LEVELS.get(type(node.op), SUM if isinstance(node.op, (ast.Add, ast.Sub)) else PRODUCT)
    if isinstance(node, ast.UnaryOp):
        return SIGN if not isinstance(node.op, ast.Not) else TEST
    held = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.Compare, ast.NamedExpr, ast.Starred, ast.Yield)
    return TEST if isinstance(node, held) else ATOM


@dataclass(frozen=True, eq=False)
class Place:
    """An expression: where it is in the text, how strongly its replacement has to bind, and what it is part of."""

    node: ast.expr
    start: int
    end: int
    binds: int = 0
    parent: ast.AST | None = None
    depth: int = 0


@dataclass(eq=False)
class Statement:
    """A statement in one of the functions.

    Attributes:
        places: the expressions whose values it uses, outer ones first. loop: whether it is in one.
        alone: whether it is the only one of its block. before: those that stand before it there.
    """

    node: ast.stmt
    function: Function
    line: int
    end_line: int
    start: int
    end: int
    loop: bool
    alone: bool
    places: list[Place] = field(default_factory=list)
    before: list[Statement] = field(default_factory=list)


class Code:
    """A text and the functions of it that only the backward pass runs.

    Args:
        paths: of these functions.
    """

    def __init__(self, text: str, paths: Sequence[tuple[str, ...]]) -> None:
        self.text, self.tree = text, ast.parse(text)
        self._starts = line_starts(text)
        self.functions = [f for path in paths if (f := _find(self.tree.body, path)) is not None]
        self.statements = [s for f in self.functions for s in self._statements(f, f.body, False)]

    def offset(self, line: int, column: int) -> int:
        """A place of the syntax tree, whose columns are bytes."""
        start = self._starts[line - 1]
        if self._plain:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode())

    @cached_property
    def _plain(self) -> bool:
        return self.text.isascii()

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def said(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def line_of(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def _statements(self, function: Function, body: list[ast.stmt], loop: bool) -> Iterator[Statement]:
        before: list[Statement] = []
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue
            start, end = self.span(node)
            inner = isinstance(node, (ast.For, ast.While))
            blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            head = _head(node)
            last = (head.end_lineno if head is not None else node.end_lineno) or node.lineno
            if any(blocks) and head is None:
                last = node.lineno
            made = Statement(node, function, node.lineno, last, start, end, loop, len(body) == 1, before=before)
            before = [*before, made]
            if head is not None:
                made.places = list(self._places(head, 0, node, 0))
            yield made
            for block in blocks:
                yield from self._statements(function, block, loop or inner)

    def _places(self, node: ast.expr, binds: int, parent: ast.AST, depth: int) -> Iterator[Place]:
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and not _is_number(node):
            return
        start, end = self.span(node)
        if not isinstance(node, (ast.Starred, ast.Slice)):
            yield Place(node, start, end, binds, parent, depth)
        for child, needed in _children(node):
            yield from self._places(child, needed, node, depth + 1)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _find(body: Sequence[ast.stmt], path: Sequence[str]) -> Function | None:
    for node in reversed(body):
        if getattr(node, "name", None) == path[0]:
            if len(path) == 1:
                return node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
            return _find(node.body, path[1:]) if isinstance(node, ast.ClassDef) else None
    return None


def _head(node: ast.stmt) -> ast.expr | None:
    """The expression of a statement; nothing of a `while`, which an edit might keep from ending."""
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)):
        return node.value
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return node.iter
    return node.test if isinstance(node, ast.If) else None


def _children(node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
    """The expressions in an expression that may be replaced, and how strongly what stands there has to bind."""
    if isinstance(node, ast.BinOp):
        own = level(node)
        if isinstance(node.op, ast.Pow):
            yield node.left, ATOM
            return
        yield node.left, own
        yield node.right, own + 1
    elif isinstance(node, ast.UnaryOp):
        yield node.operand, SIGN
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            yield node.func.value, ATOM
        yield from ((arg.value if isinstance(arg, ast.Starred) else arg, 0) for arg in node.args)
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        yield from ((part.value if isinstance(part, ast.Starred) else part, TEST) for part in node.elts)
    elif isinstance(node, ast.Dict):
        yield from ((value, TEST) for value in node.values)
    elif isinstance(node, ast.Attribute):
        if not isinstance(node.value, ast.Name) or node.attr == "T":
            yield node.value, ATOM
    elif isinstance(node, ast.Subscript):
        if not isinstance(node.value, ast.Name):
            yield node.value, ATOM
    elif isinstance(node, ast.IfExp):
        yield from ((node.body, TEST), (node.orelse, TEST))
    elif isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        yield node.elt, TEST


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "torch", "math", "self", "jnp")


def bare(text: str, start: int, end: int) -> tuple[int, int]:
    """The span with the brackets around it, where they only hold it together."""
    only = start > 0 and text[start - 1] == "(" and text[end : end + 1] == ")" and "\n" not in text[start:end]
    called = start > 1 and re.match(r"[\w\])]", text[start - 2])
    return (start - 1, end + 1) if only and not called else (start, end)
