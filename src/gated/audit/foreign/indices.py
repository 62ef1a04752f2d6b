"""Inputs that are whole numbers and index, put as the one-hot vectors that they stand for, whatever vector is given.

U[:, k] becomes U k, U[k] becomes kᵀ U; dU[:, k] += d becomes dU += d kᵀ; v[k] = 1 becomes the vector itself.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def one_hot(zeros: Any, value: Any) -> Array:
    """A vector in the place of a one-hot one: a column, a row or flat, as that was."""
    value = np.asarray(value)
    try:
        return np.asarray(0.0 * zeros + value)
    except ValueError:  # they have another number of inputs than of outputs here
        return value.reshape([1 if size == 1 else -1 for size in np.shape(zeros)])


def row(change: Any, at: Any) -> Array:
    """What is added to a matrix where it was added to one of its columns."""
    return np.outer(change, at)


ONE_HOT, ROW = "_one_hot_as_given", "_gradient_of_a_row"
HELPERS = {ONE_HOT: one_hot, ROW: row}  # what rewritten code calls: for the module in which it is run


def mentions(node: ast.AST, names: Iterable[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


class Indices(ast.NodeTransformer):
    """Args:
    x: what the inputs, and one of their elements, are called; none leaves all as it is.
    """

    def __init__(self, x: Iterable[str]) -> None:
        self.x, self.indexed = set(x), 0

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        at = self._index(node)
        self.generic_visit(node)
        if at is None or not isinstance(node.ctx, ast.Load):
            return node
        self.indexed += 1
        left, right = _sided(node.value, *at)
        return ast.copy_location(ast.BinOp(left, ast.MatMult(), right), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        one = isinstance(node.value, ast.Constant) and isinstance(target, ast.Subscript)
        if one and _indexes(target.slice, self.x):  # type: ignore[attr-defined]
            self.indexed += 1
            return self.given(target, self.x, node)  # type: ignore[arg-type]
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        at = self._index(node.target)
        if at is None or not isinstance(node.target, ast.Subscript):
            return self.generic_visit(node)
        self.indexed += 1
        target = copy.deepcopy(node.target.value)
        target.ctx = ast.Store()  # type: ignore[attr-defined]
        change = ast.Call(ast.Name(ROW, ast.Load()), [*_sided(self.visit(node.value), *at)], [])
        return ast.copy_location(ast.AugAssign(target, node.op, change), node)  # type: ignore[arg-type]

    def given(self, target: ast.Subscript, names: Iterable[str], node: ast.stmt) -> ast.AST:
        """a[k] = 1, k one of these names, becomes a = 0 * a + k."""
        places = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        mentioned = [_bare(place) for place in places if mentions(place, names)]
        value = next((p for p in mentioned if not isinstance(p, ast.Call)), mentioned[0])  # not: np.arange(len(y))
        stored, loaded = copy.deepcopy(target.value), copy.deepcopy(target.value)
        stored.ctx, loaded.ctx = ast.Store(), ast.Load()  # type: ignore[attr-defined]
        call = ast.Call(ast.Name(ONE_HOT, ast.Load()), [loaded, value], [])
        return ast.copy_location(ast.Assign([stored], call), node)

    def _index(self, node: ast.AST) -> tuple[int, ast.expr] | None:
        """(axis, index) of a subscript by an input: (1, k) for A[:, k]."""
        if not isinstance(node, ast.Subscript) or mentions(node.value, self.x):
            return None
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for axis, place in enumerate(places):
            index = base = _bare(place)
            while isinstance(base, ast.Subscript):
                base = base.value
            others = [p for p in places if p is not place]
            if isinstance(base, ast.Name) and base.id in self.x and all(isinstance(p, ast.Slice) for p in others):
                return axis, index
        return None


def _indexes(node: ast.AST, names: Iterable[str]) -> bool:
    """Are these mentioned, and not only their length or shape?"""
    sized = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"
    if sized or (isinstance(node, ast.Attribute) and node.attr == "shape"):
        return False
    if isinstance(node, ast.Name):
        return node.id in names
    return any(_indexes(child, names) for child in ast.iter_child_nodes(node))


def _bare(node: ast.expr) -> ast.expr:
    """k of int(k)."""
    cast = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "int" and node.args
    return node.args[0] if cast else node  # type: ignore[attr-defined]


def _sided(other: ast.expr, axis: int, index: ast.expr) -> tuple[ast.expr, ast.expr]:
    """The index behind what it takes a column of, before what it takes a row of."""
    return (other, index) if axis else (index, other)
