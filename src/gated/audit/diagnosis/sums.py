"""The gradients that a backward pass returns: sums over time of parameters, x at every step, first states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.explain import Edit, Explanation, explain
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.roads import FIRST, LAST, MEAN, Mistake, Road
from gated.audit.diagnosis.samples import TOLERANCE, Array, Samples, norm

MASKED = 0.9  # cost
LATER = 1.5
_MASKS = {
    LAST: Mistake("last_step_only", "only_last"),
    FIRST: Mistake("not_summed", "only_first"),
    MEAN: Mistake("averaged", "term_mean"),
}
_ZERO = Mistake("zero", "is_zero")
_STALE = Mistake("stale_state", "all_later")


class Sums:
    """What each gradient of theirs consists of, given the adjoints in the samples.

    Attributes:
        names: of their gradients.
    """

    def __init__(self, case: Case, model: Model, samples: Samples) -> None:
        self.case, self.graph, self.model, self.samples = case, case.graph, model, samples
        self.adjoints = samples.adjoints
        self.names = [name for name in self.samples.theirs if name in self.graph.gradients]

    def plain(self, name: str) -> list[Explanation]:
        """Explanations that need no search: coefficients, masks, zero, what is carried, one step later."""
        right, target = self.graph.gradients[name], self.samples.theirs[name].ravel()
        if not right:
            return [] if norm(target) else [Explanation(0.0, [])]
        if norm(target) == 0 and norm(self._total(name, right)) > 1e-9:
            return [Explanation(1.0, [replace(road, coefficient=0.0).spoilt(_ZERO, 1.0) for road in right])]
        found = self._fit(name, masked([(road, road) for road in right]) if self._is_sum(name) else [])
        return found or self._all_alike(name, right)

    def search(self, name: str) -> list[Explanation]:
        """Explanations by the edits of all roads."""
        self.samples.adjoints = self.adjoints

        def answer() -> list[Explanation]:
            right = self.graph.gradients[name]
            edits = self.case.pool(right, lambda later: list(self.adjoints[0]))
            return self._fit(name, edits) or (self._fit(name, masked(edits)) if self._is_sum(name) else [])

        question = name, *(self.samples.said(t) for t in range(self.samples.T))
        return self.case.once(question, answer)

    def _is_sum(self, name: str) -> bool:
        return name != "x" and name not in self.graph.starts

    def _column(self, name: str, road: Road) -> Array:
        return self.samples.gradient(name, road).ravel()

    def _total(self, name: str, roads: list[Road]) -> Array:
        return sum((self._column(name, road) for road in roads), np.zeros(self.samples.theirs[name].size))

    def _fit(self, name: str, pool: list[Edit]) -> list[Explanation]:
        right, target = self.graph.gradients[name], self.samples.theirs[name].ravel()
        return explain(target, right, lambda: pool, lambda road: self._column(name, road), self.samples.T)

    def _all_alike(self, name: str, right: list[Road]) -> list[Explanation]:
        """What is carried into the state of a first state, as it is; or everything from one step later."""
        end = self.graph.ends.get(self.graph.starts.get(name, ""))
        later = [replace(road, later=road.later + 1) for road in right]
        tries = [(later, True)]
        if end is not None:
            carried = [road for road in self.model.earlier.get(end, []) if road.later == 1]
            sent = [replace(road, later=2) for road in carried if road.coefficient]
            tries = [(carried, False), (sent, True), ([Road(end, later=1)], True), *tries]
        target = self.samples.theirs[name].ravel()
        for roads, stale in tries:
            if roads and norm(self._total(name, roads) - target) <= TOLERANCE * norm(target):
                roads = [road.spoilt(_STALE, LATER) for road in roads] if stale else roads
                return [Explanation(LATER if stale else 0.0, roads)]
        return []


def masked(edits: list[Edit]) -> list[Edit]:
    """The edits, each with only some of its steps counted."""
    return [
        (right, replace(edit, mask=mask).spoilt(mistake, MASKED))
        for right, edit in edits
        for mask, mistake in _MASKS.items()
    ]
