"""Their single precision made double: what is audited is formulas, and no formula can be judged through float32."""

from __future__ import annotations

import ast

SINGLE = {"f", "f4", "<f4", "float32", "single"}
NAMES = {"float32": "float64", "single": "float64"}
CALLS = {"dtype", "astype", "zeros", "ones", "empty", "array", "asarray", "full"}


class Doubled(ast.NodeTransformer):
    """np.float32, dtype="f", .astype("float32"), np.empty(shape, "f"), torch.float, .float(): all in double precision.

    Lines stay what they were.
    """

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        name = NAMES.get(node.attr)
        if node.attr == "float" and isinstance(node.value, ast.Name) and node.value.id == "torch":
            name = "float64"
        if name and isinstance(node.value, ast.Name):
            return ast.copy_location(ast.Attribute(node.value, name, node.ctx), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in CALLS:
                node.args = [_double(a) for a in node.args]
            if node.func.attr == "float" and not node.args:
                node.func.attr = "double"
        for word in node.keywords:
            if word.arg == "dtype":
                word.value = _double(word.value)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        self.generic_visit(node)
        named = [*node.posonlyargs, *node.args]
        for where, held in (
            (named[len(named) - len(node.defaults) :], node.defaults),
            (node.kwonlyargs, node.kw_defaults),
        ):
            for k, (argument, value) in enumerate(zip(where, held, strict=True)):
                if "dtype" in argument.arg and value is not None:
                    held[k] = _double(value)
        return node


def _double(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in SINGLE:
        return ast.copy_location(ast.Constant("float64"), node)
    return node


def doubled(tree: ast.Module) -> ast.Module:
    return ast.fix_missing_locations(Doubled().visit(tree))
