"""A class of theirs with methods put in other words that mean the same, so that an adapter can look into them.

Inputs that index are vectors (`indices`), and `a.dot(b)` is `np.dot(a, b)`, which the other operand sees.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from gated.audit.foreign.indices import HELPERS, Indices
from gated.audit.foreign.source import Source

NUMPY = "_numpy_as_it_is"


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
                named = any(a.arg == x for a in method.args.args)
                words = _Words([x] if whole and named else [])
                changed = words.visit(copy.deepcopy(method))
                if words.indexed or words.products:
                    found[method.name] = _compiled(source, changed)
    return type(kind.__name__, (kind,), {**found, "__module__": kind.__module__}) if found else kind


def _compiled(source: Source, tree: ast.FunctionDef) -> Any:
    module = ast.fix_missing_locations(ast.Module([tree], []))
    space: dict[str, Any] = {}
    around = vars(source.module)
    around.update(HELPERS, **{NUMPY: np})
    exec(compile(module, str(source.path), "exec"), around, space)  # in this child process, as their file itself is
    return space[tree.name]


class _Words(Indices):
    def __init__(self, x: Iterable[str]) -> None:
        super().__init__(x)
        self.products = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        of = node.func
        if isinstance(of, ast.Attribute) and of.attr == "dot" and len(node.args) == 1 and not _is_numpy(of.value):
            self.products += 1
            function = ast.Attribute(ast.Name(NUMPY, ast.Load()), "dot", ast.Load())
            return ast.copy_location(ast.Call(function, [of.value, node.args[0]], []), node)
        return node


def _is_numpy(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "cp", "xp")
