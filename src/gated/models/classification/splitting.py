"""Which sequences are learned from, and which are judged by.

Legend: N sequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import wrong
from gated.number_checks import real, told, whole

Rows = NDArray[np.int64]


def held_out_rows(y: NDArray[Any], groups: NDArray[Any] | None, share: float, seed: int) -> tuple[Rows, Rows]:
    """(rows to learn from, rows to judge by), each class in both in its share as nearly as can be.

    Args:
        y: (N,) classes. Of one that occurs once nothing is held out.
        groups: (N,), none of which is split; None: each sequence is its own.
        share: of the sequences that are judged by, above 0 and below 1; with groups half of them at most.
        seed: of the draw.

    Raises:
        ArgumentError: there are not enough sequences, classes or groups.
    """
    if not 0.0 < real("held_out", share) < 1.0:
        raise wrong("held_out", told(share), "a share above 0 and below 1")
    _two_classes(y)
    if groups is not None:
        return next(fold_rows(y, groups, max(2, round(1 / share)), seed, name="held_out"))
    rng = np.random.default_rng(seed)
    out = np.zeros(len(y), bool)
    for own in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == own))
        out[rows[: min(max(1, round(share * len(rows))), len(rows) - 1)]] = True
    if not out.any():
        raise wrong(
            "held_out", f"{len(y)} sequences, each of a class of its own", "classes that occur twice, or a test"
        )
    return np.flatnonzero(~out), np.flatnonzero(out)


def fold_rows(
    y: NDArray[Any], groups: NDArray[Any] | None, folds: int, seed: int, *, name: str = "folds"
) -> Iterator[tuple[Rows, Rows]]:
    """As `held_out_rows`, so many times; every sequence is judged by once.

    Args:
        y: (N,) classes.
        groups: (N,), or None.
        folds: how often, at least 2.
        seed: of the draw.
        name: of the argument, for messages.

    Raises:
        ArgumentError: there are fewer groups, or sequences of a class, than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    whole(name, folds, 2)
    _two_classes(y)
    if groups is not None:
        count = len(np.unique(groups))
        if count < folds:
            raise wrong(name, f"{folds} parts of {count} groups", "no more parts than groups")
        yield from GroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups)
        return
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < folds:
        fewest = f"{folds} parts, and {counts.min()} sequences of the class {told(classes[counts.argmin()])}"
        raise wrong(name, fewest, "no more parts than these, or --held-out")
    yield from StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)


def possible_folds(y: NDArray[Any], groups: NDArray[Any] | None, most: int = 5) -> int:
    """Into how many parts `fold_rows` cuts these, so many at most; 0: into none."""
    count = int(np.unique(y, return_counts=True)[1].min()) if groups is None else len(np.unique(groups))
    return min(most, count) if count > 1 else 0


def _two_classes(y: NDArray[Any]) -> None:
    classes = np.unique(y)
    if len(classes) < 2:
        raise wrong("y", f"the class {told(classes[0])} alone", "at least two classes")
