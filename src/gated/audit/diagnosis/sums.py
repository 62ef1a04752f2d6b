"""The gradients that a backward pass returns: sums over time of parameters, x at every step, first states."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

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


def explain_gradient(case: Case, samples: Samples, name: str, model: Model) -> list[Explanation]:
    """What a gradient of theirs consists of, given the adjoints in the samples."""
    graph, theirs = case.graph, samples.theirs[name]
    right, target = graph.gradients[name], theirs.ravel()
    is_sum = name != "x" and name not in graph.starts

    def column(road: Road) -> Array:
        return samples.gradient(name, road).ravel()

    def total(roads: list[Road]) -> Array:
        return sum((column(road) for road in roads), np.zeros(target.shape))

    def fit(pool: list[Edit]) -> list[Explanation]:
        return explain(target, right, lambda: pool, column, samples.T)

    if not right:
        return [] if norm(target) else [Explanation(0.0, [])]
    if norm(target) == 0 and norm(total(right)) > 1e-9:
        return [Explanation(1.0, [replace(road, coefficient=0.0).spoilt(_ZERO, 1.0) for road in right])]
    edits = cache(lambda: case.pool(right, lambda later: list(samples.adjoints[0])))
    found = fit(masked([(road, road) for road in right]) if is_sum else [])
    found = found or fit(edits())
    if not found and is_sum:
        found = fit(masked(edits()))
    if not found:
        for roads in _shifted(graph.starts.get(name), case, model, right):
            if roads and norm(total(roads) - target) <= TOLERANCE * norm(target):
                return [Explanation(LATER, [road.spoilt(_STALE, LATER) for road in roads])]
    return found


def masked(edits: list[Edit]) -> list[Edit]:
    """The edits, each with only some of its steps counted."""
    return [
        (right, replace(edit, mask=mask).spoilt(mistake, MASKED))
        for right, edit in edits
        for mask, mistake in _MASKS.items()
    ]


def _shifted(state: str | None, case: Case, model: Model, right: list[Road]) -> list[list[Road]]:
    """One mistake common to all roads: everything is taken from one step later."""
    found = [[replace(road, later=road.later + 1) for road in right]]
    end = case.graph.ends.get(state) if state else None
    if end is not None:
        carried = [r for r in model.earlier.get(end, []) if r.later == 1 and r.coefficient]
        found = [[replace(road, later=2) for road in carried], [Road(end, later=1)], *found]
    return found
