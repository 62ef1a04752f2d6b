"""A node that no matrix shows (dc): what the nodes that come from it imply about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gated.audit.diagnosis.explain import Explanation
from gated.audit.diagnosis.mistakes import Edits
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import TINY, Array, Samples, known, near

VOTE = 0.6  # what each observer that agrees takes off the cost
ALONE, NOBODY, CONVINCED = 5.0, 4.0, 5.0  # one witness convicts nobody, unless every other explanation fails
RESTS = 4  # of the ways to read an observer's other terms

Solve = Callable[[Array, list[Road], bool], list[Explanation]]


class Observers:
    """Args:
    samples: with the adjoints of all nodes before.
    seen: what matrices say of each node.
    t: the step.
    """

    def __init__(self, samples: Samples, edits: Edits, seen: dict[str, list[Array]], t: int) -> None:
        self.samples, self.edits, self.seen, self.t = samples, edits, seen, t

    def imply(self, node: str, right: list[Road], solve: Solve) -> list[Explanation]:
        """Explanations of a hidden node: cheap ones only where two observers imply the same value, or none is wrong.

        If that convinces nobody, each observer may have lost one factor of its own, and they vote again.
        """
        watching = self._from_here(node, self.samples.graph.local)
        found: list[Explanation] = []
        for lost in (False, True):
            witnesses = [replace(w, road=way) for w in watching for way in (self._lost(w.road) if lost else [w.road])]
            said = [(w.name, value) for w in witnesses for value in self._implied(w)]
            found += self._votes(said, right, solve, at_least=2 if lost else 1)
            if any(e.cost < CONVINCED for e in found) or not watching:
                break
        if any(e.roads == right for e in found):
            return [Explanation(0.0, right)]
        if not any(e.cost < CONVINCED for e in found):
            found.append(Explanation(NOBODY, right))
        return found

    def from_models(self, node: str, roads: dict[str, list[Road]]) -> list[Array]:
        """What the observers say, given the roads by which each of them was explained."""
        return [value for witness in self._from_here(node, roads) for value in self._implied(witness)[:1]]

    def _votes(
        self, said: list[tuple[str, Array]], right: list[Road], solve: Solve, at_least: int
    ) -> list[Explanation]:
        found: list[Explanation] = []
        tried: list[Array] = []
        for _, value in said:
            if any(near(value, other) for other in tried):
                continue
            tried.append(value)
            voters = {o for o, other in said if near(value, other)}
            if len(voters) >= at_least:
                for e in solve(value, right, False):
                    trusted = len(voters) > 1 or e.cost == 0
                    cost = e.cost - VOTE * len(voters) if trusted else ALONE + e.cost
                    found.append(replace(e, cost=cost))
        return found

    def _lost(self, road: Road) -> list[Road]:
        return [edit for edit in self.edits.of(road) if edit.mistakes[0].kind == "missing_factor"]

    def _from_here(self, node: str, roads: dict[str, list[Road]]) -> list[_Witness]:
        """Shown nodes that come from this one by factors alone, on one road; what else comes into them is shown too."""
        found = []
        for name in self.samples.graph.kept:
            local = [road for road in roads.get(name, []) if road.coefficient]
            here = [road for road in local if road.source == node]
            others = tuple(road for road in local if road.source != node)
            if name in self.seen and len(here) == 1 and here[0].elementwise:
                found.append(_Witness(name, here[0], others))
        return sorted(found, key=lambda witness: len(witness.others))

    def _implied(self, witness: _Witness) -> list[Array]:
        """Its adjoint without the other terms, divided by the factors; unknown where a factor is zero."""
        factor = np.full((self.samples.S, self.samples.units), witness.road.coefficient)
        for op in witness.road.operations:
            factor = factor * self.samples.value(op, self.t)  # type: ignore[arg-type]
        factor = np.where(np.abs(factor) < TINY, np.nan, factor)
        values = self.values(witness.name)
        said = [(value - rest) / factor for value in values for rest in self._rests(witness.others)]
        return [value for value in said if known(value)]

    def _rests(self, others: tuple[Road, ...]) -> list[Array]:
        """The sum of roads, for all that may be believed of where they start."""
        totals = [np.zeros((self.samples.S, self.samples.units))]
        for road in others:
            here = self.samples.adjoints[self.t].get(road.source)
            starts = self.values(road.source) if here is None else [here]
            ways = [self.samples.along(road, value, self.t) for value in starts[:RESTS]]
            totals = [total + way for total in totals for way in ways]
        return totals[:RESTS]

    def values(self, node: str) -> list[Array]:
        """What is shown of a node at this step."""
        return distinct([value[self.t] for value in self.seen.get(node, []) if known(value[self.t])])


@dataclass(frozen=True)
class _Witness:
    """A shown node, the one road on which a hidden one comes into it, and all others."""

    name: str
    road: Road
    others: tuple[Road, ...]


def distinct(values: list[Array]) -> list[Array]:
    """The values, each once."""
    found: list[Array] = []
    for value in values:
        if not any(near(value, other) for other in found):
            found.append(value)
    return found
