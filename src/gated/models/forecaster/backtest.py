"""How well it would have foretold: from origins that roll through the end of each series.

R forecasts (origins of all series), H horizons, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import require_extra, wrong
from gated.models.forecaster.learned import Learned, carried
from gated.models.forecaster.reading import Given, Series
from gated.number_checks import whole_above_zero

Array = NDArray[Any]


@dataclass(frozen=True)
class Backtest:
    """What came of it.

    Attributes:
        names: (R,), of the series of each forecast.
        origins: (R,), the last step that was known: its date, or without an index its number, from the first known
            value of the series on.
        truth: (R, H), NaN where missing.
        quantiles: the levels, (Q,).
        forecasts: (R, H, Q).
        naive: (R, H), the value a season before, or the last one.
        scales: (R,), the mean size of a change over a season before each origin: errors are counted in it (MASE,
            Hyndman & Koehler, 2006, International Journal of Forecasting 22).
    """

    names: list[Any]
    origins: list[Any]
    truth: Array
    quantiles: tuple[float, ...]
    forecasts: Array
    naive: Array
    scales: Array

    @property
    def mase(self) -> float:
        """The mean absolute scaled error of the middle."""
        return float(_mean(self._errors(self.forecasts[..., self.quantiles.index(0.5)]).ravel()))

    @property
    def naive_mase(self) -> float:
        """That of the seasonal naive forecast."""
        return float(_mean(self._errors(self.naive).ravel()))

    @property
    def coverage(self) -> dict[float, float]:
        """Interval -> the part of the truth that lies in it."""
        return {part: float(_mean(inside.ravel())) for part, inside in self._inside().items()}

    def table(self) -> Any:
        """A pandas DataFrame: a row for each horizon, with mase, naive mase and the coverage of each interval."""
        pd: Any = require_extra("pandas", "series")
        columns = {
            "mase": _mean(self._errors(self.forecasts[..., self.quantiles.index(0.5)])),
            "naive mase": _mean(self._errors(self.naive)),
        }
        for part, inside in self._inside().items():
            columns[f"coverage {part:g}"] = _mean(inside)
        return pd.DataFrame(columns, index=pd.RangeIndex(1, self.truth.shape[1] + 1, name="horizon"))

    def __str__(self) -> str:
        series = len({str(name) for name in self.names})
        lines = [
            f"{len(self.names)} forecasts of {self.truth.shape[1]} steps" + (f", {series} series" * (series > 1)),
            f"MASE {self.mase:.3f}, seasonal naive {self.naive_mase:.3f}"
            if self.scales.any()
            else "no MASE: the series do not change",
        ]
        for part, found in self.coverage.items():
            lines.append(f"the {part:.0%} interval holds {found:.1%}")
        return "\n".join(lines)

    def _errors(self, said: Array) -> Array:
        """(R, H), in scales; of a series that never changed NaN."""
        return np.abs(said - self.truth) / np.where(self.scales > 0, self.scales, np.nan)[:, None]

    def _inside(self) -> dict[float, Array]:
        """Interval -> (R, H), 1 where the truth lies in it, NaN where it is missing."""
        found = {}
        for k, low in enumerate(self.quantiles[: len(self.quantiles) // 2]):
            lower, upper = self.forecasts[..., k], self.forecasts[..., -1 - k]
            inside = (lower <= self.truth) & (self.truth <= upper)
            found[round(1 - 2 * low, 9)] = np.where(np.isnan(self.truth), np.nan, inside)
        return dict(sorted(found.items()))


def most_origins(given: Given, horizon: int, step: int, needed: int) -> int:
    """How many origins the longest series has room for, with `needed` steps before the first; 0: for none."""
    longest = max(len(own) for own in given.series)
    return max((longest - needed - horizon) // step + 1, 0)


def roll(
    given: Given,
    horizon: int,
    origins: int,
    step: int,
    refit: bool,
    needed: int,
    learn: Callable[[Given], Learned],
) -> Backtest:
    """The backtest: it learns from what lies before the first origin, or at each anew, and foretells from each.

    Args:
        origins: of each series; the last one lies `horizon` steps before its end.
        step: steps between two.
        refit: whether it learns at each anew.
        needed: steps of the longest series before the first origin, so that something can be learned.
        learn: makes what foretells.

    Raises:
        ArgumentError, ArgumentTypeError: a series is too short.
    """
    origins, step = whole_above_zero("origins", origins), whole_above_zero("step", step)
    back = horizon + step * np.arange(origins)[::-1]
    longest, most = max(len(own) for own in given.series), most_origins(given, horizon, step, needed)
    if not most:
        came = f"{longest} steps in the longest series"
        raise wrong("y", came, f"at least {needed + horizon} for a backtest, {needed} to learn from, horizon={horizon}")
    if origins > most:
        came = f"{origins} origins {step} apart with {longest} steps in the longest series"
        raise wrong("origins", came, f"at most {most}, for {needed} steps to learn from")
    learned, parts = None, []
    for distance in back.tolist():
        known = [own for own in given.series if _seen(own, distance)]
        before = [own.until(len(own) - distance) for own in known]
        if learned is None or refit:
            learned = learn(Given(before, given.exogenous, given.form, given.columns, given.like))
        said = learned.quantiles(before, [_ahead(own, len(own) - distance, horizon) for own in known])
        season = learned.shape.season
        for own, past, forecast in zip(known, before, said, strict=True):
            truth = own.values[len(past) :][:horizon]
            parts.append((own.name, _label(past), truth, forecast, _naive(past, season, horizon), _scale(past, season)))
    names, labels, *arrays = (list(column) for column in zip(*parts, strict=True))
    truth, forecasts, naive, scales = (np.array(column) for column in arrays)
    assert learned is not None
    return Backtest(
        names,
        labels,
        truth,
        learned.ensemble.quantiles,
        forecasts,
        naive,
        scales,
    )


def _seen(own: Series, distance: int) -> bool:
    """Whether two values are known so far before the end."""
    return len(own) > distance and int((~np.isnan(own.values[:-distance])).sum()) >= 2


def _ahead(own: Series, start: int, horizon: int) -> Array:
    """(H, E): the exogenous numbers from a step on; where one is missing, or its row is, the last one before."""
    found = carried(own.exogenous, np.nan)[start : start + horizon]
    if np.isnan(found).any():
        raise wrong("X", "NaN within the horizon of an origin, and none before", "numbers")
    return found


def _label(past: Series) -> Any:
    return len(past) - 1 if past.index is None else past.index[-1]


def _naive(past: Series, season: int, horizon: int) -> Array:
    """(H,): the last known value of the same place in the season; without one the last known value."""
    values = past.values
    found = np.empty(horizon)
    for h in range(horizon):
        same = values[len(values) - season + h % season :: -season] if season <= len(values) else values[:0]
        known = same[~np.isnan(same)]
        found[h] = known[0] if len(known) else values[~np.isnan(values)][-1]
    return found


def _scale(past: Series, season: int) -> float:
    values = past.values
    lag = season if len(values) > season else 1
    change = np.abs(values[lag:] - values[:-lag])
    return float(np.nanmean(change)) if (~np.isnan(change)).any() else 0.0


def _mean(rows: Array) -> Array:
    """Over the first axis, as far as known; NaN where nothing is."""
    known = ~np.isnan(rows)
    return np.asarray(np.where(known, rows, 0).sum(0) / np.where(known.any(0), known.sum(0), np.nan))


def levels_told(quantiles: Sequence[float]) -> list[str]:
    """Names of quantiles in a table: forecast, and the ends of the intervals: low 80, high 80."""
    found = []
    for q in quantiles:
        part = f"{100 * abs(1 - 2 * q):g}"
        found.append("forecast" if q == 0.5 else f"low {part}" if q < 0.5 else f"high {part}")
    return found
