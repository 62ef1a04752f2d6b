"""Sequences of any form, read once: their numbers one behind the other.

N sequences, T_n steps each, R steps in all, D channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gated.errors import as_array, describe, shown, wrong, wrong_type

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Panel:
    """N sequences.

    Attributes:
        values: (R, D) float64; NaN where a number is missing.
        lengths: (N,), none of them 0.
        names: of the channels, if they came with some.
    """

    values: Array
    lengths: Array
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def channels(self) -> int:
        return int(self.values.shape[1])

    @cached_property
    def starts(self) -> Array:
        """(N,): the row with which each begins."""
        return np.cumsum(self.lengths) - self.lengths

    def split(self, rows: Array) -> list[Array]:
        """Of rows (R, ...) those of each sequence."""
        return np.split(rows, self.starts[1:])

    def rows_of(self, chosen: Array) -> Array:
        """The rows of some sequences, one behind the other."""
        lengths = self.lengths[chosen]
        begin = np.cumsum(lengths) - lengths
        return np.repeat(self.starts[chosen] - begin, lengths) + np.arange(lengths.sum())

    def take(self, chosen: Array) -> Panel:
        """Some of the sequences."""
        return Panel(self.values[self.rows_of(chosen)], self.lengths[chosen], self.names)

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        n = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"sequence {n}, step {row - int(self.starts[n])}"


def has_sequences(X: Any) -> bool:
    """Whether X is a list of sequences or (N, T, D); otherwise it is a table (N, T), which scikit-learn checks."""
    if isinstance(X, np.ndarray):
        return X.ndim == 3 or (X.dtype == object and X.ndim == 1 and X.size > 0 and np.ndim(X[0]) > 0)
    if hasattr(X, "iloc"):  # a pandas Series whose entries are sequences, or a frame
        return getattr(X, "ndim", 2) == 1 and X.dtype == object and len(X) > 0 and np.ndim(X.iloc[0]) > 0
    if not isinstance(X, (list, tuple)) or not len(X):
        return False
    if hasattr(X[0], "ndim"):
        return np.ndim(X[0]) > 0
    if not isinstance(X[0], (list, tuple)):
        return False
    return np.ndim(X[0]) > 1 or len({len(each) for each in X if isinstance(each, (list, tuple))}) > 1


def panel_of(X: Any, names: Sequence[str] | None = None) -> Panel:
    """Sequences as a panel.

    Args:
        X: (N, T, D), or N arrays (T_n, D) or (T_n,), or pandas frames whose columns are channels.
        names: of the channels: frames are read by them.

    Raises:
        ArgumentError, ArgumentTypeError: something else, sequences without steps or of different channels, inf.
    """
    if isinstance(X, np.ndarray) and X.ndim == 3:
        if not all(X.shape):
            raise wrong("X", describe(X), "(N, T, D), none of them 0")
        values = _numbers("X", X)
        return _finite(Panel(values.reshape(-1, X.shape[2]), np.full(X.shape[0], X.shape[1])))
    given = list(X)
    frames = [hasattr(each, "columns") for each in given]
    if any(frames):
        if not all(frames):
            raise wrong_type("X", "frames beside other sequences", "frames alone, or arrays alone")
        found = tuple(map(str, given[0].columns)) if names is None else tuple(names)
        parts = [_of_frame(f"X[{n}]", frame, found) for n, frame in enumerate(given)]
        return _joined(parts, found)
    return _joined([_of_array(f"X[{n}]", each) for n, each in enumerate(given)], None)


def panel_of_table(X: Array) -> Panel:
    """(N, T) numbers as N sequences of T steps of one number."""
    return Panel(X.reshape(-1, 1), np.full(len(X), X.shape[1]))


def _joined(parts: list[Array], names: tuple[str, ...] | None) -> Panel:
    for n, part in enumerate(parts):
        if not part.size:
            raise wrong(f"X[{n}]", describe(part), "at least one step and one channel")
        if part.shape[1] != parts[0].shape[1]:
            raise wrong(f"X[{n}]", f"{part.shape[1]} channels", f"{parts[0].shape[1]}, as in X[0]")
    return _finite(Panel(np.concatenate(parts), np.array([len(part) for part in parts]), names))


def _of_array(name: str, value: Any) -> Array:
    array = _numbers(name, as_array(name, value))
    if array.ndim not in (1, 2):
        raise wrong(name, describe(array), "(steps, channels), or (steps,)")
    return array[:, None] if array.ndim == 1 else array


def _of_frame(name: str, frame: Any, names: tuple[str, ...]) -> Array:
    own = {str(column): column for column in frame.columns}
    for column in names:
        if column not in own:
            came = shown(", ".join(own)) or "none"
            raise wrong(name, f"the columns {came}", f"one called {shown(repr(column), 40)} among them")
    if len(own) != len(names):
        extra = next(column for column in own if column not in names)
        raise wrong(name, f"a column {shown(repr(extra), 40)}", f"the channels {shown(', '.join(names))} alone")
    try:
        return np.asarray(frame[[own[column] for column in names]].to_numpy(dtype=float, na_value=np.nan))
    except (TypeError, ValueError):
        raise wrong_type(name, "a column that is no numbers", "numbers in all columns") from None


def _numbers(name: str, array: Array) -> Array:
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise wrong_type(name, describe(array), "real numbers, NaN where one is missing") from None
    if array.dtype.kind not in "fiub":
        raise wrong_type(name, describe(array), "real numbers, NaN where one is missing")
    return array.astype(np.float64, copy=False)


def _finite(panel: Panel) -> Panel:
    infinite = np.isinf(panel.values).any(axis=1)
    if infinite.any():
        place = panel.place(int(np.argmax(infinite)))
        raise wrong("X", f"inf in {place}", "finite numbers, and NaN where one is missing")
    return panel
