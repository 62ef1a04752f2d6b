"""All that is carried back into a node, wrong in one way: one factor too many or too few, or another adjoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.alphabet import Letter
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.explain import Explanation, explain
from gated.audit.diagnosis.mistakes import DELTA, INSTEAD
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.observers import Observers
from gated.audit.diagnosis.roads import Factor, Mistake, Road, Shift
from gated.audit.diagnosis.samples import Array, Samples, near
from gated.language.graph import Matrix, Node, constant


class Carried:
    """Args:
    samples: with the adjoints of the step after t.
    last: node -> its roads of the same step, as they have them.
    """

    def __init__(self, case: Case, samples: Samples, last: dict[str, list[Road]], t: int) -> None:
        self.case, self.graph, self.samples, self.last, self.t = case, case.graph, samples, last, t

    def onwards(self, observers: Observers, node: str) -> list[Letter]:
        """1 / factor, for the factors that come after a hidden node: what is carried may have left one out."""
        if observers.shown(node):
            return []
        ways = [self.last[witness.name] for witness in observers.witnesses(node)]
        factors = dict.fromkeys(f for roads in ways for road in roads for f in road.operations if isinstance(f, Node))
        return [Letter(Shift(constant(1.0) / factor, -1), 0.0) for factor in factors]

    def too_many(self, road: Road, letter: Letter) -> Road:
        """A road with one factor behind; if that is 1 / factor, then the factor is missing."""
        factor = letter.factor
        mistake = Mistake("extra_factor", "factor_extra", (factor,))
        if letter.cost == 0 and isinstance(factor, Shift):
            mistake = Mistake("missing_factor", "factor_missing", (factor.node.args[1],))
        return replace(road, operations=(*road.operations, factor)).spoilt(mistake, 1 + letter.cost)

    def common_factor(self, node: str, value: Array, onwards: Sequence[Letter]) -> list[Explanation]:
        """One factor too many, or too few, for all that is carried."""
        size = self.graph.size
        letters = [v for v in self.case.alphabet.letters if size(v.factor.dim) == self.graph.size_of(node)]

        def column(road: Road) -> Array:
            return self.samples.column(road, self.t, value.shape)

        found = []
        with np.errstate(all="ignore"):
            for letter in [*onwards, *letters]:
                more = [self.too_many(road, letter) for road in self.graph.carried[node]]
                if np.isfinite(sum(column(road) for road in more)).all():
                    found += explain(value.ravel(), self.last[node] + more, list, column, self.samples.T)
        return found

    def another(self, node: str, value: Array) -> list[Explanation]:
        """Something else instead of a sum, or the same slip in all of its terms."""
        own = self.samples.total(self.last[node], self.t)
        found = []
        for roads in self._instead(node):
            with np.errstate(all="ignore"):
                carried = self.samples.total(roads, self.t)
            if near(value, own + carried):
                found.append(Explanation(DELTA, self.last[node] + roads))
        return found

    def too_early(self, node: str, value: Array, model: Model) -> list[Explanation]:
        """A node of which nothing is seen at the last step: its terms start at an adjoint before those of its own step
        were added, or at what comes back into another one.

        Args:
            model: of the adjoints of this step that come before.
        """
        right, found, carried = self.graph.local[node], [], self.graph.carried
        own = tuple(road.source for road in right)
        for sources in dict.fromkeys([own, *((source,) * len(own) for source in carried if carried[source])]):
            roads, more = [], []
            for road, source in zip(right, sources, strict=True):
                another = Mistake("wrong_delta", "comes_back_instead", (source, road.source))
                mistake = _too_early(road) if source == road.source else another
                roads.append(replace(road, coefficient=0.0).spoilt(mistake, DELTA))
                if self.graph.size_of(source) == self.graph.size_of(road.source):
                    arriving = [way for way in model.earlier.get(source, carried.get(source, [])) if way.later]
                    more += [self._behind(way, road).spoilt(mistake, DELTA) for way in arriving]
            with np.errstate(all="ignore"):
                total = self.samples.total(more, self.t)
            if more and near(value, total):
                found.append(Explanation(DELTA + INSTEAD * (sources != own), roads + more))
        return found

    def _behind(self, way: Road, road: Road) -> Road:
        """A road that comes back from the step after, and then one of this step."""
        operations = tuple(op if isinstance(op, Matrix) else _before(op) for op in road.operations)
        return Road(way.source, way.operations + operations, way.coefficient * road.coefficient, way.later)

    def _instead(self, node: str) -> Iterator[list[Road]]:
        """dh_next = dh; dh_next = dc_next; Uᵀ dh for every Uᵀ δ; U δ for every Uᵀ δ."""
        graph, carried = self.graph, self.graph.carried[node]
        size = graph.size_of(node)
        for source in self.samples.adjoints[self.t + 1] if len(carried) > 1 else ():
            if graph.size_of(source) == size:
                yield self._only(carried, [Road(source, later=1)], Mistake("wrong_delta", "comes_back", (source,)))
        for other, roads in graph.carried.items():
            if roads and other != node and graph.size_of(other) == size:
                yield self._only(carried, roads, Mistake("wrong_delta", "comes_back_into", (other,)))
        through = [road for road in carried if any(isinstance(op, Matrix) for op in road.operations)]
        if len(through) > 1:
            yield [self._turned(road) if road in through else road for road in carried]
            for source in self.samples.adjoints[self.t + 1]:
                others = [road for road in through if road.source != source]
                if len(others) > 1 and all(graph.size_of(source) == graph.size_of(road.source) for road in others):
                    mistake = Mistake("wrong_delta", "delta_in_all", (source,))
                    yield [replace(r, source=source).spoilt(mistake, DELTA) if r in others else r for r in carried]

    def _only(self, carried: list[Road], instead: list[Road], mistake: Mistake) -> list[Road]:
        gone = [replace(road, coefficient=0.0).spoilt(mistake, DELTA) for road in carried]
        return gone + [road.spoilt(mistake, DELTA) for road in instead]

    def _turned(self, road: Road) -> Road:
        operations = tuple(op.T if isinstance(op, Matrix) else op for op in road.operations)
        return replace(road, operations=operations).spoilt(Mistake("transposed", "all_turned"), DELTA)


def _before(factor: Factor) -> Factor:
    """Its value at the step before."""
    return Shift(factor.node, factor.by - 1) if isinstance(factor, Shift) else Shift(factor, -1)


def too_early_roads(right: list[Road]) -> list[Road]:
    """What is left at the last step of roads that start at adjoints to which nothing was added yet."""
    return [replace(road, coefficient=0.0).spoilt(_too_early(road), DELTA) for road in right]


def _too_early(road: Road) -> Mistake:
    return Mistake("missing_term", "too_early", (road.source,))
