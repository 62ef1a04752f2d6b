"""The order in which packages import, and rooms within some of them: stated here, once.

`test_directions.py` holds it. docs/architecture.md and its pictures (`docs/house.py`) are made from it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from pathlib import Path

import gated

SOURCE = Path(gated.__file__).parent
ORDER = (
    "files",
    "data",
    "language",
    "calculus",
    "cells",
    "schedule",
    "program",
    "backends",
    "nn",
    "learning",
    "audit",
    "interop",
    "models",
    "experiments",
    "cli",
)
ROOMS = {
    "backends/native": ("codegen", "machine", "memory", "threads", "passes"),
    "learning": ("rules", "training", "runs", "realtime"),
    "audit": ("foreign", "diagnosis", "mending", "pages"),
}
OLD = {"runtime"}  # a place that is kept for those who import from it
# a cell shows its own derivation: the method asks for it when it is called
ALLOWED = {("language/cell.py", "calculus")}


def imports(path: Path, package: str = "gated") -> set[str]:
    """The packages and modules in a package that a file imports anywhere in it, also inside functions."""
    names = (name for name in _imported(path) if name.startswith(f"{package}."))
    return {name.removeprefix(f"{package}.").split(".")[0] for name in names}


@functools.cache
def _imported(path: Path) -> frozenset[str]:
    """All that a file imports; it is read once."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def edges(order: Iterable[str] = ORDER, folder: str = "") -> dict[str, list[str]]:
    """For each package, or room of the package in this folder, the others that its files import, in the order."""
    order, package = list(order), ".".join(["gated", *Path(folder).parts])
    found: dict[str, list[str]] = {}
    for name in order:
        used = set[str]().union(*(imports(path, package) for path in (SOURCE / folder / name).rglob("*.py")))
        found[name] = [other for other in order if other in used - {name}]
    return found
