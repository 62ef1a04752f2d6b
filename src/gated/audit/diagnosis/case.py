"""What is asked about: a cell and somebody's gradients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace

from gated.audit.diagnosis.alphabet import Alphabet
from gated.audit.diagnosis.backward_graph import DY, BackwardGraph
from gated.audit.diagnosis.explain import Edit, Explanation
from gated.audit.diagnosis.measures import measured
from gated.audit.diagnosis.mistakes import Edits
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import Array, Gradients, Samples, Setting


class Case:
    """A cell, somebody's gradients, and samples of them, drawn once for all hypotheses.

    After the deadline (by `time.thread_time`, so that other programs do not count) there are no edits left to try: a
    search ends by itself.

    Attributes:
        held: parameter -> the array of theirs that it is, or a part of.
        halves: the parameters of one gate that are parts of the same array, W on [h, x].
    """

    def __init__(
        self,
        graph: BackwardGraph,
        mine: Gradients,
        setting: Setting,
        seed: int,
        deadline: float = math.inf,
        held: Mapping[str, str] | None = None,
    ) -> None:
        self.graph, self.mine, self.setting, self.seed, self.deadline = graph, mine, setting, seed, deadline
        self.held = held or {name: name for name in graph.cell.parameters}
        self.halves = frozenset(_halves(self.held))
        self.alphabet = Alphabet(graph)
        self.edits = Edits(graph, self.alphabet)
        self._pools: dict[object, list[Edit]] = {}
        self._made: dict[tuple[int, int, Setting], Samples] = {}
        self._seen: dict[int, dict[str, list[Array]]] = {}
        self._alone: dict[int, dict[str, Array]] = {}
        self._known: dict[Hashable, list[Explanation]] = {}

    def of(self, graph: BackwardGraph, mine: Gradients) -> Case:
        """The same question of other gradients."""
        return Case(graph, mine, self.setting, self.seed, self.deadline, self.held)

    @property
    def late(self) -> bool:
        return time.thread_time() > self.deadline

    def once(self, question: Hashable, answer: Callable[[], list[Explanation]]) -> list[Explanation]:
        """The answer to a question that other hypotheses ask again, from the same adjoints."""
        if question not in self._known:
            found = answer()
            if self.late and not found:
                return found
            self._known[question] = found
        return list(self._known[question])

    def samples(self, steps: int, seed: int, setting: Setting | None = None) -> Samples:
        """Samples whose adjoints are still to be set."""
        key = steps, seed, setting or self.setting
        if key not in self._made:
            self._made[key] = Samples(self.graph, self.mine, key[2], steps, seed)
        made = self._made[key]
        made.adjoints = [{DY: dy} for dy in made.dy]
        return made

    def measured(self, samples: Samples) -> dict[str, list[Array]]:
        if id(samples) not in self._seen:
            self._seen[id(samples)] = measured(samples, self.alphabet)
        return {node: [value.copy() for value in values] for node, values in self._seen[id(samples)].items()}

    def alone(self, samples: Samples) -> dict[str, Array]:
        """Their gradients of the last step by itself; none if their code always starts at zero."""
        if id(samples) not in self._alone:
            able = set(self.setting.initial) >= set(self.graph.states)
            self._alone[id(samples)] = samples.last_step(self.mine) if able else {}
        return self._alone[id(samples)]

    def pool(self, right: list[Road], sources: Callable[[int], list[str]]) -> list[Edit]:
        """The edits of all roads. Mistakes may also lie on the only road into a hidden node that a road starts at."""
        if self.late:
            return []
        key = tuple((road, road.groups, tuple(sources(road.later))) for road in right)
        if key not in self._pools:
            self._pools[key] = self._edited(right, sources)
        return self._pools[key]

    def second_pool(self, right: list[Road], sources: Callable[[int], list[str]]) -> list[Edit]:
        """The edits of all roads with one likely mistake more."""
        if self.late:
            return []
        key = "second", tuple((road, road.groups, tuple(sources(road.later))) for road in right)
        if key not in self._pools:
            likely = self.pool(right, sources)
            self._pools[key] = [(base, both) for base, edit in likely for both in self.edits.second(edit)]
        return self._pools[key]

    def _edited(self, right: list[Road], sources: Callable[[int], list[str]]) -> list[Edit]:
        graph, pairs = self.graph, [(road, road) for road in right]
        for road in right:
            hidden = road.source in graph.kept and road.source not in {*graph.measured, *graph.ends.values()}
            if hidden and len(graph.local[road.source]) == 1:
                longer = road.after(graph.local[road.source][0])
                pairs.append((road, replace(longer, groups=(), later=road.later)))
        matrices = list(graph.steps.products)
        return [(r, edit) for r, way in pairs for edit in self.edits.of(way, sources(r.later), matrices)]


def _halves(held: Mapping[str, str]) -> Iterator[str]:
    for name, array in held.items():
        _, _, member = name.partition(".")
        if any(n != name and a == array and n.partition(".")[2] == member for n, a in held.items()):
            yield name
