"""Random faults: the derived backward pass as roads, some of them edited, run as somebody's backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gated.audit.diagnosis.alphabet import Alphabet
from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import right_model
from gated.audit.diagnosis.mistakes import Edits
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.roads import FIRST, LAST, MEAN, Mistake, Road
from gated.audit.diagnosis.samples import Samples
from gated.language.cell import Cell


class Given(Samples):
    """Samples of one call for one sequence, with values that are given."""

    def __init__(self, graph: BackwardGraph, parameters: Any, x: Any, states: Any, dy: Any) -> None:
        self.graph, self.T, self.S, self.units = graph, len(x), x.shape[1], dy.shape[2]
        self.parameters = {n: np.broadcast_to(v, (self.S, *v.shape)) for n, v in parameters.items()}
        self.x, self.dy = x, dy
        self.initial = dict(zip(graph.states, states, strict=True))
        self.values, self.adjoints = [], [{"dy": step} for step in dy]
        self._forward()
        shapes = {n: v.shape for n, v in self.parameters.items()}
        shapes |= {f"{s}0": v.shape for s, v in self.initial.items()} | {"x": x.shape}
        self.theirs = {n: np.zeros(shape) for n, shape in shapes.items()}


def spoil(cell: Cell, count: int, seed: int) -> tuple[Callable[..., Mapping[str, Any]], list[tuple[str, Road]]]:
    """A backward pass with `count` faults at different places, and what they are: (name, edited road)."""
    graph, rng = BackwardGraph(cell), np.random.default_rng(seed)
    case = Case.__new__(Case)
    case.graph, case.alphabet = graph, Alphabet(graph)
    case.edits = Edits(graph, case.alphabet)
    model, faults = right_model(case), []
    places = [*model.earlier, *(n for n in model.gradients if n not in graph.starts)]
    for name in rng.permutation([n for n in places if (model.earlier | model.gradients)[n]])[:count]:
        roads = model.gradients[name] if name in model.gradients else model.earlier[name]
        k = int(rng.integers(len(roads)))
        edited = _edited(case, str(name), roads[k], rng)
        faults.append((str(name), edited))
        _put(graph, model, str(name), roads, k, edited)

    def mine(parameters: Any, x: Any, states: Any, dy: Any) -> Mapping[str, Any]:
        samples = Given(graph, parameters, x, states, dy)
        model.backward(samples)
        said = {n: sum(samples.gradient(n, r) for r in roads) for n, roads in model.gradients.items()}
        names = {f"{s}0": s for s in graph.states}
        return {names.get(n, n): np.array(v) if n in names or n == "x" else v.sum(axis=0) for n, v in said.items()}

    return mine, faults


def _put(graph: BackwardGraph, model: Model, name: str, roads: list[Road], k: int, edited: Road) -> None:
    new = [*roads[:k], edited, *roads[k + 1 :]]
    if name in model.gradients:
        model.gradients[name] = new
        return
    model.earlier[name] = new
    if roads[k].later == 0:
        model.last[name] = [edited if road is roads[k] else road for road in model.last[name]]
    for start, state in graph.starts.items():  # the same line of a program hands on to the first state
        if graph.ends[state] == name and roads[k].later:
            model.gradients[start] = [r for r in new if r.later]


def _edited(case: Case, name: str, road: Road, rng: np.random.Generator) -> Road:
    simple = [
        replace(road, coefficient=0.0).spoilt(Mistake("missing_term", "term_missing"), 1),
        replace(road, coefficient=-road.coefficient).spoilt(Mistake("wrong_sign", "term_sign"), 1),
        replace(road, coefficient=2 * road.coefficient).spoilt(Mistake("extra_factor", "term_times", (2.0,)), 1),
    ]
    if "." in name:
        simple += [replace(road, mask=mask).spoilt(Mistake("not_summed", mask), 1) for mask in (LAST, FIRST, MEAN)]
    back = [n for n in case.graph.back if n in case.graph.kept]
    earlier = back[: back.index(name)] if name in back and not road.later else back
    edits = case.edits.of(road, earlier, list(case.graph.steps.products))
    if not edits or rng.random() < 0.3:
        return simple[int(rng.integers(len(simple)))]
    kinds = sorted({edit.mistakes[0].kind for edit in edits})
    kind = kinds[int(rng.integers(len(kinds)))]
    chosen = [edit for edit in edits if edit.mistakes[0].kind == kind]
    return chosen[int(rng.integers(len(chosen)))]
