"""What the network reads of a series and what it is to foretell: numbers without level and scale.

Everything is a difference over a scale of the series' own, so that a series that is moved or multiplied has the same
features, and one that was never seen can be foretold. At a step nothing is used that comes after it, but for known
exogenous numbers and for the mean and the scale, which while it learns are those of the whole series.

Legend: T steps, H horizons, L lags, m the season, K further seasons, E exogenous numbers, P numbers of the phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
BASES = "last", "season"
SUDDEN = 20.0  # times the usual: what goes farther is an outlier, of which is read only that it goes far


@dataclass(frozen=True)
class Shape:
    """What the features of a model are: kept with it.

    Attributes:
        horizon: H.
        season: m; 1: none.
        lags: L, how many of the last values stand side by side.
        exogenous: E.
        phase: P, cosines and sines of the place in each season, which dates tell; 0 without dates.
        level: whether the distance from the series' mean is read. A series that comes back to it is foretold better
            with it, one that has a trend worse.
        base: from where is counted what is foretold: "last", the last value, or "season", the one a season before.
        further: K longer seasons, such as the week of hours, whose first one is the day: of each is read the change
            over it, and for every horizon the value so long before it.
    """

    horizon: int
    season: int
    lags: int
    exogenous: int = 0
    phase: int = 0
    level: bool = True
    base: str = "last"
    further: tuple[int, ...] = ()

    @property
    def seasons(self) -> tuple[int, ...]:
        """All of them, (1,) for none."""
        return (self.season, *self.further)

    @property
    def inputs(self) -> int:
        """Numbers that the recurrent layer reads at a step: changes, missing or not, phase, exogenous."""
        return 2 + (self.season > 1) + len(self.further) + self.level + self.phase + self.exogenous

    @property
    def common(self) -> int:
        """Numbers that the straight road reads for every horizon."""
        return self.lags - 1 + len(self.further) + self.level + self.phase + self.exogenous

    @property
    def ahead(self) -> int:
        """Numbers that it reads for one horizon: those of a further season before it, its exogenous ones."""
        return len(self.further) + self.exogenous

    @property
    def straight(self) -> int:
        """All that it reads: beside the common ones those of each horizon."""
        return self.common + self.horizon * self.ahead


@dataclass(frozen=True)
class Prepared:
    """A series as the model sees it.

    Attributes:
        values: (T,), NaN where missing.
        filled: (T,), with what stands in a missing one's place.
        center, scale: of the series; scale 0: it never changes.
        phase: (T, P).
        exogenous: (T + H or T, E), of a like size, future ones behind.
    """

    values: Array
    filled: Array
    center: float
    scale: float
    phase: Array
    exogenous: Array

    def __len__(self) -> int:
        return len(self.values)


def prepare(values: Array, season: int, phase: Array | None = None, exogenous: Array | None = None) -> Prepared:
    """A series with at least one number that is not missing."""
    steps = len(values)
    filled = fill(values, season)
    return Prepared(
        values,
        filled,
        center_of(values[~np.isnan(values)]),
        scale_of(values, filled),
        np.zeros((steps, 0)) if phase is None else phase,
        np.zeros((steps, 0)) if exogenous is None else exogenous,
    )


def fill(values: Array, season: int) -> Array:
    """What was known so far in the place of what is missing: the change of a season before, else the last value."""
    filled = values.copy()
    missing = np.isnan(values)
    if not missing.any():
        return filled
    first = int(np.argmin(missing))
    filled[:first] = values[first]
    for t in range(first + 1, len(filled)):
        if missing[t]:
            filled[t] = filled[t - 1]
            if season > 1 and t - season - 1 >= first:
                filled[t] += filled[t - season] - filled[t - season - 1]
    return filled


def center_of(known: Array) -> float:
    """The mean, to which outliers count no more than what is far from the middle."""
    middle = np.median(known)
    spread = SUDDEN * np.median(np.abs(known - middle))
    return float((np.clip(known, middle - spread, middle + spread) if spread > 0 else known).mean())


def scale_of(values: Array, filled: Array) -> float:
    """The mean size of a change, to which outliers count no more than a large one; 0 if nothing but gaps changes."""
    change = np.abs(np.diff(filled))[~np.isnan(values[1:])]
    if not change.any():
        return 0.0
    return float(np.minimum(change, SUDDEN * np.median(change[change > 0])).mean())


def bounded(numbers: Array, lags: Any) -> Array:
    """Differences over so many steps, of a series of scale 1, no larger than they can be but by an outlier.

    A straight line goes `lags` in as many steps. Without a bound one strange value at the end of a series would be what
    a regression is all about.
    """
    limit = SUDDEN * (1.0 + np.asarray(lags))
    return np.clip(numbers, -limit, limit)


def rises(own: Prepared) -> bool:
    """Whether a series has left where it was: its last fourth lies a deviation or more from what comes before.

    Of what rises, where it will be lies beyond all that is learned from: its level tells nothing there.
    """
    cut = len(own) - len(own) // 4
    if not 0 < cut < len(own):
        return False
    return abs(float(own.filled[cut:].mean() - own.filled[:cut].mean())) > float(own.filled.std())


def inputs_of(own: Prepared, shape: Shape) -> Array:
    """(T, D): what the recurrent layer reads at each step."""
    size, filled = own.scale or 1.0, own.filled
    columns = [bounded(changes(filled, 1) / size, 1), np.isnan(own.values)]
    if shape.season > 1:
        columns.append(bounded(changes(filled, shape.season) / size, shape.season))
    columns += [bounded(changes(filled, season) / size, season) for season in shape.further]
    if shape.level:
        columns.append(bounded((filled - own.center) / size, len(own)))
    return np.column_stack([*columns, own.phase, own.exogenous[: len(own)]])


def changes(filled: Array, lag: int) -> Array:
    """(T,): the change over `lag` steps; what lies before the first value is taken for it."""
    before = np.concatenate([np.full(min(lag, len(filled)), filled[0]), filled[:-lag]])
    return filled - before


def straight_of(own: Prepared, shape: Shape, steps: Array) -> Array:
    """(R, F): what the straight road reads at these steps (R,); see `Shape.straight`."""
    size, filled = own.scale or 1.0, own.filled
    lags = np.arange(1, shape.lags)
    back = np.maximum(steps[:, None] - lags, 0)
    parts = [bounded((filled[back] - filled[steps, None]) / size, lags)]
    if shape.level:
        parts.append(bounded((filled[steps] - own.center) / size, len(own))[:, None])
    now = filled[steps, None]
    for season in shape.further:
        parts.append(bounded((before(own, steps, np.array([0]), season) - now) / size, season))
    parts += [own.phase[steps], own.exogenous[steps]]
    if shape.ahead:
        ahead = np.arange(1, shape.horizon + 1)
        then = np.minimum(steps[:, None] + ahead, max(len(own.exogenous) - 1, 0))
        columns = [bounded((before(own, steps, ahead, m) - now) / size, m)[..., None] for m in shape.further]
        parts.append(np.concatenate([*columns, own.exogenous[then]], 2).reshape(len(steps), -1))
    return np.concatenate(parts, 1)


def before(own: Prepared, steps: Array, ahead: Array, season: int) -> Array:
    """(R, A): the last known values of the same place in a season as so many steps (A,) after these (R,).

    Before the first season there is none: what is known last stands for it.
    """
    back = steps[:, None] + ahead - season * np.maximum(-(-ahead // season), 1)
    return np.where(back >= 0, own.filled[np.maximum(back, 0)], own.filled[steps, None])


def base_of(own: Prepared, shape: Shape, steps: Array) -> Array:
    """(R, H): from where is counted what comes after these steps."""
    filled = own.filled
    if shape.base == "last" or shape.season == 1:
        return np.repeat(filled[steps, None], shape.horizon, 1)
    return before(own, steps, np.arange(1, shape.horizon + 1), shape.season)


def targets_of(own: Prepared, shape: Shape, steps: Array) -> Array:
    """(R, H): what is to be foretold at these steps; NaN where it is missing or not there yet."""
    ahead = steps[:, None] + np.arange(1, shape.horizon + 1)
    inside = ahead < len(own)
    came = np.where(inside, own.values[np.where(inside, ahead, 0)], np.nan)
    apart = np.arange(1, shape.horizon + 1) + (shape.season if shape.base == "season" else 0)
    return bounded((came - base_of(own, shape, steps)) / (own.scale or 1.0), apart)
