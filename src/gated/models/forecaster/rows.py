"""Places from which is foretold: at which step of which series, and which of them a member of the ensemble learns from.

Each member learns without a block of time of every series, by which it is judged and its intervals are measured
(as in leave-one-out for series: Xu & Xie, 2021, Conformal prediction interval for dynamic time-series, ICML). Values of
the block are read by later steps, as they will be when something is foretold. That this kind of cross-validation is
right for models that read the past is shown by Bergmeir, Hyndman & Koo (2018), Computational Statistics & Data Analysis
120.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.models.forecaster.features import Prepared, Shape, straight_of, targets_of

Array = NDArray[Any]


class Rows(NamedTuple):
    """R places in S series that are cut into K blocks of time.

    Attributes:
        series: (R,), which series.
        steps: (R,), the last step that is known.
        edges: (S, K + 1): where the blocks begin, and behind them where the last one ends.
    """

    series: Array
    steps: Array
    edges: Array

    def take(self, which: Any) -> Rows:
        return Rows(self.series[which], self.steps[which], self.edges)

    def inside(self, block: int) -> Rows:
        """Those in a block."""
        begins, ends = self.edges[self.series, block], self.edges[self.series, block + 1]
        return self.take((begins <= self.steps) & (self.steps < ends))

    def without(self, block: int, horizon: int) -> Rows:
        """Those that neither lie in a block nor look into it."""
        begins, ends = self.edges[self.series, block], self.edges[self.series, block + 1]
        return self.take((self.steps + horizon < begins) | (self.steps >= ends))

    def at_most(self, count: int) -> Rows:
        """So many of them, evenly spread."""
        size = len(self.steps)
        return self if size <= count else self.take(np.linspace(0, size - 1, count).astype(int))


def rows_of(given: Sequence[Prepared], shape: Shape, blocks: int) -> Rows:
    """All places at which something is known that comes after, those at the very beginning left out."""
    series, steps, edges = [], [], np.empty((len(given), blocks + 1), int)
    for number, own in enumerate(given):
        first = min(shape.lags - 1, len(own) // 3)
        edges[number] = first + np.arange(blocks + 1) * max(len(own) - 1 - first, 0) // blocks
        found = np.arange(first, len(own) - 1)
        found = found[~np.isnan(targets_of(own, shape, found)).all(1)]
        series.append(np.full(len(found), number))
        steps.append(found)
    return Rows(np.concatenate(series), np.concatenate(steps), edges)


def gathered(given: Sequence[Prepared], shape: Shape, rows: Rows) -> tuple[Array, Array]:
    """(straight (R, F), target (R, H)) of all rows."""
    straight = np.empty((len(rows.steps), shape.straight))
    target = np.empty((len(rows.steps), shape.horizon))
    for number in np.unique(rows.series).tolist():
        own, mine = given[number], rows.series == number
        straight[mine] = straight_of(own, shape, rows.steps[mine])
        target[mine] = targets_of(own, shape, rows.steps[mine])
    return straight, target
