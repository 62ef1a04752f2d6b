"""Which sequences are kept apart, to see on them when it is best to stop.

N sequences.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong
from gated.models.estimators.settings import Settings

Array = np.ndarray[Any, Any]


def kept_apart(
    settings: Settings, there: Array, strata: Array | None, groups: Any, rng: np.random.Generator
) -> tuple[Array, Array | None]:
    """(what is learned from, what is kept apart or None), numbers of sequences in rising order.

    Args:
        settings: whether, and how many.
        there: (N,) booleans: those that count at all.
        strata: (N,) whole numbers: of each of them a share is kept apart, as far as that goes; None: any.
        groups: (N,), none of which is on both sides; then strata do not matter. None: each its own.
        rng: decides.

    Raises:
        ArgumentError: early_stopping is True, and there is too little for it.
    """
    own = None if groups is None else as_array("groups", groups)
    if own is not None and own.shape != there.shape:
        raise wrong("groups", describe(own), f"shape {there.shape}, one for each sequence of X")
    some = np.flatnonzero(there)
    kinds = some if own is None else np.unique(own[some], return_inverse=True)[1]
    count = len(np.unique(kinds))
    if not settings.keeps_apart(len(some)) or (count < 2 and settings.early_stopping is None):
        return some, None
    if count < 2:
        what = "1 sequence" if own is None else "1 group of sequences"
        raise wrong("early_stopping", f"True with {what}", "two at least, one of which is kept apart")
    wanted = min(max(1, round(settings.validation_fraction * len(some))), len(some) - 1)
    if own is not None:
        apart = np.isin(kinds, _whole_groups(kinds, wanted, rng))
    else:
        apart = np.zeros(len(some), bool)
        apart[_shares(None if strata is None else strata[some], len(some), wanted, rng)] = True
    return some[~apart], some[apart]


def _whole_groups(kinds: Array, wanted: int, rng: np.random.Generator) -> Array:
    """Some of the groups, all but one at most, with about so many sequences."""
    sizes = np.bincount(kinds)
    order = rng.permutation(len(sizes))
    count = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
    return order[: min(count, len(order) - 1)]


def _shares(strata: Array | None, size: int, wanted: int, rng: np.random.Generator) -> Array:
    """So many of the places 0 to size - 1, each stratum with its share; of one with a single member, none."""
    order = rng.permutation(size)
    if strata is None:
        return order[:wanted]
    # the k-th of m members of a stratum comes at (k + 1/2) / m: the first places of all hold a share of each
    rank = np.empty(size)
    for own in np.unique(strata):
        members = order[strata[order] == own]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members) if len(members) > 1 else 2.0
    return order[np.argsort(rank[order], kind="stable")][:wanted]
