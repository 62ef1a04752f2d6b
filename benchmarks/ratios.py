"""Statistics of paired times: how many times as long the other side takes.

A ratio is always theirs / ours: above 1 we are faster (or smaller). It is taken within a pair, whose two times are
a moment apart, so that what slows the machine for a while slows both.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and their quartiles."""

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles (linear between neighbours, ends included).

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("values: got none, expected at least one")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def ratios(pairs: Iterable[tuple[float, float]], our_work: float = 1.0, their_work: float = 1.0) -> list[float]:
    """theirs / ours of each pair (ours, theirs) of seconds; with work, the ratio of seconds per unit of it."""
    return [(theirs / their_work) / (ours / our_work) for ours, theirs in pairs]


def geometric_mean(values: Sequence[float]) -> float:
    """exp(mean(log)).

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("values: got none, expected at least one")
    return math.exp(statistics.fmean(map(math.log, values)))
