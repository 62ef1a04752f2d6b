"""Which reading of their two functions is meant: that in which most of their gradients are right.

A reading in which time stands where sequences do, or a matrix is transposed, may run as well; but hardly ever does a
backward pass then agree with the forward pass. Of wrong code a few gradients are right, and the shapes of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.functions import TRIAL, Functions
from gated.audit.foreign.subject import Subject

Array = np.ndarray[Any, Any]
STEP = 1e-6
NEAR = 1e-5
MOST = 60  # readings that are compared


def best(found: Iterable[Functions]) -> Functions | None:
    """The first reading whose gradients are all there and right, else the one with most of them."""
    chosen, score = None, (-1, -1)
    for count, reading in enumerate(found):
        right, fitting, all_right = agreement(reading)
        if all_right:
            return reading
        if (right, fitting) > score:
            chosen, score = reading, (right, fitting)
        if count > MOST:
            break
    return chosen


def agreement(subject: Functions) -> tuple[int, int, bool]:
    """How many of the gradients are right along one direction, how many have the right shape; whether all are right."""
    rng = np.random.default_rng(9)
    at = draw(subject, TRIAL.T, TRIAL.N, TRIAL.D, TRIAL.H, rng)
    dy = rng.standard_normal((TRIAL.T, TRIAL.N, TRIAL.H))
    if subject.last_only:
        dy[:-1] = 0.0
    try:
        theirs = subject.backward(at.P, at.x, at.states, dy)
    except Exception:  # noqa: BLE001 - whatever their code raises
        return 0, 0, False
    right = fitting = needed = 0
    for name, value in at.all().items():
        direction = rng.standard_normal(value.shape)
        slope = _slope(subject, at, name, direction, dy)
        needed += name in theirs or (name in at.P and abs(slope) > 1e-9)
        if name not in theirs or np.size(theirs[name]) != value.size:
            continue
        fitting += np.shape(theirs[name]) == value.shape
        said = float(np.vdot(direction, np.real(theirs[name]).reshape(value.shape)))
        right += abs(said - slope) <= NEAR * (abs(slope) + np.sqrt(value.size) * 1e-3)
    return right, fitting, right == needed > 0


def _slope(subject: Subject, at: Draw, name: str, direction: Array, dy: Array) -> float:
    def loss(by: float) -> float:
        moved = at.along(name, by * direction)
        return float(np.vdot(dy, subject.forward(moved.P, moved.x, moved.states)))

    return (loss(STEP) - loss(-STEP)) / (2 * STEP)
