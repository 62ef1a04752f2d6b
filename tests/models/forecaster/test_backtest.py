"""The backtest: it never sees the future, and its numbers are those of the formulas."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

from gated.models.forecaster.backtest import Backtest, levels_told  # noqa: E402


@pytest.mark.parametrize("refit", [False, True])
def test_what_comes_after_an_origin_changes_nothing_before_it(refit):
    y = wave(80)
    x = np.random.default_rng(0).standard_normal((80, 1))
    options = {"origins": 3, "step": 4, "refit": refit}
    before = small(season=12).backtest(y, x, **options)
    changed = y.copy()
    changed[before.origins[1] + 1 :] *= -7
    after = small(season=12).backtest(changed, x, **options)
    assert np.array_equal(before.forecasts[:2], after.forecasts[:2])
    assert np.array_equal(before.naive[:2], after.naive[:2]) and np.array_equal(before.scales[:2], after.scales[:2])
    assert not np.array_equal(before.forecasts[2], after.forecasts[2])
    assert before.origins == [68, 72, 76] and (before.truth == [y[69:72], y[73:76], y[77:80]]).all()


def test_it_is_what_fit_and_predict_give():
    y = wave(80)
    found = small(season=12).backtest(y, origins=2, step=5)
    model = small(season=12).fit(y[:72])
    assert np.array_equal(found.forecasts, [model.predict_quantiles(y[:72]), model.predict_quantiles(y[:77])])
    again = small(season=12).backtest(y, origins=2, step=5, refit=True)
    assert np.array_equal(again.forecasts[1], small(season=12).fit(y[:77]).predict_quantiles())


def test_its_numbers_are_those_of_the_formulas():
    y = wave(80)
    y[75] = np.nan
    found = small(season=12).backtest(y, origins=4, step=2)
    errors, naive, inside = [], [], []
    for k, origin in enumerate(found.origins):
        past, truth = y[: origin + 1], y[origin + 1 :][:3]
        scale = np.nanmean(np.abs(past[12:] - past[:-12]))
        errors.append(np.abs(found.forecasts[k, :, 2] - truth) / scale)
        season = [past[origin + 1 - 12 + h] for h in range(3)]
        naive.append(np.abs(np.array(season) - truth) / scale)
        low, high = found.forecasts[k, :, 1], found.forecasts[k, :, 3]
        inside.append(np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high)))
    assert found.mase == pytest.approx(np.nanmean(errors))
    assert found.naive_mase == pytest.approx(np.nanmean(naive))
    assert found.coverage[0.8] == pytest.approx(np.nanmean(inside))
    table = found.table()
    assert list(table.columns) == ["mase", "naive mase", "coverage 0.8", "coverage 0.95"]
    assert table.index.tolist() == [1, 2, 3] and table.index.name == "horizon"
    assert table["mase"].to_numpy() == pytest.approx(np.nanmean(errors, 0))
    assert table["coverage 0.8"].to_numpy() == pytest.approx(np.nanmean(inside, 0))
    assert str(found).splitlines()[0] == "4 forecasts of 3 steps"
    assert str(found).splitlines()[2].startswith("the 80% interval holds ")


def test_many_series_of_unequal_length_with_dates():
    days = pd.date_range("2024-01-01", periods=90)
    y = {"a": pd.Series(wave(90, 7), days), "b": pd.Series(wave(40, 7, seed=3), days[:40])}
    found = small().backtest(y, origins=2, step=1)
    assert found.names == ["a", "b", "a", "b"] and found.origins[1] == days[35]
    assert str(found).splitlines()[0] == "4 forecasts of 3 steps, 2 series"
    short = {**y, "c": pd.Series(wave(5, 7), days[:5])}  # too short for the first origins
    assert small().backtest(short, origins=3).names.count("c") == 1


def test_a_series_that_never_changes_has_no_scale():
    found = small().backtest([wave(60), np.full(60, 3.0)], origins=2)
    assert np.isfinite(found.mase) and (found.forecasts[1] == 3).all()


def test_of_a_backtest_without_truth():
    nothing = np.full((1, 2), np.nan)
    found = Backtest([None], [0], nothing, (0.1, 0.5, 0.9), np.zeros((1, 2, 3)), nothing, np.ones(1))
    assert np.isnan(found.table()["mase"]).all()


def test_names_of_quantiles():
    assert levels_told((0.025, 0.1, 0.5, 0.9, 0.975)) == ["low 95", "low 80", "forecast", "high 80", "high 95"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"origins": 0}, "origins: got 0"),
        ({"step": 0}, "step: got 0"),
        ({"refit": 2}, "refit: got"),
        ({"origins": 100}, "origins: got 100 origins 1 apart with 80 steps in the longest series, expected at most 65"),
        ({"origins": 66}, "expected at most 65, for 13 steps to learn from"),
    ],
)
def test_messages(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().backtest(wave(80), **options)


def test_series_that_never_change_have_no_scale():
    found = small().backtest(np.full(80, 7.0), origins=2)
    assert "\nno MASE: the series do not change\nthe 80% interval holds 100.0%" in str(found)


def test_series_too_short_for_any_origin():
    with pytest.raises(ValueError, match="y: got 80 steps in the longest series, expected at least .* for a backtest"):
        small().set_params(horizon=40).backtest(wave(80), origins=1)


def test_exogenous_numbers_missing_ahead_of_an_origin():
    x = np.random.default_rng(0).standard_normal((80, 2))
    x[78] = np.nan
    carried = x.copy()
    carried[78] = x[77]
    found, other = (small().backtest(wave(80), own, origins=2, step=5) for own in (x, carried))
    assert np.array_equal(found.forecasts, other.forecasts)
    x[:79, 1] = np.nan
    with pytest.raises(ValueError, match="X: got nothing but NaN in 1"):
        small().backtest(wave(80), x, origins=2)
    two = [np.where(np.arange(80)[:, None] < 79, np.nan, x), np.ones((80, 2))]
    with pytest.raises(ValueError, match="X: got NaN within the horizon of an origin, and none before"):
        small().backtest([wave(80), wave(80)], two, origins=2)
