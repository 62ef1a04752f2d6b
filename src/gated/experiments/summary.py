"""Trials summed up: medians over seeds in which a trial that was not solved counts as infinitely long."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from gated.experiments.contest import Settings, Trial


class Summary(NamedTuple):
    """One algorithm with one cell, over the seeds that are finished."""

    algorithm: str
    cell: str
    parameters: int
    trials: int
    solved: int
    median: float  # sequences until solved; inf if half of the trials or more were not solved
    least: float
    greatest: float  # of those that were solved
    stayed: float  # part of the tests after the first that was passed that were passed too; NaN if there were none
    milestones: dict[str, float]  # figure -> median of the sequences until it first was 1
    milliseconds: float  # of learning, per sequence
    failure: str | None  # why the algorithm is not defined for the cell, or the first break-off


def summarise(settings: Settings, trials: Sequence[Trial], milestones: Sequence[str] = ()) -> list[Summary]:
    """One summary for each algorithm and cell that has a finished trial, in the order of the settings."""
    found = []
    for cell in settings.cells:
        for algorithm in settings.algorithms:
            own = [trial for trial in trials if trial.finished and trial.key[:2] == (algorithm, cell)]
            if own:
                found.append(_summary(own, milestones))
    return found


def _summary(trials: Sequence[Trial], milestones: Sequence[str]) -> Summary:
    ran = [trial for trial in trials if trial.defined]
    solved = [trial.solved_at for trial in ran if trial.solved_at is not None]
    later = [trial.stayed for trial in ran]
    learned = sum(trial.sequences[-1] for trial in ran if trial.sequences)
    return Summary(
        algorithm=trials[0].algorithm,
        cell=trials[0].cell,
        parameters=trials[0].parameters,
        trials=len(ran),
        solved=len(solved),
        median=median([trial.solved_at for trial in ran]),
        least=min(solved, default=math.inf),
        greatest=max(solved, default=math.inf),
        stayed=_ratio(sum(passed for passed, _ in later), sum(count for _, count in later)),
        milestones={name: median([trial.first_at_one(name) for trial in ran]) for name in milestones},
        milliseconds=_ratio(1000.0 * sum(trial.seconds for trial in ran), learned),
        failure=next((trial.failure for trial in trials if trial.failure), None),
    )


def median(counts: Sequence[int | None]) -> float:
    """The median, None counting as infinity; of an even number the greater of the two in the middle if one is inf."""
    values = [math.inf if count is None else float(count) for count in counts]
    return statistics.median(values) if values else math.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
