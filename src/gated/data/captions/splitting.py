"""Which pictures stay together when a set is split, and which are held out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gated.errors import ArgumentError


def spelled_alike(caption: str) -> str:
    """What a caption has in common with those that differ in capitals, spaces and the full stop alone."""
    return " ".join(unicodedata.normalize("NFKC", caption).casefold().split()).rstrip(" .。!！")


def sharing_captions(captions: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(N,): one number for all pictures that are led to each other by captions that they share."""
    above = list(range(len(captions)))

    def top(k: int) -> int:
        while above[k] != k:
            above[k] = above[above[k]]
            k = above[k]
        return k

    first: dict[str, int] = {}
    for k, own in enumerate(captions):
        for caption in own:
            above[top(k)] = top(first.setdefault(spelled_alike(caption), k))
    return np.array([top(k) for k in range(len(captions))])


def held_out_rows(groups: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N,): whether each is held out. Groups are drawn whole until the share is reached, those left out that pass it.

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
            raise ArgumentError("by: got pictures that all share captions, expected 'picture' for such a set")
        out[smallest] = True
    return out[group]
