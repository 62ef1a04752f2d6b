"""What their gradients would be if some of the faults were mended and the others left.

An atom is what may be mended by itself: a cause in the adjoints of nodes, where terms of the same step and what is
carried are two, or a cause in one gradient. The gradients for a set of atoms that are left come from the explained
model, with right roads in the place of those that belong to all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.causes import Cause, causes, right_model
from gated.audit.diagnosis.engine import Evidence
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import TOLERANCE, Array, Gradients, Samples, near, norm

Atom = tuple[int, str]  # number of the cause; the name of a gradient, or one of NODES
Left = frozenset[Atom]
STEPS = 4  # not as many as the explanation was found on: a factor of 3 is no 1/T there
MOST = 6  # atoms in nodes of which all subsets are looked at
LOCAL, CARRIED = NODES = ("in a node, from its own step", "in a node, from the step after")
WHOLE = -1  # the cause of what is not explained


class Targets:
    """Attributes:
    causes: of the model. atoms: all that is to be mended. samples: one sequence with its parameters.
    explained: whether the model says what their code says on it; if not, all is one atom.
    """

    def __init__(self, evidence: Evidence, mine: Gradients) -> None:
        self.case, self.model = evidence.case, evidence.model
        self.swapped = bool(evidence.swapped)
        if evidence.swapped or evidence.whole:  # in that case their gradients are not as they give them
            graph = BackwardGraph(self.case.graph.cell)
            self.case = self.case.of(graph, mine)
            self.model = right_model(self.case)
        self.causes = causes(self.case, self.model)
        setting = replace(self.case.setting, samples=1)
        self.samples = self.case.samples(STEPS, self.case.seed + 57, setting)
        self.theirs = dict(self.samples.theirs)
        self.right = right_model(self.case, self.model)
        self._variants: dict[Left, dict[str, list[tuple[Left, Array]]]] = {}
        self.atoms: Left = frozenset(self._atoms())
        rights = self._totals(self.right)
        said = self._totals(self.model)
        self.explained = not (evidence.swapped or evidence.whole) and all(
            _near(said[n], v) for n, v in self.theirs.items()
        )
        if not self.explained:
            wrong = any(not _near(rights[n], v) for n, v in self.theirs.items())
            self.atoms = frozenset({(WHOLE, LOCAL)} if wrong else ())
        self._right = rights

    # which cause a wrong road belongs to

    def _atoms(self) -> Iterator[Atom]:
        for name, roads in self.model.earlier.items():
            yield from (self._node_atom(name, road) for road in roads if road.mistakes)
        for name, roads in self.model.gradients.items():
            yield from ((self.owner(name, road), name) for road in roads if road.mistakes and name in self.theirs)

    def _node_atom(self, name: str, road: Road) -> Atom:
        return self.owner(name, road), CARRIED if road.later else LOCAL

    def owner(self, name: str, road: Road) -> int:
        graph, states = self.case.graph, self.case.graph.starts
        names = {name, graph.ends[states[name]]} if name in states else {name}
        same = [k for k, c in enumerate(self.causes) if names & set(c.names)]
        own = [k for k in same if road in self.causes[k].terms]
        fitting = [k for k in same if self._has(self.causes[k], road)]
        return next(iter([*own, *fitting, *same]), 0)

    def _has(self, cause: Cause, road: Road) -> bool:
        return road in cause.terms or cause.has(road)

    # models with some of it mended

    def mended(self, left: Left) -> Model:
        """The model in which only these atoms are left."""

        def in_node(name: str) -> Callable[[Road], bool]:
            return lambda road: self._node_atom(name, road) in left

        def in_gradient(name: str) -> Callable[[Road], bool]:
            return lambda road: (self.owner(name, road), name) in left

        last = {n: self._kept(r, self.right.last[n], in_node(n)) for n, r in self.model.last.items()}
        earlier = {}
        for name, roads in self.model.earlier.items():
            more = len(self.model.last[name]) - len(self.right.last[name])
            own, carried = self.right.last[name], self.right.earlier[name][len(self.right.last[name]) :]
            earlier[name] = self._kept(roads, [*own, *[None] * more, *carried], in_node(name))
        right = self.right.gradients
        gradients = {n: self._kept(r, right[n], in_gradient(n)) for n, r in self.model.gradients.items()}
        return Model(last, earlier, gradients)

    def _kept(self, roads: list[Road], right: Sequence[Road | None], is_left: Callable[[Road], bool]) -> list[Road]:
        """The roads, those of other causes right; `right` has None where there is a road too many."""
        bad = [is_left(road) for road in roads if road.mistakes]
        aligned = len(roads) >= len(right) and all(a.mistakes or a == b for a, b in zip(roads, right, strict=False))
        if not any(bad):
            return [road for road in right if road is not None]
        if all(bad) or not aligned:
            return roads
        stands = [*right, *[None] * (len(roads) - len(right))]
        chosen = (r if not r.mistakes or is_left(r) else b for r, b in zip(roads, stands, strict=True))
        return [road for road in chosen if road is not None]

    def _totals(self, model: Model, samples: Samples | None = None) -> dict[str, Array]:
        return model.totals(samples or self.samples)

    def fresh(self, mine: Gradients, steps: int, seed: int) -> Samples:
        """Samples of other sizes, of a mended code."""
        setting = self.case.setting.sized(self.case.graph, inputs=6, units=7, samples=2)
        return Samples(self.case.graph, mine, setting, steps, seed)

    def totals(self, left: Left, samples: Samples) -> dict[str, Array]:
        """Their gradients on other samples, if only these are left."""
        return (self.mended(left) if self.explained else self.right).totals(samples)

    # what somebody's gradients say

    def left_by(self, gradients: Mapping[str, Array], now: Left) -> Left | None:
        """Which atoms, of those left now, are left in these gradients; None if that cannot be said."""
        if set(self.theirs) - set(gradients):
            return None
        if not self.explained:
            if all(_near(self._right[n], gradients[n]) for n in self.theirs):
                return frozenset()
            return now if all(_near(self.theirs[n], gradients[n]) for n in self.theirs) else None
        nodes = sorted(atom for atom in now if atom[1] in NODES)
        for size in range(len(nodes) + 1) if len(nodes) <= MOST else (0, len(nodes) - 1, len(nodes)):
            for kept in combinations(nodes, size):
                found = self._match(gradients, frozenset(kept), now)
                if found is not None:
                    return found | frozenset(kept)
        return None

    def _match(self, gradients: Mapping[str, Array], nodes: Left, now: Left) -> Left | None:
        if nodes not in self._variants:
            self._variants[nodes] = dict(self._all_variants(nodes))
        found: Left = frozenset()
        for name, variants in self._variants[nodes].items():
            said = next((left for left, value in variants if left <= now and _near(value, gradients[name])), None)
            if said is None:
                return None
            found |= said
        return found

    def _all_variants(self, nodes: Left) -> Iterator[tuple[str, list[tuple[Left, Array]]]]:
        """For each gradient, its values with all sets of its own atoms left, the fewest first."""
        by_name: dict[str, list[Atom]] = {name: [] for name in self.theirs}
        for atom in sorted(self.atoms):
            if atom[1] not in NODES:
                by_name[atom[1]].append(atom)
        most = max(map(len, by_name.values()), default=0)
        made: dict[str, list[tuple[Left, Array]]] = {name: [] for name in self.theirs}
        for size in range(min(most, 3) + 1):
            for which in combinations(range(most), size):
                left = {n: frozenset(a[k] for k in which if k < len(a)) for n, a in by_name.items()}
                atoms = nodes.union(*left.values())
                totals = self._totals(self.mended(atoms))
                for name, value in totals.items():
                    if len(left[name]) == size:
                        made[name].append((left[name], value))
        yield from made.items()


def _near(one: Array, other: Array) -> bool:
    other = np.asarray(other)
    return one.shape == other.shape and (near(other, one) or norm(other - one) <= TOLERANCE * 1e-3)
