"""Alternate two sides, and find how each peer is at its best."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks import agree
from benchmarks.problem import Numbers, Problem
from benchmarks.process import Timed, Workers

Pair = tuple[float, float]  # seconds per call, ours and theirs


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        burst: seconds of one side at a time (at least one call).
        least, most: pairs.
        budget: seconds of a comparison at one point; after them there are no more pairs than the least.
        trials: bursts by which the best setting is chosen.
        fresh: processes for each figure that needs a fresh one.
    """

    burst: float
    least: int
    most: int
    budget: float
    trials: int
    fresh: int


FULL = Effort(burst=0.03, least=7, most=31, budget=4.0, trials=2, fresh=2)
QUICK = Effort(burst=0.01, least=3, most=9, budget=1.5, trials=1, fresh=1)


def alternate(ours: Timed, theirs: Timed, effort: Effort) -> list[Pair]:
    """Pairs of times; who goes first alternates too."""
    pairs: list[Pair] = []
    end = time.monotonic() + effort.budget
    while len(pairs) < effort.least or (len(pairs) < effort.most and time.monotonic() < end):
        if len(pairs) % 2 == 0:
            mine, other = ours.burst(effort.burst), theirs.burst(effort.burst)
        else:
            other, mine = theirs.burst(effort.burst), ours.burst(effort.burst)
        pairs.append((mine, other))
    return pairs


@dataclass
class Best:
    """A peer's fastest setting, and by how much its numbers differed from ours at most, over all settings."""

    timed: Timed
    difference: float


def best(
    workers: Workers,
    side: str,
    threads: list[int],
    problem: Problem,
    task: str,
    expected: Numbers | None,
    effort: Effort,
) -> Best:
    """Try every number of threads and every variant; the others are forgotten.

    Args:
        expected: our numbers. All settings must agree with them before any is timed; None if there is nothing to
            compare (the machine's own sgemm).

    Raises:
        agree.Disagreement: one does not.
    """
    candidates = [
        Timed(workers.get(side, count), problem, task, variant)
        for count in threads
        for variant in workers.get(side, count).ask("variants", task=task)
    ]
    worst = 0.0
    for candidate in candidates:
        candidate.prepare()
        if expected is not None:
            tolerance = agree.OF_TASKS.get(task, agree.TOLERANCE)
            worst = max(worst, agree.check(expected, candidate.numbers(), tolerance))
    speeds = {c.key: min(c.burst(effort.burst) for _ in range(effort.trials)) / c.work for c in candidates}
    chosen = min(candidates, key=lambda candidate: speeds[candidate.key])
    for candidate in candidates:
        if candidate is not chosen:
            candidate.forget()
    return Best(chosen, worst)
