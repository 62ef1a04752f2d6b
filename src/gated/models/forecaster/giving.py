"""Forecasts in the form in which the series came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import require_extra
from gated.models.forecaster.reading import Given, Series

Array = NDArray[Any]


def give_back(given: Given, found: Sequence[Array], columns: Sequence[Any] | None = None) -> Any:
    """Arrays (H,) or (H, Q), one of each series, in the form in which the series came.

    Args:
        columns: names of the Q numbers; None where there is one.
    """
    if given.form == "numbers":
        return found[0]
    if given.form == "columns":
        return np.stack(found, 1)
    if given.form in ("several", "named"):
        own = [_labelled(s, a, columns) if given.like else a for s, a in zip(given.series, found, strict=True)]
        return own if given.form == "several" else {s.name: a for s, a in zip(given.series, own, strict=True)}
    pd: Any = require_extra("pandas", "series")
    if given.form == "series":
        return _labelled(given.series[0], found[0], columns)
    if given.form == "wide":
        parts = {s.name: _labelled(s, a, columns) for s, a in zip(given.series, found, strict=True)}
        whole = pd.concat(parts, axis=1)
        if columns is None:
            whole.columns.name = given.like
        return whole
    return pd.concat([_rows(given, s, a, columns) for s, a in zip(given.series, found, strict=True)], ignore_index=True)


def _labelled(series: Series, array: Array, columns: Sequence[Any] | None) -> Any:
    pd: Any = require_extra("pandas", "series")
    index = series.ahead(len(array))
    index.name = series.index.name
    if columns is None:
        return pd.Series(array, index=index, name=series.name)
    return pd.DataFrame(array, index=index, columns=list(columns))


def _rows(given: Given, series: Series, array: Array, columns: Sequence[Any] | None) -> Any:
    """A series' part of a long frame."""
    pd: Any = require_extra("pandas", "series")
    names = given.columns
    parts: dict[Any, Any] = {}
    if names.series is not None:
        parts[names.series] = [series.name] * len(array)
    if names.time is not None:
        parts[names.time] = series.ahead(len(array))
    own = array[:, None] if columns is None else array
    for k, name in enumerate([names.target] if columns is None else columns):
        parts[name] = own[:, k]
    return pd.DataFrame(parts)
