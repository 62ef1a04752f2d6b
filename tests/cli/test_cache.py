"""`gated cache` shows and clears the machine code, the features of pictures and the music on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gated.backends.native.machine import object_cache
from gated.data import kept_features

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
    first, last = f"folder   {tmp_path}", ["features 0 files, 0.0 MB", "music    0 files, 0.0 MB"]
    assert said(capsys) == [first, "entries  2", "size     3.5 MB, at most 256", *last]
    assert said(capsys, "--clear") == [first, "removed  2", "size     3.5 MB, at most 256", *last]
    assert said(capsys) == [first, "entries  0", "size     0.0 MB, at most 256", *last]


def test_music_is_shown_and_cleared_by_an_option_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path))
    object_cache.store("ab" * 32, bytes(2**20))
    for kind in ("music", "features"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{'ab' * 32}.safetensors").write_bytes(bytes(2**20))
    assert said(capsys, "--clear-music")[1:] == [
        "entries  1",
        "size     1.0 MB, at most 256",
        "features 1 files, 1.0 MB",
        "music    removed, 1 files, 1.0 MB",
    ]
    assert said(capsys)[-2:] == ["features 1 files, 1.0 MB", "music    0 files, 0.0 MB"]


def test_features_are_shown_and_cleared_by_an_option_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path))
    object_cache.store("ab" * 32, bytes(2**20))
    pictures = np.random.default_rng(0).integers(0, 256, (220, 16, 16, 3), dtype=np.uint8)
    found = kept_features(pictures, size=16, grid=3), kept_features(pictures, size=16, grid=1)
    features = tmp_path / "features"
    half = features / f".{'ab' * 20}.{'cd' * 4}.tmp"
    half.write_bytes(b"left by a killed process")
    others = {"of-somebody-else.txt", f"{'AB' * 32}.safetensors"}
    for name in others:
        (features / name).write_bytes(b"not ours")
    size = f"{sum(each.nbytes for each in found) / 2**20:.1f} MB"
    assert not size.startswith("0.0")
    none = "music    0 files, 0.0 MB"
    shown = ["size     1.0 MB, at most 256", f"features 2 files, {size}", none]
    assert said(capsys)[1:] == ["entries  1", *shown]
    assert said(capsys, "--clear")[1:] == ["removed  1", *shown]
    object_cache.store("ab" * 32, bytes(2**20))
    assert said(capsys, "--clear-features")[1:] == [
        "entries  1",
        "size     1.0 MB, at most 256",
        f"features removed, 2 files, {size}",
        none,
    ]
    assert said(capsys)[1:] == ["entries  1", "size     1.0 MB, at most 256", "features 0 files, 0.0 MB", none]
    assert {path.name for path in features.iterdir()} == others


def test_says_why_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATED_CACHE_DIR", "")
    assert said(capsys) == ["folder   none", "not used GATED_CACHE_DIR is empty"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "file"))
    none = "music    0 files, 0.0 MB"
    refused = [f"not used {tmp_path / 'file'} is not a folder", "features 0 files, 0.0 MB"]
    assert said(capsys, "--clear", "--clear-features")[1:] == [
        refused[0],
        refused[1].replace("0 files", "removed, 0 files"),
        none,
    ]
    monkeypatch.setenv("GATED_CACHE_DIR", "~nobody-of-this-name")
    assert len(said(capsys)) == 2
