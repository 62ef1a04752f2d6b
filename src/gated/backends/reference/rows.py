"""Which packed rows are those of a step, and of the states before it; their order is told by `backends.interface`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gated.backends.interface import Array, Scan
from gated.language.graph import Node


def steps_of(counts: Array, initial: int) -> list[tuple[slice, slice, slice]]:
    """Per step: its packed rows, the rows of the new states, the rows of the previous states (in the state arrays)."""
    steps = []
    begin, previous = 0, 0
    for count in counts.tolist():
        rows, new = slice(begin, begin + count), slice(initial + begin, initial + begin + count)
        steps.append((rows, new, slice(previous, previous + count)))
        begin, previous = begin + count, new.start
    return steps


def lengths_of(counts: Array, sequences: int) -> Array:
    """(N,): for how many of these steps, (T,) running sequences each, a sequence runs."""
    return np.asarray((np.arange(sequences)[:, None] < counts).sum(axis=1))


def last_states(states: Sequence[Array], counts: Array) -> list[Array]:
    """Each sequence's last states, (N, size) each, from (N + R, size)."""
    sequences = len(states[0]) - int(counts.sum())
    lengths = lengths_of(counts, sequences)
    begin = np.concatenate([[0], sequences + np.cumsum(counts) - counts]).astype(np.int64)
    return [array[begin[lengths] + np.arange(sequences)] for array in states]


def previous_states(scan: Scan) -> dict[Node, Array | float]:
    """The state before every row, (R, size)."""
    initial = len(scan.states[0]) - int(scan.counts.sum())
    values: dict[Node, Array | float] = {}
    for k, name in enumerate(scan.schedule.graph.states):
        whole = scan.states[k]
        if (scan.counts == initial).all():
            values[scan.schedule.graph.state_leaf(name)] = whole[: scan.rows]
        else:
            parts = [whole[previous] for _, _, previous in steps_of(scan.counts, initial)]
            values[scan.schedule.graph.state_leaf(name)] = np.concatenate([whole[:0], *parts])
    return values
