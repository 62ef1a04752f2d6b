"""The table of row kinds, and what follows from it: the step's table, the rows of groups, what may be read again."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from gated.backends.native.codegen.emit import ContextTable
from gated.backends.native.threads.groups import Groups, step_rows
from gated.program.lowering import Place, Program
from gated.program.rows import (
    BY_STEP,
    CALLER,
    KINDS,
    NEW,
    PREVIOUS,
    RING_NEW,
    RING_PREVIOUS,
    ROW,
    SEQUENCE,
    SINGLE,
    kind_named,
    line_of,
)


def test_every_kind_is_one_object_with_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind_named(kind.name) is kind
        assert copy.deepcopy(kind) is kind and pickle.loads(pickle.dumps(kind)) is kind
        place = Place("a", kind, "hidden")
        assert pickle.loads(pickle.dumps(place)) == place and place.readable == kind.readable
        assert Place("a", kind, "hidden", scratch=True).readable


def test_the_table_of_a_program_has_the_first_row_of_every_kind_behind_the_counts() -> None:
    index = ContextTable(Program([], [], [])).index
    assert [index[kind.name] - index["counts"] for kind in BY_STEP] == [line_of(kind) for kind in BY_STEP]
    assert not any(kind.name in index for kind in KINDS if not kind.by_step)
    with pytest.raises(ValueError):
        line_of(SINGLE)


@pytest.mark.parametrize("counts", [[3, 3, 2, 1], [2, 2], [1], []])
def test_rows_of_sequences_of_any_length(counts: list[int]) -> None:
    """Each row against what it is: the place of (t, n) in the arrays, written down one by one."""
    sequences = max(counts, default=2)
    table = step_rows(np.array(counts, np.int64), sequences)
    assert table.shape == (1, 1 + len(BY_STEP), len(counts)) and table.dtype == np.int64
    begin = 0
    for t, count in enumerate(counts):
        for n in range(count):
            at = {kind: int(table[0, line_of(kind), t]) + n for kind in BY_STEP}
            assert at[ROW] == at[CALLER] == begin + n and at[SEQUENCE] == n
            assert at[NEW] == sequences + begin + n
            assert at[PREVIOUS] == (n if t == 0 else sequences + begin - counts[t - 1] + n)
            assert at[RING_PREVIOUS] == (t % 2) * sequences + n and at[RING_NEW] == ((t + 1) % 2) * sequences + n
        assert table[0, 0, t] == count
        begin += count


@pytest.mark.parametrize("edges", [(0, 3), (0, 2, 5), (0, 1, 2, 4)])
@pytest.mark.parametrize("gap", [0, 7])
def test_groups_keep_their_rows_apart(edges: tuple[int, ...], gap: int) -> None:
    """No two of (group, t, n) share a row of an array, and a state after a step is the one before the next."""
    steps, groups = 3, Groups(3, edges, gap)
    table = groups.step_rows()
    for kind in (ROW, CALLER, NEW):
        rows = [
            int(table[g, line_of(kind), t]) + n
            for g in range(len(groups))
            for t in range(steps)
            for n in range(edges[g], edges[g + 1])
        ]
        assert len(set(rows)) == len(rows) and min(rows) >= 0
    assert (table[:, line_of(PREVIOUS), 1:] == table[:, line_of(NEW), :-1]).all()
    assert (table[:, line_of(RING_PREVIOUS), 1:] == table[:, line_of(RING_NEW), :-1]).all()
    for g, own in enumerate(groups.all_rows(steps * edges[-1])):
        assert own.shape == (1 + len(BY_STEP), 1)
        assert int(own[line_of(NEW), 0]) - int(own[line_of(PREVIOUS), 0]) == edges[g + 1] - edges[g]
