"""Measuring the distance of spikes: how long was the silence? The task that peepholes were invented for.

Gers, Schraudolph & Schmidhuber (2002), sec. 4: one spike per sequence (NMSD); an answer is right within 0.49.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gated.data import Sequences, measuring_spike_distances
from gated.experiments.task import NUMBERS, Array, Kind, Score, Task, number_score
from gated.nn.losses import SquaredError

TESTED, TOLERANCE = 256, 0.49


def make(seed: int, period: int = 10, delays: Sequence[int] = (0, 1, 2, 3)) -> Task:
    """The task of one seed: spikes after `period` steps and one of `delays` more, drawn with equal chances."""
    test = measuring_spike_distances(TESTED, np.random.default_rng([seed, 1]), period, delays)

    def draw(generator: np.random.Generator, count: int) -> Sequences:
        return measuring_spike_distances(count, generator, period, delays)

    def judge(outputs: Array) -> Score:
        return number_score(test, outputs, TOLERANCE, 1.0)

    return Task(1, 1, SquaredError(), draw, test, judge)


TIMING = Kind(
    name="timing",
    title="Measuring the distance of spikes",
    about=(
        "Silence, then a spike; at the spike the network says how many steps beyond the period it came. Nothing but "
        f"zeros is seen before it, so time has to be counted inside. Judged on {TESTED} sequences with frozen weights: "
        f"an answer is right within {TOLERANCE}. Solved: all are right."
    ),
    make=make,
    figures=NUMBERS,
    lr={"online": 0.03, "truncated": 0.01, "full": 0.01, "rtrl": 0.03},
)
