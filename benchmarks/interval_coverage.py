"""How much of a random walk lies within the intervals of `gated.models.Forecaster`.

    python -m benchmarks.interval_coverage

How a walk goes on from a known value is known: how much of it an interval holds can be computed, and nothing has to be
drawn. That is the coverage of the first table, by horizon: right after `fit`, and some steps later, with the newer
history and without learning again; of arrays, and with months as dates, so that a season is read. A backtest of one
walk tells less than one thinks, for the errors of neighbouring origins and horizons are nearly the same: the second
table has what backtests of 20 origins find, of Forecaster and of intervals that are exactly right.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LENGTHS = 120, 200, 300, 450, 600
HORIZON, ORIGINS = 12, 20
COVERAGE = 0.8, 0.95
LATER = 60
Z = 1.2815515655446004  # of the normal distribution, for 80 %
SHOWN = 1, 3, 6, 9, 12


def walk(number: int) -> Array:
    """A walk, LATER steps longer than what is learned from."""
    steps = LENGTHS[number % len(LENGTHS)] + LATER
    return np.cumsum(np.random.default_rng(number).standard_normal(steps))


def held(quantiles: Array, last: float) -> Array:
    """(2, H): how probably a walk lies within the intervals of quantiles (H, 5), the steps after its last value."""
    at = (quantiles - last) / np.sqrt(np.arange(1, HORIZON + 1))[:, None]
    below = np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))(at)
    return np.stack([below[:, 3] - below[:, 1], below[:, 4] - below[:, 0]])


def measure(number: int, dates: bool) -> tuple[Array, Array, float, float]:
    """Of one walk: coverage (2, H) after `fit` and later; that of a backtest, and of one with the right intervals."""
    import pandas as pd

    from gated.models import Forecaster

    values = walk(number)
    if dates:
        values = pd.Series(values, pd.date_range("1960-01", periods=len(values), freq="MS"))
    known = values[:-LATER]
    model = Forecaster(horizon=HORIZON, coverage=COVERAGE, random_state=number).fit(known)
    own = [held(np.asarray(model.predict_quantiles(part)), np.asarray(part)[-1]) for part in (known, values)]
    backtest = model.backtest(known, origins=ORIGINS)
    numbers = np.asarray(known)
    starts = len(numbers) - HORIZON - np.arange(ORIGINS)
    ahead = np.stack([numbers[start : start + HORIZON] - numbers[start - 1] for start in starts])
    right = float((np.abs(ahead) <= Z * np.sqrt(np.arange(1, HORIZON + 1))).mean())
    return own[0], own[1], backtest.coverage[COVERAGE[0]], right


def main(words: Sequence[str] | None = None) -> int:
    from joblib import Parallel, delayed

    parser = argparse.ArgumentParser(prog="python -m benchmarks.interval_coverage")
    parser.add_argument("--walks", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(words)
    print("| coverage of 80 %; 95 % intervals | " + " | ".join(f"h = {h}" for h in SHOWN) + " | mean |")
    print("|---" * (2 + len(SHOWN)) + "|")
    told = []
    for dates in (False, True):
        found = Parallel(n_jobs=given.jobs)(delayed(measure)(number, dates) for number in range(given.walks))
        after, later, backtests, right = (np.array(part) for part in zip(*found, strict=True))
        for name, own in (("after fit", after), (f"{LATER} steps later", later)):
            both = own.mean(0)
            cells = [f"{100 * both[0, h - 1]:.0f}; {100 * both[1, h - 1]:.0f}" for h in SHOWN]
            error = [100 * float(own[:, k].mean(1).std(ddof=1)) / math.sqrt(given.walks) for k in range(2)]
            cells.append("; ".join(f"{100 * both[k].mean():.1f} ± {error[k]:.1f}" for k in range(2)))
            print(f"| {'months' if dates else 'arrays'}, {name} | " + " | ".join(cells) + " |", flush=True)
        told.append(("Forecaster, " + ("months" if dates else "arrays"), backtests))
        told.append(("the right intervals", right))
    print("\n| 80 % intervals in backtests, in % | mean | lowest | a quarter below | half below | highest |")
    print("|---" * 6 + "|")
    for name, own in told[:3]:
        numbers = [own.mean(), own.min(), *np.quantile(own, [0.25, 0.5]), own.max()]
        print(f"| {name} | " + " | ".join(f"{100 * number:.0f}" for number in numbers) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
