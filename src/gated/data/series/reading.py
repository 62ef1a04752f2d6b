"""A file of sequences, by its ending."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gated.data.series.npz import read_npz
from gated.data.series.sequence_set import SequenceSet
from gated.data.series.table import read_csv
from gated.data.series.ts import read_ts
from gated.errors import ArgumentError, shown


def read_sequences(path: str | os.PathLike[str], **columns: Any) -> SequenceSet:
    """Sequences from a `.ts`, `.npz` or `.csv` file.

    Args:
        path: of the file.
        columns: which columns of a table are what, see `read_csv`; the other files know it themselves.

    Raises:
        ArgumentError, FileFormatError, MissingExtraError: as `read_ts`, `read_npz` and `read_csv`.
    """
    ending = Path(path).suffix.lower()
    if ending == ".csv":
        return read_csv(path, **columns)
    for name, value in columns.items():
        if value:
            came = f"{shown(repr(value), 60)} for {shown(repr(Path(path).name), 60)}"
            raise ArgumentError(f"{name}: got {came}, expected it for a .csv file alone")
    if ending == ".ts":
        return read_ts(path)
    if ending == ".npz":
        return read_npz(path)
    raise ArgumentError(f"path: got '{shown(path, 150)}', expected a file that ends in .csv, .npz or .ts")
