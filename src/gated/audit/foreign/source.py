"""Their file: loaded by its path, read as a syntax tree for what the objects themselves do not tell."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable, Hashable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from gated.audit.foreign.precision import doubled

Answer = TypeVar("Answer")
STACKING = {"stack", "array", "asarray", "vstack", "concatenate", "copy"}


class Source:
    """Their module, executed, and its text."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.text = self.path.read_text(encoding="utf-8", errors="replace")
        self.tree = ast.parse(self.text, filename=str(path))
        self.module = self._load()
        self.functions = {n.name: n for n in self.tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self._kept: dict[Hashable, Any] = {}
        self.classes = {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}

    def _load(self) -> ModuleType:
        """Executed under a name that is not __main__: their own checks at the end do not run."""
        sys.path.insert(0, str(self.path.resolve().parent))
        around = sys.modules["audited_package"] = ModuleType("audited_package")  # for `from .utils import sigmoid`
        around.__path__ = [str(self.path.resolve().parent)]
        spec = importlib.util.spec_from_file_location("audited_" + self.path.stem, self.path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        module.__package__ = around.__name__
        sys.modules[spec.name] = module
        exec(compile(doubled(self.tree), str(self.path), "exec"), module.__dict__)  # noqa: S102
        return module

    def kept(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """What was answered before: dozens of readings of the same functions ask the same."""
        if question not in self._kept:
            self._kept[question] = answer()
        found: Answer = self._kept[question]
        return found

    def get(self, name: str) -> Any:
        return getattr(self.module, name, None)

    def arguments(self, name: str, keywords: bool = False) -> list[str]:
        """Names of the positional arguments of a function of theirs, and of those that are given by keyword alone."""
        return argument_names(self.get(name), keywords)

    def returned(self, name: str) -> list[str | None] | None:
        """The names in its last `return a, b, c`; None where it returns something else."""
        return self.kept(("returned", name), lambda: returned_names(self.functions.get(name)))

    def returned_tree(self, name: str) -> list[Any]:
        """The names in its last `return a, (b, c), d`: a list for a tuple, None for what is no name."""
        return list(self.kept(("returned tree", name), lambda: returned_tree(self.functions.get(name))))

    def inner(self, name: str) -> ast.FunctionDef | None:
        """The function that a function of theirs defines and returns, its backward pass: the last one."""
        tree = self.functions.get(name)
        if tree is None:
            return None
        inside = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n is not tree}
        returned = [n for n in _flat(self.returned_tree(name)) if n in inside]
        return inside[returned[-1]] if returned else None

    def segment(self, name: str) -> str:
        """The text of a function of theirs."""
        return (ast.get_source_segment(self.text, self.functions[name]) or "") if name in self.functions else ""

    def reached(self, name: str) -> list[str]:
        """A function of theirs and those that it calls."""
        return list(self.kept(("reached", name), lambda: self._reached(name)))

    def _reached(self, name: str) -> list[str]:
        found, waiting = [], [name]
        while waiting:
            tree = self.functions.get(at := waiting.pop())
            if tree is not None and at not in found:
                found.append(at)
                waiting += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
        return found

    def unpacked(self, names: list[str]) -> dict[str, list[Any]]:
        """The names into which a name is unpacked in these functions: `Wx, Wh, b = params`."""
        return dict(self.kept(("unpacked", *names), lambda: self._unpacked(names)))

    def _unpacked(self, names: list[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for tree in (self.functions[name] for name in names if name in self.functions):
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and isinstance(inside := _names(node.targets[0]), list):
                    values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
                    for value in values:
                        if isinstance(value, ast.Name):
                            found.setdefault(value.id, inside)
        return found

    def keys(self, names: list[str]) -> list[str]:
        """Constant texts by which a dictionary of parameters is asked in these functions: p["Wf"] -> Wf."""
        return list(self.kept(("keys", *names), lambda: self._keys(names)))

    def _keys(self, names: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for name in names:
            tree = self.functions.get(name)
            if tree is None:
                continue
            holders = _aliases(tree)
            for node in ast.walk(tree):
                key = _key(node, holders)
                if key is not None:
                    found[key] = None
        deeper = {key.split(".")[0] for key in found if "." in key}
        return [key for key in found if key not in deeper]


def globals_read(source: Source, name: str) -> list[str]:
    """Arrays of their module that a function reads, and the functions that it calls."""
    return list(source.kept(("globals", name), lambda: _globals_read(source, name)))


def _globals_read(source: Source, name: str) -> list[str]:
    found: dict[str, None] = {}
    for reached in source.reached(name):
        tree = source.functions[reached]
        own = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
        own |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
                value = source.get(node.id)
                if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim:
                    found[node.id] = None
    return list(found)


def returned_tree(tree: Any) -> list[Any]:
    returns = [n for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None] if tree else []
    if not returns:
        return []
    names = _names(max(returns, key=lambda n: n.lineno).value)
    return names if isinstance(names, list) else [names]


def _flat(names: list[Any]) -> list[Any]:
    return [inner for n in names for inner in (_flat(n) if isinstance(n, list) else [n])]


def _key(node: ast.AST, holders: set[str]) -> str | None:
    """p["Wf"] and p.Wf, p one of the holders: Wf; p["f"]["W"]: f.W."""
    if not isinstance(node, (ast.Subscript, ast.Attribute)):
        return None
    if isinstance(node.value, (ast.Subscript, ast.Attribute)):
        outer, own = _key(node.value, holders), _own_key(node)
        return f"{outer}.{own}" if outer and own and "." not in outer else None
    if not isinstance(node.value, ast.Name) or node.value.id not in holders:
        return None
    return _own_key(node)


def _own_key(node: ast.Subscript | ast.Attribute) -> str | None:
    if isinstance(node, ast.Subscript):
        constant = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
        return node.slice.value if constant else None  # type: ignore[attr-defined]
    return node.attr if not hasattr(dict, node.attr) and not hasattr(np.ndarray, node.attr) else None


def _names(node: Any) -> Any:
    """A name, a list for a tuple, None for anything else; of grads["W"] W, of dxs[::-1] and np.stack(dxs) dxs, of
    hs[-1] something that is no name."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return [_names(part) for part in node.elts]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        constant = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(constant, str):
            return constant
        return node.value.id if isinstance(node.slice, ast.Slice) else node.value.id + "[]"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STACKING and node.args:
        inside = _names(node.args[0])
        return inside if isinstance(inside, str) else None
    return node.id if isinstance(node, ast.Name) else None


def argument_names(function: Any, keywords: bool = False) -> list[str]:
    if isinstance(function, ast.FunctionDef):
        return [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    P = inspect.Parameter
    kinds = {P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD} | ({P.KEYWORD_ONLY} if keywords else set())
    return [p.name for p in parameters if p.kind in kinds]


def defaults(function: Any) -> set[str]:
    """Names of the arguments that need not be given."""
    if isinstance(function, ast.FunctionDef):
        given = function.args.args[len(function.args.args) - len(function.args.defaults) :]
        return {a.arg for a in given} | {a.arg for a in function.args.kwonlyargs}
    try:
        return {p.name for p in inspect.signature(function).parameters.values() if p.default is not p.empty}
    except (TypeError, ValueError):
        return set()


def _aliases(tree: Any) -> set[str]:
    """The arguments of a function, and the names that stand for one of them: p = params."""
    holders = {a.arg for a in tree.args.args}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Name) and value.id in holders:
                    holders.add(name.id)
    return holders


def returned_names(tree: Any) -> list[str | None] | None:
    if tree is None:
        return None
    returns = [n for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None]
    if not returns:
        return None
    value = max(returns, key=lambda n: n.lineno).value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [part.id if isinstance(part, ast.Name) else None for part in parts]
    return names if any(names) else None
