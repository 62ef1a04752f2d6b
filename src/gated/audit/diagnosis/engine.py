"""What is wrong with somebody's gradients? Hypotheses, each run to the end; the one that explains most with least."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.findings import Finding, causes, findings, open_questions, right_model
from gated.audit.diagnosis.manners import BadManner, judge_batch, judge_manners
from gated.audit.diagnosis.model import LOCAL, Choice, Model
from gated.audit.diagnosis.samples import INPUTS, SAMPLES, TOLERANCE, UNITS, Array, Gradients, Samples, Setting, near
from gated.audit.diagnosis.search import Search
from gated.audit.diagnosis.sentences import say
from gated.language.cell import Cell

PATIENCE = 5.0  # seconds for hypotheses after the first
FRESH = {"steps": 5, "seed": 99}  # the samples that verify: none that the search has seen, and of other sizes


@dataclass(frozen=True)
class Evidence:
    """What the findings were read from: first `manners`, then exchanges of gates, then causes in the model."""

    case: Case
    model: Model
    manners: tuple[BadManner, ...] = ()
    swapped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Attributes:
    findings: the faults, none if the gradients are right.
    unexplained: in words, what could be narrowed down but not explained.
    errors: relative error of the explained model for each gradient, on fresh samples of other sizes.
    seconds: it took.
    evidence: the model, for those who go on from here.
    """

    findings: list[Finding]
    unexplained: list[str]
    errors: dict[str, float]
    seconds: float
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def explained(self) -> bool:
        """Whether the model with these faults says what they say, to rounding."""
        return not self.unexplained and all(error < TOLERANCE for error in self.errors.values())


def explain_gradients(
    cell: Cell,
    mine: Gradients,
    *,
    initial: Sequence[str] | None = None,
    last_only: bool = False,
    seed: int = 0,
    lang: str = "en",
) -> Diagnosis:
    """Name the faults of a backward pass of `cell`.

    Args:
        cell: whose forward pass theirs is.
        mine: (parameters, x (T, N, D), initial states (N, H), dy (T, N, H)) -> gradients by the names of the
            parameters ("W.i"), "x" and the states ("h", "c", of their initial values); some may be left out.
        initial: states that their code lets start elsewhere than at zero; all, if not given.
        last_only: their code takes a loss at the last step alone.
        seed: of the samples.
        lang: of the sentences, "en" or "zh".
    """
    began = time.perf_counter()
    graph = BackwardGraph(cell)
    setting = Setting(graph.graph.states if initial is None else tuple(initial), last_only)
    setting = setting.sized(graph, INPUTS, UNITS, SAMPLES)
    manners, mine = judge_manners(graph, mine, setting)
    manners += judge_batch(graph, mine, setting)
    best = _best(cell, graph, mine, setting, seed, began + PATIENCE)
    found = [_manner(manner, lang) for manner in manners]
    found += [_exchange(best.case, pair, lang) for pair in best.swapped]
    found += findings(best.case, best.model, lang=lang, verified=best.verified)
    evidence = Evidence(best.case, best.model, tuple(manners), best.swapped)
    unexplained = open_questions(best.case, best.model, lang)
    return Diagnosis(found, unexplained, best.errors, time.perf_counter() - began, evidence)


class _Hypothesis:
    """A case, perhaps with two gates exchanged, and the search with preferences run to the end."""

    def __init__(self, case: Case, prefer: Mapping[Choice, int], swapped: Sequence[tuple[str, str]] = ()) -> None:
        self.case, self.prefer, self.swapped = case, prefer, tuple(swapped)
        self.model: Model = Search(case, prefer).model
        wider = case.setting.sized(case.graph, inputs=6, units=7, samples=3)
        self.errors = self.model.errors(case.samples(FRESH["steps"], FRESH["seed"] + case.seed, wider))
        self.causes = causes(case, self.model)
        wrong = sum(not error < TOLERANCE for error in self.errors.values())
        if wrong:
            wrong += len(self.model.unexplained)
        else:  # what seemed unexplained was a wrong observer
            self.model.unexplained.clear()
        self.score = wrong, sum(len(cause.mistakes) for cause in self.causes) + len(self.swapped)

    @property
    def verified(self) -> bool:
        return self.score[0] == 0


def _best(
    cell: Cell, graph: BackwardGraph, mine: Gradients, setting: Setting, seed: int, deadline: float
) -> _Hypothesis:
    case = Case(graph, mine, setting, seed)
    best = _Hypothesis(case, {})
    if best.score == (0, 0):
        return best
    for pair in _strangers(case):
        other = _Hypothesis(_exchanged(cell, mine, setting, seed, pair), {}, [pair])
        if other.verified:
            return other
    for choice, count in list(best.model.choices.items()):
        for k in range(1, count):
            doubtful = choice in best.model.agreed and k == count - 1
            if (best.verified and (choice[0] != LOCAL or doubtful)) or time.perf_counter() > deadline:
                break
            if best.score <= (0, 1):
                return best
            tried = [{choice: k}, {**best.prefer, choice: k}] if best.prefer else [{choice: k}]
            best = min([best, *(_Hypothesis(case, prefer) for prefer in tried)], key=lambda h: h.score)
    if best.score > (0, 1):
        for pair in combinations(dict.fromkeys(_doubtful(graph, best)), 2):
            if time.perf_counter() > deadline:
                break
            other = _Hypothesis(_exchanged(cell, mine, setting, seed, pair), {}, [pair])
            best = min(best, other, key=lambda h: h.score)
    return best


def _doubtful(graph: BackwardGraph, best: _Hypothesis) -> Iterator[str]:
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


def _exchanged(cell: Cell, mine: Gradients, setting: Setting, seed: int, pair: tuple[str, str]) -> Case:
    """Somebody's gradients with the blocks of two gates renamed into each other."""
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

    return Case(BackwardGraph(cell, pair), renamed, setting, seed)


def _manner(manner: BadManner, lang: str) -> Finding:
    values = [f"{value:.4g}" for value in manner.values]
    what = say(lang, manner.sentence, *values)
    return Finding(manner.kind, manner.where, say(lang, "in_adjoint", ", ".join(manner.where), what=what))


def _exchange(case: Case, pair: tuple[str, str], lang: str) -> Finding:
    one, two = pair
    where = [name for name in case.graph.cell.parameters if name.partition(".")[2] in pair]
    nodes = [node for node, member in case.graph.member.items() if member in pair]
    return Finding("swapped_gates", (*where, *nodes), say(lang, "swapped_gates", one, two))
