"""The embedded Reber grammar: who predicts the last symbol but one has kept the second all the way.

256 random strings to learn from, 256 others to be judged by, as Hochreiter & Schmidhuber (1997), sec. 5.1, have it.
"""

from __future__ import annotations

import numpy as np

from gated.data import Sequences, embedded_reber_string, reber_batch, reber_score, reber_test_set
from gated.experiments.task import Array, Kind, Score, Task
from gated.nn.losses import SigmoidSquaredError

STRINGS = 256


def make(seed: int) -> Task:
    """The task of one seed; strings that are learned from may repeat, those of the test are new and all different."""
    rng = np.random.default_rng([seed, 1])
    learned = [embedded_reber_string(rng) for _ in range(STRINGS)]
    single = [reber_batch([string]) for string in learned]
    test = reber_batch([*sorted(set(learned)), *reber_test_set(STRINGS, rng, exclude=learned)])

    def draw(generator: np.random.Generator, count: int) -> Sequences:
        chosen = generator.integers(STRINGS, size=count)
        return single[chosen[0]] if count == 1 else reber_batch([learned[index] for index in chosen])

    def judge(outputs: Array) -> Score:
        score = reber_score(outputs, test)
        steps, strings = int(test.lengths.sum()), len(test.lengths)  # each string has one hard step
        others = round(score.steps * steps) - round(score.hard_steps * strings)
        return Score({"hard step": score.hard_steps, "other steps": others / (steps - strings)}, score.solved)

    return Task(7, 7, SigmoidSquaredError(), draw, test, judge)


REBER = Kind(
    name="reber",
    title="The embedded Reber grammar",
    about=(
        "At each step of a string the network foretells which symbols may follow. 256 random strings are learned from, "
        "in random order; the test is on them and on 256 others, with frozen weights. Solved: at every step of every "
        "string all legal successors, and no other, have the highest outputs. The hard step is the last but one, "
        "where the second symbol has to come back: who has not kept it is right in about half of the strings."
    ),
    make=make,
    figures=("hard step", "other steps"),
    milestones=("other steps", "hard step"),
    lr={"online": 0.003, "truncated": 0.01, "full": 0.01, "rtrl": 0.001},
    chance=0.5,
)
