"""In which rhythm the steps of a series follow each other, and how its index goes on.

Dates, periods and whole numbers; of dates those of any pandas frequency: month ends, weeks, business days, hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import ArgumentError, require_extra, shown, wrong, wrong_type

Array = NDArray[Any]
DATES, PERIODS, NUMBERS, COUNTED = "dates", "periods", "numbers", "counted"
# from the coarsest to the finest: the first on which all dates lie
COMMON = ("YS", "YE", "QS", "QE", "MS", "ME", "BME", "BMS", "W", "B", "D", "h", "min", "s")
SPARSEST = 4  # so many times as many places as dates, at most, where dates are missing
HARMONICS = 6  # of the season, at most
SEASONS = {"Q": 4, "M": 12, "W": 52, "D": 7, "B": 5, "h": 24, "min": 1440, "s": 86400}
LONGEST = 288  # the first season that is guessed
DAY, WEEK = {"h": 24, "min": 1440, "s": 86400}, 7


@dataclass(frozen=True)
class Rhythm:
    """How an index goes on.

    Attributes:
        kind: "dates", "periods", "numbers", or "counted" where there is no index.
        step: a pandas frequency, or the difference of two numbers.
    """

    kind: str
    step: str = "1"

    @property
    def beat(self) -> tuple[str, int] | None:
        """The unit of the calendar ("Y", "Q", "M", "W", "B", "D", "h", "min", "s") and how many of it; None: none."""
        if self.kind not in (DATES, PERIODS):
            return None
        pd: Any = require_extra("pandas", "series")
        offset = _offset(self.step) if self.kind == DATES else pd.PeriodDtype(self.step).freq
        word = offset.name.split("-")[0].lstrip("0123456789")
        for unit, names in {
            "Y": ("Y", "YS", "YE", "BYE", "BYS", "A"),
            "Q": ("Q", "QS", "QE", "BQE", "BQS"),
            "M": ("M", "MS", "ME", "BME", "BMS"),
            "W": ("W",),
            "B": ("B",),
            "D": ("D",),
            "h": ("h", "H"),
            "min": ("min", "T"),
            "s": ("s", "S"),
        }.items():
            if word in names:
                return unit, int(offset.n)
        return None

    @property
    def season(self) -> int:
        """Steps after which the calendar repeats itself: 12 of months, 7 of days; 1 where nobody knows."""
        if self.beat is None:
            return 1
        unit, count = self.beat
        found = SEASONS.get(unit, 1)
        if found % count or (count > 1 and unit in ("D", "B", "W")):
            return 1
        while found // count > LONGEST:
            found //= {1440: 24, 86400: 24, 3600: 60}.get(found, found)
        return max(found // count, 1)

    @property
    def further(self) -> tuple[int, ...]:
        """Longer seasons of hours and what is finer: the day, if that is not the first one, and the week."""
        if self.beat is None or self.beat[0] not in DAY or self.season == 1:
            return ()
        unit, count = self.beat
        found = [steps // count for steps in (DAY[unit], WEEK * DAY[unit]) if steps % count == 0]
        return tuple(own for own in found if own > self.season)

    def ahead(self, last: Any, count: int) -> Any:
        """The index (pandas) of so many steps after the last one."""
        pd: Any = require_extra("pandas", "series")
        if self.kind == DATES:
            return pd.date_range(last, periods=count + 1, freq=self.step)[1:]
        if self.kind == PERIODS:
            return pd.period_range(last, periods=count + 1, freq=self.step)[1:]
        step = float(self.step)
        numbers = last + step * np.arange(1, count + 1)
        return pd.Index(numbers.astype(np.int64) if step.is_integer() and float(last).is_integer() else numbers)

    def phase(self, index: Any, *seasons: int) -> Array:
        """(T, P): cosines and sines of the place of each date in each season; P = 0 where it tells nothing."""
        return np.concatenate([np.zeros((len(index), 0)), *(self._phase(index, own) for own in seasons)], 1)

    def _phase(self, index: Any, season: int) -> Array:
        if season < 2 or self.beat is None:
            return np.zeros((len(index), 0))
        place = self._place(index, season)
        columns = []
        for j in range(1, min(season // 2, HARMONICS) + 1):
            columns.append(np.cos(2 * np.pi * j * place))
            if 2 * j != season:
                columns.append(np.sin(2 * np.pi * j * place))
        return np.column_stack(columns)

    def phases(self, *seasons: int) -> int:
        """P of `phase`."""
        if self.beat is None:
            return 0
        most = [min(season // 2, HARMONICS) for season in seasons]
        return sum(2 * own - (2 * own == season) for own, season in zip(most, seasons, strict=True))

    def _place(self, index: Any, season: int) -> Array:
        """(T,): where in the season, from 0 to 1."""
        assert self.beat is not None
        unit, count = self.beat
        dates = index.to_timestamp() if self.kind == PERIODS else index
        dates = dates.tz_localize(None) if dates.tz is not None else dates
        if unit == "W" and season == 52:
            return np.asarray((dates.dayofyear - 1) / 365.25)
        days = dates.values.astype("datetime64[D]")
        if unit in ("Y", "Q", "M"):
            months = dates.year * 12 + dates.month - 1
            order = np.asarray(months) // {"Y": 12, "Q": 3, "M": 1}[unit]
        elif unit == "B":
            order = np.busday_count(np.datetime64("1970-01-05"), days)
        else:
            seconds = {"W": 604800, "D": 86400, "h": 3600, "min": 60, "s": 1}[unit]
            order = dates.values.astype("datetime64[s]").astype(np.int64) // seconds
        return np.asarray(order // count % season / season)


def read_index(name: str, index: Any, frequency: str | None) -> tuple[Rhythm, Any, Array]:
    """(the rhythm, the whole index, the place in it of each row): where rows are missing there are more places.

    Args:
        name: of what has the index, for messages.
        index: of pandas.
        frequency: of dates, if it is not to be looked for.

    Raises:
        ArgumentError, ArgumentTypeError: it is not increasing, has no rhythm, or is of something else.
    """
    pd: Any = require_extra("pandas", "series")
    dates, periods = isinstance(index, pd.DatetimeIndex), isinstance(index, pd.PeriodIndex)
    if not (dates or periods or index.dtype.kind in "iuf"):
        came = f"an index of {shown(index.dtype, 40)}"
        raise wrong_type(name, came, "dates (pandas.to_datetime makes them), periods or whole numbers")
    if index.hasnans:
        raise wrong(name, "an index with missing entries", "a date, period or whole number for every row")
    if not index.is_unique or not index.is_monotonic_increasing:
        came = "an index with the same entry twice" if not index.is_unique else "an index that goes back"
        raise wrong(name, came, "an increasing one: sort_index(), groupby(level=0).mean()")
    if periods:
        whole = pd.period_range(index[0], index[-1], freq=index.freq, name=index.name)
        return Rhythm(PERIODS, index.freqstr), whole, whole.get_indexer(index)
    if dates:
        step = _frequency(name, index, frequency)
        whole = pd.date_range(index[0], index[-1], freq=step, name=index.name)
        return Rhythm(DATES, step), whole, whole.get_indexer(index)
    return _numbers(name, index)


def _numbers(name: str, index: Any) -> tuple[Rhythm, Any, Array]:
    pd: Any = require_extra("pandas", "series")
    values = np.asarray(index)
    step = float(np.diff(values).min()) if len(values) > 1 else 1.0
    places = (values - values[0]) / step
    rounded = np.rint(places).astype(int)
    if not np.allclose(places, rounded, atol=1e-6) or rounded[-1] >= SPARSEST * len(values):
        raise wrong(name, "an index of numbers at unequal distances", "equal ones: 0, 1, 2, ..., or dates")
    whole = values[0] + step * np.arange(rounded[-1] + 1)
    found = pd.Index(whole.astype(values.dtype), name=index.name)
    return Rhythm(NUMBERS, repr(step)), found, rounded


def _frequency(name: str, index: Any, frequency: str | None) -> str:
    """The frequency of dates: as told, as the index knows, as they follow each other, or of the places they lie on."""
    pd: Any = require_extra("pandas", "series")
    if frequency is not None:
        offset = _offset(frequency)
        if not _lies_on(index, offset):
            off = next(date for date in index if not _lies_on(pd.DatetimeIndex([index[0], date]), offset))
            raise wrong("frequency", repr(frequency), f"one that has {off} in it: {name} does")
        return str(offset.freqstr)
    if index.freq is not None:
        return str(index.freqstr)
    found = pd.infer_freq(index) if len(index) > 2 else None
    if found is not None:
        return str(found)
    for common in COMMON:
        for word in [f"W-{index[0].day_name()[:3].upper()}"] if common == "W" else [common]:
            if _lies_on(index, _offset(word)) and _dense(index, word):
                return word
    raise wrong(
        name, f"{len(index)} dates of no common frequency", "dates at regular distances, or frequency='D' or another"
    )


def _lies_on(index: Any, offset: Any) -> bool:
    pd: Any = require_extra("pandas", "series")
    if isinstance(offset, pd.offsets.Tick):
        return not ((index - index[0]) % pd.Timedelta(offset)).any()
    return all(offset.is_on_offset(date) for date in index) and _same_time(index)


def _same_time(index: Any) -> bool:
    return len({date.time() for date in index}) == 1


def _dense(index: Any, word: str) -> bool:
    pd: Any = require_extra("pandas", "series")
    whole = pd.date_range(index[0], index[-1], freq=word)
    return len(whole) <= SPARSEST * len(index) and bool((whole.get_indexer(index) >= 0).all())


def _offset(frequency: Any) -> Any:
    pd: Any = require_extra("pandas", "series")
    try:
        return pd.tseries.frequencies.to_offset(frequency)
    except (ValueError, TypeError):
        raise ArgumentError(
            f"frequency: got {shown(repr(frequency), 40)}, expected one of pandas': D, W-SUN, MS, ME, B, h, 15min"
        ) from None
