"""X, compared with what an estimator has learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from gated.errors import wrong, wrong_type
from gated.models.estimators.panel import Panel, has_sequences, panel_of, panel_of_table


def read_panel(estimator: Any, X: Any, missing: str, reset: bool) -> Panel:
    """X as a panel; a table (N, T) is checked by scikit-learn, in its words.

    Args:
        estimator: keeps what X is like, or is asked for it.
        X: see `SequenceEstimator.fit`.
        missing: "error" refuses NaN.
        reset: whether X is what is learned from.

    Raises:
        ArgumentError, ArgumentTypeError, ValueError, TypeError: X cannot be read, or is unlike what was learned from.
    """
    if isinstance(X, (list, tuple)) and not X:
        raise wrong("X", "no sequences", "at least one")
    finite: Any = True if missing == "error" else "allow-nan"
    table = not has_sequences(X)
    if not table:
        panel = panel_of(X, None if reset else estimator.channel_names_)
        if missing == "error" and np.isnan(panel.values).any():
            place = panel.place(int(np.argmax(np.isnan(panel.values).any(axis=1))))
            raise wrong("X", f"NaN in {place}", "numbers; missing='mask' and missing='carry' take NaN")
    elif reset or estimator._from_table:
        options: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": finite, "reset": reset}
        panel = panel_of_table(validate_data(estimator, X, **options))
    else:
        panel = panel_of_table(check_array(X, dtype=np.float64, ensure_all_finite=finite))
    if reset:
        estimator._from_table, estimator.channel_names_ = table, panel.names
        estimator.n_channels_ = panel.channels
        if not table:
            estimator.n_features_in_ = panel.channels
            vars(estimator).pop("feature_names_in_", None)
    elif panel.channels != estimator.n_channels_:
        raise wrong("X", f"{panel.channels} channels", f"{estimator.n_channels_}, as in fit")
    elif estimator.channel_names_ is not None and panel.names is None:
        raise wrong_type("X", "arrays", f"frames with the columns {', '.join(estimator.channel_names_)}, as in fit")
    return panel


def read_weights(sample_weight: Any, panel: Panel) -> Any:
    """(N,) weights, or None; what is wrong with them is told in scikit-learn's words."""
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, np.empty((len(panel), 1)), ensure_non_negative=True)
