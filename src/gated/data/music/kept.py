"""Pieces that were read once, kept on disk: reading the chorales takes a minute, finding them again a second.

What is kept of a piece is named by a digest of all that it depends on: the file, the version of music21, gated's own
sources that read. So nothing that is kept can be out of date, and what is damaged is noticed and read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gated.data import user_cache
from gated.data.feature_cache import file_digest
from gated.data.music import midi_events, scores
from gated.data.music.rolls import KEYS, Piece
from gated.data.user_cache import Contents
from gated.errors import ArgumentError, GatedError, require_extra

KIND = "gated music"
FOLDER = "music"  # in the user's cache


def read_music(path: str | os.PathLike[str]) -> Piece:
    """A piece, from a MIDI, MusicXML or Humdrum file (extra `music`); read once, and kept in the user's cache folder.

    What a step of its roll says: `piano_roll`. `gated cache` shows how much is kept, `gated cache --clear-music`
    removes it.

    Args:
        path: of the file.

    Raises:
        ArgumentError, ArgumentTypeError: there is no such file.
        FileFormatError: it cannot be read, or no key of a piano ever sounds in it.
        MissingExtraError: music21 is not installed.
    """
    file = scores.checked_path(path)
    version = require_extra("music21", "music").__version__
    about = f"{KIND} {version} {_sources()} {file.suffix} {file_digest(file)}"
    name, place = hashlib.sha256(about.encode()).hexdigest(), user_cache.made(FOLDER)
    kept = None if place is None else place / f"{name}.safetensors"
    found = None if kept is None else _kept(kept, name, file)
    if found is not None:
        return found
    piece = scores.read_score(file)
    if kept is not None:
        with contextlib.suppress(ArgumentError):  # the disk is full
            _keep(kept, name, piece)
    return piece


@cache
def _sources() -> str:
    """A digest of what reads."""
    return " ".join(file_digest(module.__file__) for module in (scores, midi_events))


def contents() -> Contents:
    """What is kept; what other programs put there is not counted."""
    return user_cache.contents(FOLDER)


def clear() -> Contents:
    """Remove it; returns what there was. A file that cannot be removed is left."""
    return user_cache.clear(FOLDER)


def _keep(path: Path, name: str, piece: Piece) -> None:
    from gated.files.tensor_file import write_tensors  # here: importing gated.data needs NumPy alone

    notes = np.argwhere(piece.roll).astype(np.int64)
    about = {"of": name, "steps": len(piece.roll), "parts": piece.parts, "tonic": piece.tonic, "mode": piece.mode}
    write_tensors(path, KIND, {"notes": notes}, {"about": about, "sum": _sum(notes, about)})


def _kept(path: Path, name: str, file: Path) -> Piece | None:
    """What lies there, if it is whole and what was asked for."""
    from gated.files.tensor_file import open_tensors

    with contextlib.suppress(GatedError), open_tensors(path, KIND) as kept:
        about, notes = kept.document("about", dict), kept.read("notes")
        if about.get("of") == name and kept.document("sum") == _sum(notes, about):  # so it is what `_keep` wrote
            roll = np.zeros((about["steps"], KEYS), np.uint8)
            roll[notes[:, 0], notes[:, 1]] = 1
            return Piece(*scores.names_of(file), roll, about["parts"], about["tonic"], about["mode"])
    return None


def _sum(notes: Any, about: dict[str, Any]) -> str:
    text = f"{notes.dtype} {notes.shape} {sorted(about.items())}"
    return hashlib.sha256(text.encode() + notes.tobytes()).hexdigest()
