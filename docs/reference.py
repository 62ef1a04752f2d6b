"""The pages of the reference: one for every public module, from what it exports and the docstrings there.

Public is what a package names in `__all__`, and every module with names of its own in `tests/house/places.json`, the
list of what users import. A thing stands on one page only, that of the shortest name that leads to it: `gated.nn.Dense`
is `gated.Dense`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OLD = {"gated.runtime"}  # a place that is kept for those who import from it
FOLDER = "reference"


@dataclass(frozen=True)
class Entry:
    """A public name, `gated.Dense`, and where the thing is defined, `gated.nn.dense.Dense`."""

    public: str
    home: str
    thing: Any

    @property
    def name(self) -> str:
        return self.public.rpartition(".")[2]


def modules() -> dict[str, list[str]]:
    """Every public module with the names that it exports, packages before what lies in them."""
    import gated
    from gated.moved import MOVED

    found: dict[str, list[str]] = {"gated": list(gated.__all__)}
    places = json.loads((ROOT / "tests" / "house" / "places.json").read_text(encoding="utf-8"))
    for place, names in places.items():
        if not names or place in OLD or place == "gated":
            continue
        parent, _, name = place.rpartition(".")
        exported = name in getattr(importlib.import_module(parent), "__all__", ())
        module = place if exported else MOVED.get(place, place)
        found[module] = sorted({*names, *getattr(importlib.import_module(module), "__all__", ())})
    for package in gated.__all__:  # what came since that list was made
        module = (
            importlib.import_module(f"gated.{package}") if isinstance(getattr(gated, package), ModuleType) else None
        )
        if module is not None and module.__name__ not in OLD and getattr(module, "__all__", ()):
            found.setdefault(f"gated.{package}", list(module.__all__))
    return dict(sorted(found.items()))


@functools.cache
def entries() -> dict[str, list[Entry]]:
    """The names that each page has. Every public thing is on one of them."""
    pages: dict[str, list[Entry]] = {}
    seen: set[int] = set()
    for module, names in modules().items():
        own = importlib.import_module(module)
        pages[module] = []
        for name in names:
            thing = getattr(own, name)
            if id(thing) in seen and not isinstance(thing, (str, int, tuple)):
                continue
            seen.add(id(thing))
            pages[module].append(Entry(f"{module}.{name}", _home(module, name, thing), thing))
    return {module: found for module, found in pages.items() if found}


def _home(module: str, name: str, thing: Any) -> str:
    """Where the source of a public thing is: in the module of the statement that binds its name."""
    import gated

    if isinstance(thing, ModuleType):
        return thing.__name__
    if module == "gated":
        module = gated._HOME.get(name, module)
    own = vars(importlib.import_module(module))
    if name in own.get("ESTIMATORS", ()):
        return f"{own['ESTIMATORS'][name]}.{name}"
    if name not in own:  # a package that imports it when it is asked for
        return f"{thing.__module__}.{name}"
    return f"{_origin(module, name)}.{name}"


@functools.cache
def _imported(module: str) -> dict[str, str]:
    """The names that a module imports from others, and from where."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _origin(module: str, name: str) -> str:
    found = _imported(module).get(name)
    return importlib.import_module(module).__name__ if found is None else _origin(found, name)


def summary(thing: Any) -> str:
    """The first sentence of what its docstring says, for a table."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def address(module: str) -> str:
    """Where a page lies among the pages of the site."""
    return f"{FOLDER}/{module}.md"


def page(module: str, own: list[Entry]) -> str:
    """The Markdown of a module's page."""
    return "\n".join(_lines(module, own)) + "\n"


def _lines(module: str, own: list[Entry]) -> Iterator[str]:
    from gated.language.compositions import WRITTEN

    yield f"# {module}\n"
    yield inspect.getdoc(importlib.import_module(module)) or ""
    packages = [entry for entry in own if isinstance(entry.thing, ModuleType)]
    written = [entry for entry in own if WRITTEN.get(entry.name) is entry.thing]
    cells = [entry for entry in own if type(entry.thing).__name__ == "Cell"]
    special = {entry.public for entry in [*packages, *written, *cells]}
    rest = [entry for entry in own if entry.public not in special]
    rest.sort(key=lambda entry: (not inspect.isclass(entry.thing), not inspect.isfunction(entry.thing)))
    if rest:
        yield "\n| name | |\n|---|---|"
        for entry in rest:
            what = summary(entry.thing) if inspect.isclass(entry.thing) or inspect.isfunction(entry.thing) else ""
            yield f"| [`{entry.name}`](#{entry.public}) | {what} |"
    if written:
        yield from _functions(written)
    if cells:
        yield "\n## Cells\n\nTheir equations, parameters and sources: [the page of cells](../cells.md).\n"
        yield " · ".join(f"[`{entry.name}`](../cells.md#{entry.name}){{ #{entry.public} }}" for entry in cells)
    for entry in rest:
        yield f"\n[](){{ #{entry.public} }}\n\n::: {entry.home}\n    options:\n      heading: {entry.public}"
        yield f"      toc_label: {entry.name}"
        if inspect.isclass(entry.thing):
            yield f"      inherited_members: {json.dumps(_inherited(entry.thing))}"
    if packages:
        yield "\n## Packages and modules\n\n| name | |\n|---|---|"
        for entry in packages:
            yield f"| {_link(entry)} | {summary(entry.thing)} |"


def _inherited(kind: type) -> list[str]:
    """What a class has from bases that are on no page of their own."""
    public = {entry.thing for own in entries().values() for entry in own if inspect.isclass(entry.thing)}
    bases = [base for base in kind.__mro__[1:] if base not in public and base.__module__.startswith("gated.")]
    return sorted({name for base in bases for name in vars(base) if not name.startswith("_")})


def _link(entry: Entry) -> str:
    at = f"[](){{ #{entry.public} }}"
    return f"{at}[`{entry.public}`]({entry.public}.md)" if entry.public in modules() else f"{at}`{entry.public}`"


def _functions(written: list[Entry]) -> Iterator[str]:
    """The functions of the language, from their rows in the book of operations."""
    from gated.language.functions import PUBLIC

    yield "\n## Functions of the equations\n"
    yield "Elementwise: on a symbol they write an equation, on numbers and NumPy arrays they compute.\n"
    yield "| function | what it is | derivative |\n|---|---|---|"
    for entry in written:
        row = PUBLIC[entry.name]
        call = f"{entry.name}({', '.join('ab'[: row.arity])})"
        slope = row.legend.slope[0].replace("|", "\\|")
        yield f"| [](){{ #{entry.public} }}`{call}` | {row.public} | {slope} |"


if __name__ == "__main__":
    for module, own in entries().items():
        print(module, *(entry.name for entry in own))
    sys.exit(0)
