"""Dates that go on, as pandas itself would have them."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from gated.errors import ArgumentError, ArgumentTypeError  # noqa: E402
from gated.models.forecaster.rhythm import Rhythm, read_index  # noqa: E402

FREQUENCIES = [
    *("YS", "YE", "YE-JUN", "BYE", "QS", "QE", "QS-FEB", "BQE", "MS", "ME", "BME", "BMS", "W-SUN", "W-WED", "2W", "B"),
    *("D", "2D", "h", "6h", "15min", "min", "30s", "s", "10ms", "SMS"),
]
PERIODS = ["Y", "Y-JUN", "Q", "Q-NOV", "M", "W", "W-WED", "D", "h", "6h", "15min", "min", "s", "2D", "2M"]
SEASONS = {"YS": 1, "QE": 4, "ME": 12, "BMS": 12, "W-WED": 52, "2W": 1, "B": 5, "D": 7, "2D": 1, "h": 24, "6h": 4}
SEASONS |= {"15min": 96, "min": 60, "30s": 120, "SMS": 1}


@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("known", [True, False])
def test_dates_go_on(frequency, known):
    whole = pd.date_range("2023-11-30", periods=60, freq=frequency)
    index = whole[:40] if known else pd.DatetimeIndex(whole[:40].to_numpy())
    if frequency == "SMS" and not known:
        with pytest.raises(ArgumentError, match="40 dates of no common frequency"):
            read_index("y", index, None)
        index = whole[:40]
    rhythm, found, places = read_index("y", index, None)
    assert found.equals(index) and places.tolist() == list(range(40))
    assert rhythm.ahead(index[-1], 20).equals(whole[40:])
    assert rhythm.season == SEASONS.get(frequency, rhythm.season)


@pytest.mark.parametrize("frequency", [f for f in FREQUENCIES if f not in ("SMS", "10ms", "2W", "2D", "BYE", "BQE")])
def test_dates_that_are_left_out_are_gaps(frequency):
    whole = pd.date_range("2023-11-30", periods=60, freq=frequency)
    index = pd.DatetimeIndex(whole[:40].delete([3, 4, 17]).to_numpy())
    told = frequency if frequency in ("YE-JUN", "QS-FEB", "6h", "15min", "30s") else None
    rhythm, found, places = read_index("y", index, told)
    assert found.equals(whole[:40]) and found[places].equals(index)
    assert rhythm.ahead(index[-1], 20).equals(whole[40:])


@pytest.mark.parametrize("frequency", PERIODS)
def test_periods_go_on(frequency):
    whole = pd.period_range("2023-11", periods=30, freq=frequency)
    rhythm, found, places = read_index("y", whole[:20].delete([5]), None)
    assert found.equals(whole[:20]) and len(places) == 19
    assert rhythm.ahead(whole[19], 10).equals(whole[20:])
    assert rhythm.phase(found, 4).shape == (20, 3)


@pytest.mark.parametrize(
    "values, ahead",
    [
        (pd.RangeIndex(5), [5, 6]),
        (pd.RangeIndex(10, 40, 10), [40, 50]),
        (pd.Index([1998, 1999, 2000]), [2001, 2002]),
        (pd.Index([1998.0, 1999.0, 2001.0]), [2002, 2003]),
        (pd.Index([0.5, 1.0, 1.5]), [2.0, 2.5]),
    ],
)
def test_numbers_go_on(values, ahead):
    rhythm, found, places = read_index("y", values, None)
    assert rhythm.ahead(found[-1], 2).tolist() == ahead
    assert np.asarray(found)[places].tolist() == values.tolist()
    assert rhythm.season == 1 and rhythm.phases(12) == 0 and rhythm.phase(found, 12).shape == (len(found), 0)


def test_summer_time_goes_on():
    index = pd.date_range("2024-03-29", periods=80, freq="h", tz="Europe/Berlin")
    rhythm, found, _ = read_index("y", index[:40], None)
    assert rhythm.ahead(found[-1], 40).equals(index[40:])
    days = pd.date_range("2024-03-20", periods=20, freq="D", tz="Europe/Berlin")
    assert read_index("y", pd.DatetimeIndex(days), None)[0].ahead(days[-1], 1)[0].hour == 0


@pytest.mark.parametrize(
    "frequency, season", [("MS", 12), ("ME", 12), ("QE", 4), ("D", 7), ("B", 5), ("h", 24), ("YS", 11)]
)
def test_the_phase_repeats_itself_after_a_season(frequency, season):
    index = pd.date_range("2023-11-30", periods=3 * season + 2, freq=frequency)
    phase = Rhythm("dates", index.freqstr).phase(index, season)
    assert phase.shape == (len(index), Rhythm("dates", index.freqstr).phases(season))
    assert np.allclose(phase[season:], phase[:-season])
    assert not np.allclose(phase[1:], phase[:-1])
    months = Rhythm("periods", "M")
    if frequency == "MS":  # a month is a month
        assert np.array_equal(months.phase(index.to_period("M"), 12), phase)


def test_weeks_lie_in_the_year():
    index = pd.date_range("2020-01-05", periods=520, freq="W")
    phase = Rhythm("dates", "W-SUN").phase(index, 52)
    assert np.abs(phase[index.dayofyear == 5] - phase[0]).max() < 0.15


WRONG = [
    (pd.DatetimeIndex(["2024-01-01", "2024-01-01"]), None, "y: got an index with the same entry twice"),
    (pd.DatetimeIndex(["2024-01-02", "2024-01-01"]), None, "y: got an index that goes back"),
    (pd.DatetimeIndex(["2024-01-02", None]), None, "y: got an index with missing entries"),
    (pd.Index(["a", "b"]), None, "y: got an index of (object|str), expected dates"),
    (pd.Index(["2020-9", "2020-10"]), None, "y: got an index of (object|str), expected dates"),
    (pd.Index([0, 1, 2.5]), None, "y: got an index of numbers at unequal distances"),
    (pd.Index([0, 1, 100]), None, "y: got an index of numbers at unequal distances"),
    (
        pd.DatetimeIndex(["2024-01-01", "2024-01-03", "2031-05-01 10:11:12.5"]),
        None,
        "y: got 3 dates of no common frequency",
    ),
    (pd.date_range("2024-01-01", periods=5), "often", "frequency: got 'often', expected one of pandas': D"),
    (pd.date_range("2024-01-01", periods=5), "MS", "frequency: got 'MS', expected one that has 2024-01-02"),
]


@pytest.mark.parametrize("index, frequency, message", WRONG)
def test_what_has_no_rhythm_is_refused(index, frequency, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        read_index("y", index, frequency)
