"""One hypothesis: every node and gradient explained in backward order, from their own values before it.

First the last step (local roads), then what is carried back (two steps, the last of them known), then parameters, x and
first states over three steps. Each explanation becomes part of the model, so that faults in different nodes add up and
never multiply. Gradients come in two passes: what is plain to see, which tells whether the adjoints are believable, and
the search for the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from gated.audit.diagnosis.carried import Carried, too_early_roads
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import right_model
from gated.audit.diagnosis.explain import Edit, Explanation, explain, told_apart
from gated.audit.diagnosis.logarithms import fit_logarithms
from gated.audit.diagnosis.model import CARRIED, GRADIENT, LOCAL, Choice, Model
from gated.audit.diagnosis.observers import Observers, Pool, Solve, distinct
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import Array, Samples, known, near, norm, undone
from gated.audit.diagnosis.sums import Sums

OBSERVER_WRONG = 1.3  # cost: not the node is wrong but one of those that show it


class Hopeless(Exception):
    """More nodes are unexplained than may be."""


class Search:
    """Args:
        case: whose gradients.
        prefer: which of several explanations to believe; the cheapest where nothing is said.
        bear: how many nodes may be unexplained.
        sound: no node is wrong: what shows them otherwise are the gradients alone.

    Raises:
        Hopeless: more are.

    Attributes:
        model: the explained backward pass.
        failing: gradients that are not plain to see.
    """

    def __init__(
        self, case: Case, prefer: Mapping[Choice, int] | None = None, bear: float = math.inf, sound: bool = False
    ) -> None:
        self.case, self.graph, self.prefer, self.bear = case, case.graph, prefer or {}, bear
        self.model = Model()
        self._vector_roads: dict[str, Road] = {}  # of the vectors of weights that show a node, as they have them
        if sound:
            right = right_model(case)
            self.model.last, self.model.earlier = right.last, right.earlier
        else:
            self._last_step()
            self._carried()
        self._gradients()

    def _take(self, choice: Choice, found: list[Explanation], otherwise: list[Road]) -> list[Road]:
        if not found:
            return otherwise
        self.model.choices[choice] = found
        return found[self.prefer.get(choice, 0) % len(found)].roads

    def _unexplained(self, choice: Choice) -> None:
        self.model.unexplained.append(choice)
        if len(self.model.unexplained) > self.bear:
            raise Hopeless

    def _solve(
        self,
        samples: Samples,
        target: Array,
        right: list[Road],
        t: int,
        sources: Callable[[int], list[str]],
        deep: bool,
        more: Sequence[Edit] = (),
    ) -> list[Explanation]:
        def pool() -> list[Edit]:
            return [*self.case.pool(right, sources), *more]

        def twice() -> Iterable[list[Edit]]:
            yield self.case.second_pool(right, sources)

        def column(road: Road) -> Array:
            return samples.column(road, t, target.shape)

        def answer() -> list[Explanation]:
            return explain(target.ravel(), right, pool, column, samples.T, twice if deep else None)

        question = samples.T, t, deep, tuple(right), target.tobytes(), samples.said(t), samples.said(t + 1)
        return self.case.once(question, answer)

    def _observers(self, samples: Samples, seen: dict[str, list[Array]], t: int) -> Observers:
        """Observers by the roads that are explained; what is carried is right as long as nothing is known of it."""
        open_nodes = {name for stage, name in self.model.unexplained if stage == LOCAL}
        model, carried = self.model, self.graph.carried
        roads = {n: model.earlier.get(n, last + carried[n]) for n, last in model.last.items() if n not in open_nodes}
        return Observers(samples, self.case.edits, seen, t, roads)

    def _as_theirs(self, samples: Samples, seen: dict[str, list[Array]], node: str, t: int) -> None:
        """An adjoint that is not explained is taken as they have it, so that what comes from it may be."""
        if any(node == name for stage, name in self.model.unexplained if stage != GRADIENT):
            values = self._observers(samples, seen, t).values(node)
            if values:
                here = samples.adjoints[t]
                here[node] = np.where(np.isfinite(values[0]), values[0], here[node])

    # the last step

    def _last_step(self) -> None:
        # a vector of weights shows its node where one step is summed, a matrix shows all three
        samples = self.case.samples(1 if self.graph.shown_by_vectors else 3, self.case.seed)
        t, graph = samples.T - 1, self.graph
        seen = self.case.measured(samples)
        observers = Observers(samples, self.case.edits, seen, t, graph.local)
        silent = [n for n in graph.kept if n in seen and self._is_silent(seen[n], t)]

        def sources(later: int) -> list[str]:
            return list(samples.adjoints[t])

        def solve(target: Array, right: list[Road], deep: bool = True) -> list[Explanation]:
            return self._solve(samples, target, right, t, sources, deep)

        def solve_shown(node: str, value: Array) -> list[Explanation]:
            right = graph.local[node]
            return solve(value, right) or fit_logarithms(samples, self.case.alphabet, node, value, right, t, sources(0))

        for node in graph.back:
            right = graph.local[node]
            if node not in graph.kept:
                samples.put(node, t, right)
                continue
            said = observers.shown(node)
            found = [e for value in said for e in solve_shown(node, value)]
            if said and (len(said) > 1 or all(e.roads != right for e in found)):
                vectors = [v for v in self._shown_alone(samples, node) if not any(near(v, w) for w in said)]
                found += [e for value in vectors for e in solve_shown(node, value)]
                if found and all(e.roads != right for e in found):
                    most = max(e.cost for e in found)
                    found.append(Explanation(most + OBSERVER_WRONG * len(seen[node]), right))
                    if len(said) == 1 and len(seen[node]) > 1:
                        self.model.agreed.add((LOCAL, node))
            elif node in silent:
                found = self._too_early(silent, node, right)
            elif not said:
                found = self._implied(observers, node, solve, lambda roads: self.case.pool(roads, sources))
            found = told_apart(samples, found, t)
            roads = self._take((LOCAL, node), found, right)
            self.model.last[node] = roads
            samples.put(node, t, roads)
            if said and not found:
                self._unexplained((LOCAL, node))
                self._as_theirs(samples, seen, node, t)
            if node in seen:
                seen[node] = [v for v in seen[node] if near(v[t], samples.adjoints[t][node])] or seen[node]
        if graph.shown_by_vectors:
            self._read_vectors(Sums(self.case, self.model, samples))

    def _implied(self, observers: Observers, node: str, solve: Solve, pool: Pool) -> list[Explanation]:
        """What the nodes that come from a hidden one imply, once for all hypotheses that say the same so far."""
        t, seen = observers.t, observers.seen
        shown = tuple((name, *(value[t].tobytes() for value in values)) for name, values in seen.items())
        question = "implied", node, shown, observers.samples.T, observers.samples.said(t)
        return self.case.once(question, lambda: observers.imply(node, self.graph.local[node], solve, pool))

    def _too_early(self, silent: list[str], node: str, right: list[Road]) -> list[Explanation]:
        """Nodes that are shown at earlier steps alone: the last is not summed, or they are taken too early, all of them
        or none."""
        first, zero = (LOCAL, silent[0]), too_early_roads(right)
        if node == silent[0]:
            return [Explanation(0.0, right), Explanation(OBSERVER_WRONG, zero)]
        return [Explanation(0.0, zero if self.prefer.get(first) else right)]

    def _read_vectors(self, sums: Sums) -> None:
        """How each vector of weights shows its node: with the factors that theirs has."""
        for name in sums.names:
            explained = sums.plain(name) or sums.search(name) if name in self.graph.shown_by_vectors else []
            if explained and len(explained[0].roads) == 1 and explained[0].roads[0].coefficient:
                self._vector_roads[name] = explained[0].roads[0]

    def _shown_alone(self, samples: Samples, node: str) -> list[Array]:
        """What vector parameters say of a node at the last step, where that step can be asked by itself."""
        gradients, t = self.case.alone(samples), samples.T - 1
        ways = [(name, road) for name, road in self._vectors(node) if name in gradients and norm(gradients[name])]
        return distinct([undone(samples, road, gradients[name], t) for name, road in ways])

    def _vectors(self, node: str) -> list[tuple[str, Road]]:
        """Vector parameters whose gradient is one sum of this node's adjoint times factors."""
        roads = [(name, self.graph.gradients[name]) for name in self.graph.vectors]
        return [(n, r[0]) for n, r in roads if len(r) == 1 and r[0].elementwise and r[0].source == node]

    @staticmethod
    def _is_silent(values: list[Array], t: int) -> bool:
        """Whether a node is shown, but not at the last step."""
        return any(known(v[t - 1]) for v in values if t) and not any(known(v[t]) for v in values)

    # what is carried

    def _carried(self) -> None:
        samples = self.case.samples(2, self.case.seed + 1)
        t, graph, seen = 0, self.graph, self.case.measured(samples)
        for node in graph.back:
            samples.put(node, 1, self.model.last[node] if node in graph.kept else graph.local[node])
            self._as_theirs(samples, seen, node, 1)
        # shown at the first step alone
        silent = {n for n, values in seen.items() if self._is_silent(values, 1)}
        self._with_vectors(samples, seen)
        observers, carried = self._observers(samples, seen, t), Carried(self.case, samples, self.model.last, t)
        observers.doubted = silent

        def sources(later: int) -> list[str]:
            return list(samples.adjoints[t + later])

        for node in graph.back:
            if node not in graph.kept:
                samples.put(node, t, graph.local[node])
                continue
            own = self.model.last[node]
            roads, shown = own, observers.shown(node)
            if graph.carried[node]:
                right, said = own + graph.carried[node], observers.values(node)
                found = self._explain_carried(carried, observers, node, sources)
                if found and not shown and {w.name for w in observers.witnesses(node)} <= silent:
                    found.append(Explanation(max(e.cost for e in found) + OBSERVER_WRONG, right))  # they come too early
                roads = self._take((CARRIED, node), told_apart(samples, found, t), right)
                if said and not found:
                    self._unexplained((CARRIED, node))
            elif node in silent and not any(near(value, samples.total(own, t)) for value in shown):
                found = [e for value in shown for e in carried.too_early(node, value, self.model)]
                roads = self._take((CARRIED, node), told_apart(samples, found, t), own)
                self.model.last[node] = roads[: len(own)]
            self.model.earlier[node] = roads
            samples.put(node, t, roads)
            self._as_theirs(samples, seen, node, t)

    def _explain_carried(
        self, carried: Carried, observers: Observers, node: str, sources: Callable[[int], list[str]]
    ) -> list[Explanation]:
        """What comes back into a node: its roads, its roads spelled out, one factor too many or too few for all."""
        own, coming = self.model.last[node], self.graph.carried[node]
        said, onwards, samples, t = observers.values(node), carried.onwards(observers, node), carried.samples, carried.t
        more = [(road, carried.too_many(road, factor)) for road in coming for factor in onwards]
        found = [e for value in said for e in carried.another(node, value)]
        found += [e for v in said for e in self._solve(samples, v, own + coming, t, sources, False, more)]
        wide = self.graph.spelled_out(coming)
        if not found and wide != coming:
            found = [e for v in said for e in self._solve(samples, v, own + wide, t, sources, False)]
        return found or [e for value in said for e in carried.common_factor(node, value, onwards)]

    def _with_vectors(self, samples: Samples, seen: dict[str, list[Array]]) -> None:
        """A bias minus the known last step shows its node at the first; what contradicts that step shows nothing."""
        for node, values in seen.items():
            for value in values:
                if known(value[1]) and not near(samples.adjoints[1][node], value[1]):
                    value[:] = np.nan
        for node in self.graph.kept:
            last = samples.adjoints[1][node]
            for name, road in self._vectors(node):
                explained = self._vector_roads.get(name)
                if name in samples.theirs and (explained or not any(known(value[0]) for value in seen.get(node, []))):
                    alone = self.case.alone(samples).get(name)
                    way = explained or road
                    if not explained and alone is not None and not near(alone, samples.along(way, last, 1)):
                        continue
                    first = samples.theirs[name] - samples.along(way, last, 1)
                    seen.setdefault(node, []).append(np.stack([undone(samples, way, first, 0), last]))

    # parameters, inputs, first states

    def _gradients(self) -> None:
        samples = self.case.samples(3, self.case.seed)
        seen = self.case.measured(samples)
        self.model.backward(samples, lambda node, t: self._as_theirs(samples, seen, node, t))
        self.sums = Sums(self.case, self.model, samples)
        self.failing = []
        for name in self.sums.names:
            found = self.sums.plain(name)
            self.model.gradients[name] = self._take((GRADIENT, name), found, self.graph.gradients[name])
            if not found:
                self.failing.append(name)

    def deepen(self, *, until_one_fails: bool) -> None:
        """Search for the gradients that are not plain to see."""
        unexplained = self.model.unexplained
        while self.failing:
            name = self.failing[0]
            found = self.sums.search(name)
            if not found and until_one_fails:
                return
            self.failing.pop(0)
            self.model.gradients[name] = self._take((GRADIENT, name), found, self.graph.gradients[name])
            if not found and (CARRIED, self.graph.ends.get(self.graph.starts.get(name, ""))) not in unexplained:
                unexplained.append((GRADIENT, name))  # a first state gets what is carried: not another question
