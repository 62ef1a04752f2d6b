"""X, compared with what an estimator has learned from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from gated.errors import as_array, describe, shown, wrong, wrong_type
from gated.models.estimators.panel import Panel, has_sequences, panel_of, panel_of_table

FORMS = "(N, T) or (N, T, D) numbers, or a list of N arrays (T_n, D) or (T_n,)"


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
    else:
        _refuse_no_table(X)
        options: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": finite}
        if reset or estimator._from_table:
            values = all_numbers("X", X, lambda: validate_data(estimator, X, **options, reset=reset))
        else:
            values = all_numbers("X", X, lambda: check_array(X, **options))
        panel = panel_of_table(values)
    if reset:
        estimator._from_table, estimator.channel_names_ = table, panel.names
        estimator.n_channels_ = panel.channels
        if not table:
            estimator.n_features_in_ = panel.channels
            vars(estimator).pop("feature_names_in_", None)
    elif panel.channels != estimator.n_channels_:
        count = panel.channels
        alone = table and panel.lengths[0] == estimator.n_channels_  # (T, D), which was read as (N, T)
        hint = "; a single sequence is [X]" if alone else ""
        raise wrong("X", f"{count} channel{'s' * (count != 1)}", f"{estimator.n_channels_}, as in fit{hint}")
    elif estimator.channel_names_ is not None and panel.names is None:
        raise wrong_type("X", "arrays", f"frames with the columns {', '.join(estimator.channel_names_)}, as in fit")
    return panel


def _refuse_no_table(X: Any) -> None:
    """What is no table of numbers, as far as scikit-learn has no word of one line for it."""
    if not (isinstance(X, (list, tuple)) or hasattr(X, "__array__") or hasattr(X, "shape")):
        raise wrong_type("X", describe(X), FORMS)
    if hasattr(X, "iloc") or hasattr(X, "toarray"):
        return
    array = as_array("X", X)
    if array.dtype.kind == "c":
        raise wrong("X", "complex numbers", "real ones: Complex data not supported")
    if array.dtype.kind in "mM":
        raise wrong_type("X", describe(array), FORMS)
    if array.ndim == 1:
        reshape = "Reshape your data: X[None] is one sequence, X[:, None] are sequences of one step"
        raise wrong("X", describe(array), f"{FORMS}; {reshape}")
    if array.ndim != 2:
        raise wrong("X", describe(array), FORMS)


def all_numbers(name: str, given: Any, convert: Callable[[], Any]) -> Any:
    """`convert()`; of a text among the numbers it says where it is.

    Raises:
        ArgumentTypeError: there is one.
    """
    try:
        return convert()
    except ValueError as error:
        if "could not convert" not in str(error):
            raise
    columns = getattr(given, "columns", None)
    for place, value in np.ndenumerate(np.asarray(given, dtype=object)):
        try:
            float(value)
        except (TypeError, ValueError):
            row, column = [*place, None][:2]
            where = "" if column is None else f", column {column if columns is None else shown(columns[column], 40)}"
            raise wrong_type(name, f"{shown(repr(value), 40)} in row {row}{where}", "numbers") from None
    raise wrong_type(name, describe(given), "numbers")


def read_weights(sample_weight: Any, panel: Panel) -> Any:
    """(N,) weights, or None; what is wrong with them is told in scikit-learn's words."""
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, np.empty((len(panel), 1)), ensure_non_negative=True)
