"""forecast.csv: what was foretold as a table, with as many digits as say something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import require_extra
from gated.models.forecaster.backtest import levels_told

MOST = 12  # decimals, and from LARGE on: then with an exponent
LARGE = 1e15


def table_text(said: Any, model: Any) -> str:
    """A row for each series and step, as CSV. `said`: what `predict_quantiles` of the model gave."""
    pd: Any = require_extra("pandas", "series")
    names = levels_told(model.quantiles_)
    if isinstance(said, Mapping):  # arrays by name
        parts = [
            pd.DataFrame(own, columns=names).assign(series=name, step=range(1, len(own) + 1))
            for name, own in said.items()
        ]
        found = pd.concat(parts)[["series", "step", *names]]
    elif said.columns.nlevels > 1:  # a wide frame
        parts = [said[name].set_axis(names, axis=1).assign(series=name) for name in said.columns.unique(0)]
        found = pd.concat(parts).rename_axis(said.index.name or "time").reset_index()
    else:
        found = said.rename(columns=dict(zip(model.quantiles_, names, strict=True)))
        if model.target is None:
            found = found.rename_axis(said.index.name or "time").reset_index()
        elif model.time is None:
            found = _with_steps(found, model.series)
    first = sorted(
        (name for name in found.columns if name not in names), key=lambda name: name not in ("series", model.series)
    )
    ordered = sorted(names, key=lambda name: (name != "forecast", names.index(name)))
    found = found[[*first, *ordered]].reset_index(drop=True)
    which = found[first[0]] if first and first[0] in ("series", model.series) else pd.Series(0, found.index)
    numbers = found[ordered].to_numpy()
    texts = np.empty(numbers.shape, object)
    for rows in which.groupby(which, sort=False).indices.values():
        texts[rows] = rounded(numbers[rows])
    found[ordered] = pd.DataFrame(texts, columns=ordered)
    return str(found.to_csv(index=False))


def rounded(numbers: NDArray[Any]) -> NDArray[Any]:
    """The forecasts of a series as texts: to a ten-thousandth of the range over which they lie, or finer."""
    spread = float(np.ptp(numbers))
    digits = 4 - math.floor(math.log10(spread)) if spread > 0 else 6
    form = f".{max(digits, 0)}f" if digits <= MOST and np.abs(numbers).max() < LARGE else ".9g"
    return np.vectorize(lambda own: format(own + 0.0, form), otypes=[object])(numbers)


def _with_steps(found: Any, series: str | None) -> Any:
    """With a column that counts the steps of each series."""
    steps = range(len(found)) if series is None else found.groupby(series, sort=False).cumcount()
    return found.assign(step=[k + 1 for k in steps])
