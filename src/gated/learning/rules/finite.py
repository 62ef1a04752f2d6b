"""What to say when a loss or a gradient is not finite: which of the numbers that it was made from was not.

Looked for only when it has happened, so that training pays nothing for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Given = tuple[str, Any, "Array | None"]  # name, array, and where it is looked at: booleans over its first axes
HINT = "a smaller learning rate or a smaller clip may help"


def place_of(array: Any, counts: Array | None = None) -> tuple[float, list[int]] | None:
    """The first number that is not finite and its index; None if there is none, or none where `counts` is True."""
    array = np.asarray(array)  # of None there is no dtype "f"
    if array.dtype.kind != "f":
        return None
    bad = ~np.isfinite(array)
    if counts is not None:
        bad &= np.reshape(counts, (*counts.shape, *[1] * (array.ndim - counts.ndim)))
    found = np.argwhere(bad)
    if not len(found):
        return None
    return float(array[tuple(found[0])]), found[0].tolist()


def parameters_of(network: Any) -> list[Given]:
    """A network's parameters, to be looked at."""
    return [(f"the parameter {name}", array, None) for name, array in network.params.items()]


def reason(given: Iterable[Given]) -> str:
    """A clause for the end of a message: the first of the arrays that holds NaN or inf, or HINT if none does."""
    for name, array, counts in given:
        found = place_of(array, counts)
        if found is not None:
            number, place = found
            return f"{name} holds {'NaN' if math.isnan(number) else number} at {place}"
    return HINT
