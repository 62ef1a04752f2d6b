"""Sequences in a table: a row for each sequence, or a row for each step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.series.columns import Columns
from gated.data.series.labels import labels_of
from gated.data.series.sequence_set import SequenceSet
from gated.errors import ArgumentError, shown


def read_csv(
    path: str | os.PathLike[str],
    *,
    label: str | None = "label",
    sequence: str | None = None,
    time: str | None = None,
    group: str | None = None,
    drop: Sequence[str] = (),
) -> SequenceSet:
    """Sequences from a table whose first line names the columns; between them commas, semicolons or tabs.

    With `sequence` a row is a step, and each further column a channel. Without it a row is a whole sequence of single
    numbers, one column after the other; those that are missing at its end are no steps.

    Args:
        path: of the file.
        label: the column of classes, or of numbers to foretell; None: there is none.
        sequence: the column that says to which sequence a step belongs.
        time: the column by which steps are put in order, numbers or dates; None: in the order of the file.
        group: the column of groups that must not be split.
        drop: columns that are left out.

    Returns:
        x: N arrays (T_n, D), in the order in which the sequences first stand in the file.

    Raises:
        ArgumentError: no such file or column.
        FileFormatError: a cell is no number where one should stand, or labels are missing or contradict each other.
        MissingExtraError: pandas is not installed.
    """
    if time is not None and sequence is None:
        raise ArgumentError(f"time: got {shown(repr(time), 60)} without sequence, expected both: a row for each step")
    arguments = {"label": label, "sequence": sequence, "time": time, "group": group}
    special = {name: argument for argument, name in arguments.items() if name is not None}
    named = [name for name in arguments.values() if name is not None]
    if len(special) < len(named):
        raise ArgumentError(f"columns: got {shown(', '.join(named), 100)}, expected different ones")
    columns = Columns(path, special)
    for name in drop:
        columns.check(name, "drop")
    channels = [name for name in columns.names if name not in {*special, *drop}]
    if not channels:
        raise ArgumentError(f"columns: got {shown(', '.join(columns.names), 100)}, expected further ones with numbers")
    read = _wide if sequence is None else _long
    return read(columns, channels, label, sequence, time, group)


def _wide(columns: Columns, channels: list[str], label: Any, sequence: Any, time: Any, group: Any) -> SequenceSet:
    values = columns.numbers(channels)
    there = ~np.isnan(values)
    steps = values.shape[1] - there[:, ::-1].argmax(axis=1)
    if not there.any(axis=1).all():
        raise columns.refuse(int(there.any(axis=1).argmin()), "no number", "a sequence of some")
    first = np.arange(len(values))
    return SequenceSet(
        columns.path.stem,
        [row[:own, None] for row, own in zip(values, steps.tolist(), strict=True)],
        _labels(columns, label, first),
        None if group is None else labels_of(columns.texts(group)),
    )


def _long(columns: Columns, channels: list[str], label: Any, sequence: Any, time: Any, group: Any) -> SequenceSet:
    values = columns.numbers(channels)
    ids = columns.texts(sequence)
    numbers: dict[str, int] = {}
    owner = np.array([numbers.setdefault(own, len(numbers)) for own in ids])
    if "" in numbers:
        raise columns.refuse(ids.index(""), f"nothing in column {shown(repr(sequence), 60)}", "which sequence it is of")
    times = np.arange(len(owner)) if time is None else columns.times(time)
    order = np.lexsort((times, owner))
    twice = (np.diff(owner[order]) == 0) & (np.diff(times[order]) == np.zeros(1, np.diff(times).dtype))
    if twice.any():
        at = int(order[1:][twice][0])
        raise columns.refuse(at, f"the time {columns.texts(time)[at]} of {shown(repr(ids[at]), 60)} again", "each once")
    ends = np.cumsum(np.bincount(owner))[:-1]
    first = np.array([rows[0] for rows in np.split(np.argsort(owner, kind="stable"), ends)])
    for name in (label, group):
        if name is not None:
            _check_same(columns, name, ids, first[owner])
    return SequenceSet(
        columns.path.stem,
        [own.copy() for own in np.split(values[order], ends)],
        _labels(columns, label, first),
        None if group is None else labels_of([columns.texts(group)[row] for row in first]),
        list(numbers),
        channels,
    )


def _labels(columns: Columns, label: str | None, first: NDArray[Any]) -> NDArray[Any] | None:
    """(N,) of the first row of each sequence."""
    if label is None:
        return None
    texts = columns.texts(label)
    for row in first:
        if not texts[row]:
            raise columns.refuse(int(row), f"nothing in column {shown(repr(label), 60)}", "a label in every row")
    return labels_of([texts[row] for row in first])


def _check_same(columns: Columns, name: str, ids: Sequence[str], first: NDArray[Any]) -> None:
    """Every row of a sequence says what its first one says."""
    texts = columns.texts(name)
    for row, at in enumerate(first):
        if texts[row] != texts[at]:
            came = f"{shown(repr(texts[row]), 40)} in column {shown(repr(name), 60)}"
            of = f"{shown(repr(texts[at]), 40)} as in row {at + 1} of sequence {shown(repr(ids[row]), 40)}"
            raise columns.refuse(row, came, of)
