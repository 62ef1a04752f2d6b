"""A language model and its batches, the same in every process: ids -> embedding -> cell -> dense layer -> softmax.

Legend: T steps, N sequences, V symbols, E the size of an embedding, H hidden units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Array, Numbers, Problem

EMBEDDING = 48
BATCHES = 8  # that come in turn: as fresh as those of a training loop
UPDATES = 50  # whose losses are compared
RATE, CLIP = 2e-3, 1.0  # of Adam, and of the gradient's norm


def weights(problem: Problem) -> Numbers:
    """embed (V, E), W.i (H, E), U.i (H, H), b.i, p.i (H,), ..., head (V, H), bias (V,): U(-1/sqrt(H), 1/sqrt(H)) but
    for the embedding, which is normal. float32."""
    random, hidden = _random(problem, 1), problem.point.hidden
    head = {"head": (problem.vocabulary, hidden), "bias": (problem.vocabulary,)}
    found = problem.uniform(random, problem.shapes(EMBEDDING) | head)
    return {"embed": random.standard_normal((problem.vocabulary, EMBEDDING), np.float32), **found}


def batches(problem: Problem) -> list[tuple[Array, Array]]:
    """(ids, the ids that follow), (T, N) each. Symbols are as frequent as words are: the k-th by 1/k."""
    point, random = problem.point, _random(problem, 2)
    chance = 1.0 / np.arange(1, problem.vocabulary + 1)
    shape = BATCHES, point.steps + 1, point.batch
    ids = random.choice(problem.vocabulary, shape, p=chance / chance.sum())
    return [(one[:-1], one[1:]) for one in ids]


def _random(problem: Problem, purpose: int) -> np.random.Generator:
    point = problem.point
    return np.random.default_rng([problem.seed, 7, purpose, problem.vocabulary, point.steps, point.batch, point.hidden])


class Turn:
    """Batches in turn, for ever."""

    def __init__(self, all_of_them: list[Any]) -> None:
        self.batches, self.at = all_of_them, 0

    def next(self) -> Any:
        self.at += 1
        return self.batches[self.at % len(self.batches)]
