"""A piano roll as a standard MIDI file, written by music21 (extra `music`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from gated.data.music.rolls import LOWEST, Roll, check_roll, music21
from gated.errors import describe, wrong_type
from gated.files.atomic import write_atomically
from gated.number_checks import above_zero


def write_midi(path: str | os.PathLike[str], roll: Any, *, tempo: float = 80.0, held: bool = True) -> None:
    """Write a standard MIDI file; it appears whole or not at all.

    Silence at the end of a roll is not in the file; all else is read back by `read_music` as it was.

    Args:
        path: of the file.
        roll: (T, 88) of zeros and ones, a step of which is a quarter note.
        tempo: quarter notes in a minute.
        held: a key that sounds at several steps in a row is one long note, as a roll does not tell whether it is struck
            again; False: it is struck at every step.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used, or the file cannot be written.
        MissingExtraError: music21 is not installed.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise wrong_type("path", describe(path), "the path of a file")
    if not isinstance(held, (bool, np.bool_)):
        raise wrong_type("held", describe(held), "True or False")
    write_atomically(path, midi_bytes(check_roll("roll", roll), above_zero("tempo", tempo), bool(held)))


def midi_bytes(roll: Roll, tempo: float, held: bool) -> bytes:
    """What `write_midi` writes."""
    note, stream, marks, translate = map(music21, ("note", "stream", "tempo", "midi.translate"))
    part = stream.Part()
    part.insert(0, marks.MetronomeMark(number=tempo))
    for start, length, key in _notes(roll, held):
        sound = note.Note(key + LOWEST)
        sound.quarterLength = length
        part.insert(start, sound)
    return bytes(translate.streamToMidiFile(part).writestr())


def _notes(roll: Roll, held: bool) -> Iterator[tuple[int, int, int]]:
    """(first step, steps, key) of every note, in the order in which they begin."""
    if not held:
        yield from ((int(step), 1, int(key)) for step, key in np.argwhere(roll))
        return
    edges = np.diff(np.pad(roll.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    ends = {int(key): iter(np.flatnonzero(edges[:, key] < 0).tolist()) for key in np.flatnonzero(roll.any(0))}
    for step, key in np.argwhere(edges > 0).tolist():
        yield step, next(ends[key]) - step, key
