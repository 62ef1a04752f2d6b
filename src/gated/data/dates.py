"""Dates in words, in English and Chinese, with what they mean: YYYY-MM-DD. What a small translator can learn from.

    read_date("the 3rd of March, 1999")   1999-03-03
    read_date("一九九九年三月三日")          1999-03-03

Every format determines the date; none leaves open which number is the month, and no text is written in two formats, so
that a month that is kept for the end in one format is not learned in another that looks the same. Some months are never
seen in some formats, and some years never at all, where `split_dates` is asked to keep them: whoever has learned how
dates are made reads them nevertheless.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gated.data.task_batch import at_least, generator_of
from gated.errors import describe, wrong, wrong_type
from gated.number_checks import one_of

Date = datetime.date

YEARS = range(1900, 2100)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
_ONES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"),
    "twentieth",
)
_DIGITS, _ZERO = "〇一二三四五六七八九", "零"
_WEEK = "一二三四五六日"


def _ordinal(day: int) -> str:
    """3rd"""
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _ordinal_word(day: int) -> str:
    """twenty-third"""
    if day <= 20:
        return _ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{'twenty' if day < 30 else 'thirty'}-{_ORDINALS[day % 10 - 1]}"


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number - 1]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones - 1]}" if ones else "")


def _year_words(year: int) -> str:
    """nineteen ninety-nine, nineteen hundred, nineteen oh five, two thousand and five"""
    century, rest = divmod(year, 100)
    if year // 10 == 200:
        return "two thousand" + (f" and {_ONES[rest - 1]}" if rest else "")
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def _chinese_year(year: int, zero: str = _DIGITS[0]) -> str:
    """一九九九"""
    return "".join(zero if digit == "0" else _DIGITS[int(digit)] for digit in str(year))


def _chinese(number: int) -> str:
    """三, 十三, 二十三"""
    tens, ones = divmod(number, 10)
    begin = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return begin + (_DIGITS[ones] if ones else "")


def _chinese_short(number: int) -> str:
    """廿三, 卅一"""
    return _chinese(number).replace("二十", "廿").replace("三十", "卅")


def _wide(text: str) -> str:
    """１９９９"""
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


Format = Callable[[Date], str]
ENGLISH: dict[str, Format] = {
    "March 3, 1999": lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
    "3 March 1999": lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    "Mar 3 1999": lambda d: f"{MONTHS[d.month - 1][:3]} {d.day} {d.year}",
    "3-Mar-1999": lambda d: f"{d.day}-{MONTHS[d.month - 1][:3]}-{d.year}",
    "March 3rd, 1999": lambda d: f"{MONTHS[d.month - 1]} {_ordinal(d.day)}, {d.year}",
    "the 3rd of March, 1999": lambda d: f"the {_ordinal(d.day)} of {MONTHS[d.month - 1]}, {d.year}",
    "Wednesday, March 3, 1999": lambda d: f"{WEEKDAYS[d.weekday()]}, {MONTHS[d.month - 1]} {d.day}, {d.year}",
    "Wed 3 Mar 1999": lambda d: f"{WEEKDAYS[d.weekday()][:3]} {d.day} {MONTHS[d.month - 1][:3]} {d.year}",
    "1999, March 3": lambda d: f"{d.year}, {MONTHS[d.month - 1]} {d.day}",
    "the third of March, nineteen ninety-nine": lambda d: (
        f"the {_ordinal_word(d.day)} of {MONTHS[d.month - 1]}, {_year_words(d.year)}"
    ),
    "March the third, nineteen ninety-nine": lambda d: (
        f"{MONTHS[d.month - 1]} the {_ordinal_word(d.day)}, {_year_words(d.year)}"
    ),
    "3rd March 1999": lambda d: f"{_ordinal(d.day)} {MONTHS[d.month - 1]} {d.year}",
}
CHINESE: dict[str, Format] = {
    "1999年3月3日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "1999.03.03": lambda d: f"{d.year}.{d.month:02}.{d.day:02}",
    "１９９９年３月３日": lambda d: _wide(f"{d.year}年{d.month}月{d.day}日"),
    "1999年3月3号": lambda d: f"{d.year}年{d.month}月{d.day}号",
    "1999年三月三日": lambda d: f"{d.year}年{_chinese(d.month)}月{_chinese(d.day)}日",
    "一九九九年三月三日": lambda d: f"{_chinese_year(d.year)}年{_chinese(d.month)}月{_chinese(d.day)}日",
    "一九九九年三月三号": lambda d: f"{_chinese_year(d.year, _ZERO)}年{_chinese(d.month)}月{_chinese(d.day)}号",
    "西元一九九九年三月廿三日": lambda d: (
        f"西元{_chinese_year(d.year)}年{_chinese(d.month)}月{_chinese_short(d.day)}日"
    ),
    "3月3日，1999年": lambda d: f"{d.month}月{d.day}日，{d.year}年",
    "三月三日，一九九九年": lambda d: f"{_chinese(d.month)}月{_chinese(d.day)}日，{_chinese_year(d.year)}年",
    "1999年3月3日星期三": lambda d: f"{d.year}年{d.month}月{d.day}日星期{_WEEK[d.weekday()]}",
    "公元一九九九年三月三日，周三": lambda d: (
        f"公元{_chinese_year(d.year)}年{_chinese(d.month)}月{_chinese(d.day)}日，周{_WEEK[d.weekday()]}"
    ),
}
FORMATS = {"en": ENGLISH, "zh": CHINESE}


class DatePair(NamedTuple):
    """A date in words, what it means ("1999-03-03"), and in which of FORMATS it is written."""

    text: str
    iso: str
    format: str


class DateSplit(NamedTuple):
    """What to learn from, and what to judge by.

    Attributes:
        train: none of the other three's dates, years or combinations is in it, as far as these are kept for them.
        seen: other dates, of years and combinations that `train` has.
        years: dates of years that `train` has not.
        combinations: months in formats in which `train` has them not, of years that it has.
    """

    train: list[DatePair]
    seen: list[DatePair]
    years: list[DatePair]
    combinations: list[DatePair]


def write_date(date: Date, format: str) -> str:
    """A date in words.

    Args:
        date: of the years 1900 to 2099.
        format: a key of FORMATS["en"] or FORMATS["zh"].

    Raises:
        ArgumentError, ArgumentTypeError: another year, another format, no date.
    """
    if not isinstance(date, Date):
        raise wrong_type("date", describe(date), "a datetime.date")
    if date.year not in YEARS:
        raise wrong("date", date.isoformat(), f"a year from {YEARS[0]} to {YEARS[-1]}")
    return {**ENGLISH, **CHINESE}[one_of("format", format, *ENGLISH, *CHINESE)](date)


def date_pairs(count: int, rng: np.random.Generator | int, *, lang: str = "both") -> list[DatePair]:
    """Random dates in random formats.

    Args:
        count: so many.
        rng: a generator, or a seed.
        lang: "en", "zh", or "both".

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, another language.
    """
    at_least("count", count, 1)
    generator, formats = generator_of(rng), _formats(lang)
    return [_pair(_random_date(generator), _pick(formats, generator)) for _ in range(count)]


def split_dates(
    count: int, rng: np.random.Generator | int, *, held_out: int = 1000, years: int = 20, lang: str = "both"
) -> DateSplit:
    """Pairs to learn from, and three kinds to judge by.

    Args:
        count: pairs to learn from.
        rng: a generator, or a seed.
        held_out: pairs of each other kind.
        years: so many are kept for the end, at most 40, no two of which follow each other or end in the same two
            digits, and none of which names a century, as 1900 does. Of each format one month is kept.
        lang: "en", "zh", or "both".

    Raises:
        ArgumentError, ArgumentTypeError: a number below 1, more than 40 years, another language.
    """
    for name, value in (("count", count), ("held_out", held_out), ("years", years)):
        at_least(name, value, 1)
    if years > 40:
        raise wrong("years", years, "at most 40")
    generator, formats = generator_of(rng), _formats(lang)
    kept = _apart(years, generator)
    months = {format: int(generator.integers(1, 13)) for format in formats}
    found: dict[str, list[DatePair]] = {"train": [], "seen": [], "years": [], "combinations": []}
    wanted = {"train": count, "seen": held_out, "years": held_out, "combinations": held_out}
    learned: set[tuple[str, str]] = set()
    for kind in ("train", "seen", "years", "combinations"):
        while len(found[kind]) < wanted[kind]:
            format = _pick(formats, generator)
            date = _random_date(generator, kept if kind == "years" else None)
            if kind == "combinations":
                date = _in_month(date, months[format])
            elif date.month == months[format]:
                continue
            pair = _pair(date, format)
            if (date.year in kept) != (kind == "years") or (kind == "seen" and (pair.iso, format) in learned):
                continue
            if kind == "train":
                learned.add((pair.iso, format))
            found[kind].append(pair)
    return DateSplit(**found)


def read_date(text: str) -> str | None:
    """What a date in one of the formats means, "1999-03-03"; None if it is no such date."""
    if not isinstance(text, str):
        raise wrong_type("text", describe(text), "a text")
    narrow = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "９" else c for c in text)
    for date in (_read_numbers(narrow), _read_chinese(narrow), _read_english(narrow)):
        if date is not None:
            return date.isoformat()
    return None


def _read_numbers(text: str) -> Date | None:
    found = re.fullmatch(r"(\d{4})\.(\d\d)\.(\d\d)", text)
    return None if found is None else _date(*map(int, found.groups()))


def _read_chinese(text: str) -> Date | None:
    year, month = (
        re.search(r"([\d〇零一二三四五六七八九]{4})年", text),
        re.search(r"([\d一二三四五六七八九十]+)月", text),
    )
    day = re.search(r"月([\d一二三四五六七八九十廿卅]+)[日号]", text)
    if year is None or month is None or day is None:
        return None
    return _date(_chinese_number(year[1], True), _chinese_number(month[1]), _chinese_number(day[1]))


def _chinese_number(text: str, digits: bool = False) -> int:
    if text.isascii():
        return int(text)
    if digits:
        return int("".join(str(_DIGITS.replace(_ZERO, _DIGITS[0]).find("〇" if c == _ZERO else c)) for c in text))
    text = text.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = text.rpartition("十")
    return (10 * (_DIGITS.index(tens) if tens else 1) if ten else 0) + (_DIGITS.index(ones) if ones else 0)


def _read_english(text: str) -> Date | None:
    words = re.findall(
        r"[a-z]+(?:-[a-z]+)?|\d+", text.lower().replace("-", " ") if text[:1].isdigit() else text.lower()
    )
    month = next((k for word in words for k, name in enumerate(MONTHS, 1) if _is_month(word, name.lower())), None)
    numbers = [int(word) for word in words if word.isdigit()]
    year = next((n for n in numbers if n in YEARS), None)
    day = next((n for n in numbers if n not in YEARS), None)
    if year is None:
        year = next((y for y in YEARS if " ".join(words).endswith(_year_words(y))), None)
    if day is None:
        day = next((d for d in range(31, 0, -1) if _ordinal_word(d) in words), None)
    return None if None in (year, month, day) else _date(year or 0, month or 0, day or 0)


def _is_month(word: str, name: str) -> bool:
    return word in (name, name[:3])


def _date(year: int, month: int, day: int) -> Date | None:
    try:
        return Date(year, month, day)
    except ValueError:
        return None


def _formats(lang: str) -> list[str]:
    one_of("lang", lang, "en", "zh", "both")
    return [*(ENGLISH if lang != "zh" else ()), *(CHINESE if lang != "en" else ())]


def _pick(items: Sequence[str], generator: np.random.Generator) -> str:
    return items[int(generator.integers(len(items)))]


def _random_date(generator: np.random.Generator, years: Sequence[int] | None = None) -> Date:
    own = YEARS if years is None else years
    year = own[int(generator.integers(len(own)))]
    first = Date(year, 1, 1)
    return first + datetime.timedelta(days=int(generator.integers((Date(year + 1, 1, 1) - first).days)))


def _in_month(date: Date, month: int) -> Date:
    return next(found for day in (date.day, 28) if (found := _date(date.year, month, day)) is not None)


def _apart(count: int, generator: np.random.Generator) -> list[int]:
    """Years, no two of which follow each other or end in the same two digits; none of them names a century.

    "Nineteen hundred" is said of no other year: whoever has never read it cannot know what it means.
    """
    found: list[int] = []
    for year in (YEARS[k] for k in generator.permutation(len(YEARS)).tolist()):
        if year % 100 and all(abs(year - other) > 1 and (year - other) % 100 for other in found):
            found.append(year)
        if len(found) == count:
            break
    return sorted(found)


def _pair(date: Date, format: str) -> DatePair:
    return DatePair(write_date(date, format), date.isoformat(), format)


def all_dates() -> Iterator[Date]:
    """Every day of YEARS."""
    first = Date(YEARS[0], 1, 1)
    return (first + datetime.timedelta(days=n) for n in range((Date(YEARS[-1] + 1, 1, 1) - first).days))
