"""One hypothesis run to the end: every node and gradient explained in backward order, from their own values before it.

First the last step (local roads), then what is carried back (two steps, the last of them known), then parameters, x and
first states over three steps. Each explanation becomes part of the model, so that faults in different nodes add up and
never multiply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.explain import Edit, Explanation, explain
from gated.audit.diagnosis.logarithms import fit_logarithms
from gated.audit.diagnosis.model import CARRIED, GRADIENT, LOCAL, Choice, Model
from gated.audit.diagnosis.observers import Observers
from gated.audit.diagnosis.roads import Mistake, Road
from gated.audit.diagnosis.samples import Array, Samples, near, without_factors
from gated.audit.diagnosis.sums import explain_gradient

OBSERVER_WRONG = 9.0  # cost: not the node is wrong but what shows it
SAME = 1e-9  # costs


class Search:
    """Args:
    case: whose gradients.
    prefer: which of several explanations to believe; the cheapest where nothing is said.
    """

    def __init__(self, case: Case, prefer: Mapping[Choice, int] | None = None) -> None:
        self.case, self.graph, self.prefer = case, case.graph, prefer or {}
        self.model = Model()
        self._vector_roads: dict[str, Road] = {}  # of the vectors of weights that show a node, as they have them
        self._last_step()
        self._carried()
        self._gradients()

    def _take(self, choice: Choice, found: list[Explanation], otherwise: list[Road]) -> list[Road]:
        if not found:
            return otherwise
        self.model.choices[choice] = len(found)
        if any(other.cost - found[0].cost < SAME and other.words != found[0].words for other in found[1:]):
            self.model.ties.add(choice)
        return found[self.prefer.get(choice, 0) % len(found)].roads

    def _solve(
        self, samples: Samples, target: Array, right: list[Road], t: int, known: Callable[[int], list[str]], deep: bool
    ) -> list[Explanation]:
        def pool() -> list[Edit]:
            return self.case.pool(right, known)

        def twice() -> Iterable[list[Edit]]:
            yield self.case.second_pool(right, known)

        def column(road: Road) -> Array:
            return samples.column(road, t, target.shape)

        return explain(target.ravel(), right, pool, column, samples.T, twice if deep else None)

    # the last step

    def _last_step(self) -> None:
        # a vector of weights shows its node where one step is summed, a matrix shows all three
        samples = self.case.samples(1 if self.graph.shown_by_vectors else 3, self.case.seed)
        t, graph, alphabet = samples.T - 1, self.graph, self.case.alphabet
        seen = self.case.measured(samples)

        def known(later: int) -> list[str]:
            return list(samples.adjoints[t])

        def solve(target: Array, right: list[Road], deep: bool = True) -> list[Explanation]:
            return self._solve(samples, target, right, t, known, deep)

        for node in graph.back:
            right = graph.local[node]
            if node not in graph.kept:
                samples.put(node, t, right)
                continue
            said = distinct([value[t] for value in seen.get(node, []) if np.isfinite(value[t]).all()])
            if said:
                found = []
                for value in said:
                    logs = (samples, alphabet, node, value, right, t, known(0))
                    found += solve(value, right) or fit_logarithms(*logs)
                if found and all(e.roads != right for e in found):
                    found.append(Explanation(OBSERVER_WRONG, right))
                    if len(said) == 1 and len(seen[node]) > 1:
                        self.model.agreed.add((LOCAL, node))
            else:
                found = Observers(samples, self.case.edits, seen, t).imply(node, right, solve)
            found.sort(key=lambda e: e.cost)
            roads = self._take((LOCAL, node), found, right)
            self.model.last[node] = roads
            samples.put(node, t, roads)
            if said and not found:
                self.model.unexplained.append((LOCAL, node))
                samples.adjoints[t][node] = said[0]
            if node in seen:
                seen[node] = [v for v in seen[node] if near(v[t], samples.adjoints[t][node])] or seen[node]
        for name in graph.shown_by_vectors:
            explained = explain_gradient(self.case, samples, name, self.model) if name in samples.theirs else []
            if explained and len(explained[0].roads) == 1:
                self._vector_roads[name] = explained[0].roads[0]

    # what is carried

    def _carried(self) -> None:
        samples = self.case.samples(2, self.case.seed + 1)
        t, graph, seen = 0, self.graph, self.case.measured(samples)
        for node in graph.back:
            samples.put(node, 1, self.model.last[node] if node in graph.kept else graph.local[node])
        self._with_vectors(samples, seen)
        observers = Observers(samples, self.case.edits, seen, t)

        def known(later: int) -> list[str]:
            return list(samples.adjoints[t + later])

        for node in graph.back:
            if node not in graph.kept:
                samples.put(node, t, graph.local[node])
                continue
            own = self.model.last[node]
            roads = own
            if graph.carried[node]:
                right = own + graph.carried[node]
                said = [value[t] for value in seen.get(node, []) if np.isfinite(value[t]).all()]
                said = distinct(said or observers.from_models(node, self.model.last))
                found = [e for value in said for e in self._solve(samples, value, right, t, known, False)]
                if not found:
                    found = [e for value in said for e in self._common_factor(samples, node, value, t)]
                found.sort(key=lambda e: e.cost)
                roads = self._take((CARRIED, node), found, right)
                if said and not found:
                    self.model.unexplained.append((CARRIED, node))
            self.model.earlier[node] = roads
            samples.put(node, t, roads)

    def _with_vectors(self, samples: Samples, seen: dict[str, list[Array]]) -> None:
        """A bias minus the known last step shows its node at the first; what contradicts that step shows nothing."""
        for node, values in seen.items():
            for value in values:
                if not near(samples.adjoints[1][node], value[1]):
                    value[:] = np.nan
        for name in self.graph.vectors:
            road = self._vector_roads.get(name) or self._bias(name)
            if name not in samples.theirs or road is None or not road.coefficient:
                continue
            if name in self._vector_roads or not self._is_seen(seen.get(road.source, [])):
                last = samples.adjoints[1][road.source]
                with np.errstate(all="ignore"):
                    first = without_factors(samples, road, samples.theirs[name] - samples.road(road, 1), 0)
                seen.setdefault(road.source, []).append(np.stack([first, last]))

    def _bias(self, name: str) -> Road | None:
        """The road into a vector that is the adjoint of one node, as it is."""
        roads = self.graph.gradients[name]
        return roads[0] if len(roads) == 1 and not roads[0].operations else None

    @staticmethod
    def _is_seen(values: list[Array]) -> bool:
        return any(np.isfinite(value[0]).all() for value in values)

    def _common_factor(self, samples: Samples, node: str, value: Array, t: int) -> list[Explanation]:
        """One factor too many for all that is carried."""
        more = []
        for letter in self.case.alphabet.letters:
            if self.graph.size(letter.factor.dim) == self.graph.size_of(node):
                mistake = Mistake("extra_factor", "factor_extra", (letter.factor,))
                more += [
                    replace(road, operations=(*road.operations, letter.factor)).spoilt(mistake, 1 + letter.cost)
                    for road in self.graph.carried[node]
                ]
        roads = self.model.last[node] + more
        return (
            explain(value.ravel(), roads, list, lambda r: samples.column(r, t, value.shape), samples.T) if more else []
        )

    # parameters, inputs, first states

    def _gradients(self) -> None:
        samples = self.case.samples(3, self.case.seed)
        self.model.backward(samples)
        for name in samples.theirs:
            if name not in self.graph.gradients:
                continue
            found = explain_gradient(self.case, samples, name, self.model)
            self.model.gradients[name] = self._take((GRADIENT, name), found, self.graph.gradients[name])
            if not found:
                self.model.unexplained.append((GRADIENT, name))


def distinct(values: list[Array]) -> list[Array]:
    """The values, each once."""
    found: list[Array] = []
    for value in values:
        if not any(near(value, other) for other in found):
            found.append(value)
    return found
