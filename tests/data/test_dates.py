"""Dates in words: written, read by an independent reader, split."""

import datetime

import numpy as np
import pytest

from gated.data.dates import CHINESE, ENGLISH, FORMATS, YEARS, all_dates, date_pairs, read_date, split_dates, write_date
from gated.errors import ArgumentError, ArgumentTypeError

BIRTHDAY = datetime.date(1999, 3, 3)


def test_there_are_ten_formats_and_more_in_each_language():
    assert len(ENGLISH) >= 10 and len(CHINESE) >= 10 and not ENGLISH.keys() & CHINESE.keys()


@pytest.mark.parametrize("format", [*ENGLISH, *CHINESE])
def test_formats_are_called_by_what_they_write(format):
    day = datetime.date(1999, 3, 23) if "廿" in format else BIRTHDAY
    assert write_date(day, format) == format


@pytest.mark.parametrize("format", [*ENGLISH, *CHINESE])
def test_what_is_written_is_read(format):
    days = list(all_dates())
    for k in np.random.default_rng(0).choice(len(days), 1500, replace=False):
        assert read_date(write_date(days[k], format)) == days[k].isoformat()


def test_no_text_is_written_in_two_formats():
    """Else a month that is kept for the end in one of them would be learned in the other."""
    days = [day for day in all_dates() if day.year in (1900, 1905, 1999, 2000, 2011, 2099)]
    texts = [write_date(day, format) for day in days for format in [*ENGLISH, *CHINESE]]
    assert len(set(texts)) == len(texts) > 50_000


def test_years_and_days_in_words():
    words = {
        datetime.date(1900, 1, 1): "January the first, nineteen hundred",
        datetime.date(1905, 12, 20): "December the twentieth, nineteen oh five",
        datetime.date(2000, 2, 29): "February the twenty-ninth, two thousand",
        datetime.date(2007, 8, 12): "August the twelfth, two thousand and seven",
        datetime.date(2013, 5, 31): "May the thirty-first, twenty thirteen",
        datetime.date(2080, 6, 30): "June the thirtieth, twenty eighty",
    }
    for day, text in words.items():
        assert write_date(day, "March the third, nineteen ninety-nine") == text
    assert write_date(datetime.date(2005, 11, 13), "March 3rd, 1999") == "November 13th, 2005"
    assert write_date(datetime.date(2005, 10, 22), "3rd March 1999") == "22nd October 2005"
    assert write_date(datetime.date(2008, 10, 20), "一九九九年三月三日") == "二〇〇八年十月二十日"
    assert write_date(datetime.date(2008, 12, 31), "一九九九年三月三号") == "二零零八年十二月三十一号"
    assert write_date(datetime.date(2008, 12, 31), "西元一九九九年三月廿三日") == "西元二〇〇八年十二月卅一日"
    assert write_date(datetime.date(2026, 11, 29), "1999年3月3日星期三") == "2026年11月29日星期日"


def test_what_is_no_date_is_none():
    for text in (
        "",
        "tomorrow",
        "30 February 1999",
        "1999年2月30日",
        "1999.02.30",
        "1999.3.3",
        "March 1999",
        "三月三日",
    ):
        assert read_date(text) is None


@pytest.mark.parametrize("lang", ["en", "zh", "both"])
def test_nothing_that_is_kept_is_learned(lang):
    split = split_dates(6000, 1, held_out=300, lang=lang)
    formats = {name for own in ("en", "zh") if lang in (own, "both") for name in FORMATS[own]}
    assert [len(own) for own in split] == [6000, 300, 300, 300]
    assert {pair.format for own in split for pair in own} == formats
    years = {pair.iso[:4] for pair in split.train}
    kept = {pair.iso[:4] for pair in split.years}
    assert len(kept) == 20 and not kept & years and kept | years == {str(year) for year in YEARS}
    assert len({year[2:] for year in kept}) == 20 and not any(year.endswith("00") for year in kept)
    learned = {(pair.format, pair.iso[5:7]) for pair in split.train}
    others = {(pair.format, pair.iso[5:7]) for pair in split.combinations}
    assert not learned & others and len(others) == len(formats)
    assert {pair.iso[:4] for pair in split.combinations} <= years
    assert not {pair[1:] for pair in split.seen} & {pair[1:] for pair in split.train}
    assert {(pair.format, pair.iso[5:7]) for pair in split.seen} <= learned
    for pair in split.years[:50]:
        assert read_date(pair.text) == pair.iso


def test_a_seed_gives_the_same_pairs():
    assert date_pairs(20, 3) == date_pairs(20, np.random.default_rng(3)) != date_pairs(20, 4)
    assert split_dates(50, 3, held_out=5) == split_dates(50, 3, held_out=5)


WRONG = [
    (lambda: date_pairs(0, 1), "count: got 0"),
    (lambda: date_pairs(3, 1, lang="fr"), "lang: got 'fr'"),
    (lambda: split_dates(3, 1, years=41), "years: got 41, expected at most 40"),
    (lambda: split_dates(3, 1, held_out=0), "held_out: got 0"),
    (lambda: write_date(datetime.date(1899, 1, 1), "1999, March 3"), "date: got 1899-01-01, expected a year from 1900"),
    (lambda: write_date("1999", "1999, March 3"), "date: got str '1999'"),
    (lambda: write_date(BIRTHDAY, "3/3/99"), "format: got '3/3/99'"),
    (lambda: read_date(3), "text: got int 3"),
]


@pytest.mark.parametrize("call, message", WRONG)
def test_wrong_arguments_are_told(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        call()
