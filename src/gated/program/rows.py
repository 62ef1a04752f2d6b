"""How rows are found: every kind of array that programs read and write, in one table.

Legend: T steps, N sequences, R rows (of running sequences, all steps), n a sequence, t a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class RowKind:
    """Which row of an array belongs to sequence n at step t. Each kind is one object, copied and pickled too.

    Attributes:
        name: of the kind.
        counts: what the array has a row for.
        by_step: whether the first row of every step is told in a table (see `BY_STEP`), and the sequence's number is
            added to it. The others have a row that hangs on nothing.
        readable: whether a later block of the same step may read what an earlier one has stored there.
    """

    name: str
    counts: str
    by_step: bool
    readable: bool

    def __reduce__(self) -> tuple[Callable[[str], RowKind], tuple[str]]:
        return kind_named, (self.name,)


# the step and sequence, in the order in which a pass keeps them
ROW = RowKind("row", "R: steps and sequences", by_step=True, readable=True)
# the same in the caller's order: packed, begin(t) + n
CALLER = RowKind("caller", "R: steps and sequences", by_step=True, readable=True)
# the state before the step, and the one after it, where all are kept
PREVIOUS = RowKind("previous", "N + R: states, the initial ones first", by_step=True, readable=False)
NEW = RowKind("new", "N + R: states, the initial ones first", by_step=True, readable=True)
# the same where only the latest are kept
RING_PREVIOUS = RowKind("ring previous", "2 N: two states of a sequence, in turn", by_step=True, readable=False)
RING_NEW = RowKind("ring new", "2 N: two states of a sequence, in turn", by_step=True, readable=True)
# n itself: used again at every step
SEQUENCE = RowKind("sequence", "N: sequences", by_step=True, readable=False)
# what depends on parameters alone: no step writes it
SINGLE = RowKind("single", "1: all steps and sequences", by_step=False, readable=False)
# of an online step, which does one sequence after the other: used again by each
CURRENT = RowKind("current", "1: the sequence at work", by_step=False, readable=True)
# of parameters that a step may change
WEIGHTS = RowKind("weights", "1: all steps and sequences", by_step=False, readable=False)

KINDS = (ROW, CALLER, PREVIOUS, NEW, RING_PREVIOUS, RING_NEW, SEQUENCE, SINGLE, CURRENT, WEIGHTS)
# the kinds of a step's table, in its order: behind the number of running sequences, the first row of each
BY_STEP = tuple(kind for kind in KINDS if kind.by_step)


def kind_named(name: str) -> RowKind:
    """The kind of this name."""
    return next(kind for kind in KINDS if kind.name == name)


def line_of(kind: RowKind) -> int:
    """The line of a step's table with the first rows of a kind."""
    return 1 + BY_STEP.index(kind)
