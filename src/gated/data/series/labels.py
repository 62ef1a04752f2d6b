"""What stands beside a sequence: a class, or a number to foretell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import ArgumentError, shown


def labels_of(texts: Sequence[str]) -> NDArray[Any]:
    """(N,) whole numbers if all texts are such, numbers if all are numbers, else the texts.

    "1.0" is a number that is whole, and "01" and "007" are names: they are written as no number is.
    """
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return np.array(texts, dtype=str)
    plain = [text.strip().lstrip("+-") for text in texts]
    if "_" in "".join(plain) or any(len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in plain):
        return np.array(texts, dtype=str)
    return classes_or_numbers(np.array(numbers), lambda n: repr(texts[n]))


def classes_or_numbers(values: NDArray[Any], told: Any = None) -> NDArray[Any]:
    """Labels that came as an array: floats that are all whole become whole numbers; None for an empty answer.

    Args:
        values: (N,).
        told: of the number of a sequence, how its label is written.

    Raises:
        ArgumentError: one is not finite.
    """
    if values.dtype.kind != "f":
        return values
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        came = shown(told(bad[0]) if told else values[bad[0]], 40)
        raise ArgumentError(f"y: got {came} for sequence {bad[0] + 1}, expected a class or a finite number")
    if np.all(values == np.rint(values)) and np.abs(values).max(initial=0) < 2**53:
        return values.astype(np.int64)
    return values.astype(np.float64)
