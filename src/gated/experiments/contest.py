"""Algorithms, cells and seeds against each other: each trial trains until a test with frozen weights is passed.

A trial is one (algorithm, cell, seed). Its data, its test and its initial weights depend on the seed alone, so that
the algorithms meet the same ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gated.errors import ArgumentError, FileFormatError, GatedError, shown
from gated.experiments.learners import ALGORITHMS, optimizer_of
from gated.experiments.task import Kind, Task
from gated.language import Cell
from gated.nn import Dense, Network, Recurrent
from gated.number_checks import above_zero, whole_above_zero


@dataclass(frozen=True)
class Settings:
    """What a contest is asked to do. Kept in results.json.

    Attributes:
        kind: name of the task; options: its options.
        algorithms, cells: names; seeds: 0 ... seeds - 1.
        hidden: units; batch: sequences side by side, N; window: steps of a truncated gradient.
        max_sequences: sequences after which a trial gives up; every: sequences between tests.
        after: further tests, learning on, after the first that was passed.
        lr: learning rate of each algorithm.
    """

    kind: str
    options: dict[str, Any]
    algorithms: tuple[str, ...]
    cells: tuple[str, ...]
    seeds: int
    hidden: int
    batch: int
    window: int
    max_sequences: int
    every: int
    after: int
    lr: dict[str, float]

    def __post_init__(self) -> None:
        for name in ("seeds", "hidden", "batch", "window", "max_sequences", "every"):
            whole_above_zero(name, getattr(self, name))
        if self.after != 0:
            whole_above_zero("after", self.after)
        for name in self.algorithms:
            if name not in ALGORITHMS:
                raise ArgumentError(f"algorithms: got {name!r}, expected some of {', '.join(ALGORITHMS)}")
        for name, rate in self.lr.items():
            if name not in ALGORITHMS:
                raise ArgumentError(f"lr: got a rate for {name!r}, expected one of {', '.join(ALGORITHMS)}")
            above_zero(f"lr of {name}", rate)
        for name in ("algorithms", "cells"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ArgumentError(f"{name}: got {', '.join(values) or 'none'}, expected one or more, each once")


@dataclass
class Trial:
    """What came of one (algorithm, cell, seed).

    Attributes:
        parameters: of the network.
        sequences: after how many the tests were; figures: name -> what each test gave; passed: whether all was well.
        failure: why it could not begin, or broke off.
        seconds: of learning, tests apart.
    """

    algorithm: str
    cell: str
    seed: int
    parameters: int = 0
    sequences: list[int] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    passed: list[bool] = field(default_factory=list)
    failure: str | None = None
    defined: bool = True
    finished: bool = False
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, int]:
        return self.algorithm, self.cell, self.seed

    @property
    def solved_at(self) -> int | None:
        """Sequences until the first test that was passed."""
        return next((count for count, passed in zip(self.sequences, self.passed, strict=True) if passed), None)

    @property
    def stayed(self) -> tuple[int, int]:
        """Of the tests after the first that was passed: how many were passed too, and how many there were."""
        later = self.passed[self.passed.index(True) + 1 :] if True in self.passed else []
        return sum(later), len(later)

    def first_at_one(self, figure: str) -> int | None:
        """Sequences until this figure first was 1."""
        values = self.figures.get(figure, [])  # of the test that broke a trial off there are none
        return next((count for count, value in zip(self.sequences, values, strict=False) if value >= 1.0), None)


def run_contest(
    settings: Settings, kind: Kind, cells: Mapping[str, Cell], done: Iterable[Trial] = ()
) -> Iterator[Trial]:
    """All trials, seed by seed; yields the trial under way after each of its tests, and when it is finished.

    Args:
        kind: the task of `settings.kind`; cells: those of `settings.cells` by name.
        done: trials that need not be run again.

    Raises:
        ArgumentError: options that the task cannot use.
    """
    kept = {trial.key for trial in done if trial.finished}
    for seed in range(settings.seeds):
        task = kind.make(seed, **settings.options)
        for cell in settings.cells:
            for algorithm in settings.algorithms:
                trial = Trial(algorithm, cell, seed)
                if trial.key not in kept:
                    yield from _run(trial, settings, task, cells[cell])


def network_of(cell: Cell, task: Task, hidden: int, seed: int) -> Network:
    """One recurrent layer under a linear output, float64; initial weights from the seed."""
    rng = np.random.default_rng([seed, 2])
    layer = Recurrent(cell, task.inputs, hidden, dtype="float64", seed=rng, backend="native")
    return Network({"rnn": layer, "head": Dense(layer.output_size, task.outputs, dtype="float64", seed=rng)})


def _run(trial: Trial, settings: Settings, task: Task, cell: Cell) -> Iterator[Trial]:
    network = network_of(cell, task, settings.hidden, trial.seed)
    trial.parameters = int(network.theta.size)
    optimizer = optimizer_of(settings.lr[trial.algorithm])
    try:
        learn = ALGORITHMS[trial.algorithm](network, task.loss, optimizer, settings.batch, settings.window)
    except GatedError as error:  # the algorithm is not defined for this cell, or takes too much memory
        trial.failure, trial.defined, trial.finished = str(error), False, True
        yield trial
        return
    rng = np.random.default_rng([trial.seed, 3])
    learned = 0
    try:
        while not _enough(trial, settings, learned):
            until = min(learned + settings.every, settings.max_sequences + settings.after * settings.every)
            started = time.perf_counter()
            while learned < until:
                learn(task.draw(rng, settings.batch))
                learned += settings.batch
            trial.seconds += time.perf_counter() - started
            _test(trial, task, network, learned)
            yield trial
    except GatedError as error:  # numbers that are not finite: an honest end of this trial
        trial.failure = str(error)
    trial.finished = True
    yield trial


def _enough(trial: Trial, settings: Settings, learned: int) -> bool:
    if trial.solved_at is None:
        return learned >= settings.max_sequences
    return trial.stayed[1] >= settings.after


def _test(trial: Trial, task: Task, network: Network, learned: int) -> None:
    outputs, _, _ = network.forward(task.test.x, None, task.test.lengths)
    score = task.judge(outputs)
    trial.sequences.append(learned)
    trial.passed.append(score.solved)
    for name, value in score.figures.items():
        if not math.isfinite(value):
            raise GatedError(f"{name}: got {value} on the test set after {learned} sequences, expected a finite number")
        trial.figures.setdefault(name, []).append(value)


def to_document(settings: Settings, trials: Iterable[Trial]) -> dict[str, Any]:
    """All of a contest as a JSON value."""
    from gated import __version__

    return {"gated": __version__, "settings": asdict(settings), "trials": [asdict(trial) for trial in trials]}


def from_document(document: Any) -> tuple[Settings, list[Trial]]:
    """The settings and trials of `to_document`.

    Raises:
        FileFormatError: it is something else.
    """
    try:
        own = dict(document["settings"])
        for name in ("algorithms", "cells"):
            own[name] = tuple(own[name])
        own["options"] = {k: tuple(v) if isinstance(v, list) else v for k, v in own["options"].items()}
        return Settings(**own), [Trial(**trial) for trial in document["trials"]]
    except (GatedError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = shown(repr(error))
        raise FileFormatError(f"results.json: got something else ({reason}), expected results of a contest") from None
