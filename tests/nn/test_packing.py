"""Sequences of different lengths as packed rows, against loops that index one number at a time."""

from __future__ import annotations

import numpy as np
import pytest

from gated.backends.reference import last_states
from gated.nn.packing import Packing

LENGTHS = [None, [5, 5, 5], [2, 5, 3], [0, 1, 5], [3, 3, 1], [0, 0, 0]]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_stand_where_they_should(lengths, reverse):
    steps, batch = 5, 3
    own = lengths or [steps] * batch
    array = np.arange(steps * batch * 2).reshape(steps, batch, 2)
    packing = Packing(steps, batch, lengths)
    order = sorted(range(batch), key=lambda n: -own[n])  # stable, as it must be
    expected = [array[own[n] - 1 - t if reverse else t, n] for t in range(steps) for n in order if t < own[n]]
    rows = packing.pack(array, reverse)
    np.testing.assert_array_equal(rows, np.array(expected).reshape(-1, 2))
    assert packing.counts.tolist() == [sum(length > t for length in own) for t in range(steps)]
    back = packing.unpack(rows, reverse)
    for n, length in enumerate(own):
        np.testing.assert_array_equal(back[:length, n], array[:length, n])
        assert not back[length:, n].any()


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_sort_and_unsort(lengths):
    packing, array = Packing(5, 3, lengths), np.arange(3)
    np.testing.assert_array_equal(packing.unsort(packing.sort(array)), array)
    falling = packing.sort(packing.lengths)
    assert (np.diff(falling) <= 0).all()


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_last_states(lengths):
    own = lengths or [5] * 3
    packing = Packing(5, 3, lengths)
    # state arrays begin with the initial states, so "time -1" is a row of its own
    times = np.concatenate([np.full((1, 3), -1), np.repeat(np.arange(5)[:, None], 3, axis=1)])
    states = np.concatenate([times[0], packing.pack(times[1:, :, None])[:, 0]])
    last = last_states([states], packing.counts)[0]
    np.testing.assert_array_equal(packing.unsort(last), np.array(own) - 1)


def test_no_steps():
    packing = Packing(0, 3, [0, 0, 0])
    assert packing.pack(np.zeros((0, 3, 2))).shape == (0, 2) and packing.counts.shape == (0,)
    assert last_states([np.arange(3)], packing.counts)[0].tolist() == [0, 1, 2]
