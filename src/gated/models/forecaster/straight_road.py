"""The straight road: of each horizon a linear function of what stands side by side, by ridge regression.

The network begins at it (its head reads the same numbers beside the recurrent layer's, as in Lai et al., 2018, Modeling
long- and short-term temporal patterns, SIGIR), so that little data do no worse than a linear model. How strong the
penalty is, from where is counted and whether the level is read is chosen by cross-validation over blocks of time; of
series that rise it is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.models.forecaster.features import BASES, Prepared, Shape, rises
from gated.models.forecaster.rows import gathered, rows_of

Array = NDArray[Any]
PENALTIES = 10.0 ** np.arange(-4.0, 1.5, 0.5)  # times the number of rows; what is read has size 1
MOST = 20_000  # rows that a regression looks at


@dataclass(frozen=True)
class Road:
    """weights (H, F) and intercepts (H,) for what is read as it is, of features of size 1."""

    weights: Array
    intercepts: Array

    def __call__(self, straight: Array) -> Array:
        """(R, F) -> (R, H)"""
        return np.asarray(straight @ self.weights.T + self.intercepts)


def sizes_of(straight: Array) -> Array:
    """(F,): the root of the mean square of each feature; 1 where it is always 0."""
    size = np.sqrt(np.mean(straight * straight, 0))
    return np.where(size > 1e-12, size, 1.0)


def columns_of(shape: Shape, horizon: int) -> Array:
    """Which features a horizon (from 0) reads: the common ones, and those of its own step."""
    ahead = shape.common + horizon * shape.ahead + np.arange(shape.ahead)
    return np.concatenate([np.arange(shape.common), ahead])


def regress(straight: Array, target: Array, shape: Shape, penalty: float) -> Road:
    """The road of these rows: straight (R, F) of size 1, target (R, H) with NaN where it is not known."""
    roads = _roads(straight, target, shape, np.array([penalty]))
    return Road(roads[0][0], roads[1][0])


def _roads(straight: Array, target: Array, shape: Shape, penalties: Array) -> tuple[Array, Array]:
    """Weights (K, H, F) and intercepts (K, H) for K penalties."""
    weights = np.zeros((len(penalties), shape.horizon, shape.straight))
    intercepts = np.zeros((len(penalties), shape.horizon))
    for h in range(shape.horizon):
        columns, known = columns_of(shape, h), ~np.isnan(target[:, h])
        if not known.any():
            continue
        x, y = straight[np.ix_(known, columns)], target[known, h]
        x_mean, y_mean = x.mean(0), y.mean()
        x, y = x - x_mean, y - y_mean
        values, vectors = np.linalg.eigh(x.T @ x)
        turned = vectors.T @ (x.T @ y)
        for k, penalty in enumerate(penalties):
            own = vectors @ (turned / (np.maximum(values, 0.0) + penalty * len(y)))
            weights[k, h, columns], intercepts[k, h] = own, y_mean - x_mean @ own
    return weights, intercepts


def choose(given: Sequence[Prepared], shape: Shape, blocks: int) -> tuple[Shape, float]:
    """The shape with base and level chosen, and the penalty."""
    best: tuple[float, Shape, float] | None = None
    levels = (False,) if np.mean([rises(own) for own in given]) > 0.5 else (False, True)
    for base in BASES[: 1 + (shape.season > 1)]:
        for level in levels:
            own = replace(shape, base=base, level=level)
            errors = _errors(given, own, blocks)
            k = int(np.argmin(errors))
            if best is None or errors[k] < best[0]:
                best = float(errors[k]), own, float(PENALTIES[k])
    assert best is not None
    return best[1], best[2]


def _errors(given: Sequence[Prepared], shape: Shape, blocks: int) -> Array:
    """(K,): the mean absolute error of each penalty on the blocks that were left out."""
    rows = rows_of(given, shape, blocks).at_most(MOST)
    sizes = sizes_of(gathered(given, shape, rows)[0])
    errors = np.zeros(len(PENALTIES))
    for block in range(blocks):
        straight, target = gathered(given, shape, rows.without(block, shape.horizon))
        weights, intercepts = _roads(straight / sizes, target, shape, PENALTIES)
        straight, target = gathered(given, shape, rows.inside(block))
        for k in range(len(PENALTIES)):
            errors[k] += np.nansum(np.abs(Road(weights[k], intercepts[k])(straight / sizes) - target))
    return errors
