"""Modules of a package that are there as soon as they are named: `import gated; gated.interop.model_file`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any


def submodules(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for the package of this name: its modules are imported when they are asked for."""

    def get(name: str) -> Any:
        if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        from pkgutil import iter_modules

        own = sys.modules[package]
        modules = [found.name for found in iter_modules(own.__path__) if not found.name.startswith("_")]
        return sorted({*vars(own), *modules})

    return get, names
