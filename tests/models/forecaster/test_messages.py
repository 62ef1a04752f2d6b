"""Everything that is refused, in one line."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

from gated.errors import ArgumentError, ArgumentTypeError, GatedError, MissingExtraError  # noqa: E402
from gated.models import Forecaster  # noqa: E402

Y, X = wave(), np.random.default_rng(0).standard_normal((90, 2))
DAYS = pd.date_range("2024-01-01", periods=90)
S, F = pd.Series(Y, DAYS, name="sold"), pd.DataFrame(X, DAYS, columns=["price", "rain"])
LONG = pd.DataFrame({"shop": "a", "day": DAYS, "sold": Y, "price": X[:, 0]})
NAMES = {"target": "sold", "time": "day", "series": "shop"}

OPTIONS = [
    ({"horizon": 0}, "horizon: got 0"),
    ({"horizon": "x"}, "horizon: got 'x', expected a whole number"),
    ({"season": 0}, "season: got 0"),
    ({"season": 90}, "season: got 90, expected fewer than the 90 steps of the longest series"),
    ({"lags": 1}, "lags: got 1"),
    ({"lags": 46}, "lags: got 46, expected at most 45, half the steps of the longest series"),
    ({"window": 1}, "window: got 1"),
    ({"cell": "ltsm"}, "cell: got 'ltsm', expected the name of a cell"),
    ({"cell": 3}, "cell: got int 3"),
    ({"hidden_size": 0}, "hidden_size: got 0"),
    ({"num_layers": 0}, "num_layers: got 0"),
    ({"coverage": []}, "coverage: got none, expected at least one number between 0 and 1"),
    ({"coverage": 1.0}, "coverage: got 1.0, expected numbers between 0 and 1, such as 0.8"),
    ({"coverage": [0.0]}, "coverage: got 0.0"),
    ({"members": 0}, "members: got 0"),
    ({"epochs": 0}, "epochs: got 0"),
    ({"batch_size": 0}, "batch_size: got 0"),
    ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
    ({"early_stopping": "yes"}, "early_stopping: got"),
    ({"patience": 0}, "patience: got 0"),
    ({"transform": "cube"}, "transform: got 'cube', expected 'log' or 'sqrt'"),
    ({"lower": "0"}, "lower: got '0', expected a number"),
    ({"upper": float("nan")}, "upper: got nan, expected a finite number, or None for no bound"),
    ({"lower": 3, "upper": 3}, "upper: got 3, expected more than lower, 3"),
    ({"lower": 30}, "y: got .*, expected numbers of at least 30, as lower says"),
    ({"upper": -30}, "y: got .*, expected numbers of at most -30, as upper says"),
    ({"dtype": "float16"}, "dtype: got 'float16'"),
    ({"verbose": -1}, "verbose: got -1"),
    ({"exogenous": "price"}, "exogenous: got str 'price', expected a list of names of columns"),
    ({"time": "day"}, "target: got None, expected the name of a column: time names one too"),
    ({"target": "sold"}, "y: got a ndarray, expected a DataFrame with the columns 'sold'"),
]


@pytest.mark.parametrize("options, message", OPTIONS)
def test_options(options, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        small(**options).fit(Y)


FIT = [
    ({}, (np.zeros((3, 4, 5)),), r"y: got an array of shape \(3, 4, 5\)"),
    ({}, ("abc",), r"y: got"),
    ({}, ([],), r"y: got 0 known values, expected at least 2"),
    ({}, ({},), "y: got no series, expected at least one"),
    ({}, ([Y, ["a", "b"]],), r"y\[1\]: got values of"),
    ({}, ([Y, [1.0]],), r"y\[1\]: got 1 known values, expected at least 2"),
    (
        {},
        (np.where(np.arange(90) == 7, np.inf, Y),),
        r"y: got inf at \[7\], expected finite numbers",
    ),
    ({}, (Y[:9],), "y: got 9 steps in the longest series, expected at least 13, for horizon=3 and members=2"),
    (
        {},
        (np.where(np.arange(90) > 40, np.nan, Y),),
        "y: got a block of time without known values",
    ),
    ({}, (pd.DataFrame({"a": []}),), r"y: got a DataFrame of shape \(0, 1\)"),
    ({}, (pd.Series(["a"] * 90, DAYS),), "y: got values of"),
    ({}, (S[::-1],), "y: got an index that goes back"),
    (
        {},
        ({"a": S, "b": S.resample("W").mean()},),
        "y: got series in the rhythms 'D' and 'W-SUN'",
    ),
    ({"transform": "log"}, (Y - 10,), "y: got -.*, expected numbers above 0, for transform='log'"),
    (
        {"transform": "sqrt"},
        ({"a": Y - 10},),
        "y: got -.* in 'a', expected numbers of at least 0",
    ),
    ({}, (Y, X[:80]), "X: got 80 rows, expected 90, one for each step of y"),
    ({}, (Y, np.zeros((2, 3, 4))), r"X: got an array of shape \(2, 3, 4\).*, expected shape \(steps, columns\)"),
    ({}, (Y, X * np.nan), "X: got nothing but NaN in 0"),
    ({}, (S, F.iloc[::-1]), "X: got another index than y's, expected the same one"),
    ({"exogenous": ["snow"]}, (S, F), "X: got no column 'snow', expected it among 'price', 'rain'"),
    ({"exogenous": ["price"]}, (S,), "X: got None, expected a table with the columns 'price'"),
    ({"exogenous": ["a"]}, (Y, X), "X: got 2 columns, expected 1: 'a'"),
    ({}, ([Y, Y], X), "X: got 90 tables, expected 2, for each series its own"),
    ({}, ([Y, Y], {"a": X}), "X: got a dict, expected a list as long, for each series its own"),
    ({}, ({"a": Y}, [X]), "X: got a list, expected a dict with the same names"),
    ({}, ({"a": Y}, {"b": X}), "X: got 1 tables, expected 1, for each series its own"),
    (
        {},
        ({"a": S, "b": S}, {"a": F, "b": F[["price"]]}),
        r"X\['b'\]: got the columns 'price', expected 'price'",
    ),
    (NAMES, (LONG, F), "X: got a DataFrame, expected None: exogenous columns stand in the frame"),
    ({**NAMES, "exogenous": ["snow"]}, (LONG,), "y: got no column 'snow', expected it among 'shop', 'day', 'sold'"),
    (NAMES, (LONG[:0],), "y: got a DataFrame without rows"),
    (NAMES, (LONG.assign(day=DAYS[0]),), r"y\['a'\]: got an index with the same entry twice"),
    ({"frequency": "ME"}, (S,), "frequency: got 'ME', expected one that has 2024-01-01"),
]


@pytest.mark.parametrize("options, given, message", FIT)
def test_fit(options, given, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message) as error:
        small(**options).fit(*given)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def plain():
    return small().fit(Y)


@pytest.fixture(scope="module")
def dated():
    return small().fit(S, F)


@pytest.fixture(scope="module")
def long():
    return small(**NAMES, exogenous=["price"]).fit(LONG)


AHEAD = pd.DataFrame({"price": 1.0, "rain": 2.0}, pd.date_range("2024-03-31", periods=3))
HOLE = AHEAD.assign(rain=[1.0, np.nan, 2.0])
ROWS = pd.DataFrame({"shop": "a", "day": AHEAD.index, "price": 1.0})
PREDICT = [
    ("plain", (), {"horizon": 4}, "horizon: got 4, expected at most 3, for which it has learned"),
    ("plain", (), {"horizon": 0}, "horizon: got 0"),
    ("plain", (), {"future": X}, "future: got .*, expected None: no exogenous columns were learned"),
    ("plain", (None, X), {}, "X: got it without y, expected y too, or future"),
    ("plain", (Y, X), {"future": X}, "X: got 2 exogenous columns, expected 0, as it has learned"),
    ("dated", (), {}, "future: got None, expected the exogenous columns 'price', 'rain' for the 3 steps that follow"),
    (
        "dated",
        (),
        {"future": AHEAD[:2]},
        "future: got no row for 2024-04-02 .*, expected rows for the 3 steps",
    ),
    ("dated", (), {"future": AHEAD[["price"]]}, "future: got no column 'rain'"),
    ("dated", (), {"future": X[:2]}, "future: got 2 rows, expected 3, one for each step that follows"),
    ("dated", (), {"future": X[:, :1]}, "future: got 1 columns, expected 2: 'price', 'rain'"),
    ("dated", (), {"future": HOLE}, "future: got NaN in 'rain' at 2024-04-01 .*, expected a number"),
    ("dated", (), {"future": pd.concat([AHEAD, AHEAD])}, "future: got two rows of the same time"),
    ("dated", (Y, X), {"future": X}, "y: got no dates, expected 'D', with which it has learned"),
    ("dated", (S.resample("W").mean(),), {}, "y: got dates of the frequency 'W-SUN', expected 'D'"),
    ("dated", (S,), {"future": AHEAD}, "X: got 0 exogenous columns, expected 2, as it has learned"),
    ("long", (), {"future": X}, "future: got .*, expected a DataFrame with the columns that y has, but the target"),
    ("long", (), {"future": ROWS[["shop", "price"]]}, "future: got no column 'day'"),
    ("long", (), {"future": ROWS.assign(shop="b")}, "future: got no row for 2024-03-31"),
    ("long", (S,), {}, "y: got a Series, expected a DataFrame with the columns 'shop', 'day', 'sold', 'price'"),
]


@pytest.mark.parametrize("which, given, options, message", PREDICT)
def test_predict(which, given, options, message, request):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message) as error:
        request.getfixturevalue(which).predict(*given, **options)
    assert "\n" not in str(error.value)


def test_futures_of_several_series():
    listed = small().fit([Y, Y], [X, X])
    named = small().fit({"a": Y}, {"a": X})
    for model, future, message in (
        (listed, X, "future: got a ndarray, expected a list of 2 tables"),
        (listed, [X, X[:1]], r"future\[1\]: got 1 rows"),
        (named, {"b": X}, "future: got a dict without 'a', expected a dict with every name"),
        (named, {"a": X * np.nan}, "future: got NaN in 0 at step 1"),
    ):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
            model.predict(future=future)


def test_a_model_of_a_file_has_no_series(tmp_path, plain):
    plain.save(tmp_path / "m.safetensors")
    with pytest.raises(ArgumentError, match="y: got None, expected a history: a file has no series in it"):
        Forecaster.load(tmp_path / "m.safetensors").predict()


def test_without_pandas_or_scikit_learn(monkeypatch):
    import sys

    import gated.models

    monkeypatch.setitem(sys.modules, "pandas", None)
    assert small().fit(Y).predict().shape == (3,)  # arrays need none
    with pytest.raises(MissingExtraError, match="pip install 'gated\\[series\\]'"):
        small().fit(S)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match="pip install 'gated\\[sklearn\\]'"):
        gated.models.Forecaster  # noqa: B018
    assert issubclass(MissingExtraError, GatedError)
