"""The columns of a table in a file: which there are, and their cells as numbers or as texts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import ArgumentError, FileFormatError, require_extra, shown

MISSING = ["", "?", "NA", "NaN", "nan", "NULL", "null", "None"]


class Columns:
    """A file of values between commas, semicolons or tabs, read once.

    Args:
        path: of the file, with the names of the columns in its first line.
        texts: columns whose cells are texts, whatever they look like, and the arguments that named them.

    Raises:
        ArgumentError: no such file, or no such column.
        FileFormatError: it is no table.
        MissingExtraError: pandas is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], texts: Mapping[str, str]) -> None:
        pandas: Any = require_extra("pandas", "series")
        self.path = Path(path)
        self._name = f"'{shown(path, 150)}'"
        if not self.path.is_file():
            raise ArgumentError(f"path: got {self._name}, which is no file, expected a .csv file")
        given: dict[str, Any] = {"keep_default_na": False, "skipinitialspace": True, "encoding": "utf-8-sig"}
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                head = file.readline()
            given["sep"] = max(",;\t", key=head.count)
            if given["sep"] == ";":  # there a comma may stand before the decimals; "0.5" is read below
                given["decimal"] = ","
            self.names = [str(name) for name in pandas.read_csv(self.path, nrows=0, **given).columns]
            for name, argument in texts.items():
                self.check(name, argument)
            missing = {name: MISSING for name in self.names if name not in texts}
            dtypes = dict.fromkeys(texts, str)
            self._table = pandas.read_csv(self.path, na_values=missing, dtype=dtypes, low_memory=False, **given)
        except UnicodeDecodeError as error:
            wrong = f"got the byte 0x{error.object[error.start]:02x}, expected a table in UTF-8"
            raise FileFormatError(f"{self._name}: {wrong}") from None
        except (pandas.errors.EmptyDataError, pandas.errors.ParserError, OSError) as error:
            reason = shown(" ".join(str(error).split()), 100)
            raise FileFormatError(
                f"{self._name}: got no table ({reason}), expected one with commas, semicolons or tabs"
            ) from None
        if not isinstance(self._table.index, pandas.RangeIndex):
            raise FileFormatError(f"{self._name}: got more cells in a row than names in the first, expected as many")
        if not len(self._table):
            raise FileFormatError(f"{self._name}: got no row below the names of the columns, expected some")

    def __len__(self) -> int:
        return len(self._table)

    def check(self, name: str, argument: str) -> None:
        """Raises ArgumentError if there is no such column. `argument`: what named it."""
        if name not in self.names:
            known = shown(", ".join(map(repr, self.names)), 160)
            expected = f"one of the columns of {self._name}: {known}"
            raise ArgumentError(f"{argument}: got {shown(repr(name), 60)}, expected {expected}")

    def refuse(self, row: int, got: str, expected: str) -> FileFormatError:
        """The error of a row, which are counted from 1 below the names."""
        return FileFormatError(f"{self._name}, row {row + 1}: got {got}, expected {expected}")

    def texts(self, name: str) -> list[str]:
        """The cells of a column that was asked for as texts, without spaces around them."""
        return [str(cell).strip() for cell in self._table[name]]

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(rows, columns); NaN where nothing stands, or one of the words for it.

        Raises:
            FileFormatError: a cell is no finite number.
        """
        pandas: Any = require_extra("pandas", "series")
        found = np.empty((len(self), len(names)))
        for k, name in enumerate(names):
            cells = self._table[name]
            found[:, k] = pandas.to_numeric(cells, errors="coerce").to_numpy(float, na_value=np.nan)
            bad = np.isinf(found[:, k]) | (np.isnan(found[:, k]) & ~cells.isna().to_numpy())
            if cells.dtype == bool or bad.any():
                row = int(bad.argmax())
                came = f"{shown(repr(str(cells.iloc[row])), 40)} in column {shown(repr(name), 60)}"
                raise self.refuse(row, came, "a finite number; what is no channel is left out by drop")
        return found

    def times(self, name: str) -> NDArray[Any]:
        """(rows,) of a column that was asked for as texts, as numbers, or else as dates.

        Raises:
            FileFormatError: a cell is neither.
        """
        pandas: Any = require_extra("pandas", "series")
        cells = self._table[name]
        numbers = pandas.to_numeric(cells, errors="coerce").to_numpy(float, na_value=np.nan)
        if np.isfinite(numbers).all():
            return np.asarray(numbers)
        dates = pandas.to_datetime(cells, errors="coerce", format="ISO8601", utc=True)
        bad = dates.isna().to_numpy()
        if bad.any():
            row = int(bad.argmax())
            came = f"the time {shown(repr(str(cells.iloc[row])), 40)}"
            raise self.refuse(row, came, "numbers, or dates such as 2024-05-31 or 2024-05-31 12:00, in all rows")
        return np.asarray(dates.dt.tz_localize(None).to_numpy("datetime64[ns]"))
