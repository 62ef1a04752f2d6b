"""The key of machine code: whatever makes the code is in it, wherever it lies."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from gated.backends.native.machine.target import SOURCES, environment, sources_digest

PACKAGE = Path(__file__).resolve().parents[3] / "src" / "gated"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package's sources, to be changed at will."""
    folder = tmp_path / "gated"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_key_has_the_digest_of_the_sources() -> None:
    assert environment()[-1] == sources_digest(PACKAGE)


def test_a_copy_has_the_same_digest(copied: Path) -> None:
    assert sources_digest(copied) == sources_digest(PACKAGE)


def test_a_moved_file_makes_another_key(copied: Path) -> None:
    before = sources_digest(copied)
    room = copied / "backends" / "native" / "a_new_room"
    room.mkdir()
    victim = next(iter(sorted((copied / "backends" / "native").glob("*.py"))))
    victim.rename(room / victim.name)
    assert sources_digest(copied) != before


def test_an_edit_counts_however_deep_the_file_lies(copied: Path) -> None:
    room = copied / "backends" / "native" / "room" / "in_a_room"
    room.mkdir(parents=True)
    new = room / "rules.py"
    new.write_text("WIDTH = 4\n")
    before = sources_digest(copied)
    new.write_text("WIDTH = 8\n")
    assert sources_digest(copied) != before


@pytest.mark.parametrize("name", [*SOURCES, "."])
def test_every_source_counts(copied: Path, name: str) -> None:
    files = list((copied / name).glob("*.py") if name == "." else (copied / name).rglob("*.py"))
    assert files
    before = sources_digest(copied)
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content + b"# changed\n")
        assert sources_digest(copied) != before, f"{path} does not count"
        path.write_bytes(content)


def test_a_package_that_is_not_there_is_an_error(copied: Path) -> None:
    shutil.rmtree(copied / "schedule")
    with pytest.raises(FileNotFoundError, match="no sources in .*schedule: machine code would be kept"):
        sources_digest(copied)


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _imported(path: Path, known: set[str]) -> set[str]:
    """The modules that a file imports anywhere in it, and the packages in which they lie."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
        for name in names:
            parts = name.split(".")
            found |= {".".join(parts[: k + 1]) for k in range(len(parts))} & known
    return found


def test_what_the_backends_import_is_in_the_key() -> None:
    paths = {_module(path): path for path in PACKAGE.rglob("*.py")}
    reached: set[str] = set()
    new = {name for name in paths if name.startswith("gated.backends")}
    while new:
        reached |= new
        new = {found for name in new for found in _imported(paths[name], set(paths))} - reached
    outside = {
        name
        for name in reached
        if paths[name].parent != PACKAGE and paths[name].relative_to(PACKAGE).parts[0] not in SOURCES
    }
    assert not outside, f"code may depend on {sorted(outside)}, and its key in the cache does not"
