"""What a function's body does with its arguments, where their names say nothing: in whatever language they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import numpy as np

from gated.audit.foreign.source import Source

BACKWARDS = re.compile(r"reversed\(|\[::-1\]|,-1,-1\)|,0,-1\)|\.reverse\(\)|\.pop\(\)")
SLOPES = re.compile(r"\(?1(?:\.0?)?-\w+(?:\[[^\]]*\])*(?:\*\*2|\*\w+|\)|\.\w+)|>0|\*=1(?:\.0?)?-")
Uses = dict[str, set[str]]


def uses(source: Source, name: str, seen: frozenset[str] = frozenset()) -> Uses:
    """Argument -> "keys" (a["W"]), "attributes" (a.W), "names" (A, B, C = a), "pair" (h, c = a), "loop" (for b in a),
    "shape" (a.shape, len(a)), "index" (a[t]), "range" (in range(a) or arithmetic of sizes); of functions that it is
    handed to as well."""
    found = source.kept(("uses", name, seen), lambda: _uses(source, name, seen))
    return {argument: set(what) for argument, what in found.items()}


def _uses(source: Source, name: str, seen: frozenset[str]) -> Uses:
    tree = source.functions.get(name)
    if tree is None or name in seen:
        return {}
    found: Uses = {a: set() for a in source.arguments(name, keywords=True)}
    for node in ast.walk(tree):
        _note(node, found)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in source.functions:
            _handed_on(source, node, found, seen | {name})
    return found


def _handed_on(source: Source, call: ast.Call, found: Uses, seen: frozenset[str]) -> None:
    called = call.func.id  # type: ignore[attr-defined]
    inside = uses(source, called, seen)
    pairs = [*zip(source.arguments(called), call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
    for theirs, value in pairs:
        if isinstance(value, ast.Name) and value.id in found and theirs:
            found[value.id] |= {"handed", *(inside.get(theirs, set()) - {"loop", "shape"})}


def _note(node: ast.AST, found: Uses) -> None:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in found:
        found[node.value.id].add("keys" if _text(node.slice) else "index")
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in found:
        array = hasattr(np.ndarray, node.attr)
        found[node.value.id].add("shape" if array else "keys" if hasattr(dict, node.attr) else "attributes")
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.List)):
        word = "names" if len(node.targets[0].elts) > 2 else "pair"
        values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        for value in values:
            if isinstance(value, ast.Name) and value.id in found:
                found[value.id].add(word)
    elif isinstance(node, (ast.For, ast.comprehension)):
        for name in _looped(node.iter):
            if name in found:
                found[name].add("loop")
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        first = node.args[-1]
        if isinstance(first, ast.Name) and first.id in found and node.func.id in ("len", "range"):
            found[first.id].add({"len": "shape", "range": "size"}[node.func.id])


def _text(node: ast.AST) -> bool:
    """Is it a text, or one put together?"""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) or _text(node.right)
    return isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str)


def _looped(node: ast.AST) -> list[str]:
    """xs of: for x in xs, for t, x in enumerate(xs), for x, y in zip(xs, ys)."""
    if isinstance(node, ast.Name):
        return [node.id]
    wraps = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("enumerate", "zip")
    return [a.id for a in node.args if isinstance(a, ast.Name)] if wraps else []  # type: ignore[attr-defined]


def holds_parameters(used: set[str]) -> bool:
    return bool(used & {"keys", "attributes", "names"})


def sequence(found: Mapping[str, set[str]], among: list[str]) -> str | None:
    """The one of these arguments that is run through."""
    for word in ("loop", "shape", "index"):
        there = [name for name in among if word in found.get(name, set())]
        if there:
            return there[0]
    return None


def looks_backward(source: Source, name: str) -> int:
    """How much a function looks like a backward pass: it runs against time, and has derivatives of activations."""
    text = re.sub(r"\s+", "", source.segment(name))
    return 2 * bool(BACKWARDS.search(text)) + min(len(SLOPES.findall(text)), 5)
