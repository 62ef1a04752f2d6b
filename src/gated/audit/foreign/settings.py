"""What a constructor asks for that holds sizes inside: a dictionary or object of settings, the shape of an input."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from gated.audit.foreign.containers import Bag
from gated.audit.foreign.source import Source

SETTINGS = re.compile(
    r"^(the_?)?(config|configuration|cfg|conf|c|opts?|options?|settings?|hparams?|hps?|hyper\w*|params?|args|spec|dims?|sizes)$"
)
SIZES = re.compile(r"^(n_?)?(layer_?|net_?)?(sizes?|dims?|layers|units|architecture|topology|neurons|nodes)$")
STEPS, SEQUENCES = 3, 2  # of a shape: any that are allowed


def tree_of(kind: Any, source: Source | None) -> ast.AST | None:
    """The syntax of a class, or of that of a bound method."""
    owner = kind if isinstance(kind, type) else type(getattr(kind, "__self__", None))
    return source.classes.get(owner.__name__) if source else None


def _is(node: ast.AST, names: set[str]) -> bool:
    """Is it a name of these, or self's attribute of them?"""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return "self." + node.attr in names
    return isinstance(node, ast.Name) and node.id in names


def _aliases(tree: ast.AST, name: str) -> set[str]:
    """The argument, and what it is put into: self.cfg = config."""
    found = {name}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is(node.value, found):
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    found.add("self." + target.attr)
                elif isinstance(target, ast.Name):
                    found.add(target.id)
    return found


def keys_asked(tree: ast.AST, name: str) -> dict[str, bool]:
    """Keys that are asked of this argument as of a dictionary or an object -> whether they have to be there."""
    of, found = _aliases(tree, name), dict[str, bool]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is(node.value, of) and isinstance(node.slice, ast.Constant):
            if isinstance(node.slice.value, str):
                found[node.slice.value] = True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, of):
            key = node.args[0] if node.func.attr in ("get", "pop") and node.args else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found.setdefault(key.value, False)
        elif isinstance(node, ast.Attribute) and _is(node.value, of) and not hasattr(dict, node.attr):
            found[node.attr] = True
    return found


def settings(
    tree: ast.AST | None, p: inspect.Parameter, size_of: Callable[[str], str | None], value: Callable[[str], Any]
) -> Bag | None:
    """A dictionary of what is asked of this argument, if sizes are; what need not be there is left out."""
    if tree is None or not SETTINGS.match(p.name.lower()):
        return None
    keys = keys_asked(tree, p.name)
    if not {size_of(key) for key in keys} & {"D", "H"}:
        return None
    return Bag({key: value(key) for key, needed in keys.items() if needed or size_of(key)})


def own_class(source: Source | None, p: inspect.Parameter) -> Any:
    """The class of their file that an argument's annotation names."""
    said = p.annotation
    word = said if isinstance(said, str) else getattr(said, "__name__", "")
    return source.get(word) if source and word in source.classes else None


def shape(tree: ast.AST | None, name: str, D: int) -> tuple[int, ...]:
    """Of an input of D features, with as many axes as their code takes apart."""
    every = (SEQUENCES, STEPS, D)
    if tree is None:
        return every[1:]
    counts = [*_axes(tree, _aliases(tree, name))]
    return every[-max(counts) :] if counts and max(counts) <= len(every) else every[1:]


def sizes(tree: ast.AST | None, p: inspect.Parameter, D: int, H: int) -> tuple[int, ...] | None:
    """Of several layers in one argument, (D, H) or (D, H, outputs): its default is such, or it is taken apart."""
    count = 0
    if isinstance(p.default, (tuple, list)) and all(type(n) is int for n in p.default):
        count = len(p.default)
    elif p.default is p.empty and SIZES.match(p.name.lower()) and tree is not None:
        count = max(_axes(tree, _aliases(tree, p.name)), default=0)
    return (D, H, H + 1)[:count] if count in (2, 3) else None


def _axes(tree: ast.AST, of: set[str]) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is(node.value, of):
            yield from (len(t.elts) for t in node.targets if isinstance(t, (ast.Tuple, ast.List)))
        elif isinstance(node, ast.Subscript) and _is(node.value, of) and isinstance(node.slice, ast.Constant):
            number = node.slice.value
            yield from [number + 1] if isinstance(number, int) and number >= 0 else []
