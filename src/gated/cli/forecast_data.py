"""The table of `gated forecast`, as the forecaster takes it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gated.cli.forecast_csv import read_csv, refuse_repeated, refuse_texts
from gated.errors import ArgumentError, FileFormatError, shown, wrong
from gated.models.forecaster.reading import names_told, refuse_missing


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes:
        y: for `Forecaster.fit`.
        X: beside a wide frame.
        future: exogenous numbers that follow, as far as the file itself has them.
        names: arguments of the forecaster: target, time, series, exogenous.
        left: columns that are left out, since they hold no numbers.
    """

    y: Any
    X: Any
    future: Any
    names: dict[str, Any]
    left: Sequence[str] = ()


def read_table(path: str, values: Mapping[str, Any]) -> Table:
    """A file by the command's options.

    Raises:
        ArgumentError: there is no such file, or it has no such columns.
        FileFormatError: it cannot be read.
    """
    if not Path(path).is_file():
        raise wrong("data", repr(path), "a CSV file or an .npz file")
    if path.endswith(".npz"):
        return _arrays(path, values)
    frame = read_csv(path, values["time"], "data")
    target, names = _targets(frame, values), {name: values[name] for name in ("time", "series")}
    exogenous = list(values["exogenous"] or [])
    refuse_missing("data", frame, [*target, values["series"], *exogenous])
    told = [name for name in (values["time"], values["series"], *target, *exogenous) if name is not None]
    twice = [name for name in dict.fromkeys(told) if told.count(name) > 1]
    if twice:
        raise wrong("column", f"{names_told(twice)} twice", "each column once, of --time, --series, --exogenous and it")
    refuse_texts(frame, [*target, *exogenous])
    if values["time"] is not None:
        refuse_repeated(frame, values["time"], values["series"])
    left = [] if values["column"] else [name for name in frame.columns if name not in told]
    if len(target) == 1:
        names |= {"target": target[0], "exogenous": exogenous}
        frame = frame[[name for name in (values["series"], values["time"], target[0], *exogenous) if name is not None]]
        past, future = _split(frame, target, values["series"]) if exogenous else (frame, None)
        return Table(past, None, future, names, left)
    if values["series"] is not None:
        raise wrong("column", names_told(target), "one, with --series: the rows of a series have one value")
    names = {"target": None, "time": None, "series": None, "exogenous": exogenous}
    if values["time"] is not None:
        frame = frame.set_index(values["time"]).sort_index()
    past, future = _split(frame, target, None) if exogenous else (frame, None)
    return Table(past[target], past[exogenous] if exogenous else None, future, names, left)


def _targets(frame: Any, values: Mapping[str, Any]) -> list[str]:
    """The columns that are foretold."""
    if values["column"]:
        return list(values["column"])
    others = {values["time"], values["series"], *(values["exogenous"] or [])}
    found = [name for name in frame.columns if name not in others and frame[name].dtype.kind in "iuf"]
    if not found:
        raise wrong("column", "none", f"one of {names_told(frame.columns)}: none of them holds numbers alone")
    return found


def _split(frame: Any, target: list[str], series: str | None) -> tuple[Any, Any]:
    """(rows of the past, the last rows of each series in which no target is known, None if there are none)."""
    known = frame[target].notna().any(axis=1)
    names = np.zeros(len(frame)) if series is None else frame[series]
    after = ~known[::-1].groupby(names[::-1]).cummax()[::-1]
    return frame[~after], frame[after] if after.any() else None


def _arrays(path: str, values: Mapping[str, Any]) -> Table:
    """The arrays of an .npz file: (T,) are series, (T, S) are S of them."""
    for name in ("time", "series", "exogenous", "future"):
        if values[name]:
            raise wrong(name, f"it with {path!r}", "a CSV file: arrays have no columns")
    try:
        with np.load(path, allow_pickle=False) as file:
            chosen = list(values["column"] or [name for name in file.files if file[name].dtype.kind in "iuf"])
            absent = [name for name in chosen if name not in file.files]
            if absent or not chosen:
                raise wrong("column", names_told(absent), f"some of {names_told(file.files)}")
            arrays = {name: file[name] for name in chosen}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, ArgumentError):
            raise
        raise FileFormatError(f"{path!r}: got no .npz file of arrays ({shown(error, 80)})") from None
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            found[name] = array
        elif array.ndim == 2:
            found |= {f"{name}[:, {k}]": column for k, column in enumerate(array.T)}
        else:
            raise wrong("column", f"{name!r} of shape {array.shape}", "(T,), or (T, S) with a series in each column")
    return Table(found, None, None, {"target": None, "time": None, "series": None, "exogenous": []})
