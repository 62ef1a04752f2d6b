"""Series in the forms in which people have them; `giving` gives forecasts back in the same form.

numbers              an array or list (T,)             one series
columns              an array (T, S)                   a series in each column
several              a list of any of the one-series forms, of unequal lengths
named                a dict of them
series               pandas.Series                     one, with its index
wide                 pandas.DataFrame                  a series in each column, one index
long                 pandas.DataFrame                  rows with columns of names, times, values, exogenous numbers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import as_array, describe, shown, wrong, wrong_type
from gated.models.forecaster.rhythm import COUNTED, Rhythm, read_index

Array = NDArray[Any]
FORMS = "an array, a list or dict of series, a pandas Series or DataFrame"


@dataclass(frozen=True)
class Columns:
    """Names of columns in a long frame; target None: frames are wide."""

    target: Any = None
    time: Any = None
    series: Any = None
    exogenous: tuple[Any, ...] = ()
    frequency: str | None = None


@dataclass(frozen=True)
class Series:
    """One series on a regular grid.

    Attributes:
        name: in messages and results.
        values: (T,), NaN where missing.
        exogenous: (T, E), NaN where missing.
        rhythm, index: how it goes on; index None where it has none.
    """

    name: Any
    values: Array
    exogenous: Array
    rhythm: Rhythm = field(default_factory=lambda: Rhythm(COUNTED))
    index: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def until(self, stop: int) -> Series:
        """Its first steps."""
        index = None if self.index is None else self.index[:stop]
        return Series(self.name, self.values[:stop], self.exogenous[:stop], self.rhythm, index)

    def ahead(self, count: int) -> Any:
        """The index of so many steps after its end; None if it has no index."""
        return None if self.index is None else self.rhythm.ahead(self.index[-1], count)


@dataclass(frozen=True)
class Given:
    """What came: the series, the names of exogenous columns, and the form for the way back."""

    series: list[Series]
    exogenous: tuple[Any, ...]
    form: str
    columns: Columns
    like: Any = None  # names of the index, a Series or column


def read(y: Any, X: Any, columns: Columns) -> Given:
    """Series with their exogenous numbers.

    Raises:
        ArgumentError, ArgumentTypeError: they are of no such form, or do not fit together.
    """
    if hasattr(y, "columns") and hasattr(y, "index"):
        return _long(y, X, columns) if columns.target is not None else _wide(y, X, columns)
    if columns.target is not None:
        raise wrong_type("y", _told(y), f"a DataFrame with the columns {_listed(columns)}")
    if isinstance(y, Mapping):
        return _several("named", list(y), list(y.values()), X, columns)
    if hasattr(y, "index") and hasattr(y, "to_numpy"):
        names, exogenous = _exogenous("X", X, y, columns)
        return Given([_one("y", y, exogenous, columns)], names, "series", columns)
    if isinstance(y, (list, tuple)) and y and not all(np.isscalar(own) or own is None for own in y):
        return _several("several", list(range(len(y))), list(y), X, columns)
    array = as_array("y", y)
    if array.ndim == 2 and array.size:
        names, exogenous = _exogenous("X", X, array, columns)
        own = [_one(f"y[:, {k}]", array[:, k], exogenous, columns, k) for k in range(array.shape[1])]
        return Given(own, names, "columns", columns)
    names, exogenous = _exogenous("X", X, array, columns)
    return Given([_one("y", array, exogenous, columns)], names, "numbers", columns)


def _several(form: str, names: list[Any], values: list[Any], X: Any, columns: Columns) -> Given:
    if not values:
        raise wrong("y", "no series", "at least one")
    if X is not None and isinstance(X, Mapping) != (form == "named"):
        kind = "a dict with the same names" if form == "named" else "a list as long"
        raise wrong_type("X", _told(X), f"{kind}, for each series its own")
    found, known = [], None
    for name, value in zip(names, values, strict=True):
        own = None
        if X is not None:
            if len(X) != len(values) or (form == "named" and name not in X):
                raise wrong("X", f"{len(X)} tables", f"{len(values)}, for each series its own")
            own = X[name]
        where = f"[{name!r}]"
        exogenous, numbers = _exogenous(f"X{where}", own, value, columns)
        if known is not None and exogenous != known:
            raise wrong(f"X{where}", f"the columns {names_told(exogenous)}", f"{names_told(known)}, as before")
        known = exogenous
        found.append(_one(f"y{where}", value, numbers, columns, name))
    assert known is not None
    pandas = all(own.index is not None for own in found)
    return Given(found, known, form, columns, like=pandas)


def _wide(y: Any, X: Any, columns: Columns) -> Given:
    if not len(y.columns) or not len(y):
        raise wrong("y", f"a DataFrame of shape {y.shape}", "rows and columns")
    names, exogenous = _exogenous("X", X, y, columns)
    own = [_one(f"y[{name!r}]", y[name], exogenous, columns, name) for name in y.columns]
    return Given(own, names, "wide", columns, like=y.columns.name)


def _long(y: Any, X: Any, columns: Columns) -> Given:
    if X is not None:
        raise wrong("X", _told(X), "None: exogenous columns stand in the frame, exogenous=[...] names them")
    refuse_missing("y", y, [columns.target, columns.time, columns.series, *columns.exogenous])
    if not len(y):
        raise wrong("y", "a DataFrame without rows", "at least one")
    if columns.series is not None and y[columns.series].isna().any():
        raise wrong("y", f"no name in a row of the column {columns.series!r}", "that of a series in each row")
    parts = [(None, y)] if columns.series is None else list(y.groupby(columns.series, sort=False))
    found = []
    for name, part in parts:
        if columns.time is not None:
            part = part.set_index(columns.time).sort_index()
            own = part[columns.target]
        else:
            own = part[columns.target].reset_index(drop=True)
        where = "y" if name is None else f"y[{name!r}]"
        exogenous = _numeric(where, part[list(columns.exogenous)]) if columns.exogenous else None
        found.append(_one(where, own, exogenous, columns, name))
    return Given(found, columns.exogenous, "long", columns)


def _one(where: str, value: Any, exogenous: Array | None, columns: Columns, name: Any = None) -> Series:
    """A series on its grid, from its first known value on."""
    index = getattr(value, "index", None) if hasattr(value, "to_numpy") else None
    values = _numeric(where, value)
    if values.ndim != 1:
        raise wrong(where, describe(values), "one dimension: a number for each step")
    if name is None and index is not None:
        name = value.name
    whole = None
    rhythm = Rhythm(COUNTED)
    table = np.zeros((len(values), 0)) if exogenous is None else exogenous
    if len(table) != len(values):
        raise wrong(where.replace("y", "X", 1), f"{len(table)} rows", f"{len(values)}, one for each step of y")
    if index is not None and len(values):
        rhythm, whole, places = read_index(where, index, columns.frequency)
        if len(whole) != len(values):
            values, table = _placed(values, places, len(whole)), _placed(table, places, len(whole))
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < 2:
        raise wrong(where, f"{len(known)} known values", "at least 2")
    first = int(known[0])
    return Series(name, values[first:], table[first:], rhythm, None if whole is None else whole[first:])


def _placed(values: Array, places: Array, count: int) -> Array:
    found = np.full((count, *values.shape[1:]), np.nan)
    found[places] = values
    return found


def _numeric(where: str, value: Any) -> Array:
    """float64; missing values are NaN."""
    try:
        array = value.to_numpy(dtype=float, na_value=np.nan) if hasattr(value, "to_numpy") else as_array(where, value)
        array = np.array([np.nan if own is None else own for own in array]) if array.dtype == object else array
    except (TypeError, ValueError):
        array = np.array("text")
    if array.dtype.kind not in "fiub":
        raise wrong_type(where, f"values of {getattr(value, 'dtype', 'no number')}", "numbers")
    array = array.astype(np.float64)
    if np.isinf(array).any():
        raise wrong(where, f"inf at {np.argwhere(np.isinf(array))[0].tolist()}", "finite numbers, or NaN for missing")
    return array


def _exogenous(where: str, X: Any, y: Any, columns: Columns) -> tuple[tuple[Any, ...], Array | None]:
    """(names, (T, E) or None) of a table beside y."""
    if X is None:
        if columns.exogenous:
            raise wrong(where, "None", f"a table with the columns {names_told(columns.exogenous)}")
        return (), None
    names, table = table_of(where, X, columns.exogenous)
    if hasattr(X, "index") and hasattr(y, "index") and not X.index.equals(y.index):
        raise wrong(where, "another index than y's", "the same one, row by row")
    return names, table


def table_of(where: str, X: Any, wanted: Sequence[Any]) -> tuple[tuple[Any, ...], Array]:
    """(names, (R, E)) of a table; `wanted`: names of the columns, none for all."""
    if hasattr(X, "columns"):
        refuse_missing(where, X, wanted)
        names = tuple(wanted) or tuple(X.columns)
        return names, _numeric(where, X[list(names)])
    array = _numeric(where, X)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise wrong(where, describe(array), "shape (steps, columns)")
    if wanted and array.shape[1] != len(wanted):
        raise wrong(where, f"{array.shape[1]} columns", f"{len(wanted)}: {names_told(wanted)}")
    return tuple(wanted) or tuple(range(array.shape[1])), array


def refuse_missing(where: str, frame: Any, names: Sequence[Any]) -> None:
    """Raise ArgumentError if a frame lacks one of these columns (None: none is wanted)."""
    missing = [name for name in names if name is not None and name not in frame.columns]
    if missing:
        raise wrong(where, f"no column {names_told(missing)}", f"it among {names_told(frame.columns)}")


def names_told(names: Any) -> str:
    """Names of columns, for a message."""
    return shown(", ".join(repr(name) for name in names) or "none", 120)


def _listed(columns: Columns) -> str:
    own = (columns.series, columns.time, columns.target, *columns.exogenous)
    return names_told([name for name in own if name is not None])


def _told(value: Any) -> str:
    return f"a {type(value).__name__}" if hasattr(value, "__len__") else describe(value)
