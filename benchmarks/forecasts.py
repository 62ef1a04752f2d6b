"""Forecaster beside classical methods on real series: python -m benchmarks.forecasts

Three series that statsmodels carries: sunspots (yearly, 1700 to 2008), co2 (monthly means, 5 of 526 missing), elnino
(monthly, 1950 to 2010). From 24 origins that roll through the end of each it is foretold; the errors are scaled by the
mean change over a season before the origin (MASE; sunspots, which have no fixed season, by that of a year), the
coverage is the part of the truth within the intervals.

ARIMA and ETS (statsmodels) have their orders by AIC on what lies before the first origin and learn at every origin
anew; Forecaster, with its defaults, learns once, before the first one, and is asked with the newer history. Its
defaults were chosen on what lies before the first origin.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

RESULTS = Path(__file__).resolve().parent / "results" / "forecasts.json"
COVERAGE = 0.8, 0.95
ORIGINS = 24
Z = {0.8: 1.2815515655446004, 0.95: 1.959963984540054}  # of the normal distribution


@dataclass(frozen=True)
class Set:
    """A series: how far and from where is foretold, and what stands for it in classical methods.

    Attributes:
        season: of the scale and of seasonal methods; 1: none.
        repeats: after so many steps the naive forecast says the same again.
        step: between two origins.
        orders: of ARIMA, (p, d, q), (P, D, Q, m), of which AIC chooses.
        forms: of ETS, likewise: error, trend, damped, seasonal.
    """

    horizon: int
    season: int
    repeats: int
    step: int
    orders: tuple[Any, ...]
    forms: tuple[Any, ...]


# differences are not AIC's to choose: sunspots and elnino come back to their mean, co2 rises
_YEARS = tuple(((p, 0, q), (0, 0, 0, 0)) for p in (1, 2, 3, 9) for q in (0, 1))
_LEVEL_MONTHS, _RISING_MONTHS = (
    tuple(((p, d, q), (P, 1, 1, 12)) for p in (0, 1, 2) for q in (0, 1) if p + q for P in (0, 1)) for d in (0, 1)
)
_LEVELS = (("add", None, False, None), ("add", "add", False, None), ("add", "add", True, None))
_SEASONAL = tuple((*form[:3], "add") for form in _LEVELS)
SETS = {
    "sunspots": Set(11, 1, 11, 3, _YEARS, _LEVELS),
    "co2": Set(12, 12, 12, 4, _RISING_MONTHS, _SEASONAL),
    "elnino": Set(12, 12, 12, 6, _LEVEL_MONTHS, _SEASONAL),
}


def load(name: str, before: bool = False) -> Any:
    """The series, a pandas Series with periods; `before`: what lies before the first origin alone."""
    series = _whole(name)
    return series.iloc[: origins_of(SETS[name], len(series))[0]] if before else series


def _whole(name: str) -> Any:
    import pandas as pd
    import statsmodels.api as sm

    data = getattr(sm.datasets, name).load_pandas().data
    if name == "sunspots":
        years = pd.PeriodIndex(data["YEAR"].astype(int).astype(str), freq="Y")
        return pd.Series(data["SUNACTIVITY"].to_numpy(), years, name=name)
    if name == "co2":
        return data["co2"].resample("MS").mean().to_period("M")
    months = pd.period_range(f"{int(data['YEAR'].iloc[0])}-01", periods=12 * len(data), freq="M")
    return pd.Series(data.drop(columns="YEAR").to_numpy().ravel(), months, name=name)


@dataclass
class Row:
    """A method on a series; a number a seed. `chosen`: what AIC chose."""

    data: str
    method: str
    mase: list[float] = field(default_factory=list)
    coverage: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    chosen: str = ""

    def add(self, mase: float, coverage: dict[float, float], seconds: float) -> None:
        """What came of one seed."""
        self.mase.append(mase)
        for part, found in coverage.items():
            self.coverage.setdefault(f"{part:g}", []).append(found)
        self.seconds.append(seconds)


def origins_of(own: Set, length: int) -> list[int]:
    """How many values are known at each origin."""
    return [length - own.horizon - own.step * k for k in reversed(range(ORIGINS))]


Forecast = tuple[np.ndarray, dict[float, tuple[np.ndarray, np.ndarray]]]  # the middle; the ends of each interval


def naive(own: Set, past: np.ndarray) -> Forecast:
    """The value a season before; its intervals are those of a seasonal random walk."""
    ahead = np.arange(own.horizon)
    middle = past[len(past) - own.repeats + ahead % own.repeats]
    error = past[own.repeats :] - past[: -own.repeats]
    size = np.sqrt(np.mean(error * error)) * np.sqrt(ahead // own.repeats + 1)
    return middle, {part: (middle - Z[part] * size, middle + Z[part] * size) for part in COVERAGE}


def arima(own: Set, past: np.ndarray, chosen: Any) -> Any:
    from statsmodels.tsa.arima.model import ARIMA

    order, seasonal = chosen
    trend = "c" if order[1] + seasonal[1] == 0 else "n"
    return ARIMA(past, order=order, seasonal_order=seasonal, trend=trend).fit()


def ets(own: Set, past: np.ndarray, chosen: Any) -> Any:
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    error, trend, damped, seasonal = chosen
    model = ETSModel(
        pd.Series(past),
        error=error,
        trend=trend,
        damped_trend=damped,
        seasonal=seasonal,
        seasonal_periods=own.season if seasonal else None,
    )
    return model.fit(disp=False)


def of_statsmodels(fitted: Any, own: Set, past: np.ndarray) -> Forecast:
    """What a model of statsmodels foretells."""
    if hasattr(fitted, "get_forecast"):
        said = fitted.get_forecast(own.horizon)
        return said.predicted_mean, {part: tuple(said.conf_int(alpha=1 - part).T) for part in COVERAGE}
    said = fitted.get_prediction(start=len(past), end=len(past) + own.horizon - 1)
    ends = {part: tuple(np.asarray(said.pred_int(alpha=1 - part)).T) for part in COVERAGE}
    return np.asarray(said.predicted_mean), ends


def scores(own: Set, values: np.ndarray, forecasts: Sequence[Forecast]) -> tuple[float, dict[float, float]]:
    """(MASE, coverage of each interval) over all origins."""
    errors, inside = [], {part: [] for part in COVERAGE}
    for start, (middle, ends) in zip(origins_of(own, len(values)), forecasts, strict=True):
        past, truth = values[:start], values[start : start + own.horizon]
        scale = np.nanmean(np.abs(past[own.season :] - past[: -own.season]))
        errors.append(np.abs(middle - truth) / scale)
        for part, (low, high) in ends.items():
            inside[part].append(np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high)))
    return float(np.nanmean(errors)), {part: float(np.nanmean(found)) for part, found in inside.items()}


def classical(name: str, method: str, before: bool = False) -> Row:
    """A classical method: orders by AIC before the first origin, then anew at every origin."""
    own, values = SETS[name], load(name, before).interpolate().to_numpy()
    truth, row, started = load(name, before).to_numpy(), Row(name, method), time.perf_counter()
    starts, chosen = origins_of(own, len(values)), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if method != "naive":
            fit: Callable[..., Any] = arima if method == "ARIMA" else ets
            known = own.orders if method == "ARIMA" else own.forms
            chosen = min(known, key=lambda one: fit(own, values[: starts[0]], one).aic)
            row.chosen = repr(chosen)
            forecasts = [of_statsmodels(fit(own, values[:at], chosen), own, values[:at]) for at in starts]
        else:
            forecasts = [naive(own, values[:at]) for at in starts]
    row.add(*scores(own, truth, forecasts), time.perf_counter() - started)
    return row


def ours(name: str, seeds: int, before: bool = False) -> Row:
    """Forecaster with its defaults, learned once, of so many seeds."""
    from gated.models import Forecaster

    own, series, row = SETS[name], load(name, before), Row(name, "Forecaster")
    values = series.to_numpy()
    starts = origins_of(own, len(values))
    for seed in range(seeds):
        started = time.perf_counter()
        model = Forecaster(horizon=own.horizon, coverage=COVERAGE, random_state=seed).fit(series.iloc[: starts[0]])
        forecasts = []
        for at in starts:
            said = model.predict_quantiles(series.iloc[:at]).to_numpy()
            half = len(COVERAGE)
            ends = {part: (said[:, half - 1 - k], said[:, half + 1 + k]) for k, part in enumerate(COVERAGE)}
            forecasts.append((said[:, half], ends))
        row.add(*scores(own, values, forecasts), time.perf_counter() - started)
    return row


METHODS = {
    "naive": ("seasonal naive", "季节性朴素预测"),
    "ETS": ("ETS", "ETS"),
    "ARIMA": ("ARIMA", "ARIMA"),
    "Forecaster": ("**Forecaster**", "**Forecaster**"),
}


def table(rows: Sequence[Row], lang: str = "en") -> str:
    """Markdown: a line a method, for each series MASE and the coverage of both intervals in per cent."""
    found = {(row.data, row.method): row for row in rows}
    head = {"en": "| MASE; coverage of the 80 % and 95 % intervals |", "zh": "| MASE；80% 与 95% 区间的覆盖率 |"}
    lines = [head[lang] + "".join(f" {name} |" for name in SETS), "|---|" + "---|" * len(SETS)]
    for method, names in METHODS.items():
        cells = [_cell(found[name, method]) if (name, method) in found else "" for name in SETS]
        lines.append(f"| {names[lang == 'zh']} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(lines)


def _cell(row: Row) -> str:
    spread = f" ± {stdev(row.mase):.2f}" if len(row.mase) > 1 else ""
    return f"{mean(row.mase):.2f}{spread}; " + ", ".join(f"{100 * mean(own):.0f}" for own in row.coverage.values())


def read(path: Path = RESULTS) -> list[Row]:
    """The rows of a file; none if there is none."""
    return [Row(**own) for own in json.loads(path.read_text(encoding="utf-8"))["rows"]] if path.exists() else []


def write(path: Path, rows: Sequence[Row]) -> None:
    """One row a line."""
    order = [(data, method) for data in SETS for method in METHODS]
    lines = ",\n".join(
        "  " + json.dumps(asdict(r)) for r in sorted(rows, key=lambda r: order.index((r.data, r.method)))
    )
    path.write_text(f'{{\n "origins": {ORIGINS},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def measured(sets: Sequence[str], methods: Sequence[str], seeds: int, before: bool = False) -> Iterator[Row]:
    """All that is asked for, one after the other."""
    for name in sets:
        for method in methods:
            yield ours(name, seeds, before) if method == "Forecaster" else classical(name, method, before)


def main(words: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.forecasts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    made.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    made.add_argument("--seeds", type=int, default=5, help="of Forecaster (default: 5)")
    made.add_argument("--output", type=Path, default=RESULTS, help="default: benchmarks/results/forecasts.json")
    made.add_argument("--show", action="store_true", help="print the table of what is kept, and end")
    made.add_argument(
        "--before",
        action="store_true",
        help="the same within what lies before the first origin, by which defaults are chosen; nothing is kept",
    )
    given = made.parse_args(words)
    rows = [] if given.before else read(given.output)
    if not given.show:
        for row in measured(given.sets, given.methods, given.seeds, given.before):
            rows = [old for old in rows if (old.data, old.method) != (row.data, row.method)] + [row]
            print(
                f"{row.data:9} {row.method:10} {_cell(row):28} {sum(row.seconds):6.1f} s  {row.chosen}", file=sys.stderr
            )
            if not given.before:
                write(given.output, rows)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
