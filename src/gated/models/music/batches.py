"""Rolls side by side: what a network reads, and what it is to foretell.

Legend: N rolls, T steps of the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from gated.data import Sequences
from gated.data.music import KEYS, Piece, check_roll, shifted
from gated.data.music.rolls import Roll, room
from gated.errors import describe, wrong, wrong_type


def rolls_of(name: str, given: Any) -> list[Roll]:
    """Rolls, of rolls or pieces.

    Raises:
        ArgumentError, ArgumentTypeError: something else, none, or one without a step.
    """
    if isinstance(given, (np.ndarray, Piece, str, bytes)) or not isinstance(given, Iterable):
        raise wrong_type(name, describe(given), "a list of pieces, or of rolls (T, 88)")
    found = [check_roll(f"{name}[{k}]", getattr(each, "roll", each)) for k, each in enumerate(given)]
    if not found:
        raise wrong(name, "none", "at least one piece")
    empty = next((k for k, roll in enumerate(found) if not len(roll)), None)
    if empty is not None:
        raise wrong(f"{name}[{empty}]", "no step", "at least one")
    return found


def side_by_side(rolls: Sequence[Roll], dtype: Any) -> Sequences:
    """A batch: x (T, N, 88), which is silent at first and then what sounded the step before; target (T, N, 88)."""
    lengths = np.array([len(roll) for roll in rolls])
    target = np.zeros((int(lengths.max()), len(rolls), KEYS), dtype)
    for n, roll in enumerate(rolls):
        target[: len(roll), n] = roll
    x = np.zeros_like(target)
    x[1:] = target[:-1]
    x[lengths[lengths < len(x)], np.flatnonzero(lengths < len(x))] = 0  # the last step leads to none
    return Sequences(x, target, lengths)


def shuffled(rolls: Sequence[Roll], size: int, transpose: int, rng: np.random.Generator, dtype: Any) -> Iterator[Any]:
    """All rolls in random order, `size` at a time; each up to `transpose` semitones higher or lower, at random."""
    order = rng.permutation(len(rolls))
    for start in range(0, len(order), size):
        own = [rolls[k] for k in order[start : start + size]]
        if transpose:
            own = [_moved(roll, transpose, rng) for roll in own]
        yield side_by_side(own, dtype)


def _moved(roll: Roll, most: int, rng: np.random.Generator) -> Roll:
    below, above = room(roll)
    return shifted(roll, int(rng.integers(-min(most, below), min(most, above) + 1)))
