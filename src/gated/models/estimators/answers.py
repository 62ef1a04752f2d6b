"""What stands in y, as numbers that a loss takes.

N sequences, R steps of all of them, V outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type
from gated.models.estimators.panel import Panel

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Answers:
    """An answer for each sequence, or one at each step.

    Attributes:
        values: (N, ...) or (R, ...): numbers of classes, or scaled numbers.
        outputs: V, what the network is to give.
        at_steps: whether there is one at each step.
        weights: (N,) or (R,), how much each counts.
        strata: (N,), of which there should be as many on both sides of a split as there are; None: it does not matter.
    """

    values: Array
    outputs: int
    at_steps: bool
    weights: Array
    strata: Array | None = None

    def weighted(self, panel: Panel, weights: Array | None) -> Answers:
        """With weights of the sequences, (N,), beside its own."""
        if weights is None:
            return self
        own = np.repeat(weights, panel.lengths) if self.at_steps else weights
        return replace(self, weights=self.weights * own)

    def there(self, panel: Panel) -> Array:
        """(N,): whether a sequence has an answer that counts."""
        if not self.at_steps:
            return self.weights > 0
        return np.maximum.reduceat(self.weights, panel.starts) > 0

    def take(self, panel: Panel, chosen: Array) -> Answers:
        """Those of some sequences of the panel."""
        rows = panel.rows_of(chosen) if self.at_steps else chosen
        return replace(self, values=self.values[rows], weights=self.weights[rows], strata=None)


def at_each_step(y: Any, panel: Panel) -> Array:
    """y of every step, (R, ...), one sequence behind the other.

    Args:
        y: (N, T, ...), or N arrays (T_n, ...).

    Raises:
        ArgumentError, ArgumentTypeError: it is something else, or not as long as X.
    """
    one_for_each = "one for every step: pooling is None"
    if isinstance(y, np.ndarray) and y.dtype != object and y.ndim < 2:
        raise wrong("y", describe(y), f"(N, T), or a list of N arrays (T_n,), {one_for_each}")
    if not isinstance(y, (Sequence, np.ndarray)) or isinstance(y, str):
        raise wrong_type("y", describe(y), f"a list of N arrays (T_n,), {one_for_each}")
    if len(y) != len(panel):
        raise wrong("y", f"{len(y)} answers", f"{len(panel)}, one for each sequence of X")
    parts = [as_array(f"y[{n}]", each) for n, each in enumerate(y)]
    for n, (part, length) in enumerate(zip(parts, panel.lengths.tolist(), strict=True)):
        if part.ndim == 0 or len(part) != length:
            raise wrong(f"y[{n}]", describe(part if part.ndim else y[n]), f"{length} answers, {one_for_each}")
        if part.shape[1:] != parts[0].shape[1:]:
            raise wrong(f"y[{n}]", describe(part), f"answers of shape {parts[0].shape[1:]}, as in y[0]")
    return np.concatenate(parts)


def refuse_unequal(y: Any) -> None:
    """ArgumentError for sequences of answers where there is to be one for each sequence."""
    try:
        np.asarray(y)
    except ValueError:
        expected = "one for each sequence of X; pooling=None takes one for each step"
        raise wrong("y", "answers of unequal length", expected) from None


def refuse_other_count(y: Array, panel: Panel) -> None:
    """ArgumentError, unless there is one for each sequence."""
    if len(y) != len(panel):
        raise wrong("y", f"{len(y)} answers", f"{len(panel)}, one for each sequence of X")
