"""The comparison of forecasts: its numbers by hand, its table on the pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("statsmodels")
pytest.importorskip("sklearn")

from benchmarks.forecasts import METHODS, SETS, Row, classical, load, main, naive, origins_of, read, scores, table  # noqa: E402

from benchmarks import forecasts  # noqa: E402

SERIES = ("sunspots", 309, "1700", 0), ("co2", 526, "1958-03", 5), ("elnino", 732, "1950-01", 0)
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("lang, page", [("en", "forecaster.md"), ("zh", "forecaster.zh.md")])
def test_the_pages_have_the_table(lang, page):
    assert table(read(), lang) in (DOCS / page).read_text(encoding="utf-8")


def test_all_of_it_was_measured_with_twenty_origins_or_more():
    rows = {(row.data, row.method): row for row in read()}
    assert set(rows) == {(data, method) for data in SETS for method in METHODS}
    assert all(len(rows[name, "Forecaster"].mase) == 5 for name in SETS) and forecasts.ORIGINS >= 20
    assert all(set(row.coverage) == {"0.8", "0.95"} for row in rows.values())


@pytest.mark.parametrize("name, steps, first, missing", SERIES)
def test_the_series(name, steps, first, missing):
    series = load(name)
    assert (len(series), str(series.index[0]), int(series.isna().sum())) == (steps, first, missing)
    starts = origins_of(SETS[name], steps)
    early = load(name, before=True)
    assert len(early) == starts[0] and origins_of(SETS[name], len(early))[0] > 100
    assert len(starts) == 24 and starts[-1] == steps - SETS[name].horizon and starts[0] > steps / 2


def test_scores_by_hand():
    own = forecasts.Set(2, 1, 1, 1, (), ())
    values = np.arange(40.0) ** 1.5
    said = [naive(own, values[:at]) for at in origins_of(own, 40)]
    errors, inside = [], []
    for at, (middle, ends) in zip(origins_of(own, 40), said, strict=True):
        assert (middle == values[at - 1]).all()
        scale = np.mean(np.abs(np.diff(values[:at])))
        errors.append(np.abs(values[at : at + 2] - values[at - 1]) / scale)
        low, high = ends[0.95]
        size = np.sqrt(np.mean(np.diff(values[:at]) ** 2))
        assert high - middle == pytest.approx(1.96 * size * np.sqrt([1, 2]), rel=1e-4)
        inside.append((low <= values[at : at + 2]) & (values[at : at + 2] <= high))
    mase, coverage = scores(own, values, said)
    assert mase == pytest.approx(np.mean(errors)) and coverage[0.95] == np.mean(inside)


@pytest.mark.parametrize("method", ["naive", "ETS", "ARIMA"])
def test_classical_methods(method, monkeypatch):
    y = 10 + 3 * np.sin(np.arange(120) / 2) + np.random.default_rng(0).standard_normal(120)
    monkeypatch.setattr(
        forecasts, "load", lambda name, before: pd.Series(y, pd.period_range("2000-01", periods=120, freq="M"))
    )
    small = forecasts.Set(3, 1, 1, 1, (((1, 0, 0), (0,) * 4), ((0, 0, 1), (0,) * 4)), (("add", None, False, None),))
    monkeypatch.setitem(forecasts.SETS, "small", small)
    row = classical("small", method)
    assert 0 < row.mase[0] < 3 and 0.5 < row.coverage["0.95"][0] <= 1
    assert row.chosen == {"naive": "", "ETS": "('add', None, False, None)"}.get(method, "((1, 0, 0), (0, 0, 0, 0))")


def test_a_run_adds_to_what_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        forecasts, "classical", lambda name, method, before: Row(name, method, [1.0], {"0.8": [0.5]}, [0.1])
    )
    output = tmp_path / "o.json"
    for name in ("co2", "sunspots"):
        assert main(["--sets", name, "--methods", "naive", "--output", str(output)]) == 0
    assert [row.data for row in read(output)] == ["sunspots", "co2"]
    assert main(["--before", "--sets", "elnino", "--methods", "naive", "--output", str(output)]) == 0
    assert "| seasonal naive |  |  | 1.00; 50 |" in capsys.readouterr().out and len(read(output)) == 2
    assert main(["--show", "--output", str(output)]) == 0
    assert "| seasonal naive | 1.00; 50 | 1.00; 50 |  |" in capsys.readouterr().out
