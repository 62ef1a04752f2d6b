"""`gated.models.Forecaster` as a forecaster of sktime, for its pipelines, ensembles and evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from gated.errors import wrong
from gated.models.forecaster.forecaster import Forecaster


class SktimeForecaster(BaseForecaster):
    """Of one series. After `update(..., update_params=False)` it reads the newer history without learning again.

    Args:
        options: arguments of `gated.models.Forecaster`; its horizon is that of `fit`, if it is told there.
    """

    _config = {"remember_data": False}  # seen_ is what it remembers
    _tags = {
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        **dict.fromkeys(["capability:exogenous", "capability:missing_values", "capability:pred_int"], True),
        **dict.fromkeys(["capability:pred_int:insample", "capability:insample", "requires-fh-in-fit"], False),
        "capability:update": True,
    }

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        self.options = options
        super().__init__()

    def _fit(self, y: Any, X: Any, fh: Any) -> SktimeForecaster:
        horizon = {} if fh is None else {"horizon": int(max(fh.to_relative(self.cutoff)))}
        self.seen_, self.model_ = (y, X), Forecaster(**{**(self.options or {}), **horizon}).fit(y, X)
        return self

    def _update(self, y: Any, X: Any = None, update_params: bool = True) -> SktimeForecaster:
        before, X_before = self.seen_
        self.seen_ = y.combine_first(before), None if X is None else X.combine_first(X_before)
        return self._fit(*self.seen_, self._fh) if update_params else self

    def _predict(self, fh: Any, X: Any) -> Any:
        return self._foretold(fh, X, [0.5])[0.5].rename(self.seen_[0].name)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: Any) -> Any:
        found = self._foretold(fh, X, list(alpha))
        return found.set_axis(self._get_columns("predict_quantiles", alpha=alpha), axis=1)

    def _foretold(self, fh: Any, X: Any, levels: list[float]) -> Any:
        """Levels between those that were learned lie on straight lines between them."""
        steps, known = fh.to_relative(self.cutoff).to_numpy().astype(int), self.model_.quantiles_
        if not all(known[0] - 1e-9 <= level <= known[-1] + 1e-9 for level in levels):
            raise wrong("alpha", levels, f"levels from {known[0]} to {known[-1]}; the option coverage widens them")
        said = self.model_.predict_quantiles(*self.seen_, future=X, horizon=int(max(steps))).to_numpy()
        table = [[np.interp(level, known, said[k - 1]) for level in levels] for k in steps]
        return pd.DataFrame(table, fh.to_absolute_index(self.cutoff), levels)
