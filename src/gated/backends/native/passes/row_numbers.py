"""Row numbers of a call, with all that is told of sequences of different lengths. Legend as in `interface`: T, N, R."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gated.backends.native.memory.addresses import address_of
from gated.backends.native.passes.plan import LINES
from gated.backends.native.threads.groups import all_rows, step_rows
from gated.backends.reference import lengths_of
from gated.program.rows import NEW, PREVIOUS, ROW, line_of

Array = np.ndarray[Any, Any]


class RowNumbers(NamedTuple):
    """Row numbers of a call.

    Attributes:
        steps, rows: of the time steps, and of all rows at once.
        told: what `pass_plan.TOLD_BASES` stand for; nothing, if the sequences are equally long.
        places: the addresses of the two.
    """

    steps: Array
    rows: Array
    told: list[int]
    places: tuple[int, int]

    def before(self, counts: Array) -> Array:
        """(R,): for each row that of the state before it, in the array of all states."""
        previous, begin = np.repeat(self.steps[0, [line_of(PREVIOUS), line_of(ROW)]], counts, axis=1)
        return np.asarray(previous - begin + np.arange(previous.size))

    def last(self, counts: Array, sequences: int) -> Array:
        """(N,): for each sequence the row of its last state, in the array of all states."""
        begin = np.concatenate([[0], self.steps[0, line_of(NEW)]])
        return np.asarray(begin[lengths_of(counts, sequences)] + np.arange(sequences))

    @classmethod
    def of_lengths(cls, counts: Array, rows: int, sequences: int, room: int, backwards: bool = False) -> RowNumbers:
        """Of sequences that end at different steps, where there is room for so many (see `groups.step_rows`)."""
        found = cls.of(step_rows(counts, room, backwards=backwards), all_rows(rows, room))
        first, steps = found.places[0], len(counts)
        return found._replace(told=[rows, sequences, steps, *(first + 8 * steps * k for k in range(len(LINES)))])

    @classmethod
    def of(cls, steps: Array, rows: Array) -> RowNumbers:
        """Of sequences that are equally long."""
        return cls(steps, rows, [], (address_of(steps), address_of(rows)))
