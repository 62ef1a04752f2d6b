"""The page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

from gated.models.forecaster.reading import Columns, read  # noqa: E402
from gated.models.forecaster.report import WORDS, forecast_report  # noqa: E402


def page_of(y, lang="en", backtest=False, **options):
    model = small(**options).fit(y)
    found = model.backtest(y, origins=8) if backtest else None
    series = read(y, None, Columns()).series
    futures = [np.zeros((3, 0))] * len(series)
    return forecast_report("a<b.csv", model.learned_, series, futures, found, lang=lang, count=2)


class Balanced(HTMLParser):
    """Every element is closed, and nothing is loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.count = [], {}

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        assert all(value.startswith("data:") for name, value in attributes if name in ("src", "href"))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.remove(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page):
    found = Balanced()
    found.feed(page)
    assert not found.open and "script" not in found.count
    return found.count


MONTHS = pd.date_range("2015-01-31", periods=90, freq="ME")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page(lang):
    page, say = page_of(pd.Series(wave(), MONTHS, name="sold"), lang, backtest=True), WORDS[lang]
    count = parsed(page)
    assert (
        count["svg"] == 5 + 3 and count["image"] == 3 and count["polygon"] >= 2 * 3
    )  # the forecast, two by horizon, earlier ones, the gates
    for name in ("errors", "coverage", "earlier", "gates", "model", "naive", "aim"):
        assert say[name] in page, name
    assert say["of"].format("a&lt;b.csv") in page and "a<b.csv" not in page
    assert ("中" in page or "预测" in page) == (lang == "zh")
    assert ">LSTM<" in page or ">lstm<" in page
    assert "2022-0" in page and "00:00:00" not in page
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan", "", page)


def test_words_are_the_same_in_both_languages():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for name, text in WORDS["en"].items():
        assert re.findall(r"{\d}", text) == sorted(re.findall(r"{\d}", WORDS["zh"][name])), name


def test_many_series_without_dates_and_without_a_backtest():
    page = page_of({"a": wave(), "b&c": wave(50), "d": wave(60)}, season=12)
    assert parsed(page)["svg"] == 2 + 4
    assert "<h3>b&amp;c</h3>" in page and "1 more series" in page
    assert WORDS["en"]["backtest"] not in page
    parsed(page_of([wave(9), wave(), wave(80)], backtest=True))  # the first one is too short for most origins


def test_cells_without_gates_and_gaps():
    y = wave()
    y[60:64] = y[70] = y[72] = np.nan
    page = page_of(y, cell="rnn", season=1)
    assert WORDS["en"]["gates"] not in page and "circle" in page
    parsed(page)


def test_flat_series():
    parsed(page_of(np.full(60, 2.0), backtest=True))
