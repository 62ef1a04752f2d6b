"""Medians, spreads and ratios of pairs, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.ratios import Spread, geometric_mean, ratios, spread


def test_spread_is_median_and_quartiles():
    values = np.random.default_rng(3).exponential(size=14).tolist()
    found = spread(values)
    assert (found.low, found.median, found.high) == pytest.approx(np.percentile(values, [25, 50, 75]))
    assert found.count == 14


def test_one_value_has_no_spread():
    assert spread([2.5]) == Spread(2.5, 2.5, 2.5, 1)


def test_a_ratio_is_theirs_over_ours_within_the_pair():
    # the machine is ten times slower during the second pair: each pair says 2 all the same
    assert ratios([(1.0, 2.0), (10.0, 20.0)]) == [2.0, 2.0]


def test_rates():
    # ours does 30 operations in 1 s, theirs 80 in 2 s: we reach three quarters of their rate
    assert ratios([(1.0, 2.0)], our_work=30.0, their_work=80.0) == pytest.approx([0.75])


def test_geometric_mean():
    assert geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)


@pytest.mark.parametrize("function", [spread, geometric_mean])
def test_nothing_has_no_statistics(function):
    with pytest.raises(ValueError, match="got none"):
        function([])
