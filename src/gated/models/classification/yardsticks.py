"""Two plain classifiers, beside which one that learns has to be better.

Legend: N sequences, T_n steps of one, D numbers of a step, L steps to which all are brought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.models.estimators.scaling import Scaling

MOST_STEPS = 100  # L at most
PIECE = 2**24  # differences that are in memory at a time


def commonest(y: NDArray[Any], count: int) -> NDArray[Any]:
    """(count,): the class that occurs most often; of equals the first in order."""
    classes, counts = np.unique(y, return_counts=True)
    return np.repeat(classes[counts.argmax()], count)


def nearest(x: Sequence[NDArray[Any]], y: NDArray[Any], held_out: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The class of the nearest neighbour, by Euclid's distance.

    Every channel is scaled to mean 0 and deviation 1; sequences are brought to one length, the median of those that are
    learned from, by drawing straight lines between their steps; missing numbers are lines between their neighbours.

    Args:
        x: N arrays (T_n, D).
        y: (N,).
        held_out: arrays whose class is wanted.
    """
    steps = int(np.clip(np.median([len(own) for own in x]), 1, MOST_STEPS))
    scaling = Scaling.of(np.concatenate(list(x)))
    mine, theirs = (np.array([resampled(scaling.scaled(own), steps).ravel() for own in part]) for part in (x, held_out))
    found = []
    piece = max(1, PIECE // mine.size)
    for k in range(0, len(theirs), piece):
        part = theirs[k : k + piece]
        found.append(((part[:, None] - mine) ** 2).sum(axis=2).argmin(axis=1))
    return np.asarray(y[np.concatenate(found)])


def resampled(sequence: NDArray[Any], steps: int) -> NDArray[Any]:
    """(T, D) -> (steps, D) along straight lines; a channel of which nothing is known becomes zeros."""
    found = np.zeros((steps, sequence.shape[1]))
    place = np.linspace(0, len(sequence) - 1, steps)
    for d, channel in enumerate(sequence.T):
        known = np.flatnonzero(np.isfinite(channel))
        if known.size:
            found[:, d] = np.interp(place, known, channel[known])
    return found
