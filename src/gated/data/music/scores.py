"""What a score says at each quarter note. music21 (extra `music`) reads it."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gated.data.music.midi_events import midi_notes
from gated.data.music.rolls import HIGHEST, KEYS, LOWEST, Piece, Roll, music21
from gated.errors import ArgumentError, FileFormatError, describe, shown, wrong_type

MIDI = (".mid", ".midi")
SUFFIXES = (*MIDI, ".xml", ".musicxml", ".mxl", ".krn")
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
    file, analysed = checked_path(path), music21("stream").Stream()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what music21 has guessed
            if file.suffix.lower() in MIDI:
                sounding, parts = midi_notes(file.read_bytes())
                roll = _roll(sounding, 0)
                for start, end, number in sounding:
                    analysed.insert(start, music21("note").Note(number, quarterLength=end - start))
            else:
                analysed = music21("converter").parseFile(file, forceSource=True, storePickle=False)
                roll, parts = piano_roll(analysed), max(1, len(analysed.parts))
            key = analysed.analyze("key") if roll.any() else None
    except Exception as error:  # a parser may raise anything on a damaged file
        reason = shown(" ".join(f"{type(error).__name__}: {error}".split()), 100)
        raise FileFormatError(f"'{shown(file, 150)}': got no music that can be read ({reason})") from None
    if key is None:
        raise FileFormatError(f"'{shown(file, 150)}': got no note between the keys {LOWEST} and {HIGHEST}")
    return Piece(*names_of(file), roll, parts, int(key.tonic.pitchClass), str(key.mode))


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
    quarter notes long, the steps begin with the first beat in it. The roll ends with the last note that is read.
    """
    return _roll(list(_notes(score)), _first_beat(score))


def _roll(sounding: Sequence[tuple[Any, Any, int]], begin: Any) -> Roll:
    """Of notes (beginning, end, MIDI's number), in quarters; times are whole or fractions, not rounded."""
    last = max((end for _, end, _ in sounding), default=begin)
    roll = np.zeros((max(0, math.ceil(last - begin)), KEYS), np.uint8)
    for start, end, key in sounding:
        if LOWEST <= key <= HIGHEST:
            roll[max(0, math.ceil(start - begin)) : max(0, math.ceil(end - begin)), key - LOWEST] = 1
    return roll


def _notes(score: Any) -> Iterator[tuple[Any, Any, int]]:
    """(beginning, end, MIDI's number) of every note that has a pitch and a length, in quarters."""
    pitched = music21("note").Note, music21("chord").Chord
    for each in score.flatten().notes:
        if isinstance(each, pitched) and each.quarterLength > 0:
            for pitch in each.pitches:
                yield each.offset, each.offset + each.quarterLength, int(pitch.midi)


def _first_beat(score: Any) -> Any:
    """Where the first quarter note of a bar, counted back from its end, lies in a pickup; 0 without one."""
    bar = next(iter(score.recurse().getElementsByClass("Measure")), None)
    return 0 if bar is None or not bar.paddingLeft else -bar.paddingLeft % 1
