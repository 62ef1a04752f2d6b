"""How often a classifier is right.

Legend: N sequences, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
