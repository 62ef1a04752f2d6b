"""Which reading of their two functions is meant: that in which most of their gradients are right.

A reading in which time stands where sequences do, or a matrix is transposed, may run as well; but hardly ever does a
backward pass then agree with the forward pass. Of wrong code a few gradients are right, and the shapes of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from gated.audit.foreign.containers import LacksError
from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.functions import TRIAL, Functions
from gated.audit.foreign.schemes import schemes
from gated.audit.foreign.subject import Sizes, Subject, runs_through_time

Array = np.ndarray[Any, Any]
STEP = 1e-6
NEAR = 1e-5
MOST = 60  # readings that are compared


def readings_of(subject: Functions) -> Iterator[Functions]:
    """Every way in which both functions run; those whose forward pass alone does have a `failure`."""
    for scheme in [subject.scheme] if subject.made_by_them else list(schemes(subject)):
        one = copy.copy(subject)
        one.scheme, one.equal_sizes = scheme, scheme.elementwise
        try:
            if _runs(one):
                yield from _with_backward(one)
                other = copy.copy(one)
                other.y_skip, other.y_layout, other.y_place, other.last_only = 1, "", None, False
                if not one.one_step and not one.last_only and _runs(other):  # logits beside states
                    yield from _with_backward(other)
        except LacksError as error:  # a key that is put together as they run
            key = error.args[0]
            if subject.initial is None and subject.dictionary and _is_new(key, subject.parameters):
                subject.parameters = [*subject.parameters, key]
                yield from readings_of(subject)
                return


def _is_new(key: Any, names: list[str]) -> bool:
    return isinstance(key, str) and key.isidentifier() and key not in names


def _runs(one: Functions) -> bool:
    """Does the forward pass run and look like one?

    Raises:
        LacksError: its dictionary of parameters lacks one.
    """
    sizes = Sizes(1 if one.one_step else TRIAL.T, TRIAL.N, TRIAL.D, TRIAL.H)
    try:
        return runs_through_time(one, sizes) and (not one.elementwise or _apart(one))
    except LacksError:
        raise
    except Exception:  # noqa: BLE001 - whatever their code raises on arrays that it was not made for
        return False


def _apart(one: Functions) -> bool:
    """Is every unit one by itself? Else vectors ran where matrices were meant."""
    at = draw(one, 1 if one.one_step else 2, TRIAL.N, TRIAL.H, TRIAL.H, np.random.default_rng(7))
    moved = at.x.copy()
    moved[..., 0] += 0.5
    changed = one.forward(at.P, moved, at.states) != one.forward(at.P, at.x, at.states)
    return not changed[..., 1:].any()


def _with_backward(forward: Functions) -> Iterator[Functions]:
    """With the ways in which backward can be called; if it always raises, with its first error."""
    failed: Exception | None = None
    ran = False
    for last_only in (True,) if forward.last_only else (False,) if forward.one_step else (False, True):
        for whole, as_list in ((False, False), (True, False), (False, True), (True, True)):
            one = copy.copy(forward)
            one.last_only, one.whole_cache, one.as_list = last_only, whole, as_list
            try:
                there = bool(_trial(one))
            except Exception as error:  # noqa: BLE001 - whatever their code raises
                if isinstance(error, KeyError) and error.args and _is_new(error.args[0], forward.parameters):
                    raise LacksError(error.args[0]) from error  # also in their dictionary of gradients
                failed = failed or error
                continue
            if there:
                ran = True
                yield one
                break
    if not ran:
        forward.failure = failed
        yield forward


def _trial(one: Functions) -> dict[str, Array]:
    """Gradients of one call."""
    at = draw(one, 1 if one.one_step else TRIAL.T, TRIAL.N, TRIAL.D, TRIAL.H, np.random.default_rng(6))
    dy = np.random.default_rng(7).standard_normal((len(at.x), TRIAL.N, TRIAL.H))
    if one.last_only:
        dy[:-1] = 0.0
    return one.backward(at.P, at.x, at.states, dy)


def best(groups: Iterable[Iterator[Functions]]) -> Functions | None:
    """The first reading whose gradients are all there and right, or have all their shapes and one of them right, which
    is no chance; else that with most of them, in the first group (of one layout) that has one with all shapes.

    One of several sequences at once whose gradients all have their shapes goes before one of a single sequence: of
    that a mean over the sequences where a sum belongs would be right.
    """
    chosen, score, left = None, (False, -1, -1), MOST
    for group in groups:
        for reading in islice(group, left):
            agreed = agreement(reading)
            batch = agreed.fits and not reading.one_sequence
            if batch and agreed.right or agreed.all_right and not score[0]:
                return reading
            if (batch, agreed.right, agreed.fitting) > score:
                chosen, score = reading, (batch, agreed.right, agreed.fitting)
            left -= 1
        if score[0] or not left:
            break
    return chosen


class Agreement(NamedTuple):
    """How many gradients are right along one direction, and have the right shape, of how many that are needed."""

    right: int = 0
    fitting: int = 0
    needed: int = 0

    @property
    def fits(self) -> bool:
        return self.fitting == self.needed > 0

    @property
    def all_right(self) -> bool:
        return self.right == self.needed > 0


def agreement(subject: Functions) -> Agreement:
    """Of their gradients with differences of their outputs."""
    rng = np.random.default_rng(9)
    at = draw(subject, TRIAL.T, TRIAL.N, TRIAL.D, TRIAL.H, rng)
    dy = rng.standard_normal((TRIAL.T, TRIAL.N, TRIAL.H))
    if subject.last_only:
        dy[:-1] = 0.0
    try:
        theirs = subject.backward(at.P, at.x, at.states, dy)
    except Exception:  # noqa: BLE001 - whatever their code raises
        return Agreement()
    right = fitting = needed = 0
    for name, value in at.all().items():
        direction = rng.standard_normal(value.shape)
        slope = _slope(subject, at, name, direction, dy)
        needed += name in theirs or (name in at.P and abs(slope) > 1e-9)
        if name not in theirs or np.size(theirs[name]) != value.size:
            continue
        fitting += np.shape(theirs[name]) == value.shape
        said = float(np.vdot(direction, np.real(theirs[name]).reshape(value.shape)))
        right += bool(abs(said - slope) <= NEAR * (abs(slope) + np.sqrt(value.size) * 1e-3))
    return Agreement(right, fitting, needed)


def _slope(subject: Subject, at: Draw, name: str, direction: Any, dy: Array) -> float:
    def loss(by: float) -> float:
        moved = at.along(name, by * direction)
        return float(np.vdot(dy, subject.forward(moved.P, moved.x, moved.states)))

    return (loss(STEP) - loss(-STEP)) / (2 * STEP)
