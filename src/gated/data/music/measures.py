"""How thick music is, how it moves and how it clashes, in numbers by which rolls can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from gated.data.music.rolls import LOWEST, check_roll
from gated.errors import wrong


class Texture(NamedTuple):
    """Of the steps of one or several rolls.

    Attributes:
        notes: that sound at a step, the mean.
        spread: of that number, the standard deviation.
        four: share of the steps at which exactly four keys sound.
        silent: share of those at which none does.
        held: share of the notes whose key sounded at the step before; first steps do not count.
        clashing: share of the steps at which two keys sound whose names are a semitone apart, in whatever octaves.
    """

    notes: float
    spread: float
    four: float
    silent: float
    held: float
    clashing: float


def texture(rolls: Iterable[Any]) -> Texture:
    """The numbers of some rolls together.

    Args:
        rolls: each (T, 88) of zeros and ones.

    Raises:
        ArgumentError, ArgumentTypeError: something else, or no step at all.
    """
    given = [check_roll(f"rolls[{k}]", roll) for k, roll in enumerate(rolls)]
    counts = np.concatenate([roll.sum(1, dtype=int) for roll in given]) if given else np.zeros(0)
    if not counts.size:
        raise wrong("rolls", "no step", "at least one")
    again = sum(int((roll[1:] & roll[:-1]).sum()) for roll in given)
    later = sum(int(roll[1:].sum()) for roll in given)
    clashing = sum(int(_clashes(roll).sum()) for roll in given)
    return Texture(
        float(counts.mean()),
        float(counts.std()),
        float((counts == 4).mean()),
        float((counts == 0).mean()),
        again / later if later else 0.0,
        clashing / len(counts),
    )


def _clashes(roll: Any) -> Any:
    """(T,): whether names a semitone apart sound together."""
    names = np.zeros((len(roll), 12), bool)
    for key in np.flatnonzero(roll.any(0)):
        names[:, (key + LOWEST) % 12] |= roll[:, key] > 0
    return (names & np.roll(names, 1, axis=1)).any(1)
