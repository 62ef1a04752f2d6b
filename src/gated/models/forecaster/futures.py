"""Exogenous numbers of the steps that are to be foretold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import describe, wrong, wrong_type
from gated.models.forecaster.reading import Given, Series, names_told, refuse_missing, table_of

Array = NDArray[Any]


def futures_of(given: Given, future: Any, horizon: int) -> list[Array]:
    """(H, E) of each series.

    Args:
        future: a table for all series, or a list, dict or long frame, as the series came.

    Raises:
        ArgumentError, ArgumentTypeError: something is missing.
    """
    if not given.exogenous:
        if future is not None:
            raise wrong("future", describe(future), "None: no exogenous columns were learned")
        return [np.zeros((horizon, 0)) for _ in given.series]
    if future is None:
        came = f"the exogenous columns {names_told(given.exogenous)} for the {horizon} steps that follow"
        raise wrong("future", "None", came)
    return [_one(given, series, _own(given, k, future), horizon) for k, series in enumerate(given.series)]


def _own(given: Given, number: int, future: Any) -> Any:
    """The table of one series."""
    series, columns = given.series[number], given.columns
    if given.form == "long":
        if not hasattr(future, "columns"):
            raise wrong_type("future", describe(future), "a DataFrame with the columns that y has, but the target")
        refuse_missing("future", future, [columns.series, columns.time, *given.exogenous])
        if columns.series is not None:
            future = future[future[columns.series] == series.name]
        return future if columns.time is None else future.set_index(columns.time)
    if given.form == "named":
        if not isinstance(future, Mapping) or series.name not in future:
            raise wrong_type("future", f"a {type(future).__name__} without {series.name!r}", "a dict with every name")
        return future[series.name]
    if given.form == "several":
        if not isinstance(future, (list, tuple)) or len(future) != len(given.series):
            raise wrong_type("future", f"a {type(future).__name__}", f"a list of {len(given.series)} tables")
        return future[number]
    return future


def _one(given: Given, series: Series, table: Any, horizon: int) -> Array:
    where = "future" if len(given.series) == 1 or given.form in ("wide", "columns") else f"future[{series.name!r}]"
    wanted = given.exogenous if any(isinstance(name, str) for name in given.exogenous) else ()
    after = series.ahead(horizon)
    if hasattr(table, "columns") and after is not None and table.index.dtype == after.dtype:
        absent = after[~after.isin(table.index)]
        if len(absent):
            came = f"no row for {absent[0]}"
            raise wrong(where, came, f"rows for the {horizon} steps from {after[0]} to {after[-1]}")
        if not table.index.is_unique:
            raise wrong(where, "two rows of the same time", "one for each step")
        table = table.loc[after]
    names, found = table_of(where, table, wanted)
    if len(names) != len(given.exogenous):
        raise wrong(where, f"{len(names)} columns", f"{len(given.exogenous)}: {names_told(given.exogenous)}")
    if len(found) < horizon:
        raise wrong(where, f"{len(found)} rows", f"{horizon}, one for each step that follows")
    found = found[:horizon]
    missing = np.argwhere(np.isnan(found))
    if len(missing):
        row, column = missing[0].tolist()
        at = f"step {row + 1}" if after is None else str(after[row])
        raise wrong(where, f"NaN in {given.exogenous[column]!r} at {at}", "a number: what is exogenous has to be known")
    return found
