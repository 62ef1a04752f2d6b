"""A function of a loss without its loss: targets are adjoints of its outputs, indices of one-hot inputs are vectors."""

from __future__ import annotations

import ast
import copy
from typing import Any

from gated.audit.foreign import roles
from gated.audit.foreign.indices import HELPERS, Indices, mentions
from gated.audit.foreign.source import Source

HELPER, STATES = "_audited_", "_states_of_all_steps"


def rewritten(source: Source, name: str, x: str, targets: str) -> tuple[Any, str]:
    """Their function without its loss, which returns the hidden states after all else, and what those are called."""
    tree = copy.deepcopy(source.functions[name])
    hidden = _hidden(tree) or _collected(tree)
    rewrite = Rewrite({x, *_elements(tree, x)}, {targets, *_elements(tree, targets)})
    tree.decorator_list = []
    tree = rewrite.visit(tree)
    if not rewrite.hits or not hidden:
        return None, ""
    called = [_rewritten_helper(source, f, x) for f in source.reached(name)[1:] if x in source.arguments(f)]
    names = {f.name.removeprefix(HELPER) for f in called}
    for node in (n for part in (tree, *called) for n in ast.walk(part)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            node.func.id = HELPER + node.func.id
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, (ast.Tuple, ast.List)) else [node.value]
            node.value = ast.Tuple([*parts, ast.Name(hidden, ast.Load())], ast.Load())
    module = ast.fix_missing_locations(ast.Module([*called, tree], []))
    space, before = vars(source.module), source.get(name)
    space.update(HELPERS)
    exec(compile(module, str(source.path), "exec"), space)  # in this child process, as their file itself is
    function, space[name] = space[name], before
    return function, hidden


def _rewritten_helper(source: Source, name: str, x: str) -> ast.FunctionDef:
    """A function that theirs hands the inputs to."""
    tree: Any = copy.deepcopy(source.functions[name])
    tree.name, tree.decorator_list = HELPER + name, []
    return Rewrite({x, *_elements(tree, x)}, set()).visit(tree)


def _elements(tree: ast.AST, name: str) -> set[str]:
    """What one of its elements is called: for ix, iy in zip(inputs, targets)."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            found |= _element(node.target, node.iter, name)
    return found


def _element(target: ast.AST, iterated: ast.AST, name: str) -> set[str]:
    if isinstance(iterated, ast.Name) and iterated.id == name:
        return {target.id} if isinstance(target, ast.Name) else set()
    called = iterated.func.id if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) else ""
    if called not in ("zip", "enumerate") or not isinstance(target, ast.Tuple):
        return set()
    targets = target.elts[1:] if called == "enumerate" else target.elts
    pairs = zip(targets, iterated.args, strict=False)  # type: ignore[attr-defined]
    return {n for inner, outer in pairs for n in _element(inner, outer, name)}


def _collected(tree: ast.AST) -> str:
    """Where no array keeps the states: a list of them, appended to at the end of each step of the first loop."""
    body: list[ast.stmt] = tree.body  # type: ignore[attr-defined]
    place = next((k for k, node in enumerate(body) if isinstance(node, ast.For)), None)
    if place is None:
        return ""
    before = {n.id for node in body[:place] for n in ast.walk(node) if isinstance(n, ast.Name)}
    stored = [n.id for n in ast.walk(body[place]) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    state = next((n for n in stored if n in before and roles.state(n) == "h"), None)
    if state is None:
        return ""
    body[place].body.append(ast.parse(f"{STATES}.append({state})").body[0])  # type: ignore[attr-defined]
    body.insert(0, ast.parse(f"{STATES} = []").body[0])
    return STATES


def _hidden(tree: ast.AST) -> str:
    """The name under which hidden states of all steps are kept: hs[t] = ..., hs.append(h), hs, cache = ..."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, 0)
        if isinstance(node, ast.Attribute) and node.attr == "append" and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, 1)
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Tuple):
            found |= {e.id: found.get(e.id, 2) for e in target.elts if isinstance(e, ast.Name) and e.id.endswith("s")}
    names = sorted((rank, n) for n, rank in found.items() if roles.state(n) == "h")
    return names[0][1] if names else ""


class Rewrite(Indices):
    """x, targets: what they and one of their elements are called."""

    def __init__(self, x: set[str], targets: set[str]) -> None:
        super().__init__(x)
        self.targets, self.hits = targets, 0

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self._without_loss(super().visit_Assign(node))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if isinstance(node.target, ast.Subscript) and mentions(node.target.slice, self.targets):
            self.hits += 1
            return self.given(node.target, self.targets, node)  # a[targets[t]] -= 1
        return self._without_loss(super().visit_AugAssign(node))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        right = node.right.value if isinstance(node.right, ast.Subscript) else node.right
        if not isinstance(node.op, ast.Sub) or not isinstance(right, ast.Name) or right.id not in self.targets:
            return node
        self.hits += 1
        return ast.copy_location(_zero_plus(node.left, node.right), node)

    def _without_loss(self, node: ast.AST) -> ast.AST:
        """What takes a probability at a target is the loss: 0."""
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            slices = [n.slice for n in ast.walk(node.value) if isinstance(n, ast.Subscript)]
            if any(mentions(s, self.targets) for s in slices):
                node.value = ast.copy_location(ast.Constant(0.0), node.value)
        return node


def _zero_plus(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(ast.BinOp(ast.Constant(0.0), ast.Mult(), left), ast.Add(), right)
