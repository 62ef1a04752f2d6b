"""How much of a walk intervals hold, and what the pages say of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

from benchmarks import interval_coverage as own  # noqa: E402

STEPS = np.sqrt(np.arange(1, own.HORIZON + 1))[:, None]
LEVELS = np.array([-1.9599639845, -own.Z, 0, own.Z, 1.9599639845])


def test_the_right_intervals_hold_what_they_say():
    assert own.held(7 + STEPS * LEVELS, 7.0) == pytest.approx(np.repeat([[0.8], [0.95]], own.HORIZON, 1))


def test_intervals_beside_hold_less_as_drawn_walks_do():
    quantiles = STEPS * LEVELS + 1.0
    ends = np.cumsum(np.random.default_rng(0).standard_normal((20_000, own.HORIZON)), 1)
    inside = [((quantiles[:, k] <= ends) & (ends <= quantiles[:, -1 - k])).mean(0) for k in (1, 0)]
    assert own.held(quantiles, 0.0) == pytest.approx(np.array(inside), abs=0.02)


def test_walks_are_those_of_their_numbers():
    assert [len(own.walk(number)) - own.LATER for number in range(6)] == [*own.LENGTHS, own.LENGTHS[0]]
    assert np.array_equal(own.walk(3), own.walk(3)) and not np.array_equal(own.walk(0), own.walk(5))
