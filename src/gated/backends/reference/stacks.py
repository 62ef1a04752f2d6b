"""Forward without a tape through all layers of a cell, in both directions.

Legend: T steps, N sequences, R rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gated.backends.interface import Array, Pass, StackPass


def infer_stack(given: StackPass, infer: Callable[[Pass], tuple[Array, list[Array]]]) -> tuple[Array, list[Array]]:
    """See `interface.Backend.infer_stack`; `infer` runs one layer in one direction."""
    schedule, directions, x = given.stack.schedule, given.stack.directions, given.x
    counts = np.full(given.steps, given.sequences) if given.counts is None else given.counts
    turned = _from_the_end(counts, given.sequences) if directions > 1 else np.arange(0)
    last = [np.empty_like(state) for state in given.states]
    for layer, sizes in enumerate(given.stack.sizes):
        sides = []
        for direction in range(directions):
            k = layer * directions + direction
            rows = x[turned] if direction else x
            own = [state[k] for state in given.states]
            y, ends = infer(Pass(schedule, sizes, given.parameters[k], rows, counts, own))
            sides.append(y[turned] if direction else y)
            for whole, end in zip(last, ends, strict=True):
                whole[k] = end
        x = sides[0] if directions == 1 else np.concatenate(sides, axis=1)
    return x, last


def _from_the_end(counts: Array, sequences: int) -> Array:
    """(R,): for each row that of the same sequence which is as far from the end as this one from the beginning."""
    begin = np.cumsum(counts) - counts
    lengths = (counts[:, None] > np.arange(sequences)).sum(axis=0)
    step = np.repeat(np.arange(len(counts)), counts)
    sequence = np.arange(len(step)) - begin[step]
    return np.asarray(begin[lengths[sequence] - 1 - step] + sequence)
