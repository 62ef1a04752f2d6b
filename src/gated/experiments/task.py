"""A task as an experiment sees it: what is learned, what is asked for at the end, and when it is solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gated.data import Sequences
from gated.nn.losses import Loss

Array = np.ndarray[Any, Any]


class Score(NamedTuple):
    """How outputs on the test set were judged: figures by name (the first is drawn), and whether all is well."""

    figures: dict[str, float]
    solved: bool


@dataclass(frozen=True)
class Task:
    """One task with its data, made from one seed.

    Attributes:
        inputs, outputs: D and V.
        loss: of the network's outputs.
        draw: (generator, N) -> a batch of N sequences to learn from.
        test: sequences to be judged by, with weights that do not change meanwhile.
        judge: outputs (T, N, V) for `test` -> Score.
    """

    inputs: int
    outputs: int
    loss: Loss
    draw: Callable[[np.random.Generator, int], Sequences]
    test: Sequences
    judge: Callable[[Array], Score]


@dataclass(frozen=True)
class Kind:
    """A kind of task: what the report says about it, and the learning rates, which were chosen with other seeds.

    Attributes:
        name: "reber", ...
        title, about: heading and paragraph of the report.
        make: (seed, **options) -> Task.
        figures: the names that `Score.figures` has, the one that is drawn first.
        milestones: figures for which the report tells when they first were 1 over the whole test set.
        lr: learning rate of each algorithm.
        chance: what the first figure is for somebody who guesses; pictures show it. None: it is not known.
    """

    name: str
    title: str
    about: str
    make: Callable[..., Task]
    figures: tuple[str, ...]
    lr: Mapping[str, float]
    milestones: tuple[str, ...] = field(default=())
    chance: float | None = None


NUMBERS = "right", "mean squared error"  # the figures of `number_score`


def number_score(test: Sequences, outputs: Array, tolerance: float, part: float) -> Score:
    """How many of the numbers asked for are right within a tolerance. Solved: at least this part of them."""
    got, wanted = outputs[test.mask], test.target[test.mask]
    right = float(np.mean(abs(got - wanted) < tolerance))
    figures = right, float(np.mean((got - wanted) ** 2))
    return Score(dict(zip(NUMBERS, figures, strict=True)), right >= part)
