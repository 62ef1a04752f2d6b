"""What is wrong with somebody's gradients? The hypothesis that explains most with least, as findings in words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import right_model
from gated.audit.diagnosis.drawn import DrawnRoad, drawn
from gated.audit.diagnosis.findings import Called, Finding, findings, open_questions, spoilt
from gated.audit.diagnosis.hypotheses import best_hypotheses
from gated.audit.diagnosis.manners import OF_ALL, BadManner, judge_batch, judge_manners, runs
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.samples import INPUTS, SAMPLES, TOLERANCE, UNITS, Gradients, Setting
from gated.audit.diagnosis.sentences import say
from gated.language.cell import Cell

PATIENCE = 5.0  # seconds for hypotheses; what is begun by then is brought to an end without further edits


@dataclass(frozen=True)
class Evidence:
    """What the findings were read from: first `manners`, then exchanges of gates, then causes in the model."""

    case: Case
    model: Model
    manners: tuple[BadManner, ...] = ()
    swapped: tuple[tuple[str, str], ...] = ()
    whole: bool = False  # all of their gradients are wrong in one way: the case is that of them without it


@dataclass(frozen=True)
class Diagnosis:
    """Attributes:
    findings: the faults, none if the gradients are right.
    unexplained: in words, what could be narrowed down but not explained.
    errors: relative error of the explained model for each gradient, on fresh samples of other sizes.
    seconds: it took.
    roads: the backward pass as a picture needs it, right and theirs.
    evidence: the model, for those who go on from here.
    """

    findings: list[Finding]
    unexplained: list[str]
    errors: dict[str, float]
    seconds: float
    roads: tuple[DrawnRoad, ...] = ()
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
    called: Called = str,
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
        called: what each gradient is to be called in sentences.
    """
    began = time.perf_counter()
    graph = BackwardGraph(cell)
    setting = Setting(graph.graph.states if initial is None else tuple(initial), last_only)
    setting = setting.sized(graph, INPUTS, UNITS, SAMPLES)
    if not runs(graph, mine, setting):
        setting = replace(setting, inputs=setting.units)  # x is added to h in their code
    manners, mine = judge_manners(graph, mine, setting)
    manners += judge_batch(graph, mine, setting)
    held = {name: called(name) for name in cell.parameters}
    case = Case(graph, mine, setting, seed, time.thread_time() + PATIENCE, held)
    best, *others = best_hypotheses(cell, case, mine)
    if best.whole:
        kind, _, everything = OF_ALL[best.whole]
        names = tuple(n for n in [*cell.parameters, *(best.errors if everything else ())] if n in best.errors)
        manners.append(BadManner(kind, best.whole, tuple(dict.fromkeys(names))))
    found = [_manner(manner, lang, called) for manner in manners]
    found += [_exchange(case, best.case, pair, lang) for pair in best.swapped]
    rivals = [other.model for other in others]
    found += findings(best.case, best.model, rivals, lang=lang, verified=best.verified, called=called)
    questions = open_questions(best.case, best.model, lang, called)
    roads = drawn(best.case, best.model, called)
    evidence = Evidence(best.case, best.model, tuple(manners), best.swapped, bool(best.whole))
    return Diagnosis(found, questions, best.errors, time.perf_counter() - began, roads, evidence)


def _manner(manner: BadManner, lang: str, called: Called) -> Finding:
    values = [f"{value:.4g}" for value in manner.values]
    what = say(lang, manner.sentence, *values)
    return Finding(manner.kind, manner.where, say(lang, "in_adjoint", ", ".join(map(called, manner.where)), what=what))


def _exchange(right: Case, case: Case, pair: tuple[str, str], lang: str) -> Finding:
    """The gates' own parameters, and what is spoilt where they go back through each other's matrices, too."""
    one, two = pair
    where = [name for name in case.graph.cell.parameters if name.partition(".")[2] in pair]
    nodes = [node for node, member in case.graph.member.items() if member in pair]
    said, theirs = (right_model(c).totals(c.samples(3, c.seed)) for c in (right, case))
    where += [name for name in spoilt(said, theirs) if name not in where]
    return Finding("swapped_gates", (*where, *nodes), say(lang, "swapped_gates", one, two))
