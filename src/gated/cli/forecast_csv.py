"""A CSV file of series, as programs and offices write it: commas, semicolons or tabs; dates in several forms."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from typing import Any

from gated.errors import FileFormatError, require_extra, shown, wrong
from gated.models.forecaster.reading import refuse_missing

DAY_FIRST = r"\s*\d{1,2}\.\d{1,2}\.\d{4}"  # with dots the day stands first, wherever dates are written so


def read_csv(path: str, time: str | None, name: str) -> Any:
    """A pandas DataFrame; the column of times holds dates or numbers.

    Args:
        time: the column of times, None: there is none.
        name: of the argument, for messages.

    Raises:
        ArgumentError: there is no such file or column, or a cell of the column of times is none.
        FileFormatError: it is no table.
    """
    pd: Any = require_extra("pandas", "series")
    try:
        frame = _table(pd, path)
    except FileNotFoundError:
        raise wrong(name, repr(path), "a CSV file") from None
    except UnicodeDecodeError as error:
        came = f"got the byte 0x{error.object[error.start]:02x}, expected a table in UTF-8"
        raise FileFormatError(f"{path!r}: {came}") from None
    except (ValueError, OSError, csv.Error) as error:
        raise FileFormatError(f"{path!r}: got no table ({shown(' '.join(str(error).split()), 80)})") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise FileFormatError(f"{path!r}: got more cells in a row than names in the first, expected as many")
    if not len(frame):
        raise FileFormatError(f"{path!r}: got no row below the names of the columns, expected some")
    if time is not None:
        refuse_missing(name, frame, [time])
        frame[time] = _times(pd, frame[time])
    return frame


def refuse_texts(frame: Any, names: Sequence[str]) -> None:
    """Raise ArgumentError if a cell of these columns is no number."""
    pd: Any = require_extra("pandas", "series")
    for name in names:
        cells = frame[name]
        if cells.dtype.kind in "iufb":
            continue
        bad = pd.to_numeric(cells, errors="coerce").isna() & cells.notna()
        cell = cells[bad].iloc[0] if bad.any() else cells.iloc[0]
        raise wrong(
            "data", f"{shown(repr(cell), 40)} in the column {name!r}", "numbers, or nothing where one is missing"
        )


def refuse_repeated(frame: Any, time: str, series: str | None) -> None:
    """Raise ArgumentError if a series has two rows of one time."""
    twice = frame.duplicated([name for name in (series, time) if name is not None])
    if not twice.any():
        return
    when = str(frame.loc[twice, time].iloc[0]).removesuffix(" 00:00:00")
    if series is None:
        raise wrong("time", f"{when} in two rows", "each once; --series names the column that tells series apart")
    raise wrong("time", f"{when} in two rows of {frame.loc[twice, series].iloc[0]!r}", "each once")


def _table(pd: Any, path: str) -> Any:
    with open(path, encoding="utf-8-sig") as file:
        head = file.readline()
    options = {"sep": max(",;\t", key=head.count), "encoding": "utf-8-sig", "float_precision": "round_trip"}
    frame = pd.read_csv(path, **options)
    if options["sep"] == ";":  # there a comma may stand before the decimals
        commas = pd.read_csv(path, decimal=",", **options)
        for name in frame.columns:
            if frame[name].dtype.kind not in "iufb" and commas[name].dtype.kind in "iuf":
                frame[name] = commas[name]
    return frame


def _times(pd: Any, cells: Any) -> Any:
    """Numbers as they are, all else as dates. Raises ArgumentError if one is missing or is none."""
    found = cells
    if cells.dtype.kind not in "iuf":
        day_first = bool(cells.astype(str).str.match(DAY_FIRST).all())
        with warnings.catch_warnings():  # of a form that it has to guess for each cell
            warnings.simplefilter("ignore")
            try:
                found = pd.to_datetime(cells, dayfirst=day_first, errors="coerce")
            except (ValueError, TypeError):  # of several time zones
                found = cells.where(False)
    bad = found.isna()
    if bad.any():
        cell = cells[bad].iloc[0]
        came = "nothing" if pd.isna(cell) else shown(repr(cell), 40)
        raise wrong("time", f"{came} in the column {cells.name!r}", "dates such as 2024-01-31, or numbers")
    return found
