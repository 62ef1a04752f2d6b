"""Learning-rate schedules: functions that make a function from the number of updates already made to a rate.

``schedule(0)`` is the rate of the first update. A schedule is pure: it holds no counter, so a
resumed training continues where it was by its step number alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gated.learning.checks import above_zero, whole_above_zero, within

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    """The same rate for ever."""
    rate = above_zero("lr", lr)
    return lambda step: rate


def step_decay(lr: float, factor: float, every: int) -> Schedule:
    """``lr * factor ** (step // every)``: multiplied by ``factor`` after each ``every`` updates."""
    rate, factor, every = above_zero("lr", lr), above_zero("factor", factor), whole_above_zero("every", every)
    return lambda step: rate * factor ** (step // every)


def exponential_decay(lr: float, factor: float, every: int = 1) -> Schedule:
    """``lr * factor ** (step / every)``: like :func:`step_decay`, without the stairs."""
    rate, factor, every = above_zero("lr", lr), above_zero("factor", factor), whole_above_zero("every", every)
    return lambda step: rate * factor ** (step / every)


def cosine(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine from ``lr`` at update 0 down to ``final`` at update ``steps``, and ``final`` from there on.

    Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017), equation 5
    without the restarts.
    """
    rate, steps = above_zero("lr", lr), whole_above_zero("steps", steps)
    final = within("final", final, 0.0, rate, closed=True)

    def at(step: int) -> float:
        done = min(step, steps) / steps
        return final + 0.5 * (rate - final) * (1.0 + math.cos(math.pi * done))

    return at


def warmup(schedule: float | Schedule, steps: int) -> Schedule:
    """A straight rise over the first ``steps`` updates, then ``schedule`` from its beginning.

    Update k (from 0) of the rise has rate ``schedule(0) * (k + 1) / (steps + 1)``, so no update is
    made with rate 0 and the first one after the rise is the first with the full rate.
    """
    after = as_schedule(schedule)
    steps = whole_above_zero("steps", steps)
    return lambda step: after(0) * (step + 1) / (steps + 1) if step < steps else after(step - steps)


def as_schedule(lr: float | Schedule) -> Schedule:
    """``lr`` itself if it is a schedule, else the constant one."""
    return lr if callable(lr) else constant(lr)
