"""Imports run one way: each package imports only those before it, also inside functions."""

from __future__ import annotations

import ast

import pytest

from .directions import ALLOWED, OLD, ORDER, ROOMS, SOURCE, imports


def test_every_package_has_a_place_in_the_order() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert packages == {*ORDER, *OLD}


def test_imports_run_one_way() -> None:
    wrong = []
    for path in sorted(SOURCE.glob("*/**/*.py")):
        package, name = path.relative_to(SOURCE).parts[0], path.relative_to(SOURCE).as_posix()
        if package in OLD:
            continue
        later = {found for found in imports(path) & set(ORDER) if ORDER.index(found) > ORDER.index(package)}
        wrong += [f"{name} imports {found}" for found in sorted(later) if (name, found) not in ALLOWED]
        wrong += [f"{name} imports {found}" for found in sorted(imports(path) & OLD)]
    assert not wrong, "; ".join(wrong)


def test_the_files_beside_the_packages_know_none_of_them_at_import() -> None:
    for path in SOURCE.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert not [name for name in top if name.startswith("gated.") and name.split(".")[1] in ORDER], path.name


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_one_way(package: str) -> None:
    order, folder = ROOMS[package], SOURCE / package
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(order)
    wrong = []
    for room, name in enumerate(order):
        for path in sorted((folder / name).rglob("*.py")):
            later = imports(path, f"gated.{package.replace('/', '.')}") & set(order[room + 1 :])
            wrong += [f"{path.relative_to(SOURCE)} imports {found}" for found in sorted(later)]
    assert not wrong, "; ".join(wrong)


def test_the_files_of_the_reference_room_import_one_way() -> None:
    """In the order in which the room's own map has them."""
    folder = SOURCE / "backends/reference"
    map_ = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    order = [line.split()[0] for line in map_.splitlines() if line.startswith("    ")]
    assert sorted(order) == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    wrong = []
    for place, name in enumerate(order):
        later = imports(folder / f"{name}.py", "gated.backends.reference") & set(order[place:])
        wrong += [f"{name} imports {found}" for found in sorted(later)]
    assert not wrong, "; ".join(wrong)
