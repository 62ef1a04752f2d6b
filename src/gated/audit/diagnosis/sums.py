"""The gradients that a backward pass returns: sums over time of parameters, x at every step, first states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.explain import Edit, Explanation, explain
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.roads import AT_LOSS, BUT_FIRST, BUT_LAST, FIRST, LAST, MEAN, Mistake, Road
from gated.audit.diagnosis.samples import TOLERANCE, Array, Samples, norm

MASKED = 0.9  # cost
LATER = 1.5
_MASKS = {
    LAST: Mistake("last_step_only", "only_last"),
    FIRST: Mistake("not_summed", "only_first"),
    MEAN: Mistake("averaged", "term_mean"),
    BUT_LAST: Mistake("missing_term", "but_last"),
    BUT_FIRST: Mistake("missing_term", "but_first"),
}
_USUAL = (LAST, FIRST, MEAN)  # beside another mistake
_ZERO = Mistake("zero", "is_zero")
_FIRST_IS_ZERO = Mistake("not_summed", "first_is_zero")
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
            return [self._nothing(name, right)]
        found = self._fit(name, masked([(road, road) for road in right], self._masks(name)))
        return found or self._all_alike(name, right)

    def search(self, name: str) -> list[Explanation]:
        """Explanations by the edits of all roads."""
        self.samples.adjoints = self.adjoints

        def answer() -> list[Explanation]:
            right = self.graph.gradients[name]
            edits = self.case.pool(right, lambda later: list(self.adjoints[0]))
            found = self._fit(name, edits)
            wide = self.graph.spelled_out(right)
            if not found and wide != right:
                found = self._fit(name, self.case.pool(wide, lambda later: list(self.adjoints[0])), wide)
            if not found and self._is_sum(name):
                found = self._at_loss(name, right) or self._fit(name, masked(edits, _USUAL))
            return found

        question = name, *(self.samples.said(t) for t in range(self.samples.T))
        return self.case.once(question, answer)

    def _is_sum(self, name: str) -> bool:
        return name != "x" and name not in self.graph.starts

    def _at_loss(self, name: str, right: list[Road]) -> list[Explanation]:
        """Two loops, over the steps of losses and back from each of them, and the values of the wrong one."""
        values = {road: road.operand or next(iter(road.operations), None) for road in right}
        sentence = "at_last" if self.case.setting.last_only else "at_loss"
        mistakes = {road: Mistake("wrong_operand", sentence, (v,)) for road, v in values.items() if v is not None}
        roads = [replace(r, mask=AT_LOSS).spoilt(m, MASKED) for r, m in mistakes.items()]
        return [Explanation(MASKED, roads)] if len(roads) == len(right) and self._is_it(name, roads) else []

    def _nothing(self, name: str, right: list[Road]) -> Explanation:
        """A gradient of zero: so is the first step by itself, where the states start at zero and only that is left."""
        first = [replace(road, mask=FIRST) for road in right]
        if self._is_sum(name) and norm(self._total(name, first)) == 0:
            return Explanation(1.0, [road.spoilt(_FIRST_IS_ZERO, 1.0) for road in first])
        return Explanation(1.0, [replace(road, coefficient=0.0).spoilt(_ZERO, 1.0) for road in right])

    def _masks(self, name: str) -> Sequence[str]:
        if name in self.graph.starts:
            return ()
        return tuple(_MASKS) if self._is_sum(name) else (LAST, FIRST, BUT_LAST, BUT_FIRST)

    def _column(self, name: str, road: Road) -> Array:
        return self.samples.gradient(name, road).ravel()

    def _total(self, name: str, roads: list[Road]) -> Array:
        return sum((self._column(name, road) for road in roads), np.zeros(self.samples.theirs[name].size))

    def _fit(self, name: str, pool: list[Edit], right: list[Road] | None = None) -> list[Explanation]:
        right, target = right or self.graph.gradients[name], self.samples.theirs[name].ravel()
        return explain(target, right, lambda: pool, lambda road: self._column(name, road), self.samples.T)

    def _all_alike(self, name: str, right: list[Road]) -> list[Explanation]:
        """Some steps of all of it; what is carried into the state of a first state, as it is; or everything from one
        step later."""
        end = self.graph.ends.get(self.graph.starts.get(name, ""))
        later = [replace(road, later=road.later + 1) for road in right]
        tries = [(later, True)]
        if end is not None:
            carried = [road for road in self.model.earlier.get(end, []) if road.later == 1]
            sent = [replace(road, later=2) for road in carried if road.coefficient]
            tries = [(carried, False), (sent, True), ([Road(end, later=1)], True), *tries]
        for mask in self._masks(name):
            some = [edit for _, edit in masked([(road, road) for road in right], [mask])]
            if self._is_it(name, some):
                return [Explanation(MASKED, some)]
        for roads, stale in tries:
            if self._is_it(name, roads):
                roads = [road.spoilt(_STALE, LATER) for road in roads] if stale else roads
                return [Explanation(LATER if stale else 0.0, roads)]
        return []

    def _is_it(self, name: str, roads: list[Road]) -> bool:
        target = self.samples.theirs[name].ravel()
        return bool(roads) and norm(self._total(name, roads) - target) <= TOLERANCE * norm(target)


def masked(edits: list[Edit], masks: Sequence[str]) -> list[Edit]:
    """The edits, each with only some of its steps counted."""
    return [(right, replace(edit, mask=mask).spoilt(_MASKS[mask], MASKED)) for right, edit in edits for mask in masks]
