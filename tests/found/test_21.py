"""FOUND 21: a cache folder that others can write, or exchange, is not used; `~nobody/x` is no place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gated.backends.native.machine import object_cache

KEY, CODE = "ab" * 32, b"code" * 50
pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners and modes of folders are a matter of POSIX")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "parent").mkdir(mode=0o700)
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "parent" / "cache"))
    object_cache.store(KEY, CODE)
    assert object_cache.load(KEY) == CODE
    return tmp_path / "parent" / "cache"


def test_a_folder_that_the_group_can_write(folder: Path) -> None:
    folder.chmod(0o770)
    assert object_cache.load(KEY) is None
    assert object_cache.contents().refused == f"{folder} can be written by its group"


def test_a_parent_open_to_everybody_without_the_sticky_bit(folder: Path) -> None:
    folder.parent.chmod(0o777)
    assert object_cache.load(KEY) is None
    assert object_cache.contents().refused == f"{folder.parent}, in which it lies, can be written by everybody"
    folder.parent.chmod(0o1777)
    assert object_cache.load(KEY) == CODE


def test_the_folder_is_opened_once_and_what_was_opened_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the check and the reading another folder takes its place."""
    real, moved = object_cache._read, []

    def read(opened, name):  # type: ignore[no-untyped-def]
        folder.rename(folder.parent / "mine")
        folder.mkdir()
        (folder / f"{KEY}.code").write_bytes(b"another's")
        moved.append(name)
        return real(opened, name)

    monkeypatch.setattr(object_cache, "_read", read)
    assert object_cache.load(KEY) == CODE and moved


def test_nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATED_CACHE_DIR", "~nobody-here/x")
    object_cache.store(KEY, CODE)
    assert not list(tmp_path.iterdir())
    assert object_cache.contents().refused == "GATED_CACHE_DIR is ~nobody-here/x, but there is no user 'nobody-here'"


@pytest.mark.parametrize(
    ("group", "name", "members", "taken"),
    [(7, "ann", [], True), (7, "ann", ["bob"], False), (7, "users", [], False), (8, "ann", [], False)],
)
def test_a_parent_open_to_a_group_of_this_user_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, group: int, name: str, members: list[str], taken: bool
) -> None:
    """Where users have groups of their own, ~/.cache has the mode 775."""
    import grp
    import pwd
    from types import SimpleNamespace

    from gated.backends.native.machine import cache_folder

    real, home = pwd.getpwuid(os.geteuid()), folder.parent
    user = SimpleNamespace(pw_gid=group, pw_name="ann", pw_dir=real.pw_dir)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name=name, gr_mem=members))
    private = cache_folder._is_private.__wrapped__
    monkeypatch.setattr(cache_folder, "_is_private", lambda _: private(7))
    home.chmod(0o775)
    assert (object_cache.load(KEY) == CODE) is taken
    folder.chmod(0o775)  # the folder itself is nobody else's in any case
    assert object_cache.load(KEY) is None
