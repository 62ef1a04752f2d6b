"""A node that no matrix shows (dc): what the nodes that come from it imply about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gated.audit.diagnosis.explain import Edit, Explanation
from gated.audit.diagnosis.mistakes import Edits
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import TINY, Array, Samples, known, near

VOTE = 0.6  # what each observer that agrees takes off the cost
ALONE, NOBODY, CONVINCED = 5.0, 4.0, 5.0  # one witness convicts nobody, unless every other explanation fails
BOTH = 6.0  # the node and its only observer are wrong
EXACT, TOGETHER = 1e-12, 8
RESTS = 4  # of the ways to read an observer and its other terms

Solve = Callable[[Array, list[Road], bool], list[Explanation]]
Pool = Callable[[list[Road]], list[Edit]]


class Observers:
    """Args:
    samples: with the adjoints of all nodes before.
    seen: what matrices say of each node.
    t: the step.
    roads: by which the adjoints of this step come about; the right ones as long as nothing is known.
    """

    def __init__(
        self, samples: Samples, edits: Edits, seen: dict[str, list[Array]], t: int, roads: Mapping[str, list[Road]]
    ) -> None:
        self.samples, self.edits, self.seen, self.t, self.roads = samples, edits, seen, t, roads
        self.doubted: set[str] = set()  # nodes that may be shown wrongly: what comes from them is asked, too

    def imply(self, node: str, right: list[Road], solve: Solve, pool: Pool) -> list[Explanation]:
        """Explanations of a hidden node: cheap ones only where two observers imply the same value, or none is wrong.

        If that convinces nobody, each observer may have lost one factor of its own, and they vote again; or both the
        node and its observer are wrong.
        """
        watching = self.witnesses(node)
        found: list[Explanation] = []
        for lost in (False, True):
            witnesses = [replace(w, road=way) for w in watching for way in (self._lost(w.road) if lost else [w.road])]
            said = [(w.name, value) for w in witnesses for value in self._implied(w, frozenset({node}))]
            found += self._votes(said, right, solve, at_least=2 if lost else 1)
            if any(e.cost < CONVINCED for e in found) or not watching:
                break
        if any(e.roads == right for e in found):
            others = [e for e in found if e.roads != right]
            contradicted = any(len(self.shown(witness.name)) > 1 for witness in watching)
            return [Explanation(0.0, right), *(others if contradicted else [])]
        convinced = any(e.cost < CONVINCED for e in found)
        found.append(Explanation(NOBODY, right))
        if not convinced and len(right) == 1:
            found += self._together(node, right, pool)
        return found

    def _together(self, node: str, right: list[Road], pool: Pool) -> list[Explanation]:
        """One mistake of a node's only road and one of its observer: the products that are the observer's value."""
        found: list[Explanation] = []
        edits = [edit for _, edit in pool(right)]
        if not edits:
            return found
        for witness in self.witnesses(node):
            if witness.others:
                continue
            ways = [way for way in self.edits.of(witness.road) if way.elementwise]
            told = np.isfinite(self._factor(witness.road))  # elsewhere the right factor is zero
            with np.errstate(all="ignore"):
                columns = np.stack([_unit(self.samples.column(e, self.t, told.shape)[told.ravel()]) for e in edits], 1)
                factors = [self._factor(way)[told] for way in ways] if ways else []
                for value in self.shown(witness.name) if ways else ():
                    divided = np.stack([_unit(value[told] / factor) for factor in factors], 1)
                    for i, j in np.argwhere(np.abs(columns.T @ divided) > 1 - EXACT):
                        found.append(Explanation(BOTH + edits[i].cost + ways[j].cost, [edits[i]]))
        found.sort(key=lambda e: e.cost)
        return found[:TOGETHER]

    @property
    def _shape(self) -> tuple[int, int]:
        return self.samples.S, self.samples.units

    def shown(self, node: str) -> list[Array]:
        """What matrices say of a node at this step."""
        return distinct([value[self.t] for value in self.seen.get(node, []) if known(value[self.t])])

    def values(self, node: str, asking: frozenset[str] = frozenset()) -> list[Array]:
        """What is shown of a node, or else what those imply that come from it, first what most of them agree on.

        Args:
            asking: nodes for which this is asked, so that they cannot answer.
        """
        said = self.shown(node)
        if (said and node not in self.doubted) or node in asking:
            return said
        asking |= {node}
        implied = [value for witness in self.witnesses(node) for value in self._implied(witness, asking)]
        agreed = sorted(distinct(implied), key=lambda value: -sum(near(value, other) for other in implied))
        return distinct([*agreed, *said])

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
        return self.edits.shorter(road)

    def witnesses(self, node: str) -> list[Witness]:
        """Nodes that come from this one by factors alone, on one road, those first that come from nothing else."""
        found = []
        for name in self.samples.graph.kept:
            roads = [road for road in self.roads.get(name, []) if road.coefficient]
            here = [road for road in roads if road.source == node and not road.later]
            others = tuple(road for road in roads if road.source != node or road.later)
            if len(here) == 1 and here[0].elementwise:
                found.append(Witness(name, here[0], others))
        return sorted(found, key=lambda witness: len(witness.others))

    def _implied(self, witness: Witness, asking: frozenset[str]) -> list[Array]:
        """Its adjoint without the other terms, divided by the factors; unknown where a factor is zero."""
        factor = self._factor(witness.road)
        values = self.values(witness.name, asking)[:RESTS]
        said = [(value - rest) / factor for value in values for rest in self._rests(witness.others, asking)]
        return [value for value in said if known(value)]

    def _factor(self, road: Road) -> Array:
        """The product of a road's factors; NaN where it is zero."""
        factor = self.samples.along(road, np.ones(self._shape), self.t)
        return np.where(np.abs(factor) < TINY, np.nan, factor)

    def _rests(self, others: tuple[Road, ...], asking: frozenset[str]) -> list[Array]:
        """The sum of roads, for all that may be believed of where they start."""
        totals = [np.zeros(self._shape)]
        for road in others:
            here = self.samples.adjoints[self.t].get(road.source)
            if road.later or here is not None:
                ways = [self.samples.road(road, self.t)]
            else:
                starts = self.values(road.source, asking)
                ways = [self.samples.along(road, value, self.t) for value in starts[:RESTS]]
            totals = [total + way for total in totals for way in ways]
        return totals[:RESTS]


@dataclass(frozen=True)
class Witness:
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


def _unit(values: Array) -> Array:
    """The values as a vector of length 1; zeros if they cannot be."""
    length = np.linalg.norm(values)
    return values / length if 0 < length < np.inf else np.zeros(values.shape)
