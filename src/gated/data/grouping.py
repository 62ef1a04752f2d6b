"""Which of many things stay together when they are split, and which are held out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gated.errors import ArgumentError


def sharing(marks: Sequence[Iterable[Hashable]]) -> NDArray[np.int64]:
    """(N,): one number for all that are led to each other by marks that they share."""
    above = list(range(len(marks)))

    def top(k: int) -> int:
        while above[k] != k:
            above[k] = above[above[k]]
            k = above[k]
        return k

    first: dict[Hashable, int] = {}
    for k, own in enumerate(marks):
        for mark in own:
            above[top(k)] = top(first.setdefault(mark, k))
    return np.array([top(k) for k in range(len(marks))])


def held_out_rows(groups: NDArray[np.int64], share: float, rng: np.random.Generator, one: str) -> NDArray[np.bool_]:
    """(N,): whether each is held out. Groups are drawn whole until the share is reached, those left out that pass it.

    Args:
        groups: (N,), a number for each group.
        share: of the N.
        rng: draws the groups.
        one: the message where all are of one group.

    Raises:
        ArgumentError: there is no group that leaves something to learn from.
    """
    names, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = min(max(round(share * len(groups)), 1), len(groups) - 1)
    out, count = np.zeros(len(names), bool), 0
    for k in rng.permutation(len(names)):
        if count + sizes[k] <= wanted:
            out[k] = True
            count += int(sizes[k])
    if not count:
        smallest = int(np.argmin(sizes))  # the share asks for fewer than any group has
        if sizes[smallest] == len(groups):
            raise ArgumentError(one)
        out[smallest] = True
    return out[group]
