"""What a forecaster has learned, and what it says of series, seen or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import wrong
from gated.models.forecaster.ensemble import Ensemble, learn, steps_needed
from gated.models.forecaster.features import Prepared, Shape, prepare
from gated.models.forecaster.reading import Given, Series
from gated.models.forecaster.rhythm import COUNTED, Rhythm
from gated.models.forecaster.settings import TRANSFORMS, bounds_of, school_of, shape_of, transform_of

Array = NDArray[Any]
LOWEST = {"log": (np.greater, "above 0"), "sqrt": (np.greater_equal, "of at least 0")}


@dataclass(frozen=True)
class Lens:
    """How series are looked at before they become features.

    Attributes:
        exogenous: names of the exogenous columns.
        center: (E,), their means while it learned.
        size: (E,), their deviations.
        transform: None, "log" or "sqrt" of the values.
        bounds: (lower, upper), between which all values lie; None: there is none.
    """

    exogenous: tuple[Any, ...]
    center: Array
    size: Array
    transform: str | None
    bounds: tuple[float | None, float | None] = (None, None)

    @classmethod
    def of(cls, given: Given, transform: str | None, bounds: tuple[float | None, float | None]) -> Lens:
        """That of these series. Raises ArgumentError for an exogenous column of which nothing is known."""
        table = np.concatenate([own.exogenous for own in given.series])
        unknown = np.isnan(table).all(0)
        if unknown.any():
            raise wrong("X", f"nothing but NaN in {given.exogenous[int(unknown.argmax())]!r}", "numbers")
        size = np.nanstd(table, 0) if table.size else np.ones(0)
        center = np.nanmean(table, 0) if table.size else np.zeros(0)
        return cls(given.exogenous, center, np.where(size > 0, size, 1.0), transform, bounds)

    def prepared(self, own: Series, shape: Shape, ahead: Array | None = None) -> Prepared:
        """A series as the networks see it, with exogenous numbers (H, E) ahead.

        Raises:
            ArgumentError: it has values that the transform does not take, or beyond the bounds.
        """
        values = own.values
        for name, bound, far in zip(("lower", "upper"), self.bounds, (np.nanmin, np.nanmax), strict=True):
            farthest = float(far(values))
            if bound is not None and farthest != bound and (farthest < bound) == (name == "lower"):
                came = f"{farthest:g}" + ("" if own.name is None else f" in {own.name!r}")
                raise wrong(
                    "y", came, f"numbers of at {'least' if name == 'lower' else 'most'} {bound:g}, as {name} says"
                )
        if self.transform is not None:
            fits, told = LOWEST[self.transform]
            lowest = float(np.nanmin(values))
            if not fits(lowest, 0):
                came = f"{lowest:g}" + ("" if own.name is None else f" in {own.name!r}")
                raise wrong("y", came, f"numbers {told}, for transform={self.transform!r}")
            values = TRANSFORMS[self.transform][0](values)
        table = carried((own.exogenous - self.center) / self.size, 0.0)
        if ahead is not None:
            table = np.concatenate([table, (ahead - self.center) / self.size])
        phase = own.rhythm.phase(own.index, *shape.seasons) if shape.phase else None
        return prepare(values, shape.season, phase, table)

    def back(self, said: Array) -> Array:
        """Forecasts of the features as values: what lies beyond a bound lies on it."""
        low, high = self.bounds
        found = np.asarray(TRANSFORMS[self.transform][1](said))
        return found if low is None and high is None else np.clip(found, low, high)


@dataclass(frozen=True)
class Learned:
    """All that a forecast needs beside the history.

    Attributes:
        ensemble: the networks.
        rhythm: of the series.
        lens: how series are looked at.
    """

    ensemble: Ensemble
    rhythm: Rhythm
    lens: Lens

    @property
    def shape(self) -> Shape:
        return self.ensemble.shape

    @classmethod
    def of(cls, given: Given, options: Any, seed: int) -> Learned:
        """Learn from series.

        Args:
            options: an estimator.

        Raises:
            ArgumentError, ArgumentTypeError: an option cannot be used, or the series are too short.
        """
        rhythm, longest = rhythm_of(given), max(len(own) for own in given.series)
        shape = shape_of(options, rhythm, longest, len(given.exogenous))
        school = school_of(options, shape, seed)
        needed = steps_needed(shape.horizon, school.members)
        if longest < needed:
            came = f"{longest} steps in the longest series"
            raise wrong("y", came, f"at least {needed}, for horizon={shape.horizon} and members={school.members}")
        lens = Lens.of(given, transform_of(options), bounds_of(options))
        return cls(learn([lens.prepared(own, shape) for own in given.series], shape, school), rhythm, lens)

    def quantiles(self, series: Sequence[Series], futures: Sequence[Array]) -> Array:
        """(S, H, Q): what comes after these series, of exogenous numbers (H, E) ahead."""
        both = zip(series, futures, strict=True)
        said = self.ensemble([self.lens.prepared(own, self.shape, ahead) for own, ahead in both])
        return self.lens.back(said)

    def refuse_others(self, given: Given) -> None:
        """Raise ArgumentError for series of another rhythm, or with other exogenous columns."""
        rhythm, known = rhythm_of(given), len(self.lens.exogenous)
        if self.shape.phase and rhythm.beat != self.rhythm.beat:
            came = "no dates" if rhythm.beat is None else f"dates of the frequency {rhythm.step!r}"
            raise wrong("y", came, f"{self.rhythm.step!r}, with which it has learned")
        if len(given.exogenous) != known:
            raise wrong("X", f"{len(given.exogenous)} exogenous columns", f"{known}, as it has learned")


def rhythm_of(given: Given) -> Rhythm:
    """The rhythm that all series have. Raises ArgumentError if they have several."""
    first = given.series[0].rhythm
    for own in given.series[1:]:
        if (own.rhythm.beat, own.rhythm.kind == COUNTED) != (first.beat, first.kind == COUNTED):
            came = f"series in the rhythms {first.step!r} and {own.rhythm.step!r}"
            raise wrong("y", came, "one for all, or a forecaster for each")
    return first


def carried(table: Array, first: float) -> Array:
    """The last known number in the place of a missing one; at the beginning, where none is known, `first`."""
    if not np.isnan(table).any():
        return table
    table = table.copy()
    for column in table.T:
        known = ~np.isnan(column)
        last = np.maximum.accumulate(np.where(known, np.arange(len(column)), -1))
        column[:] = np.where(last >= 0, column[np.maximum(last, 0)], first)
    return table
