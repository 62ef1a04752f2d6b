"""A class of theirs with methods put in other words that mean the same, so that an adapter can look into them.

`inputs` that index a one-hot vector or the columns of a matrix are that vector here, and `a.dot(b)` is `np.dot(a, b)`,
which the other operand sees.
"""

from __future__ import annotations

import ast
import copy
from typing import Any

import numpy as np

from gated.audit.foreign.source import Source


def reworded(source: Source, kind: Any, x: str, whole: bool) -> Any:
    """A class that inherits from theirs.

    Args:
        x: the name of the inputs. whole: they are whole numbers that index.
    """
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        tree = source.classes.get(base.__name__)
        for method in tree.body if tree else ():
            if isinstance(method, ast.FunctionDef) and method.name != "__init__" and not method.decorator_list:
                changed = copy.deepcopy(method)
                named = any(a.arg == x for a in method.args.args)
                words = _Words(x if whole and named else "")
                changed = words.visit(changed)
                if words.hits:
                    found[method.name] = _compiled(source, changed)
    return type(kind.__name__, (kind,), {**found, "__module__": kind.__module__}) if found else kind


def _compiled(source: Source, tree: ast.FunctionDef) -> Any:
    module = ast.fix_missing_locations(ast.Module([tree], []))
    space: dict[str, Any] = {}
    around = vars(source.module)
    around.setdefault("__numpy", np)
    exec(compile(module, str(source.path), "exec"), around, space)  # in this child process, as their file itself is
    return space[tree.name]


class _Words(ast.NodeTransformer):
    def __init__(self, x: str) -> None:
        self.x, self.hits = x, 0

    def _mentions(self, node: ast.AST) -> bool:
        return bool(self.x) and any(isinstance(n, ast.Name) and n.id == self.x for n in ast.walk(node))

    def _input(self, node: ast.AST) -> bool:
        """The inputs, x[t], int(x[t])."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "int" and node.args:
            node = node.args[0]
        while isinstance(node, ast.Subscript):
            node = node.value
        return bool(self.x) and isinstance(node, ast.Name) and node.id == self.x

    def _index(self, node: ast.AST) -> tuple[ast.expr, int] | None:
        """The input by which something else is indexed, and along which axis."""
        if not isinstance(node, ast.Subscript) or self._mentions(node.value):
            return None
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        axis = next((k for k, place in enumerate(places) if self._input(place)), None)
        return None if axis is None else (places[axis], axis)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        at = self._index(target)
        if at and isinstance(target, ast.Subscript) and isinstance(node.value, ast.Constant):
            self.hits += 1  # v[x[t]] = 1 becomes v = 0 v + x[t]
            stored, loaded = copy.deepcopy(target.value), copy.deepcopy(target.value)
            stored.ctx, loaded.ctx = ast.Store(), ast.Load()  # type: ignore[attr-defined]
            zero = ast.BinOp(ast.Constant(0.0), ast.Mult(), loaded)
            return ast.copy_location(ast.Assign([stored], ast.BinOp(zero, ast.Add(), at[0])), node)
        self.generic_visit(node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        at = self._index(node.target)
        if at and isinstance(node.target, ast.Subscript):
            self.hits += 1  # dU[:, x[t]] += d becomes dU += outer(d, x[t])
            holder: Any = node.target.value
            holder.ctx = ast.Store()
            self.generic_visit(node.value)
            values = [node.value, at[0]] if at[1] == 1 else [at[0], node.value]
            return ast.copy_location(ast.AugAssign(holder, node.op, _call("outer", *values)), node)
        self.generic_visit(node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        at = self._index(node)
        self.generic_visit(node)
        if at and isinstance(node.ctx, ast.Load):
            self.hits += 1  # U[:, x[t]] becomes U x[t]
            parts = [node.value, at[0]] if at[1] == 1 else [at[0], node.value]
            return ast.copy_location(_call("dot", *parts), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        of = node.func
        if isinstance(of, ast.Attribute) and of.attr == "dot" and len(node.args) == 1 and not _is_numpy(of.value):
            self.hits += 1
            return ast.copy_location(_call("dot", of.value, node.args[0]), node)
        return node


def _is_numpy(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "cp", "xp")


def _call(function: str, *values: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name("__numpy", ast.Load()), function, ast.Load()), list(values), [])
