"""A node that no matrix shows (dc): what the nodes that come from it alone imply about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.explain import Explanation
from gated.audit.diagnosis.mistakes import Edits
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import TINY, Array, Samples, near

VOTE = 0.6  # what each observer that agrees takes off the cost
ALONE, NOBODY, CONVINCED = 5.0, 4.0, 5.0  # one witness convicts nobody, unless every other explanation fails

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
            witnesses = [(o, way) for o, road in watching for way in (self._lost(road) if lost else [road])]
            said = [(o, value) for o, way in witnesses for value in self._implied(o, way)]
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
        return [value for o, road in self._from_here(node, roads) for value in self._implied(o, road)[:1]]

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

    def _from_here(self, node: str, roads: dict[str, list[Road]]) -> list[tuple[str, Road]]:
        """Shown nodes that come from this one by factors alone, with their roads."""
        shown = [(o, roads[o]) for o in self.samples.graph.kept if o in self.seen and len(roads.get(o, [])) == 1]
        return [(o, r) for o, (r,) in shown if r.source == node and r.later == 0 and r.elementwise]

    def _implied(self, observer: str, road: Road) -> list[Array]:
        factor = np.full((self.samples.S, self.samples.units), road.coefficient)
        for op in road.operations:
            factor = factor * self.samples.value(op, self.t)  # type: ignore[arg-type]
        if np.abs(factor).min() < TINY:
            return []
        return [value[self.t] / factor for value in self.seen[observer] if np.isfinite(value[self.t]).all()]
