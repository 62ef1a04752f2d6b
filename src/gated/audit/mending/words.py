"""The expressions that stand in one of their functions, and what they are worth at each of its statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gated.audit.mending.bench import Bench
from gated.audit.mending.sought import Sought
from gated.audit.mending.syntax import ATOM, Code, Function, Statement, level

MOST = 200  # words of a function
_NO_VALUES = (ast.Constant, ast.Starred, ast.Slice, ast.Tuple, ast.List)
_NAME = re.compile(r"[A-Za-z_]\w*")
_METHODS = "T sum mean dot copy reshape ravel transpose t tanh sigmoid derivative astype flatten squeeze matmul"
_PURE = frozenset(_METHODS.split(" "))
_BESIDE = frozenset(("forward", "backward"))  # methods of an activation, not of the layer
_MODULES = frozenset(("np", "numpy", "math", "torch", "jnp"))


@dataclass(frozen=True)
class Word:
    """An expression of theirs at one statement: its shape there, and the names of the quantities that it is worth."""

    text: str
    binds: int
    shape: tuple[int, ...]
    worth: frozenset[str]


class Words:
    """Words by statement, measured in one run of their backward pass."""

    def __init__(self, code: Code, bench: Bench, sought: Sought) -> None:
        keys = [*dict.fromkeys([*_keys(code.tree), *(p.theirs for p in bench.at.pieces)])]
        texts = {f: list(_texts(code, f, keys))[:MOST] for f in code.functions}
        asked = [
            {"line": s.line, "end": s.end_line, "expressions": [text for text, _ in texts[s.function]]}
            for s in code.statements
        ]
        said = bench.worth(code.text, asked, sought.quantities)
        self._of: dict[Statement, dict[str, Word]] = {}
        for statement, each in zip(code.statements, said, strict=True):
            stale, pairs = _stale(statement), zip(texts[statement.function], each, strict=True)
            self._of[statement] = {
                text: Word(text, binds, one[0], one[1])
                for (text, binds), one in pairs
                if one is not None and not stale.intersection(_NAME.findall(text))
            }

    def at(self, statement: Statement) -> dict[str, Word]:
        return self._of[statement]


def _texts(code: Code, function: Function, keys: Sequence[str]) -> Iterator[tuple[str, int]]:
    found: dict[str, int] = {}
    names = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
    names |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found |= dict.fromkeys(sorted(names), ATOM)
    for node in ast.walk(function):
        if isinstance(node, ast.expr) and not isinstance(node, _NO_VALUES) and _pure(node):
            found.setdefault(code.said(node), level(node))
    for text in [text for text in found if "\n" not in text]:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Subscript):
            for more in (*_moved(node), *_other_keys(node, text, keys)):
                found.setdefault(more, ATOM)
    yield from ((text, binds) for text, binds in found.items() if "\n" not in text)


def _stale(statement: Statement) -> set[str]:
    """Variables of loops that the statement stands behind: they have their last value, which may be another's."""
    loops = [node for node in ast.walk(statement.function) if isinstance(node, ast.For)]
    over = [node for node in loops if not node.lineno <= statement.line <= (node.end_lineno or 0)]
    inside = {name for node in loops if node not in over for name in _targets(node)}
    return {name for node in over for name in _targets(node)} - inside


def _targets(node: ast.For) -> Iterator[str]:
    return (name.id for name in ast.walk(node.target) if isinstance(name, ast.Name))


def _moved(node: ast.Subscript) -> Iterator[str]:
    """cs[t - 1] and cs[t + 1] beside cs[t]."""
    index, head = node.slice, ast.unparse(node.value)
    if isinstance(index, ast.Name):
        yield from (f"{head}[{index.id} + 1]", f"{head}[{index.id} - 1]")
    elif isinstance(index, ast.BinOp) and isinstance(index.left, ast.Name) and isinstance(index.right, ast.Constant):
        yield f"{head}[{index.left.id}]"


def _other_keys(node: ast.Subscript, text: str, keys: Sequence[str]) -> Iterator[str]:
    """p["Uf"] beside p["Wf"], in its quotes."""
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        head, quote = text[: text.rindex("[")], text[-2]
        yield from (f"{head}[{quote}{key}{quote}]" for key in keys)


def _keys(tree: ast.AST) -> Iterator[str]:
    """Texts by which dictionaries are asked anywhere in their file."""
    for node in ast.walk(tree):
        key = node.slice.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str) and key.isidentifier():
            yield key


def _pure(node: ast.AST) -> bool:
    """Whether an expression may be evaluated once more without changing anything."""
    if isinstance(node, (ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.expr_context, ast.JoinedStr)):
        return not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
    if isinstance(node, ast.Call):
        return _pure_call(node.func) and all(_pure(a) for a in [*node.args, *(k.value for k in node.keywords)])
    allowed: tuple[type[ast.AST], ...] = (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Subscript, ast.Tuple, ast.List)
    allowed += (ast.Slice, ast.IfExp, ast.Compare, ast.cmpop)
    if not isinstance(node, allowed) or isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
        return False
    return all(_pure(child) for child in ast.iter_child_nodes(node))


def _pure_call(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return True
    if not isinstance(function, ast.Attribute) or not _pure(function.value):
        return False
    base: Any = function.value
    if isinstance(base, ast.Name) and base.id in _MODULES:
        return True
    own = isinstance(base, ast.Name) and base.id == "self"
    return function.attr in _PURE or (function.attr in _BESIDE and not own)
