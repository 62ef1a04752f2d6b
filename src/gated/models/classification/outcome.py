"""What came of a classifier: all that its report shows.

Legend: N sequences that were judged by, C classes, T steps of one sequence, H units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.series import SequenceSet
from gated.language import Cell
from gated.models.classification.scores import Scores, scores_of


@dataclass(frozen=True)
class OverTime:
    """A sequence step by step.

    Attributes:
        which: its number among those that were judged by.
        steps: (K,), after how many steps the probabilities are.
        probabilities: (K, C).
        gates: "f", or with several layers or directions "l0_reverse.f", -> (T, H), if the cell names its gates.
        cell: whose gates they are.
    """

    which: int
    steps: NDArray[np.int64]
    probabilities: NDArray[Any]
    gates: Mapping[str, NDArray[Any]]
    cell: Cell


@dataclass(frozen=True)
class Outcome:
    """Of sequences that it did not learn from.

    Attributes:
        held_out: N sequences with their true classes.
        classes: (C,), those that were learned.
        probabilities: (N, C).
        learned: how many sequences were learned from; 0: a model that learned before.
        mean, deviation: (D,) of what was learned from.
        yardsticks: "nearest" and "commonest" -> (N,) what they say.
        folds: in how many parts they were cut; 0: the sequences that were learned from are others.
        possible_folds: into how many parts the data could be cut, where one part was held out; 0: that is no advice.
        curves: of learning: name -> (places, values).
        early: (shares of the steps, accuracies), both (K,).
        over_time: of an example; None: there is none.
        about: what it was made with, name -> value.
    """

    held_out: SequenceSet
    classes: NDArray[Any]
    probabilities: NDArray[Any]
    learned: int
    mean: NDArray[Any]
    deviation: NDArray[Any]
    yardsticks: Mapping[str, NDArray[Any]]
    folds: int = 0
    possible_folds: int = 0
    curves: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    early: tuple[NDArray[Any], NDArray[Any]] | None = None
    over_time: OverTime | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> NDArray[Any]:
        """(N,): the likeliest class of each."""
        return np.asarray(self.classes[self.probabilities.argmax(axis=1)])

    @property
    def confidence(self) -> NDArray[Any]:
        """(N,): the probability of what was said."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def scores(self) -> Scores:
        """How often it is right."""
        return scores_of(self.true, self.said, self.classes)

    @property
    def true(self) -> NDArray[Any]:
        """(N,)."""
        assert self.held_out.y is not None
        return self.held_out.y

    def yardstick(self, name: str) -> Scores:
        """How often one of the plain classifiers is right."""
        return scores_of(self.true, self.yardsticks[name], self.classes)

    def wrong(self) -> NDArray[np.int64]:
        """Numbers of those that are wrong, the one that it was most sure of first."""
        rows = np.flatnonzero(self.said != self.true)
        return rows[np.argsort(-self.confidence[rows], kind="stable")]

    @cached_property
    def moving(self) -> NDArray[np.int64]:
        """(D,): numbers of the channels, the one that moves most within a sequence first."""
        moves = np.zeros(self.held_out.size)
        for n in range(len(self.held_out)):
            values = self.scaled(n)
            there = ~np.isnan(values)
            count = np.maximum(there.sum(axis=0), 1)
            mean = np.where(there, values, 0.0).sum(axis=0) / count
            moves += (np.where(there, values - mean, 0.0) ** 2).sum(axis=0)
        return np.argsort(-moves, kind="stable")

    def typical(self) -> int:
        """The number of the sequence of middling confidence among those that are right, or else among all."""
        rows = np.flatnonzero(self.said == self.true)
        rows = rows if len(rows) else np.arange(len(self.held_out))
        return int(rows[np.argsort(self.confidence[rows], kind="stable")[len(rows) // 2]])

    def scaled(self, which: int) -> NDArray[Any]:
        """(T, D) of a sequence, as pictures show it."""
        return np.asarray((self.held_out.x[which] - self.mean) / self.deviation)
