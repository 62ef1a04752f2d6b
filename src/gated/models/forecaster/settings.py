"""The arguments of a forecaster, checked when it learns: scikit-learn keeps them as they were given."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.errors import describe, wrong, wrong_type
from gated.models.estimators.network import cell_of
from gated.models.estimators.settings import flag_or_number
from gated.models.forecaster.ensemble import School
from gated.models.forecaster.features import Shape
from gated.models.forecaster.reading import Columns
from gated.models.forecaster.rhythm import Rhythm
from gated.nn import checks
from gated.number_checks import above_zero, one_of, real, whole, whole_above_zero

TRANSFORMS: dict[str | None, tuple[Any, Any]] = {
    None: (lambda x: x, lambda x: x),
    "log": (np.log, np.exp),
    "sqrt": (np.sqrt, lambda x: np.square(np.maximum(x, 0.0))),
}
SHORT_SEASON = 24  # up to here two seasons are read side by side, beyond one
TIMES = 3  # so many times as long as a further season that is guessed a series has to be
MANY_LAGS = 24  # without a season
LONG = 256  # steps that a window has at most


def columns_of(given: Any) -> Columns:
    """The names of columns that an estimator was given."""
    names = given.exogenous
    if isinstance(names, str) or not isinstance(names, (list, tuple)):
        raise wrong_type("exogenous", describe(names), "a list of names of columns")
    for name in ("time", "series"):
        if getattr(given, name) is not None and given.target is None:
            raise wrong("target", "None", f"the name of a column: {name} names one too")
    return Columns(given.target, given.time, given.series, tuple(names), given.frequency)


def levels_of(given: Any) -> tuple[float, ...]:
    """The quantiles: the middle, and the two ends of each interval."""
    parts = given.coverage
    if not isinstance(parts, (list, tuple, np.ndarray)):
        parts = [parts]
    if not len(parts):
        raise wrong("coverage", "none", "at least one number between 0 and 1")
    ends = set()
    for own in parts:
        part = above_zero("coverage", own)
        if part >= 1:
            raise wrong("coverage", part, "numbers between 0 and 1, such as 0.8")
        ends |= {round((1 - part) / 2, 9), round((1 + part) / 2, 9)}
    return tuple(sorted(ends | {0.5}))


def school_of(given: Any, shape: Shape, seed: int) -> School:
    """How an estimator's members learn.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """
    one_of("dtype", given.dtype, "float32", "float64")
    if given.window is None:
        window = min(max(2 * shape.lags, 48), max(LONG, shape.lags))
    else:
        window = whole("window", given.window, 2)
    return School(
        quantiles=levels_of(given),
        members=whole_above_zero("members", given.members),
        window=window,
        cell=cell_of(given.cell),
        hidden_size=checks.size("hidden_size", given.hidden_size),
        num_layers=checks.size("num_layers", given.num_layers),
        epochs=whole_above_zero("epochs", given.epochs),
        batch_size=whole_above_zero("batch_size", given.batch_size),
        learning_rate=above_zero("learning_rate", given.learning_rate),
        early_stopping=checks.flag("early_stopping", given.early_stopping),
        patience=whole_above_zero("patience", given.patience),
        seed=seed,
        dtype=given.dtype,
        verbose=flag_or_number("verbose", given.verbose),
    )


def shape_of(given: Any, rhythm: Rhythm, longest: int, exogenous: int) -> Shape:
    """What the features of an estimator are, for series of this rhythm of which the longest has so many steps."""
    horizon = whole_above_zero("horizon", given.horizon)
    season, *further = seasons_of(given.season, rhythm, longest, horizon)
    if given.lags is None:
        lags = MANY_LAGS if season == 1 else (2 if season <= SHORT_SEASON else 1) * season + 1
        lags = max(2, min(lags, longest // 4))
    else:
        lags = whole("lags", given.lags, 2)
        if lags > longest // 2:
            raise wrong("lags", lags, f"at most {longest // 2}, half the steps of the longest series")
    phases = rhythm.phases(season, *further)
    return Shape(horizon, season, lags, exogenous, phases, further=tuple(further))


def seasons_of(given: Any, rhythm: Rhythm, longest: int, horizon: int) -> tuple[int, ...]:
    """The seasons, the shortest first; (1,) for none."""
    if given is None:
        room = longest - horizon
        if room < 2 * rhythm.season:
            return (1,)
        return (rhythm.season, *(own for own in rhythm.further if room >= TIMES * own))
    several = isinstance(given, (list, tuple, np.ndarray))
    if several and not len(given):
        raise wrong("season", "none", "a number of steps, or several; 1 is none")
    found = sorted(
        {whole_above_zero("season", own) for own in (given if several else [given])} - ({1} if several else set())
    )
    if found and found[-1] >= longest:
        raise wrong("season", found[-1], f"fewer than the {longest} steps of the longest series")
    return tuple(found) or (1,)


def transform_of(given: Any) -> str | None:
    """The name of the function that values go through."""
    return None if given.transform is None else one_of("transform", given.transform, "log", "sqrt")


def bounds_of(given: Any) -> tuple[float | None, float | None]:
    """(lower, upper), None for none. `given`: has both as attributes."""
    low, high = (_bound(name, getattr(given, name)) for name in ("lower", "upper"))
    if low is not None and high is not None and not low < high:
        raise wrong("upper", f"{high:g}", f"more than lower, {low:g}")
    return low, high


def _bound(name: str, value: Any) -> float | None:
    if value is None:
        return None
    found = real(name, value)
    if not np.isfinite(found):
        raise wrong(name, value, "a finite number, or None for no bound")
    return found


def horizon_of(given: Any, horizon: Any) -> int:
    """How many steps are wanted of a forecaster that can so many."""
    return given if horizon is None else int(_at_most("horizon", horizon, given))


def _at_most(name: str, value: Any, most: int) -> int:
    found = whole_above_zero(name, value)
    if found > most:
        raise wrong(name, found, f"at most {most}, for which it has learned")
    return found
