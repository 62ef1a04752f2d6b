"""gated forecast, from files to the folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")
pytest.importorskip("typer")

from gated.backends.native.threads import pool  # noqa: E402
from gated.cli import main  # noqa: E402
from gated.cli.forecast_table import rounded  # noqa: E402
from gated.cli.threads import VARIABLES  # noqa: E402
from gated.models import Forecaster  # noqa: E402

SMALL = ["--horizon", "3", "--hidden", "4", "--passes", "2", "--members", "2", "--origins", "4"]
DAYS = pd.date_range("2024-01-01", periods=60)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(pool, "_threads", None)
    rng = np.random.default_rng(0)
    one = pd.DataFrame({"day": DAYS.strftime("%Y-%m-%d"), "sold": rng.standard_normal(60).cumsum()})
    one.to_csv("one.csv", index=False)
    one.assign(rain=rng.standard_normal(60), note="x").to_csv("wide.csv", index=False)
    rows = [one.assign(shop=name, price=rng.standard_normal(60)) for name in ("north", "south")]
    pd.concat(rows).to_csv("long.csv", index=False)
    ahead = pd.concat(rows).assign(sold=lambda t: t["sold"].where(t["day"] < "2024-02-27"))
    ahead.to_csv("ahead.csv", index=False)
    np.savez("arrays.npz", a=np.arange(40.0) % 7, b=rng.standard_normal((40, 2)), words=np.array(["x"]))


@pytest.fixture
def gated_command(capsys):
    def run(*words):
        code = main(["forecast", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_one_series(gated_command):
    code, out, err = gated_command("one.csv", "--time", "day", *SMALL, "--seed", "5")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "backtest from 4 origins ..."
    assert lines[1] == "data     one.csv: frequency D, season 7, 15 lags"
    assert lines[2].startswith("model    2 x lstm, ") and lines[2].endswith(" parameters each, 3 steps ahead")
    assert lines[3].split() == ["horizon", "MASE", "naive", "in", "80%", "in", "95%"]
    assert lines[7] == "4 forecasts of 3 steps" and lines[8].startswith("MASE ")
    table = pd.read_csv("runs/forecast-one/forecast.csv")
    assert list(table.columns) == ["day", "forecast", "low 95", "low 80", "high 80", "high 95"]
    assert table["day"].tolist() == ["2024-03-01", "2024-03-02", "2024-03-03"]
    model = Forecaster.load("runs/forecast-one/model.safetensors")
    assert (model.target, model.time, model.random_state, model.horizon) == ("sold", "day", 5, 3)
    y = pd.read_csv("one.csv", parse_dates=["day"])
    assert np.allclose(model.predict(y)["sold"], table["forecast"], rtol=0, atol=0.0005001)  # rounded
    assert "<h1>Forecast of one.csv</h1>" in Path("runs/forecast-one/report.html").read_text(encoding="utf-8")


def test_it_is_what_the_estimator_says(gated_command):
    gated_command("one.csv", "--time", "day", *SMALL, "--origins", "0", "--cell", "gru", "--lags", "4", "--out", "o")
    options = {"horizon": 3, "hidden_size": 4, "epochs": 2, "members": 2, "cell": "gru", "lags": 4, "random_state": 0}
    said = Forecaster(**options).fit(pd.read_csv("one.csv", index_col="day", parse_dates=True)["sold"]).predict()
    assert np.array_equal(pd.read_csv("o/forecast.csv")["forecast"], said.round(3))


@pytest.mark.parametrize("size, decimals", [(1.0, 4), (9.0, 4), (25.0, 3), (1e-6, 10), (3e4, 0), (1e7, 0)])
def test_forecasts_have_as_many_decimals_as_say_something(size, decimals):
    """To a ten-thousandth of their range, and what is rounded stays in order."""
    numbers = 3.0 + size * np.sort(np.append(np.random.default_rng(0).uniform(size=(4, 5)), [[0, 0, 0, 0, 1]], 0), 1)
    texts = rounded(numbers)
    assert {len(own.partition(".")[2]) for own in texts.ravel()} == {decimals}
    assert np.abs(texts.astype(float) - numbers).max() <= max(0.50001e-4 * size, 0.5)
    assert (np.diff(texts.astype(float)) >= 0).all()


def test_forecasts_of_strange_sizes_are_written():
    assert rounded(np.full((2, 3), 1 / 3)).tolist() == [["0.333333"] * 3] * 2
    assert rounded(np.array([[1e300, 2e300]])).tolist() == [["1e+300", "2e+300"]]
    assert rounded(np.array([[-1e-300, 2.5e-20]])).tolist() == [["-1e-300", "2.5e-20"]]
    assert rounded(np.array([[-0.0, 1.0]])).tolist() == [["0.0000", "1.0000"]]


def test_each_series_has_its_own_decimals(gated_command):
    table = pd.read_csv("one.csv")
    pd.concat([table.assign(shop="a"), table.assign(shop="b", sold=1e6 * table["sold"])]).to_csv("two.csv", index=False)
    words = ("--time", "day", "--series", "shop", "--column", "sold", "--origins", "0", "--lower", "-5e7")
    code, _, err = gated_command("two.csv", *words, *SMALL[:-2], "--out", "o")
    assert (code, err) == (0, ""), err
    lines = [line.split(",") for line in Path("o/forecast.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert all("." in cell for line in lines if line[0] == "a" for cell in line[2:])
    assert not any("." in cell for line in lines if line[0] == "b" for cell in line[2:])


def test_bounds_and_several_seasons(gated_command):
    index = pd.date_range("2024-01-01", periods=24 * 30, freq="h")
    counts = np.random.default_rng(0).poisson(1 + np.sin(2 * np.pi * index.hour / 24))
    pd.DataFrame({"hour": index, "visits": counts}).to_csv("visits.csv", index=False)
    words = ("visits.csv", "--time", "hour", *SMALL, "--origins", "0")
    code, out, err = gated_command(*words, "--lower", "0", "--out", "o")
    assert (code, err) == (0, "") and "visits.csv: frequency h, seasons 24 and 168, 49 lags" in out
    table = pd.read_csv("o/forecast.csv")
    assert (table.drop(columns="hour") >= 0).all(axis=None)
    code, out, err = gated_command(*words, "--season", "24", "--season", "48", "--out", "p")
    assert code == 0 and "seasons 24 and 48, " in out
    assert (pd.read_csv("p/forecast.csv").drop(columns="hour") < 0).any(axis=None)
    page = Path("p/report.html").read_text(encoding="utf-8")
    assert "<td>24, 48</td>" in page
    code, _, err = gated_command(*words, "--lower", "1", "--out", "q")
    assert (code, err) == (2, "error: y: got 0 in 'visits', expected numbers of at least 1, as lower says\n")


def test_several_series_with_what_is_known_ahead(gated_command):
    words = ("--time", "day", "--series", "shop", "--column", "sold", "--exogenous", "price")
    code, out, err = gated_command("ahead.csv", *words, *SMALL, "--lang", "zh", "--out", "o", "--coverage", "0.9")
    assert (code, err) == (0, ""), err
    assert "8 forecasts of 3 steps, 2 series" in out and "the 90% interval holds" in out
    table = pd.read_csv("o/forecast.csv")
    assert list(table.columns) == ["shop", "day", "forecast", "low 90", "high 90"]
    assert table["shop"].tolist() == ["north"] * 3 + ["south"] * 3 and table["day"][0] == "2024-02-27"
    assert "ahead.csv 的预测" in Path("o/report.html").read_text(encoding="utf-8")
    # the same from two files
    whole = pd.read_csv("ahead.csv", float_precision="round_trip")
    whole[whole["sold"].notna()].to_csv("past.csv", index=False)
    whole[whole["sold"].isna()].drop(columns="sold").to_csv("plan.csv", index=False)
    rest = (*SMALL, "--coverage", "0.9", "--out", "p", "--future", "plan.csv")
    assert gated_command("past.csv", *words, *rest)[0] == 0
    assert Path("o/forecast.csv").read_text(encoding="utf-8") == Path("p/forecast.csv").read_text(encoding="utf-8")


def test_a_saved_model_reads_newer_rows(gated_command):
    words = ("--time", "day", "--series", "shop", "--column", "sold", "--exogenous", "price")
    assert gated_command("ahead.csv", *words, *SMALL, "--out", "o")[0] == 0
    pd.read_csv("ahead.csv").assign(sold=lambda t: t["sold"] * 100).to_csv("newer.csv", index=False)
    code, out, err = gated_command("newer.csv", "--model", "o/model.safetensors", "--out", "n")
    assert (code, err) == (0, ""), err
    old, new = pd.read_csv("o/forecast.csv"), pd.read_csv("n/forecast.csv")
    assert np.allclose(100 * old["forecast"], new["forecast"], rtol=1e-4)
    assert sorted(os.listdir("n")) == ["forecast.csv", "report.html"] and "MASE" not in out


def test_columns_side_by_side(gated_command):
    code, _, err = gated_command("wide.csv", "--time", "day", *SMALL, "--out", "o")
    assert (code, err) == (0, "")
    table = pd.read_csv("o/forecast.csv")
    assert list(table.columns)[:3] == ["series", "day", "forecast"] and set(table["series"]) == {"sold", "rain"}
    code, _, err = gated_command("wide.csv", "--model", "o/model.safetensors", "--out", "p")
    assert (code, err) == (2, "error: time: got None, expected the column of dates: the model has learned with dates\n")
    code, _, err = gated_command("wide.csv", "--model", "o/model.safetensors", "--time", "day", "--out", "p")
    assert (code, err) == (0, "") and Path("p/forecast.csv").read_text(encoding="utf-8") == Path(
        "o/forecast.csv"
    ).read_text(encoding="utf-8")
    pd.concat(
        [pd.read_csv("wide.csv"), pd.DataFrame({"day": ["2024-03-01", "2024-03-02", "2024-03-03"], "rain": 1.0})]
    ).assign(other=lambda t: t["sold"] * 2).to_csv("known.csv", index=False)
    words = ("--time", "day", "--column", "sold", "--column", "other", "--exogenous", "rain")
    code, _, err = gated_command("known.csv", *words, *SMALL, "--out", "q")
    assert (code, err) == (0, "") and len(pd.read_csv("q/forecast.csv")) == 6


def test_arrays(gated_command):
    code, out, err = gated_command("arrays.npz", *SMALL, "--out", "o")
    assert (code, err) == (0, "") and "arrays.npz: no season, " in out
    table = pd.read_csv("o/forecast.csv")
    assert list(table.columns)[:3] == ["series", "step", "forecast"]
    assert list(dict.fromkeys(table["series"])) == ["a", "b[:, 0]", "b[:, 1]"] and table["step"].tolist()[:3] == [
        1,
        2,
        3,
    ]
    assert gated_command("arrays.npz", "--column", "a", *SMALL, "--out", "p", "--season", "7")[0] == 0
    assert np.ptp(pd.read_csv("p/forecast.csv")["forecast"]) > 0.5


def test_rows_without_times(gated_command):
    code, _, err = gated_command("long.csv", "--series", "shop", "--column", "sold", *SMALL, "--out", "o")
    assert (code, err) == (0, "")
    table = pd.read_csv("o/forecast.csv")
    assert list(table.columns)[:3] == ["shop", "step", "forecast"] and table["step"].tolist() == [1, 2, 3, 1, 2, 3]
    assert gated_command("one.csv", *SMALL, "--out", "p")[0] == 0
    assert list(pd.read_csv("p/forecast.csv").columns)[:2] == ["step", "forecast"]


def test_a_cell_of_ones_own(gated_command):
    text = "import gated\n\n\n@gated.cell\ndef leaky(x, h, *, W, U, b):\n"
    text += "    h = 0.5 * h + 0.5 * gated.tanh(W.h @ x + U.h @ h + b.h)\n    return h\n"
    Path("mine.py").write_text(text)
    assert gated_command("one.csv", *SMALL, "--cell", "mine.py:leaky", "--out", "o")[0] == 0
    assert gated_command("one.csv", "--model", "o/model.safetensors", "--out", "p")[0] == 0
    assert Path("p/forecast.csv").read_text(encoding="utf-8") == Path("o/forecast.csv").read_text(encoding="utf-8")


LONG = ("long.csv", "--time", "day", "--series", "shop")
WRONG = [
    (("no.csv",), "data: got 'no.csv', expected a CSV file or an .npz file"),
    (("one.csv", "--time", "date"), "data: got no column 'date', expected it among 'day', 'sold'"),
    (("one.csv", "--column", "price"), "data: got no column 'price'"),
    (
        ("wide.csv", "--time", "note"),
        "time: got 'x' in the column 'note', expected dates such as 2024-01-31, or numbers",
    ),
    (LONG, "column: got 'sold', 'price', expected one, with --series"),
    ((*LONG, "--column", "sold", "--exogenous", "price"), "future: got None, expected the exogenous columns 'price'"),
    (("one.csv", "--future", "one.csv"), "future: got 'one.csv', expected it with --exogenous alone"),
    ((*LONG, "--column", "sold", "--exogenous", "price", "--future", "no.csv"), "future: got 'no.csv', expected a CSV"),
    (("one.csv", "--lang", "de"), "lang: got 'de', expected 'en' or 'zh'"),
    (("one.csv", "--count", "0"), "count: got 0"),
    (("one.csv", "--origins", "-1"), "origins: got -1"),
    (("one.csv", "--cell", "ltsm"), "cell: got 'ltsm', expected the name of a cell of the zoo"),
    (("one.csv", "--frequency", "ME", "--time", "day"), "frequency: got 'ME', expected one that has"),
    (("one.csv", "--model", "no.safetensors"), "horizon: got it together with --model"),
    (("text.csv",), "column: got none, expected one of 'a': none of them holds numbers alone"),
    (("empty.csv",), "'empty.csv': got no table"),
    (("bad.npz",), "'bad.npz': got no .npz file of arrays"),
    (("arrays.npz", "--time", "day"), "time: got it with 'arrays.npz', expected a CSV file: arrays have no columns"),
    (("arrays.npz", "--column", "c"), "column: got 'c', expected some of 'a', 'b', 'words'"),
    (("cube.npz",), "column: got 'x' of shape (2, 3, 4), expected (T,), or (T, S) with a series in each column"),
    (
        ("long.csv", "--time", "day", "--column", "sold"),
        "time: got 2024-01-01 in two rows, expected each once; --series",
    ),
    (("twice.csv", "--time", "day", "--series", "shop"), "time: got 2024-01-02 in two rows of 'a', expected each once"),
    (("long.csv", "--column", "sold", "--exogenous", "sold"), "column: got 'sold' twice, expected each column once"),
    (("dirty.csv", "--column", "v"), "data: got 'n.a.?' in the column 'v', expected numbers, or nothing where one is"),
    (("dates.csv", "--time", "day"), "time: got '31/02/2024' in the column 'day', expected dates such as"),
    (("gap.csv", "--time", "day"), "time: got nothing in the column 'day', expected dates such as"),
    (("nameless.csv", "--series", "shop"), "y: got no name in a row of the column 'shop', expected that of a series"),
    (("ragged.csv",), "'ragged.csv': got more cells in a row than names in the first, expected as many"),
    (("head.csv",), "'head.csv': got no row below the names of the columns, expected some"),
    (("latin.csv",), "'latin.csv': got the byte 0xe9, expected a table in UTF-8"),
    (("one.csv", "--horizon", "50"), "y: got 60 steps in the longest series, expected at least"),
    (
        ("one.csv", "--origins", "58"),
        "origins: got 58 origins 1 apart with 60 steps in the longest series, expected at",
    ),
    (("one.csv", "--step", "0"), "step: got 0"),
    (("one.csv", "--out", "full"), "out: got 'full', where report.html is, expected another folder, or --overwrite"),
]


@pytest.mark.parametrize("words, message", WRONG)
def test_messages(gated_command, words, message):
    Path("text.csv").write_text("a\nx\ny\n")
    Path("empty.csv").write_text("")
    Path("bad.npz").write_text("no")
    np.savez("cube.npz", x=np.zeros((2, 3, 4)))
    Path("twice.csv").write_text("day,shop,v\n2024-01-01,a,1\n2024-01-02,a,2\n2024-01-02,a,3\n2024-01-02,b,3\n")
    Path("dirty.csv").write_text("v\n1.5\n\nn.a.?\n2\n")
    Path("dates.csv").write_text("day,v\n30/01/2024,1\n31/02/2024,2\n")
    Path("gap.csv").write_text("day,v\n2024-01-01,1\n,2\n2024-01-03,2\n")
    Path("nameless.csv").write_text("shop,v\na,1\na,2\n,2\n")
    Path("ragged.csv").write_text("day;city;v\n2024-01-01;a;1;2\n")
    Path("head.csv").write_text("day,v\n")
    Path("latin.csv").write_bytes(b"day,caf\xe9\n1,2\n")
    os.mkdir("full")
    Path("full/report.html").write_text("")
    code, _, err = gated_command(*words, *SMALL[: 0 if {"--origins", "--horizon"} & {*words} else None])
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1 and message in err, err
    assert not os.path.exists("runs")


def test_as_programs_write_tables(gated_command):
    """Semicolons with commas before the decimals, tabs, a mark of the byte order; days before months, with dots."""
    words, one = (*SMALL, "--origins", "0"), pd.read_csv("one.csv").round(3)
    one.to_csv("plain.csv", index=False)
    own = one.assign(day=DAYS.strftime("%d.%m.%Y"))
    own.to_csv("office.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    own.to_csv("points.csv", index=False, sep=";")
    one.to_csv("tabs.csv", index=False, sep="\t")
    said = []
    for name in ("plain", "office", "points", "tabs"):
        code, _, err = gated_command(f"{name}.csv", "--time", "day", *words, "--out", name)
        assert (code, err) == (0, ""), name
        said.append(Path(name, "forecast.csv").read_text(encoding="utf-8"))
    assert said == said[:1] * 4 and "2024-03-01" in said[0]


def test_months_with_the_day_first(gated_command):
    """01.02.2020 is the first of February, though it could be the second of January."""
    months = pd.date_range("2020-01-01", periods=40, freq="MS").strftime("%d.%m.%Y")
    pd.DataFrame({"month": months, "v": np.arange(40) % 12}).to_csv("months.csv", index=False)
    code, out, err = gated_command("months.csv", "--time", "month", *SMALL)
    assert (code, err) == (0, "") and "frequency MS, season 12" in out


def test_the_backtest_has_the_origins_for_which_there_is_room(gated_command):
    pd.DataFrame({"v": np.arange(24.0) % 5}).to_csv("short.csv", index=False)
    code, out, err = gated_command("short.csv", *SMALL[:-2], "--out", "o")
    assert (code, err) == (0, "") and "\n9 forecasts of 3 steps\n" in out
    pd.DataFrame({"v": np.arange(14.0) % 5}).to_csv("short.csv", index=False)
    code, out, err = gated_command("short.csv", *SMALL[:-2], "--out", "p")
    assert (code, err) == (0, "") and out.startswith("no backtest: the series are too short\ndata ")
    assert "3 steps ahead, without a backtest." in Path("p/report.html").read_text(encoding="utf-8")


def test_what_is_left_out_is_told(gated_command):
    code, out, err = gated_command("wide.csv", *SMALL, "--out", "o")
    assert (code, err) == (0, "") and out.startswith("left out 'day', 'note': no numbers\nbacktest ")


def test_what_is_missing_ahead_is_told_before_it_learns(gated_command):
    code, out, err = gated_command(*LONG, "--column", "sold", "--exogenous", "price", *SMALL)
    assert (code, out) == (2, "") and err.startswith("error: future: got None, expected the exogenous columns 'price'")


def test_a_model_that_is_none(gated_command):
    code, _, err = gated_command("one.csv", "--model", "no.safetensors")
    assert code == 2 and "model: got 'no.safetensors', expected a model.safetensors that gated forecast wrote" in err
    assert gated_command("one.csv", "--model", "one.csv")[0] == 2


def test_the_defaults_are_those_of_the_estimator():
    import inspect

    from gated.cli.forecast import forecast

    names = {"hidden": "hidden_size", "layers": "num_layers", "passes": "epochs", "batch": "batch_size"}
    names |= {"lr": "learning_rate"} | {
        own: own for own in ("horizon", "season", "lags", "transform", "cell", "members")
    }
    names |= {own: own for own in ("patience", "frequency")}
    options, arguments = inspect.signature(forecast).parameters, inspect.signature(Forecaster).parameters
    for option, argument in names.items():
        assert options[option].default == arguments[argument].default, option
    backtest = inspect.signature(Forecaster.backtest).parameters
    assert all(options[name].default == backtest[name].default for name in ("origins", "step"))
