"""Hypotheses about somebody's backward pass: which to believe, and which to look at next."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import Cause, causes, right_model
from gated.audit.diagnosis.manners import OF_ALL, skips_last_step
from gated.audit.diagnosis.model import GRADIENT, LOCAL, Choice, Model
from gated.audit.diagnosis.samples import TOLERANCE, Array, Gradients, Samples, near
from gated.audit.diagnosis.search import Hopeless, Search
from gated.language.cell import Cell

RIVALS = 12  # hypotheses to look at after one has been verified
EXCHANGED = 1.0  # cost of two exchanged gates among the doubts of a hypothesis
SAME = 1e-9  # costs
UNEXPLAINED = 3  # mistakes that a node costs for which there is no explanation
FRESH = {"steps": 5, "seed": 99}  # the samples that verify: none that the search has seen, and of other sizes


class Hypothesis:
    """A case, perhaps with two gates exchanged, and the search with preferences: first what is plain, then the rest."""

    def __init__(
        self,
        case: Case,
        prefer: Mapping[Choice, int] | None = None,
        swapped: Sequence[tuple[str, str]] = (),
        bear: float = math.inf,
        sound: bool = False,
    ) -> None:
        self.case, self.swapped = case, tuple(swapped)
        self.search = Search(case, prefer, bear, sound)
        self.model: Model = self.search.model
        there = {choice: len(found) for choice, found in self.model.choices.items()}
        self.prefer = {choice: k for choice, k in (prefer or {}).items() if there.get(choice, 0) > k}
        self.verified = False
        self.errors: dict[str, float] = {}
        self.whole = ""  # what is wrong with all of their gradients, one of OF_ALL: the case is that of them without it

    @property
    def mistakes(self) -> int:
        return sum(len(cause.mistakes) for cause in self.causes) + len(self.swapped)

    @property
    def open_nodes(self) -> int:
        return sum(stage != GRADIENT for stage, _ in self.model.unexplained)

    @property
    def cost(self) -> tuple[int, float]:
        return self.mistakes, sum(cause.cost for cause in self.causes)

    @property
    def far_fetched(self) -> float:
        """How much more its preferred explanations cost than the cheapest."""
        choices = self.model.choices
        return sum(choices[choice][k].cost - choices[choice][0].cost for choice, k in self.prefer.items())

    @cached_property
    def causes(self) -> list[Cause]:
        return causes(self.case, self.model)

    @cached_property
    def promise(self) -> tuple[int, int]:
        """How many mistakes it needs at least, and how many gradients do not fit it."""
        families = {name.partition(".")[0] for name in self.search.failing}
        return self.mistakes + len(families) + UNEXPLAINED * self.open_nodes, len(self.search.failing)

    def finish(self, *, give_up: bool = False) -> None:
        """Search for what is not plain, and see whether the model holds on samples that the search has not seen."""
        self.search.deepen(until_one_fails=give_up)
        if give_up and self.search.failing:
            return
        self.__dict__.pop("causes", None)
        case = self.case
        if any(m.sentence == "is_zero" for cause in self.causes for m in cause.mistakes):
            self._silence()
        self.errors = self.model.errors(case.samples(FRESH["steps"], FRESH["seed"] + case.seed, case.setting.other))
        self.verified = all(error < TOLERANCE for error in self.errors.values())
        if self.verified:  # what seemed unexplained was a wrong observer
            self.model.unexplained.clear()

    def _silence(self) -> None:
        """Several gradients that are zero may be zero because nothing enters one node that they come from."""
        samples = self.case.samples(3, self.case.seed)
        silenced = [self.model.silenced(self.case.graph, node) for node in self.model.earlier]
        fewest = min((m for m in silenced if _fits(m, samples)), key=lambda m: len(causes(self.case, m)), default=None)
        if fewest is not None and len(causes(self.case, fewest)) <= len(self.causes):
            vars(self.model).update(last=fewest.last, earlier=fewest.earlier, gradients=fewest.gradients)
            self.__dict__.pop("causes")


def _fits(model: Model, samples: Samples) -> bool:
    return all(error < TOLERANCE for error in model.errors(samples).values())


class _Hypotheses:
    """The most promising first; each that does not convince is doubted in one more of its choices."""

    def __init__(self, cell: Cell, mine: Gradients, first: Hypothesis) -> None:
        self.cell, self.mine, self.first = cell, mine, first
        self.deadline = first.case.deadline
        self.open, self.all = [first], [first]
        self.doubts: list[_Doubt] = []
        self.tried = {_name(first.prefer, first.swapped)}
        self.best: list[Hypothesis] = []  # verified, with the fewest mistakes
        self.rest = RIVALS

    def run(self) -> list[Hypothesis]:
        """The best explanation and its rivals; one that leaves something open, if there is no other."""
        if self.first.promise[0] > 1:
            self.open.append(Hypothesis(self.first.case, sound=True))
        while (self.open or self.doubts) and time.thread_time() < self.deadline and self.rest:
            self.open.sort(key=lambda h: h.promise)
            self.doubts.sort(key=lambda doubt: doubt.order)
            if self.open and (not self.doubts or self.open[0].promise[0] <= self.doubts[0].order[0]):
                self._finish(self.open.pop(0))
            else:
                self._follow(self.doubts.pop(0))
        if not self.best:
            self.best = [min(self.all, key=lambda h: h.promise)]
            self.best[0].finish()
        return self.best

    def _finish(self, one: Hypothesis) -> None:
        if self.best and one.promise[0] > self.best[0].mistakes:
            return
        one.finish(give_up=True)
        if one.verified:
            self.best = sorted([*self.best, one], key=lambda h: h.cost)
            self.best = [
                h for h in self.best if h.cost[0] == self.best[0].cost[0] and h.cost[1] - self.best[0].cost[1] < SAME
            ]
        if not (self.best and self.best[0].mistakes == 0):
            self._doubt(one)

    def _doubt(self, one: Hypothesis) -> None:
        for choice, found in one.model.choices.items():
            if choice[0] == GRADIENT and one.search.failing:
                continue
            for k, other in enumerate(found):
                tie = other.cost - found[0].cost < SAME
                doubtful = choice in one.model.agreed and k == len(found) - 1
                if not one.verified or tie or (one.mistakes > 1 and choice[0] == LOCAL and not doubtful):
                    order = one.promise[0], one.far_fetched + other.cost - found[0].cost
                    self.doubts.append(_Doubt(order, one, {**one.prefer, choice: k}, one.swapped))
        if not one.verified and not one.swapped:
            for pair in combinations(dict.fromkeys(_doubtful(one.case.graph, one)), 2):
                self.doubts.append(_Doubt((one.promise[0], one.far_fetched + EXCHANGED), one, {}, (pair,)))

    def _follow(self, doubt: _Doubt) -> None:
        prefer = {choice: k for choice, k in doubt.prefer.items() if k}
        name = _name(prefer, doubt.swapped)
        if name in self.tried:
            return
        self.tried.add(name)
        self.rest -= bool(self.best)
        case = doubt.of.case
        if doubt.swapped != doubt.of.swapped:
            case = _exchanged(self.cell, self.mine, case, doubt.swapped[0])
        try:
            new = Hypothesis(case, prefer, doubt.swapped, bear=doubt.of.open_nodes)
        except Hopeless:
            return
        self.all.append(new)
        effective = _name(new.prefer, new.swapped)
        if effective == name or effective not in self.tried:
            self.tried.add(effective)
            self.open.append(new)


@dataclass(frozen=True)
class _Doubt:
    """A hypothesis that has not been looked at, and the one that it came from."""

    order: tuple[int, float]
    of: Hypothesis
    prefer: Mapping[Choice, int]
    swapped: tuple[tuple[str, str], ...]


def _name(prefer: Mapping[Choice, int], swapped: Sequence[tuple[str, str]]) -> Hashable:
    return frozenset(prefer.items()), tuple(swapped)


def best_hypotheses(cell: Cell, case: Case, mine: Gradients) -> list[Hypothesis]:
    """The best explanation, then others that are as good."""
    for pair in _strangers(case):
        others = [Hypothesis(_exchanged(cell, mine, case, pair, back), {}, [pair]) for back in (True, False)]
        for other in others:
            other.finish(give_up=True)
        if verified := [other for other in others if other.verified]:
            return [min(verified, key=lambda h: h.cost)]
    if skips_last_step(case.graph, mine, case.setting) and (other := _without(case, mine, "but_last")).verified:
        return [other]
    best = _Hypotheses(cell, mine, Hypothesis(case)).run()
    said = {m.sentence for cause in best[0].causes for m in cause.mistakes}
    for sentence in OF_ALL:
        if not best[0].verified or sentence in said:
            other = _without(case, mine, sentence)
            if other.verified and (not best[0].verified or other.mistakes + 1 < best[0].mistakes):
                return [other]
    return best


def _without(case: Case, mine: Gradients, sentence: str) -> Hypothesis:
    """The explanation of their gradients without what is wrong with all of them."""
    _, without, _ = OF_ALL[sentence]
    other = Hypothesis(case.of(case.graph, without(case.graph, mine)))
    other.finish(give_up=True)
    other.whole = sentence
    return other


def _doubtful(graph: BackwardGraph, best: Hypothesis) -> Iterator[str]:
    """Members whose adjoint is unexplained, or has more than one mistake on a road."""
    names = {n for cause in best.causes if len(cause.mistakes) > 1 for n in cause.names}
    names |= {name for _, name in best.model.unexplained}
    return (member for node, member in graph.member.items() if node in names)


def _strangers(case: Case) -> list[tuple[str, str]]:
    """Gates whose matrices all show, at the last step, what each other's adjoint should be."""
    graph, samples = case.graph, case.samples(3, case.seed)
    seen, t, right = case.measured(samples), samples.T - 1, right_model(case)
    for node in graph.back:
        samples.put(node, t, right.last.get(node, graph.local[node]))
    shows = {
        (graph.member[node], graph.member[other])
        for node, values in seen.items()
        for other in graph.member
        if graph.member[other] != graph.member[node] and _shows(samples, values, other, t, but=node)
    }
    return sorted((one, two) for one, two in shows if one < two and (two, one) in shows)


def _shows(samples: Samples, values: list[Array], other: str, t: int, but: str) -> bool:
    adjoints = samples.adjoints[t]
    return all(near(v[t], adjoints[other]) and not near(v[t], adjoints[but]) for v in values)


def _exchanged(cell: Cell, mine: Gradients, case: Case, pair: tuple[str, str], back: bool = True) -> Case:
    """Somebody's gradients with the blocks of two gates renamed into each other; `back`: on their way back, too."""
    one, two = pair
    other = {one: two, two: one}
    names = {}
    for name, shape in cell.parameters.items():
        family, _, member = name.partition(".")
        new = f"{family}.{other.get(member, member)}"
        if member in other and cell.parameters.get(new) == shape and (len(shape) == 2 or family.startswith("b")):
            names[name] = new

    def renamed(*args: Any) -> dict[str, Any]:
        return {names.get(name, name): gradient for name, gradient in mine(*args).items()}

    return case.of(BackwardGraph(cell, pair if back else None), renamed)
