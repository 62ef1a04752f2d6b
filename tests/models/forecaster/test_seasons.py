"""Several seasons: the day and the week of hours."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from tests.models.forecaster.small import small  # noqa: E402

from gated.errors import ArgumentError  # noqa: E402
from gated.models import Forecaster  # noqa: E402
from gated.models.forecaster.features import Shape, before, inputs_of, prepare, straight_of  # noqa: E402
from gated.models.forecaster.rhythm import Rhythm  # noqa: E402


def hours(weeks, seed=0):
    """A day whose height is that of the day of the week, and noise that lasts for some hours."""
    index = pd.date_range("2024-01-01", periods=168 * weeks, freq="h")
    rng, noise = np.random.default_rng(seed), np.zeros(len(index))
    for t in range(1, len(noise)):
        noise[t] = 0.8 * noise[t - 1] + 0.8 * rng.standard_normal()
    height = np.where(index.dayofweek < 5, 20.0, 6.0)
    return pd.Series(50 + height * np.maximum(0, np.sin(2 * np.pi * (index.hour - 6) / 24)) + noise, index)


def test_day_and_week_foretell_better_than_the_day():
    y, how = hours(7), {"horizon": 24, "members": 2, "hidden_size": 8, "epochs": 15, "random_state": 0}
    one, both = (
        Forecaster(season=season, **how).backtest(y, origins=7, step=23).mase for season in (24, (24, 168))
    )  # scaled by the change over a day, both
    assert both < 0.9 * one
    found = Forecaster(**how).backtest(y, origins=7, step=23)
    assert found.mase == both  # the dates say so by themselves


@pytest.mark.parametrize(
    "frequency, seasons",
    [
        ("h", (24, 168)),
        ("30min", (48, 336)),
        ("15min", (96, 672)),
        ("min", (60, 1440, 10080)),
        ("6h", (4, 28)),
        ("5h", (1,)),
        ("D", (7,)),
        ("MS", (12,)),
        ("W-SUN", (52,)),
        ("s", (60, 86400, 604800)),
    ],
)
def test_seasons_that_dates_say(frequency, seasons):
    rhythm = Rhythm("dates", frequency)
    assert (rhythm.season, *rhythm.further) == seasons
    assert Rhythm("counted").further == ()


@pytest.mark.parametrize("weeks, seasons", [(4, (24, 168)), (3, 24)])
def test_a_further_season_is_read_where_the_history_is_long_enough(weeks, seasons):
    model = small(epochs=1).fit(hours(weeks))
    assert model.season_ == seasons
    assert model.predict().index[0] == hours(weeks).index[-1] + pd.Timedelta("1h")


@pytest.mark.parametrize(
    "season, found",
    [((24, 6), (6, 24)), ([6], 6), (np.array([6, 24, 6]), (6, 24)), ((1, 6), 6), ((1,), 1), (np.int64(6), 6)],
)
def test_seasons_that_are_told(season, found):
    model = small(season=season, epochs=1).fit(np.asarray(hours(1)))
    assert model.season_ == found
    assert model.get_params()["season"] is season


@pytest.mark.parametrize(
    "season, message",
    [
        ((), "season: got none, expected a number of steps"),
        ((24, 0), "season: got 0"),
        ((24, 168), "season: got 168, expected fewer than the 168 steps"),
        ((24, "week"), "season: got 'week'"),
    ],
)
def test_seasons_that_cannot_be(season, message):
    with pytest.raises((ArgumentError, TypeError), match=message):
        small(season=season).fit(np.asarray(hours(1)))


def test_what_is_read_of_a_further_season():
    own, shape = prepare(np.arange(40.0) ** 2, 3), Shape(4, 3, 2, level=False, further=(5,))
    rows = np.array([4, 5, 20, 39])
    found, size = straight_of(own, shape, rows), own.scale
    assert found.shape == (4, shape.straight) == (4, 2 + 4) and inputs_of(own, shape).shape == (40, shape.inputs)
    t = 20.0
    expected = [(t - 1) ** 2, (t - 5) ** 2, *((t + h - 5) ** 2 for h in (1, 2, 3, 4))]
    assert np.allclose(found[2] * size, np.array(expected) - t**2)
    assert found[0, 1] == 0.0 and found[1, 1] * size == pytest.approx(-25.0)  # no value lies a season before step 4
    assert before(own, np.array([20]), np.array([5, 6, 11]), 5).tolist() == [[400.0, 256.0, 256.0]]


def test_several_seasons_after_save_and_load(tmp_path):
    y, x = hours(2), np.random.default_rng(0).standard_normal((336, 2))
    model = small(season=(24, 60), lags=4, epochs=1).fit(y, x)
    model.save(tmp_path / "model.safetensors")
    again = Forecaster.load(tmp_path / "model.safetensors")
    assert again.season_ == (24, 60) and again.season == (24, 60)
    assert np.array_equal(again.predict(y, x, future=x[:3]), model.predict(future=x[:3]))
    other = x[:3].copy()
    other[2, 1] += 1.0  # what is known ahead of the last step
    assert not np.array_equal(model.predict(future=other), model.predict(future=x[:3]))
