"""Learning-rate schedules: objects that say the rate of every update, given how many were made before.

`schedule(0)` is the rate of the first update. A schedule is pure: it holds no counter, so a
resumed training continues where it was by its step number alone. Two schedules with the same
numbers are equal, and can be pickled: as the call that makes them, such as
`step_decay(lr=0.1, factor=0.5, every=7)`, which is also what they print as.

Any other function of the number of updates will do as a schedule, too; to be pickled it has to
have a name at the top of a module.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from gated.learning.rules.option_checks import nameable
from gated.number_checks import above_zero, whole_above_zero, within
from gated.publish import publish

Function = Callable[[int], float]


@dataclass(frozen=True, repr=False)
class Schedule:
    """What the schedules share; they are made by the functions of this module."""

    def __call__(self, step: int) -> float:
        raise NotImplementedError

    def _made(self) -> tuple[Callable[..., Schedule], dict[str, Any]]:
        """The function that makes this schedule, and its arguments."""
        return MAKERS[type(self)], {field.name: getattr(self, field.name) for field in fields(self)}

    def __repr__(self) -> str:
        maker, arguments = self._made()
        return f"{maker.__name__}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        maker, arguments = self._made()
        return maker, tuple(arguments.values())

    def __copy__(self) -> Schedule:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Schedule:
        return self  # nothing in it changes


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    lr: float

    def __call__(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True, repr=False)
class StepDecay(Schedule):
    lr: float
    factor: float
    every: int

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True, repr=False)
class ExponentialDecay(Schedule):
    lr: float
    factor: float
    every: int

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (step / self.every)


@dataclass(frozen=True, repr=False)
class Cosine(Schedule):
    lr: float
    steps: int
    final: float

    def __call__(self, step: int) -> float:
        done = min(step, self.steps) / self.steps
        return self.final + 0.5 * (self.lr - self.final) * (1.0 + math.cos(math.pi * done))


@dataclass(frozen=True, repr=False)
class Warmup(Schedule):
    schedule: Function
    steps: int

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return self.schedule(0) * (step + 1) / (self.steps + 1)
        return self.schedule(step - self.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        nameable("schedule", self.schedule, INSTEAD)
        return super().__reduce__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Schedule:
        return Warmup(copy.deepcopy(self.schedule, memo), self.steps)


def constant(lr: float) -> Schedule:
    """The same rate for ever.

    Args:
        lr: that rate, of every update.
    """
    return Constant(above_zero("lr", lr))


def step_decay(lr: float, factor: float, every: int) -> Schedule:
    """`lr * factor ** (step // every)`: stairs.

    Args:
        lr: rate of the first update.
        factor: by which it is multiplied after each `every` updates.
        every: so many updates have one rate.
    """
    return StepDecay(above_zero("lr", lr), above_zero("factor", factor), whole_above_zero("every", every))


def exponential_decay(lr: float, factor: float, every: int = 1) -> Schedule:
    """`lr * factor ** (step / every)`: like `step_decay`, without the stairs.

    Args:
        lr: rate of the first update.
        factor: by which it has been multiplied after `every` updates.
        every: number of updates.
    """
    return ExponentialDecay(above_zero("lr", lr), above_zero("factor", factor), whole_above_zero("every", every))


def cosine(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine.

    Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017), equation 5 without the restarts.

    Args:
        lr: rate of update 0.
        steps: the update at which `final` is reached.
        final: rate from there on.
    """
    rate, steps = above_zero("lr", lr), whole_above_zero("steps", steps)
    return Cosine(rate, steps, within("final", final, 0.0, rate, closed=True))


def warmup(schedule: float | Function, steps: int) -> Schedule:
    """A straight rise, then another schedule from its beginning.

    Update k (from 0) of the rise has rate `schedule(0) * (k + 1) / (steps + 1)`, so no update is made with rate 0 and
    the first one after the rise is the first with the full rate.

    Args:
        schedule: what comes after the rise, a schedule or a number.
        steps: updates of the rise.
    """
    return Warmup(as_schedule(schedule), whole_above_zero("steps", steps))


def rise_and_fall(lr: float, rise: int, total: int) -> Schedule:
    """A rise over so many updates, but at most a fifth of all, then a cosine to a hundredth of the rate.

    Args:
        lr: the highest rate.
        rise: updates over which it rises.
        total: updates in all.
    """
    rise = min(rise, total // 5)
    fall = cosine(lr, max(total - rise, 1), final=0.01 * lr)
    return warmup(fall, rise) if rise else fall


def as_schedule(lr: float | Function) -> Function:
    """`lr` itself if it is a schedule, else the constant one."""
    return lr if callable(lr) else constant(lr)


MAKERS: dict[type[Schedule], Callable[..., Schedule]] = {
    Constant: constant,
    StepDecay: step_decay,
    ExponentialDecay: exponential_decay,
    Cosine: cosine,
    Warmup: warmup,
}
# what stands in the message where somebody's function cannot be pickled
INSTEAD = (
    "a schedule of gated.learning.schedules, such as cosine(0.1, steps=1000), or a function at the top of a module"
)

publish("gated.learning.schedules", Schedule, *MAKERS, *MAKERS.values())
