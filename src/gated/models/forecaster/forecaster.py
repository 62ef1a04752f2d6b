"""The forecaster, an estimator in scikit-learn's manner."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from gated.errors import wrong
from gated.models.estimators.settings import seed_of
from gated.models.forecaster.backtest import Backtest, roll
from gated.models.forecaster.ensemble import steps_needed
from gated.models.forecaster.files import load_learned, save_learned
from gated.models.forecaster.futures import futures_of
from gated.models.forecaster.giving import give_back
from gated.models.forecaster.learned import Learned
from gated.models.forecaster.reading import Given, read
from gated.models.forecaster.settings import columns_of, horizon_of
from gated.nn import checks
from gated.number_checks import whole_above_zero
from gated.publish import publish


class Forecaster(BaseEstimator):
    """What comes next in series of numbers, with intervals.

    Some small networks, each of which read the series but for a block of time, foretell all steps of the horizon at
    once, beginning at a linear autoregression; what they say of the block that they have not seen sets how wide the
    intervals are. A series is read without its level and scale, so that others than those of `fit` can be foretold.

    Series come as an array or list (T,), an array (T, S) with one in each column, a list or dict of series of unequal
    lengths, a pandas Series, a wide DataFrame (a series in each column) or a long one (`target`, `time` and `series`
    name its columns). Forecasts go back in the same form, with the dates that follow. NaN is a missing value; so is a
    date that is left out.

    Args:
        horizon: H, steps that are foretold.
        season: steps after which things repeat themselves, such as 12 of months, or several, such as (24, 168) of
            hours; None: what the dates say (12 of months, 7 of days, 24 and 168 of hours, ...), of a series that is
            two seasons long, three of a further one; 1 without dates. 1 is none. By the shortest one errors are scaled.
        lags: of the last values that a linear part reads side by side; None: two seasons and one, of long seasons one
            (of several the shortest counts), 24 without a season; a quarter of the longest series at most.
        window: steps that the recurrent layer reads; None: twice the lags, at least 48.
        cell: of the recurrent layer: the name of one in gated.cells, or any gated.Cell.
        hidden_size: its units.
        num_layers: recurrent layers on top of each other.
        coverage: of the intervals, numbers between 0 and 1.
        members: networks, each of which learns without one of so many blocks of time. 1: without the last fifth.
        epochs: passes over the series, at most.
        batch_size: windows of an update.
        learning_rate: the highest one; it rises, then falls along a cosine.
        early_stopping: a network has the weights that were best on its block, and ends when they get no better.
        patience: so many judgements without a better one.
        transform: "log" or "sqrt" of the values is foretold, for series that swing more where they are higher.
        lower: no value is below it, such as 0 of counts: neither the middle nor an interval goes there, and values that
            do are refused; None: there is no such bound.
        upper: likewise, above.
        target: the column of a long frame that is foretold; None: frames are wide.
        time: the column of its dates; None: rows follow each other as they stand.
        series: the column that names its series; None: there is one.
        exogenous: names of columns that are known ahead, in a long frame or X; others there are not looked at. Empty:
            all of X.
        frequency: of dates, a pandas frequency; None: found.
        dtype: "float32" or "float64".
        random_state: a number, a numpy RandomState or None, as scikit-learn has it.
        verbose: whether the training is told.

    Attributes:
        quantiles_: the levels that are foretold, Q of them, 0.5 among them.
        season_: steps of a season, 1 for none; of several a tuple.
        n_features_in_: exogenous columns.
        learned_: all of it.

    Raises:
        MissingExtraError: scikit-learn, or pandas where it is needed, is not installed.
    """

    def __init__(
        self,
        *,
        horizon: int = 12,
        season: Any = None,
        lags: int | None = None,
        window: int | None = None,
        cell: Any = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        coverage: Any = (0.8, 0.95),
        members: int = 4,
        epochs: int = 100,
        batch_size: int = 16,
        learning_rate: float = 3e-3,
        early_stopping: bool = True,
        patience: int = 15,
        transform: str | None = None,
        lower: float | None = None,
        upper: float | None = None,
        target: Any = None,
        time: Any = None,
        series: Any = None,
        exogenous: Any = (),
        frequency: str | None = None,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.horizon = horizon
        self.season = season
        self.lags = lags
        self.window = window
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.coverage = coverage
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.patience = patience
        self.transform = transform
        self.lower = lower
        self.upper = upper
        self.target = target
        self.time = time
        self.series = series
        self.exogenous = exogenous
        self.frequency = frequency
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, y: Any, X: Any = None) -> Forecaster:
        """Learn from series, anew.

        Args:
            y: series, see the class.
            X: exogenous numbers of the same steps: a table (T, E), in the manner of y a list or dict of them; None for
                a long frame, which has them itself.

        Returns:
            itself.

        Raises:
            ArgumentError, ArgumentTypeError: an argument cannot be used, or the series are too short.
        """
        given = read(y, X, columns_of(self))
        self.learned_ = self._learn(given, seed_of(self.random_state))
        self._given: Given | None = given
        return self

    def predict(self, y: Any = None, X: Any = None, *, future: Any = None, horizon: int | None = None) -> Any:
        """What comes next: the middle of what is foretold.

        Args:
            y: a newer history, or series that `fit` has not seen; None: those of `fit`.
            X: exogenous numbers of y's steps.
            future: those of the H steps that follow, in the manner of X; of a long frame with series and times.
            horizon: the first so many steps are given; None: all H.

        Returns:
            (H,) for each series, in the form of y.

        Raises:
            ArgumentError, ArgumentTypeError: an argument cannot be used, or a future exogenous number is missing.
        """
        given, found = self._foretold(y, X, future, horizon)
        return give_back(given, list(found[..., self.quantiles_.index(0.5)]))

    def predict_quantiles(self, y: Any = None, X: Any = None, *, future: Any = None, horizon: int | None = None) -> Any:
        """As `predict`, all quantiles.

        Returns:
            (H, Q) for each series, increasing along the last axis; (H, S, Q) for an array (T, S); in pandas a column
            for each level, called by it.
        """
        given, found = self._foretold(y, X, future, horizon)
        return give_back(given, list(found), self.quantiles_)

    def backtest(self, y: Any, X: Any = None, *, origins: int = 20, step: int = 1, refit: bool = False) -> Backtest:
        """How well a forecaster with these arguments would have foretold; this one stays as it is.

        Args:
            y: series, as for `fit`.
            X: exogenous numbers, as for `fit`.
            origins: places from which is foretold in each series, the last one `horizon` steps before its end.
            step: steps between two of them.
            refit: learn at each origin anew; False: once, before the first one.

        Returns:
            errors and coverage, in all and for each horizon.

        Raises:
            ArgumentError, ArgumentTypeError: as `fit`, or there are not so many origins.
        """
        given, seed = read(y, X, columns_of(self)), seed_of(self.random_state)
        horizon = whole_above_zero("horizon", self.horizon)
        needed = steps_needed(horizon, whole_above_zero("members", self.members))
        refit = checks.flag("refit", refit)
        return roll(given, horizon, origins, step, refit, needed, lambda part: self._learn(part, seed))

    # files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: the networks, the cell's equations, the arguments. No series is in it.

        Raises:
            ArgumentError, ArgumentTypeError: something that `load` would refuse; nothing is written then.
            NotFittedError: it has learned nothing.
        """
        check_is_fitted(self)
        save_learned(path, self.learned_, self.get_params())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read what `save` wrote; no code in the file is run, there is none. `predict` wants a history then.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is anything else.
        """
        learned, arguments = load_learned(path, cls._get_param_names())
        found = cls(**arguments)
        found.learned_, found._given = learned, None
        return found

    # inside

    @property
    def quantiles_(self) -> tuple[float, ...]:
        check_is_fitted(self)
        return self.learned_.ensemble.quantiles

    @property
    def season_(self) -> int | tuple[int, ...]:
        check_is_fitted(self)
        shape = self.learned_.shape
        return shape.seasons if shape.further else shape.season

    @property
    def n_features_in_(self) -> int:
        check_is_fitted(self)
        return self.learned_.shape.exogenous

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learned_")

    def _learn(self, given: Given, seed: int) -> Learned:
        return Learned.of(given, self, seed)

    def _foretold(self, y: Any, X: Any, future: Any, horizon: Any) -> tuple[Given, np.ndarray[Any, Any]]:
        """The series and (S, H, Q)."""
        check_is_fitted(self)
        whole = self.learned_.shape.horizon
        steps = horizon_of(whole, horizon)
        if y is not None:
            given = read(y, X, columns_of(self))
        elif X is not None:
            raise wrong("X", "it without y", "y too, or future: the exogenous numbers of the steps that follow")
        elif self._given is None:
            raise wrong("y", "None", "a history: a file has no series in it")
        else:
            given = self._given
        self.learned_.refuse_others(given)
        found = self.learned_.quantiles(given.series, futures_of(given, future, whole))
        return given, found[:, :steps]


publish("gated.models", Forecaster)
