"""Series in every form in which they may come, and forecasts in the same one."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

MONTHS = pd.date_range("2015-01-31", periods=90, freq="ME", name="month")
A, B = wave(seed=1), wave(70, seed=2)


def fitted(y, X=None, **options):
    return small(**options).fit(y, X)


def test_arrays_and_lists():
    one = fitted(A, season=12)
    assert one.predict().shape == (3,) and one.predict_quantiles().shape == (3, 5)
    assert np.array_equal(fitted(A.tolist(), season=12).predict(), one.predict())
    assert np.array_equal(fitted(A.astype("float32").astype(float), season=12).predict(A), one.predict()) is False
    both = fitted(np.column_stack([A, A[::-1]]), season=12)
    assert both.predict().shape == (3, 2) and both.predict_quantiles().shape == (3, 2, 5)
    several = fitted([A, B], season=12)
    assert [own.shape for own in several.predict()] == [(3,), (3,)]
    named = fitted({"a": A, "b": B}, season=12)
    assert list(named.predict()) == ["a", "b"]
    assert np.array_equal(named.predict()["b"], several.predict()[1])
    assert [own.shape for own in several.predict_quantiles()] == [(3, 5), (3, 5)]


def test_a_series_keeps_name_and_dates():
    y = pd.Series(A, MONTHS, name="sold")
    model = fitted(y)
    said, all_ = model.predict(), model.predict_quantiles()
    assert said.name == "sold" and said.index.name == "month" and model.season_ == 12
    assert said.index.equals(pd.date_range(MONTHS[-1], periods=4, freq="ME")[1:])
    assert list(all_.columns) == list(model.quantiles_) == [0.025, 0.1, 0.5, 0.9, 0.975]
    assert np.array_equal(all_[0.5], said)
    periods = fitted(y.to_period("M")).predict()
    assert isinstance(periods.index, pd.PeriodIndex) and str(periods.index[0]) == "2022-07"
    assert np.array_equal(periods, said)
    assert fitted(pd.Series(A), season=12).predict().index.tolist() == [90, 91, 92]


def test_wide_frames():
    y = pd.DataFrame({"a": A, "b": A[::-1]}, MONTHS)
    model = fitted(y)
    said, all_ = model.predict(), model.predict_quantiles()
    assert list(said.columns) == ["a", "b"] and said.index[0] == pd.Timestamp("2022-07-31")
    assert all_.columns.nlevels == 2 and np.array_equal(all_["b"][0.5], said["b"])
    assert np.array_equal(model.predict(y["b"].to_frame())["b"], said["b"])


def test_long_frames_in_any_order_of_rows():
    rows = [pd.DataFrame({"shop": n, "month": MONTHS[-len(v) :], "sold": v}) for n, v in (("a", A), ("b", B))]
    y = pd.concat(rows, ignore_index=True)
    names = {"target": "sold", "time": "month", "series": "shop"}
    model = fitted(y, **names)
    said = model.predict()
    assert list(said.columns) == ["shop", "month", "sold"] and said["shop"].tolist() == ["a"] * 3 + ["b"] * 3
    assert said["month"].tolist()[:3] == pd.date_range("2022-07-31", periods=3, freq="ME").tolist()
    mixed = y.sample(frac=1, random_state=0).sort_values("shop", kind="stable")
    assert fitted(mixed, **names).predict().equals(said)
    assert list(model.predict_quantiles().columns) == ["shop", "month", *model.quantiles_]
    alone = fitted(rows[0][["month", "sold"]], target="sold", time="month").predict()
    assert list(alone.columns) == ["month", "sold"]
    counted = fitted(y[["shop", "sold"]], target="sold", series="shop", season=12).predict()
    assert list(counted.columns) == ["shop", "sold"]


def test_lists_and_dicts_of_pandas_series_have_their_own_dates():
    a, b = pd.Series(A, MONTHS), pd.Series(B, MONTHS[:70])
    model = fitted({"a": a, "b": b})
    said = model.predict()
    assert said["a"].index[0] == pd.Timestamp("2022-07-31") and said["b"].index[0] == pd.Timestamp("2020-11-30")
    assert model.predict_quantiles([b])[0].shape == (3, 5)


def test_missing_values_and_missing_rows_are_the_same():
    y = pd.Series(A, MONTHS)
    y.iloc[[20, 21, 50]] = np.nan
    whole = fitted(y)
    assert np.array_equal(fitted(y.dropna(), frequency="ME").predict(), whole.predict())
    assert np.isfinite(whole.predict_quantiles().to_numpy()).all()
    # at the end they are steps of which nothing is known; at the beginning there is no series yet
    y.iloc[-2:] = np.nan
    assert whole.predict(y).index[0] == pd.Timestamp("2022-07-31")
    late = A.copy()
    late[:10] = np.nan
    assert np.array_equal(fitted(late, season=12).predict(), fitted(A[10:], season=12).predict())


def test_pandas_missing_values_and_whole_numbers():
    y = pd.Series([int(v * 10) for v in A], MONTHS, dtype="Int64")
    y.iloc[5] = pd.NA
    assert np.isfinite(fitted(y).predict()).all()
    assert np.isfinite(fitted([None if k == 5 else float(v) for k, v in enumerate(A)], season=12).predict()).all()


@pytest.mark.parametrize("dtype", [bool, int, "float32"])
def test_numbers_of_any_kind(dtype):
    assert fitted((A * (1 if dtype is not bool else A % 2 > 1)).astype(dtype), season=12).predict().shape == (3,)
