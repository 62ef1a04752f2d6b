"""Attributes that a class of theirs reads and nothing makes: an AttributeError that waits for a method's first call."""

from __future__ import annotations

import ast

from gated.audit.foreign.source import Source

# what makes attributes under names that are not in the text
DYNAMIC = {"setattr", "__dict__", "vars", "__getattr__", "__getattribute__", "__slots__", "dataclass", "locals"}


def unmade(source: Source, name: str) -> dict[str, list[str]]:
    """Methods of a class of the file -> the attributes of its object that they read and nothing in the file makes.

    Nothing is said of a class with bases from elsewhere, nor where attributes are made under computed names."""
    family = _with_bases(source, name)
    words = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name)}
    words |= {n.attr for n in ast.walk(source.tree) if isinstance(n, ast.Attribute)}
    defined = {n.name for n in ast.walk(source.tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    if not family or DYNAMIC & (words | defined):
        return {}
    made = _made(source.tree) | set(dir(object)) | {member for tree in family for member in _members(tree)}
    found: dict[str, list[str]] = {}
    for tree in family:
        for method in tree.body:
            if isinstance(method, ast.FunctionDef) and method.args.args:
                read = dict.fromkeys(n for n in _read(method, method.args.args[0].arg) if n not in made)
                if read:
                    found[method.name] = list(read)
    return found


def _with_bases(source: Source, name: str) -> list[ast.ClassDef]:
    """The class and its bases in the file; none if one is from elsewhere."""
    found, waiting = [], [name]
    while waiting:
        tree = source.classes.get(waiting.pop())
        if tree is None or tree.keywords or tree.decorator_list:
            return []
        found.append(tree)
        waiting += [base for base in map(ast.unparse, tree.bases) if base not in ("object", "ABC")]
    return found


def _made(tree: ast.AST) -> set[str]:
    """Attributes that are assigned to anything, or asked for by name before they are used."""
    made = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)}
    return made | {
        n.args[1].value
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("hasattr", "getattr")
        if len(n.args) > 1 and isinstance(n.args[1], ast.Constant) and isinstance(n.args[1].value, str)
    }


def _members(tree: ast.ClassDef) -> set[str]:
    """What the body of a class defines."""
    names = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    return names | {n.id for part in tree.body for n in ast.walk(part) if isinstance(n, ast.Name)}


def _read(method: ast.FunctionDef, own: str) -> list[str]:
    return [
        n.attr
        for n in ast.walk(method)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)
        if isinstance(n.value, ast.Name) and n.value.id == own
    ]
