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
from gated.models.forecaster.settings import TRANSFORMS, school_of, shape_of, transform_of

Array = NDArray[Any]
LOWEST = {"log": (np.greater, "above 0"), "sqrt": (np.greater_equal, "of at least 0")}


@dataclass
class Learned:
    """All that a forecast needs beside the history.

    Attributes:
        ensemble: the networks.
        rhythm: of the series.
        exogenous: names of the exogenous columns.
        center, size: (E,), of these.
        transform: None, "log" or "sqrt".
    """

    ensemble: Ensemble
    rhythm: Rhythm
    exogenous: tuple[Any, ...]
    center: Array
    size: Array
    transform: str | None

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
        transform_of(options)
        rhythm = rhythm_of(given)
        longest = max(len(own) for own in given.series)
        shape = shape_of(options, rhythm, longest, len(given.exogenous))
        school = school_of(options, shape, seed)
        needed = steps_needed(shape.horizon, school.members)
        if longest < needed:
            came = f"{longest} steps in the longest series"
            raise wrong("y", came, f"at least {needed}, for horizon={shape.horizon} and members={school.members}")
        table = np.concatenate([own.exogenous for own in given.series])
        if np.isnan(table).all(0).any():
            column = given.exogenous[int(np.isnan(table).all(0).argmax())]
            raise wrong("X", f"nothing but NaN in {column!r}", "numbers")
        center = np.nanmean(table, 0) if table.size else np.zeros(table.shape[1])
        size = np.nanstd(table, 0) if table.size else np.ones(table.shape[1])
        size = np.where(size > 0, size, 1.0)
        found = cls(None, rhythm, given.exogenous, center, size, options.transform)  # type: ignore[arg-type]
        prepared = [found._prepared(own, shape, None) for own in given.series]
        found.ensemble = learn(prepared, shape, school)
        return found

    def quantiles(self, series: Sequence[Series], futures: Sequence[Array]) -> Array:
        """(S, H, Q): what comes after these series, of exogenous numbers (H, E) ahead."""
        shape = self.shape
        prepared = [self._prepared(own, shape, ahead) for own, ahead in zip(series, futures, strict=True)]
        return np.asarray(TRANSFORMS[self.transform][1](self.ensemble(prepared)))

    def prepared(self, own: Series, ahead: Array) -> Prepared:
        """A series as the networks see it."""
        return self._prepared(own, self.shape, ahead)

    def refuse_others(self, given: Given) -> None:
        """Raise ArgumentError for series of another rhythm, or with other exogenous columns."""
        rhythm = rhythm_of(given)
        if self.shape.phase and rhythm.beat != self.rhythm.beat:
            came = "no dates" if rhythm.beat is None else f"dates of the frequency {rhythm.step!r}"
            raise wrong("y", came, f"{self.rhythm.step!r}, with which it has learned")
        if len(given.exogenous) != len(self.exogenous):
            raise wrong("X", f"{len(given.exogenous)} exogenous columns", f"{len(self.exogenous)}, as it has learned")

    def _prepared(self, own: Series, shape: Shape, ahead: Array | None) -> Prepared:
        values = own.values
        if self.transform is not None:
            lowest = float(np.nanmin(values))
            fits, told = LOWEST[self.transform]
            if not fits(lowest, 0):
                expected = f"numbers {told}, for transform={self.transform!r}"
                raise wrong("y", f"{lowest:g}" + ("" if own.name is None else f" in {own.name!r}"), expected)
            values = TRANSFORMS[self.transform][0](values)
        table = _carried((own.exogenous - self.center) / self.size)
        if ahead is not None:
            table = np.concatenate([table, (ahead - self.center) / self.size])
        phase = own.rhythm.phase(own.index, shape.season) if shape.phase else None
        return prepare(values, shape.season, phase, table)


def rhythm_of(given: Given) -> Rhythm:
    """The rhythm that all series have. Raises ArgumentError if they have several."""
    first = given.series[0].rhythm
    for own in given.series[1:]:
        if (own.rhythm.beat, own.rhythm.kind == COUNTED) != (first.beat, first.kind == COUNTED):
            came = f"series in the rhythms {first.step!r} and {own.rhythm.step!r}"
            raise wrong("y", came, "one for all, or a forecaster for each")
    return first


def _carried(table: Array) -> Array:
    """The last known number in the place of a missing one, at the beginning 0."""
    if not np.isnan(table).any():
        return table
    table = table.copy()
    for column in table.T:
        known = ~np.isnan(column)
        last = np.maximum.accumulate(np.where(known, np.arange(len(column)), -1))
        column[:] = np.where(last >= 0, column[np.maximum(last, 0)], 0.0)
    return table
