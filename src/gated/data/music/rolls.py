"""Piano rolls: (T, 88), 1 where a key sounds at a quarter note; and pieces, each of which has one."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.errors import as_array, describe, require_extra, wrong, wrong_type
from gated.number_checks import whole

LOWEST, HIGHEST = 21, 108  # MIDI's numbers of the keys of a piano, A0 to C8
KEYS = HIGHEST - LOWEST + 1

Roll = NDArray[np.uint8]


class Piece(NamedTuple):
    """A piece of music.

    Attributes:
        name: such as "bwv66.6".
        group: pieces of one group belong together when pieces are split; such as "bwv66".
        roll: (T, 88) uint8.
        parts: how many parts the score has.
        tonic: of its key, 0 (C) to 11 (B), as music21 estimates it from all notes.
        mode: "major" or "minor".
    """

    name: str
    group: str
    roll: Roll
    parts: int
    tonic: int
    mode: str

    @property
    def to_c(self) -> int:
        """So many semitones away is C: -6 to 5."""
        return -self.tonic if self.tonic <= 6 else 12 - self.tonic

    def in_c(self) -> Piece:
        """The piece transposed to C, major or minor as it was, by six semitones at most."""
        return self._replace(roll=shifted(self.roll, self.to_c), tonic=0)


def check_roll(name: str, roll: Any) -> Roll:
    """A roll as (T, 88) uint8.

    Raises:
        ArgumentError, ArgumentTypeError: it is none.
    """
    array = as_array(name, roll)
    if array.dtype.kind not in "biuf":
        raise wrong_type(name, describe(array), f"zeros and ones, (T, {KEYS})")
    if array.ndim != 2 or array.shape[1] != KEYS:
        raise wrong(name, describe(array), f"shape (T, {KEYS}): the keys {LOWEST} to {HIGHEST} of MIDI")
    if not ((array == 0) | (array == 1)).all():
        raise wrong(name, "other numbers", "zeros and ones: whether a key sounds")
    return array.astype(np.uint8)


def shifted(roll: Any, semitones: int) -> Roll:
    """A roll that sounds so many semitones higher, or lower if below 0; what leaves the keyboard is lost."""
    roll, by = check_roll("roll", roll), whole("semitones", semitones, -KEYS)
    if abs(by) > KEYS:
        raise wrong("semitones", by, f"at most {KEYS}")
    found = np.zeros_like(roll)
    if by >= 0:
        found[:, by:] = roll[:, : KEYS - by]
    else:
        found[:, :by] = roll[:, -by:]
    return found


def room(roll: Roll) -> tuple[int, int]:
    """How many semitones lower and higher all of a roll can sound; of one where nothing sounds, none."""
    keys = np.flatnonzero(roll.any(0))
    return (int(keys[0]), int(KEYS - 1 - keys[-1])) if len(keys) else (0, 0)


def music21(module: str) -> ModuleType:
    """A module of music21. Raises MissingExtraError if it is not installed."""
    require_extra("music21", "music")
    return importlib.import_module(f"music21.{module}")
