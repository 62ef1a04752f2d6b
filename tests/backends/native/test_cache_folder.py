"""The folder of the machine code: nobody else can write it or put another in its place, and the reason is said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gated.backends.native.machine import cache_folder, object_cache

KEY, CODE = "ab" * 32, bytes(range(256))
pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners and modes of folders are a matter of POSIX")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "a" / "b" / "cache"))
    return tmp_path / "a" / "b" / "cache"


def refused() -> str:
    """Why the folder is not used; nothing may be read from it or written into it."""
    assert object_cache.load(KEY) is None
    object_cache.store("cd" * 32, CODE)
    assert object_cache.load("cd" * 32) is None
    found = object_cache.contents()
    assert found.refused is not None and found.entries == 0
    assert "\n" not in found.refused and len(found.refused) < 300
    return found.refused


def test_all_that_is_made_is_for_this_user_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        object_cache.store(KEY, CODE)
    finally:
        os.umask(before)
    assert object_cache.load(KEY) == CODE
    for made in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize(("mode", "who"), [(0o770, "its group"), (0o720, "its group"), (0o777, "everybody")])
def test_a_folder_that_others_can_write(folder: Path, mode: int, who: str) -> None:
    object_cache.store(KEY, CODE)
    folder.chmod(mode)
    assert refused() == f"{folder} can be written by {who}"
    folder.chmod(mode | stat.S_ISVTX)  # sticky: others could still add entries
    assert refused() == f"{folder} can be written by {who}"


@pytest.mark.parametrize("up", [0, 1])
@pytest.mark.parametrize(("mode", "who"), [(0o770, "its group"), (0o777, "everybody"), (0o703, "everybody")])
def test_a_way_that_others_can_change(
    folder: Path, up: int, mode: int, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gated.backends.native.machine.cache_folder._is_private", lambda group: False)
    object_cache.store(KEY, CODE)
    parent = folder.parents[up]
    parent.chmod(mode)
    assert refused() == f"{parent}, in which it lies, can be written by {who}"
    parent.chmod(mode | stat.S_ISVTX)  # as /tmp: nobody can exchange what another made
    assert object_cache.load(KEY) == CODE
    parent.chmod(0o711)
    assert object_cache.load(KEY) == CODE


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_way_that_belongs_to_another_user(folder: Path) -> None:
    object_cache.store(KEY, CODE)
    os.chown(folder.parent, 1, -1)
    assert refused() == f"{folder.parent}, in which it lies, belongs to another user"
    os.chown(folder.parent, 0, -1)
    os.chown(folder, 1, -1)
    assert refused() == f"{folder} belongs to another user"


def test_a_link_is_judged_by_where_it_leads(folder: Path, tmp_path: Path) -> None:
    object_cache.store(KEY, CODE)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert object_cache.load(KEY) == CODE
    (tmp_path / "open").mkdir(mode=0o700)
    (tmp_path / "elsewhere").rename(tmp_path / "open" / "cache")
    folder.unlink()
    folder.symlink_to(tmp_path / "open" / "cache")
    assert object_cache.load(KEY) == CODE
    (tmp_path / "open").chmod(0o777)
    assert refused() == f"{tmp_path / 'open'}, in which it lies, can be written by everybody"


@pytest.mark.skipif(not cache_folder.OPENAT, reason="needs calls that open in an open folder")
def test_what_is_exchanged_after_it_was_found_is_not_followed(folder: Path, tmp_path: Path, monkeypatch) -> None:
    """The way is resolved, then a part of it becomes a link: it is not followed. The open folder stays what it is."""
    object_cache.store(KEY, CODE)
    evil = tmp_path / "evil"
    evil.mkdir()
    real = os.path.realpath(folder)
    folder.parent.rename(tmp_path / "moved")
    folder.parent.symlink_to(evil)
    monkeypatch.setattr(os.path, "realpath", lambda path: real if Path(path) == folder else str(path))
    assert "is not a folder" in refused()
    assert not list(evil.iterdir())
    monkeypatch.undo()
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "moved" / "cache"))
    with cache_folder.open_folder(make=False) as opened:
        (tmp_path / "moved").rename(tmp_path / "moved again")
        (tmp_path / "moved").mkdir()
        assert object_cache._read(opened, f"{KEY}.code").endswith(CODE)


def test_a_way_that_cannot_be_listed(folder: Path) -> None:
    object_cache.store(KEY, CODE)
    folder.parent.chmod(0o300)
    assert object_cache.load(KEY) == CODE


@pytest.mark.parametrize(("given", "reason"), [
    ("~nobody-of-this-name/x", "GATED_CACHE_DIR is ~nobody-of-this-name/x, but there is no user 'nobody-of-this-name'"),
    ("~nobody-of-this-name", "GATED_CACHE_DIR is ~nobody-of-this-name, but there is no user 'nobody-of-this-name'"),
])  # fmt: skip
def test_no_such_user(given: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATED_CACHE_DIR", given)
    assert refused() == reason
    assert not list(tmp_path.iterdir())


def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    monkeypatch.setenv("GATED_CACHE_DIR", "~/x")
    assert refused() == "GATED_CACHE_DIR is ~/x, but ~ has no home"
    monkeypatch.delenv("GATED_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert refused() == "this user has no home"
    assert not list(tmp_path.iterdir())
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("GATED_CACHE_DIR", "~/x")
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) == CODE and (tmp_path / "none" / "x").is_dir()


def test_where_folders_cannot_be_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.setattr(cache_folder, "OPENAT", False)
    assert object_cache.load(KEY) is None and not folder.exists()
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) == CODE and object_cache.contents().entries == 1
    assert object_cache.clear().entries == 1 and not list(folder.iterdir())
    folder.rmdir()
    folder.write_text("in the way")
    assert refused() == f"{folder} is not a folder"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts the open files of the process")
def test_nothing_stays_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for given in (folder, "~nobody-of-this-name/x", "", "/proc/gated", "/dev/null/gated"):
        monkeypatch.setenv("GATED_CACHE_DIR", str(given))
        for _ in range(3):
            object_cache.store(KEY, CODE)
            object_cache.load(KEY)
            object_cache.load("cd" * 32)
            object_cache.contents()
    folder.chmod(0o777)
    monkeypatch.setenv("GATED_CACHE_DIR", str(folder))
    assert object_cache.load(KEY) is None
    assert count() == before
