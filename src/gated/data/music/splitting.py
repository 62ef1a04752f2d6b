"""Pieces that are learned from, chosen by and judged by: no music of one is in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data import grouping
from gated.data.music.rolls import Piece, Roll
from gated.errors import describe, wrong, wrong_type
from gated.number_checks import real, whole

COMMON = 8  # quarter notes in a row that two settings of one chorale have in common, but two chorales hardly
DIFFERENT = 6  # so many of their chords at least differ: a chord that is held is no common music


class MusicSplit(NamedTuple):
    """Three lists of pieces: to learn from, to choose by (settings, when to stop), to judge by in the end."""

    train: list[Piece]
    valid: list[Piece]
    test: list[Piece]


def split_pieces(pieces: Sequence[Piece], *, valid: float = 0.2, test: float = 0.2, seed: int = 0) -> MusicSplit:
    """Split by piece, so that no music is in two of the parts.

    Pieces of one group (of one BWV number) stay together, and so do pieces that have eight quarter notes in a row in
    common, in any key: the same chorale stands in the catalogue under several numbers (BWV 274 is 62.6).

    Args:
        pieces: at least three, that do not all belong together.
        valid: share of the pieces to choose by.
        test: share of the pieces to judge by.
        seed: of the draw.

    Returns:
        the parts, each in the order of `pieces`.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """
    shares = {"valid": valid, "test": test}
    for name, share in shares.items():
        if not 0.0 < real(name, share) < 1.0:
            raise wrong(name, share, "a share between 0 and 1")
    if not valid + test < 1.0:
        raise wrong("test", f"{test} beside {valid} of valid", "less than 1 together, to learn from the rest")
    given = list(pieces)
    if not all(isinstance(piece, Piece) for piece in given):
        stranger = next(piece for piece in given if not isinstance(piece, Piece))
        raise wrong_type("pieces", describe(stranger), "pieces (gated.data.music.Piece)")
    groups = belonging(given)
    if len(np.unique(groups)) < 3:
        came = f"{len(given)} that belong together in {len(np.unique(groups))}"
        raise wrong("pieces", came, "at least three that do not")
    rng = np.random.default_rng(whole("seed", seed, 0))
    judged = grouping.held_out_rows(groups, test, rng, "pieces: got one group")
    left = np.flatnonzero(~judged)
    chosen = np.zeros(len(given), bool)
    chosen[left] = grouping.held_out_rows(groups[left], valid / (1.0 - test), rng, "pieces: got two groups")
    return MusicSplit(*([given[k] for k in np.flatnonzero(own)] for own in (~judged & ~chosen, chosen, judged)))


def belonging(pieces: Iterable[Piece]) -> NDArray[np.int64]:
    """(N,): one number for all pieces that are led to each other by groups and by common music."""
    return grouping.sharing([[piece.group, *passages(piece.roll)] for piece in pieces])


def passages(roll: Roll) -> Iterator[Any]:
    """What stands in every COMMON steps in a row of a roll, the same in every key."""
    for start in range(len(roll) - COMMON + 1):
        part = roll[start : start + COMMON]
        keys = np.flatnonzero(part.any(0))
        if len(keys):
            chords = part[:, keys[0] : keys[-1] + 1]
            if len(np.unique(chords, axis=0)) >= DIFFERENT:
                yield chords.shape[1], chords.tobytes()
