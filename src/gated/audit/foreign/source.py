"""Their file: loaded by its path, read as a syntax tree for what the objects themselves do not tell."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class Source:
    """Their module, executed, and its text."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.text = self.path.read_text(encoding="utf-8", errors="replace")
        self.tree = ast.parse(self.text, filename=str(path))
        self.module = self._load()
        self.functions = {n.name: n for n in self.tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self._returned: dict[str, list[str | None] | None] = {}
        self.classes = {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}

    def _load(self) -> ModuleType:
        """Executed under a name that is not __main__: their own checks at the end do not run."""
        sys.path.insert(0, str(self.path.resolve().parent))
        spec = importlib.util.spec_from_file_location("audited_" + self.path.stem, self.path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def get(self, name: str) -> Any:
        return getattr(self.module, name, None)

    def arguments(self, name: str) -> list[str]:
        """Names of the positional arguments of a function of theirs."""
        return argument_names(self.get(name))

    def returned(self, name: str) -> list[str | None] | None:
        """The names in its last `return a, b, c`; None where it returns something else."""
        if name not in self._returned:  # asked for in every run
            self._returned[name] = returned_names(self.functions.get(name))
        return self._returned[name]

    def keys(self, names: list[str]) -> list[str]:
        """Constant texts by which a dictionary of parameters is asked in these functions: p["Wf"] -> Wf."""
        found: dict[str, None] = {}
        for name in names:
            tree = self.functions.get(name)
            if tree is None:
                continue
            holders = _aliases(tree)
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Subscript)
                    and isinstance(node.value, ast.Name)
                    and node.value.id in holders
                    and isinstance(node.slice, ast.Constant)
                    and isinstance(node.slice.value, str)
                ):
                    found[node.slice.value] = None
        return list(found)


def argument_names(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds]


def defaults(function: Any) -> set[str]:
    """Names of the arguments that need not be given."""
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
