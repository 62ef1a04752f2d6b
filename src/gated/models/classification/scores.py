"""How often a classifier is right, and within which bounds that is known.

Legend: N sequences, C classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 30  # sequences; fewer are too few to judge by
NORMAL = 1.96  # deviations of the normal distribution, between which 95 of 100 lie


@dataclass(frozen=True)
class Scores:
    """Of what was said about N sequences.

    Attributes:
        classes: (C,), in order: those that were learned and those that are true.
        confusion: (C, C) counts: row the true class, column the one that was said.
    """

    classes: NDArray[Any]
    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def few(self) -> bool:
        """Whether there are too few sequences to judge by."""
        return int(self.confusion.sum()) < FEW

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) of the true accuracy in 95 of 100 cases, if the sequences are independent.

        Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of
        the American Statistical Association 22(158), 209-212.
        """
        count, square = int(self.confusion.sum()), NORMAL**2
        middle = (self.accuracy + square / (2 * count)) / (1 + square / count)
        variance = self.accuracy * (1 - self.accuracy) / count + square / (4 * count**2)
        half = NORMAL * math.sqrt(variance) / (1 + square / count)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def balanced(self) -> float:
        """The mean over the classes that occur of the share of each that is right."""
        count = self.confusion.sum(axis=1)
        return float((np.diag(self.confusion)[count > 0] / count[count > 0]).mean())


def scores_of(true: NDArray[Any], said: NDArray[Any], classes: NDArray[Any]) -> Scores:
    """Count.

    Args:
        true: (N,).
        said: (N,).
        classes: those that were learned.
    """
    known = np.unique(np.concatenate([classes, true]))
    confusion = np.zeros((len(known), len(known)), np.int64)
    np.add.at(confusion, (np.searchsorted(known, true), np.searchsorted(known, said)), 1)
    return Scores(known, confusion)
