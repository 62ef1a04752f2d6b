"""What a score says at each quarter note. music21 (extra `music`) reads it."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gated.data.music.rolls import HIGHEST, KEYS, LOWEST, Piece, Roll
from gated.errors import ArgumentError, FileFormatError, describe, require_extra, shown, wrong_type

SUFFIXES = (".mid", ".midi", ".xml", ".musicxml", ".mxl", ".krn")
NUMBERED = re.compile(r"(bwv\d+)(?!\d)", re.IGNORECASE)  # bwv28 of bwv28.6-a


def read_score(path: str | os.PathLike[str]) -> Piece:
    """A piece, from a MIDI, MusicXML or Humdrum file. Its group is its BWV number if the name has one, else its name.

    Args:
        path: of the file.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: music21 cannot read it, or no key of a piano ever sounds in it.
        MissingExtraError: music21 is not installed.
    """
    file = checked_path(path)
    converter = require_extra("music21.converter", "music")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what music21 has guessed
            score = converter.parseFile(file, forceSource=True, storePickle=False)
            roll, key = piano_roll(score), score.analyze("key") if _has_notes(score) else None
    except Exception as error:  # a parser may raise anything on a damaged file
        reason = shown(" ".join(f"{type(error).__name__}: {error}".split()), 100)
        raise FileFormatError(f"'{shown(file, 150)}': got no music that can be read ({reason})") from None
    if key is None or not roll.any():
        raise FileFormatError(f"'{shown(file, 150)}': got no note between the keys {LOWEST} and {HIGHEST}")
    return Piece(*names_of(file), roll, max(1, len(score.parts)), int(key.tonic.pitchClass), str(key.mode))


def checked_path(path: Any) -> Path:
    """The path of a file. Raises ArgumentError, ArgumentTypeError if there is none."""
    if not isinstance(path, (str, os.PathLike)):
        raise wrong_type("path", describe(path), "the path of a MIDI, MusicXML or Humdrum file")
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"path: got '{shown(file, 150)}', which is no file, expected one of music")
    return file


def names_of(file: Path) -> tuple[str, str]:
    """The name of a piece and its group."""
    numbered = NUMBERED.match(file.stem)
    return file.stem, numbered[1].lower() if numbered else file.stem


def piano_roll(score: Any) -> Roll:
    """(T, 88): which keys sound at each quarter note of a score of music21.

    At a quarter note t a key sounds if a note of it begins at t or before and ends after t. So what begins and ends
    between two quarter notes is in no step, a note that begins between them is in the next one if it still sounds, and
    whether a key is held or struck again is not told. Ornaments without a length of their own are left out, and so are
    other keys than those of a piano. Repeats are not played. Where the first bar is a pickup that is no whole number of
    quarter notes long, the steps begin with the first beat in it. The roll ends with the last note.
    """
    begin, sounding = _first_beat(score), list(_notes(score))
    last = max((end for _, end, _ in sounding), default=begin)
    roll = np.zeros((max(0, math.ceil(last - begin)), KEYS), np.uint8)
    for start, end, key in sounding:
        # offsets are whole or fractions of a quarter, not rounded
        roll[max(0, math.ceil(start - begin)) : max(0, math.ceil(end - begin)), key - LOWEST] = 1
    return roll


def _notes(score: Any) -> Iterator[tuple[Any, Any, int]]:
    """(beginning, end, key) of every note of a piano's keys, in quarters."""
    pitched = require_extra("music21.note", "music").Note, require_extra("music21.chord", "music").Chord
    for each in score.flatten().notes:
        if isinstance(each, pitched) and each.quarterLength > 0:
            for pitch in each.pitches:
                if LOWEST <= pitch.midi <= HIGHEST:
                    yield each.offset, each.offset + each.quarterLength, int(pitch.midi)


def _has_notes(score: Any) -> bool:
    return next(_notes(score), None) is not None


def _first_beat(score: Any) -> Any:
    """Where the first quarter note of a bar, counted back from its end, lies in a pickup; 0 without one."""
    bar = next(iter(score.recurse().getElementsByClass("Measure")), None)
    return 0 if bar is None or not bar.paddingLeft else -bar.paddingLeft % 1
