"""Cells by name: those of the zoo, and those in a user's file."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from gated.errors import ArgumentError, GatedError, unlisted
from gated.language import Cell


def load_cell(spec: str) -> Cell:
    """`lstm`: from the zoo. `path/to/file.py:name`: import that file and take `name` from it.

    Raises ArgumentError, in one line, for whatever can be wrong with either.
    """
    from gated.cells import ZOO

    path, colon, name = spec.rpartition(":")
    if colon and path.endswith(".py"):
        return _cell_of(_import(Path(path)), Path(path), name)
    if spec.endswith(".py"):
        raise ArgumentError(f"cell: got {spec!r}, expected the cell's name behind it: {spec}:NAME")
    if spec not in ZOO:
        raise unlisted("cell", spec, ZOO, "FILE.py:NAME or the name of a cell of the zoo (`gated cells` lists them)")
    return ZOO[spec]


def _import(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError(f"cell: got {str(path)!r}, which is no file, expected a Python file")
    name = f"_gated_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ArgumentError(f"cell: got {str(path)!r}, expected a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except GatedError:
        raise  # the cell's equations are wrong, and the message says where
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {_first_line(error)}"
        raise ArgumentError(f"cell: {path}{_line(error, path)}: {reason}") from error
    finally:
        sys.modules.pop(name, None)
    return module


def _line(error: BaseException, path: Path) -> str:
    """`:12`, the last line of this file that the error passed through; nothing if it never did."""
    file = path.resolve()
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename) == file:
        return f":{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return f":{lines[-1]}" if lines else ""


def _first_line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return (text or "no message").splitlines()[0]


def _cell_of(module: ModuleType, path: Path, name: str) -> Cell:
    if not hasattr(module, name):
        found = ", ".join(key for key, value in vars(module).items() if isinstance(value, Cell))
        raise ArgumentError(f"cell: got no {name!r} in {path}, expected one of its cells ({found or 'none'})")
    value = getattr(module, name)
    if isinstance(value, Cell):
        return value
    hint = f": write @gated.cell above def {name}" if callable(value) else ""
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiouAEIOU" else "a"
    raise ArgumentError(f"cell: got {path}:{name}, {article} {kind}, expected a cell{hint}")
