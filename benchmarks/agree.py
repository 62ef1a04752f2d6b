"""Both sides compute the same numbers, or they are not timed."""

from __future__ import annotations

import numpy as np

from benchmarks.problem import Numbers

# Of the norm of each quantity. Both sides compute in float32, in different orders: over 1000 steps and 8000 rows
# either is a few 1e-6 away from the true value.
TOLERANCE = 2e-5

OF_TASKS = {
    "update": 1e-4,
    "caption": 1e-4,
}  # losses of one update after the other: Adam makes whole steps of last digits near zero


class Disagreement(Exception):
    """The sides do not compute the same."""


def differences(ours: Numbers, theirs: Numbers) -> dict[str, float]:
    """|ours - theirs| / |theirs| (Euclidean norms, in float64) of every quantity.

    Raises:
        Disagreement: the names or shapes differ.
    """
    if ours.keys() != theirs.keys():
        raise Disagreement(f"one side has {sorted(ours)}, the other {sorted(theirs)}")
    found = {}
    for name, value in ours.items():
        other = theirs[name]
        if value.shape != other.shape:
            raise Disagreement(f"{name} has the shapes {value.shape} and {other.shape}")
        wide = other.astype(np.float64)
        norm = float(np.linalg.norm(wide.ravel()))
        found[name] = float(np.linalg.norm((value - wide).ravel())) / (norm or 1.0)
    return found


def check(ours: Numbers, theirs: Numbers, tolerance: float = TOLERANCE) -> float:
    """The largest difference.

    Raises:
        Disagreement: it is over the tolerance, or not a number.
    """
    found = differences(ours, theirs)
    worst = max(found, key=lambda name: np.inf if np.isnan(found[name]) else found[name])
    if not found[worst] <= tolerance:
        raise Disagreement(f"{worst} differs by {found[worst]:.1e} of its norm, {tolerance:.0e} is allowed")
    return found[worst]
