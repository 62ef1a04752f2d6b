"""Which pictures stay together when a set is split, and which are held out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gated.data import grouping

ONE = "by: got pictures that all share captions, expected 'picture' for such a set"


def spelled_alike(caption: str) -> str:
    """What a caption has in common with those that differ in capitals, spaces and the full stop alone."""
    return " ".join(unicodedata.normalize("NFKC", caption).casefold().split()).rstrip(" .。!！")


def sharing_captions(captions: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(N,): one number for all pictures that are led to each other by captions that they share."""
    return grouping.sharing([[spelled_alike(caption) for caption in own] for own in captions])


def held_out_rows(groups: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """See `gated.data.grouping.held_out_rows`."""
    return grouping.held_out_rows(groups, share, rng, ONE)
