"""What is read of a series: outliers are read as far away, and no farther."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

from gated.models.forecaster.features import (  # noqa: E402
    Shape,
    bounded,
    center_of,
    prepare,
    scale_of,
    straight_of,
    targets_of,
)


@pytest.mark.parametrize("strange", [1e3, 1e6, -1e9])
@pytest.mark.parametrize("place", [0, 50, -1])
def test_a_strange_value_is_not_amplified(strange, place):
    values = wave()
    values[place] = strange
    found = np.asarray(small(season=12).fit(values).predict())
    assert np.isfinite(found).all()
    reach = 1e4  # the bounds of all lags, times the size of a change
    low, high = min(strange, 0.0), max(strange, 30.0)
    assert (found > low - reach).all() and (found < high + reach).all()
    if place != -1:  # it is long over
        assert np.abs(found).max() < 100.0


def test_a_strange_last_value_is_not_amplified_by_who_has_not_seen_it():
    model, values = small(season=12).fit(wave()), wave()
    values[-1] = 1e6
    found = np.asarray(model.predict(values))
    assert np.abs(found - 1e6).max() < 1e4


def test_center_and_scale_without_outliers_are_the_means():
    values = np.random.default_rng(0).standard_normal(200).cumsum()
    assert center_of(values) == pytest.approx(values.mean(), rel=1e-12)
    assert scale_of(values, values) == pytest.approx(np.abs(np.diff(values)).mean(), rel=1e-12)


def test_center_and_scale_hardly_know_of_an_outlier():
    values = np.random.default_rng(0).standard_normal(200)
    strange = values.copy()
    strange[70] = 1e8
    assert abs(center_of(strange) - center_of(values)) < 0.2
    assert scale_of(strange, strange) == pytest.approx(scale_of(values, values), rel=0.4)


def test_center_and_scale_of_what_hardly_changes():
    values = np.zeros(50)
    assert scale_of(values, values) == 0.0 and center_of(values) == 0.0
    values[20:] = 5.0  # one step
    assert scale_of(values, values) == pytest.approx(5 / 49)
    assert center_of(values) == pytest.approx(3.0)


def test_a_straight_line_lies_within_the_bounds():
    steps = np.arange(300)
    assert np.array_equal(bounded(1.0 * steps, steps), steps)
    own, shape = prepare(np.exp(steps / 100), 1), Shape(12, 1, 24, level=False)
    rows = np.arange(30, 280)
    size = scale_of(own.values, own.filled)
    plain = (own.filled[rows[:, None] - np.arange(1, 24)] - own.filled[rows, None]) / size
    assert np.array_equal(straight_of(own, shape, rows), plain)
    ahead = (own.filled[rows[:, None] + np.arange(1, 13)] - own.filled[rows, None])[:200] / size
    assert np.allclose(targets_of(own, shape, rows[:200]), ahead)
