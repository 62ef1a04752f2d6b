"""A file of theirs, written for a test."""

from __future__ import annotations

from pathlib import Path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "theirs.py"
    path.write_text(text, encoding="utf-8")
    return path
