"""Many pieces: Bach's chorales, which come with music21, and the files of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gated.data.music.kept import read_music
from gated.data.music.rolls import Piece, music21
from gated.data.music.scores import SUFFIXES
from gated.errors import ArgumentError, FileFormatError, describe, shown, wrong_type
from gated.number_checks import whole_above_zero

PARTS = 4
CHORALES = (".mxl", ".xml")  # beside them lie twenty analyses and three copies in Humdrum
Progress = Callable[[int, int], object]


class MusicFolder(NamedTuple):
    """What is in a folder: pieces, by name; of files that cannot be read, why."""

    pieces: list[Piece]
    left_out: dict[str, str]


def bach_chorales(count: int | None = None, progress: Progress | None = None) -> list[Piece]:
    """Bach's chorales in four parts, by BWV number, from the corpus that comes with music21 (extra `music`).

    Of the 413 scores in it 368 have four parts. Three of these are there twice, in Humdrum's format too, and are taken
    once: 365 pieces. Reading them takes about a minute, the first time; what is read is kept on disk (`read_music`).

    Args:
        count: only so many, the first; None: all.
        progress: called with (files read, all of them).

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
        MissingExtraError: music21 is not installed.
    """
    wanted = None if count is None else whole_above_zero("count", count)
    corpus = music21("corpus")
    files = sorted((path for path in map(Path, corpus.getComposer("bach")) if path.suffix in CHORALES), key=_place)
    found: list[Piece] = []
    for number, file in enumerate(files, 1):
        piece = read_music(file)
        if piece.parts == PARTS:
            found.append(piece)
        done = len(found) == wanted
        if progress is not None:
            progress(len(files) if done else number, len(files))
        if done:
            break
    return found


def _place(file: Path) -> tuple[list[int], str]:
    """In the order of the numbers: bwv9.7 before bwv10.7."""
    return [int(digits) for digits in re.findall(r"\d+", file.stem)], file.stem


def music_folder(folder: str | os.PathLike[str], progress: Progress | None = None) -> MusicFolder:
    """The pieces of all MIDI, MusicXML and Humdrum files in a folder and those below it, in the order of their paths.

    A MIDI file has times and no notes' values: the nearest fourth or third of a quarter note is taken. Its steps are
    the quarter notes of the file, whatever was played to them.

    Args:
        folder: its path.
        progress: called with (files read, all of them).

    Raises:
        ArgumentError, ArgumentTypeError: there is no such folder, or no file in it that can be read.
        MissingExtraError: music21 is not installed.
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise wrong_type("folder", describe(folder), "the path of a folder with music")
    root = Path(folder)
    if not root.is_dir():
        raise ArgumentError(f"folder: got '{shown(root, 150)}', expected a folder of MIDI or MusicXML files")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    found = MusicFolder([], {})
    for number, file in enumerate(files, 1):
        name: Any = file.relative_to(root).with_suffix("").as_posix()
        try:
            piece = read_music(file)
        except FileFormatError as error:
            found.left_out[file.relative_to(root).as_posix()] = str(error)
        else:
            # of two files with one name in different folders each is a piece of its own
            found.pieces.append(piece._replace(name=name, group=name if piece.group == piece.name else piece.group))
        if progress is not None:
            progress(number, len(files))
    if not found.pieces:
        came = f"{len(files)} files that cannot be read" if files else f"no file ending in {', '.join(SUFFIXES)}"
        raise ArgumentError(f"folder: got '{shown(root, 150)}' with {came}, expected music")
    return found
