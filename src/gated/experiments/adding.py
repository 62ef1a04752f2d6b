"""The adding problem: two numbers of a long sequence are marked; at its end, what is their sum?

Hochreiter & Schmidhuber (1997), sec. 5.4, with sequences short enough for a minute's experiment. Answers are from 0 to
1, and one is right within 0.04, as in the paper.
"""

from __future__ import annotations

import numpy as np

from gated.data import Sequences, adding
from gated.experiments.task import NUMBERS, Array, Kind, Score, Task, number_score
from gated.nn.losses import SquaredError

TESTED, TOLERANCE, PART = 256, 0.04, 0.99


def make(seed: int, steps: int = 20) -> Task:
    """The task of one seed, with sequences of `steps` to 1.1 · `steps` steps."""
    test = adding(TESTED, np.random.default_rng([seed, 1]), steps)

    def draw(generator: np.random.Generator, count: int) -> Sequences:
        return adding(count, generator, steps)

    def judge(outputs: Array) -> Score:
        return number_score(test, outputs, TOLERANCE, PART)

    return Task(2, 1, SquaredError(), draw, test, judge)


ADDING = Kind(
    name="adding",
    title="The adding problem",
    about=(
        "Every step shows a number and a mark; two numbers are marked, and at the end the network gives a quarter "
        f"of their sum plus 1/2. Every sequence to learn from is new. Judged on {TESTED} others with frozen weights: "
        f"an answer is right within {TOLERANCE}. Solved: at least {PART:.0%} are right."
    ),
    make=make,
    figures=NUMBERS,
    lr={"online": 0.003, "truncated": 0.003, "full": 0.003, "rtrl": 0.003},
)
