"""Files that are there whole or not at all: links, devices, permissions, long names, full disks."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from gated.errors import ArgumentError
from gated.files.atomic import append_whole, flush_to_disk, remove_left_overs, write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="links, devices and permissions of POSIX")


@posix
def test_a_link_stays_and_what_it_points_at_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "model").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "model")
    (tmp_path / "dangling").symlink_to(tmp_path / "far" / "new")
    for name in ("link", "dangling"):
        write_atomically(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "far" / "model").read_bytes() == (tmp_path / "far" / "new").read_bytes() == b"new"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ArgumentError, match="cannot be written"):
        write_atomically(tmp_path / "loop", b"new")


@posix
def test_what_is_no_file_is_written_and_not_replaced(tmp_path):
    """As root it would be /dev/null that becomes a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"content")
    reader.join(30)
    assert came == [b"content"] and stat.S_ISFIFO(pipe.stat().st_mode)
    write_atomically("/dev/null", b"content")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_that_is_full():
    with pytest.raises(
        ArgumentError, match="^path: got '/dev/full', which cannot be written .No space left on device."
    ):
        write_atomically("/dev/full", b"content" * 10_000)
    with pytest.raises(
        ArgumentError, match="^path: got '/dev/full', which cannot be written .No space left on device."
    ):
        append_whole("/dev/full", b"content")


@posix
def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640, 0o604):
        path.chmod(mode)
        write_atomically(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("name", ["n" * 250, "名" * 83, "[a] *?.txt", " .tmp", "-"])
def test_odd_names(tmp_path, name):
    write_atomically(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    write_atomically(tmp_path / name, b"again")
    assert (tmp_path / name).read_bytes() == b"again"


@pytest.mark.parametrize("path", ["", ".", "a\0b", "no/folder", "n" * 5000])
def test_places_that_are_none(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="^path: got .*, which cannot be written .*, expected a place that can be"):
        write_atomically(path, b"")
    assert not list(tmp_path.iterdir())


def test_a_line_is_appended_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "lines"
    append_whole(path, b"one\n")
    append_whole(path, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, before[1]))  # three more letters fit
    try:
        with pytest.raises(ArgumentError, match="^path: got .*lines', which cannot be written .File too large."):
            append_whole(path, b"three and more\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"one\ntwo\n"


def test_what_the_disk_refuses_is_told(tmp_path, monkeypatch):
    def fails(handle):
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(ArgumentError, match="^path: got .*file', which cannot be written .Input/output error."):
        flush_to_disk(tmp_path / "file")
    with pytest.raises(ArgumentError, match="Input/output error"):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"" and len(list(tmp_path.iterdir())) == 1


def test_only_left_overs_of_the_named_files_are_removed(tmp_path):
    others = {".b.txt.0011.tmp", "a.txt", "a.txt.tmp", ".a.txt", ".tmp", "x.tmp"}
    for name in (".a.txt.0011.tmp", ".a.txt.zz.tmp", *others):
        (tmp_path / name).write_bytes(b"")
    remove_left_overs(tmp_path / "a.txt", tmp_path / "none" / "c")
    assert {path.name for path in tmp_path.iterdir()} == others
