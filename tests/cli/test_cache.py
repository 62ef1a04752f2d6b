"""`gated cache` shows and clears the machine code on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from gated.backends.native.machine import object_cache

pytest.importorskip("typer")

from gated.cli import main  # noqa: E402


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["cache", *words]) == 0
    shown = capsys.readouterr()
    assert not shown.err
    return shown.out.splitlines()


def test_shows_and_clears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path))
    object_cache.store("ab" * 32, bytes(3 * 2**20))
    object_cache.store("cd" * 32, bytes(2**19))
    assert said(capsys) == [f"folder   {tmp_path}", "entries  2", "size     3.5 MB, at most 256"]
    assert said(capsys, "--clear") == [f"folder   {tmp_path}", "removed  2", "size     3.5 MB, at most 256"]
    assert said(capsys) == [f"folder   {tmp_path}", "entries  0", "size     0.0 MB, at most 256"]


def test_says_why_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", "")
    assert said(capsys) == ["folder   none", "not used GATED_CACHE_DIR is empty"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "file"))
    assert said(capsys, "--clear")[1] == f"not used {tmp_path / 'file'} is not a folder"
