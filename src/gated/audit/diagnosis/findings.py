"""From a model of somebody's backward pass to faults as data: one cause, one finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import Cause, causes, right_model
from gated.audit.diagnosis.model import GRADIENT, Model
from gated.audit.diagnosis.printer import RoadPrinter
from gated.audit.diagnosis.roads import Mistake, Road
from gated.audit.diagnosis.samples import TOLERANCE, Array, Samples, norm
from gated.audit.diagnosis.sentences import say
from gated.calculus.steps import ARGUMENT

Called = Callable[[str], str]  # a gradient -> its name in a sentence
KINDS = [
    "missing_term",
    "missing_factor",
    "extra_factor",
    "wrong_operand",
    "wrong_sign",
    "last_step_only",
    "not_summed",
    "averaged",
    "cut_path",
    "in_place",
    "stale_state",
    "transposed",
    "swapped_gates",
    "wrong_derivative",
    "wrong_delta",
    "zero",
]


@dataclass(frozen=True)
class Finding:
    """A fault.

    Attributes:
        kind: one of KINDS.
        where: the gradients that it spoils, then the quantity whose adjoint is wrong.
        text: in words.
        right, theirs: the formulas side by side, empty where there is none.
        certain: verified on fresh samples, and nothing else explains it as well.
        legend: what the auxiliary values in the formulas are, u1ₜ = rₜ ⊙ hₜ₋₁.
    """

    kind: str
    where: tuple[str, ...]
    text: str
    right: str = ""
    theirs: str = ""
    certain: bool = True
    legend: tuple[str, ...] = ()


def findings(
    case: Case, model: Model, rivals: Sequence[Model], *, lang: str, verified: bool, called: Called = str
) -> list[Finding]:
    """The faults of a model. Certain are those of a verified one that all its rivals have too.

    called: what gradients are to be called in sentences.
    """
    printer, samples = RoadPrinter(case.graph), case.samples(4, case.seed + 2)
    others = [[_identity(cause) for cause in causes(case, rival)] for rival in rivals]

    def certain(cause: Cause) -> bool:
        return verified and all(_identity(cause) in other for other in others)

    return [_finding(case, model, c, printer, samples, lang, certain(c), called) for c in causes(case, model)]


def _identity(cause: Cause) -> object:
    """What is said of a cause: its terms count where a sentence speaks of a whole term."""
    of_terms = any(mistake.sentence.startswith("term_") for mistake in cause.mistakes)
    return cause.mistakes, tuple(cause.names), tuple(cause.terms) if of_terms else ()


def open_questions(case: Case, model: Model, lang: str, called: Called = str) -> list[str]:
    """What could not be explained, in words."""
    printer = RoadPrinter(case.graph)
    return [
        say(lang, f"open_{stage}", called(name) if stage == GRADIENT else printer.adjoint(name))
        for stage, name in model.unexplained
    ]


def _finding(
    case: Case,
    model: Model,
    cause: Cause,
    printer: RoadPrinter,
    samples: Samples,
    lang: str,
    certain: bool,
    called: Called,
) -> Finding:
    graph, name = case.graph, cause.names[0]
    right, theirs = right_model(case, model), _with_only(case, model, cause)
    differing = spoilt(right.totals(samples), theirs.totals(samples))
    nodes = [n for n in cause.names if n not in graph.gradients]
    own = [name for name in cause.names if name in graph.gradients]
    where = tuple(dict.fromkeys([*differing, *own, *(_quantity(graph, node) for node in nodes)]))
    text = say(lang, "and").join(_sentence(printer, lang, m, cause.terms) for m in cause.mistakes)
    if _spares_last_step(model, cause):
        text += say(lang, "before_last")
    titles = (printer.adjoint(n) if n not in graph.gradients else called(n) for n in cause.names)
    title = ", ".join(dict.fromkeys(titles))
    return Finding(
        kind=cause.kind,
        where=where,
        text=say(lang, "in_adjoint", title, what=text),
        right=(formula := printer.formula(name, _roads(right, name))),
        theirs=(other := printer.formula(name, _roads(theirs, name))),
        certain=certain,
        legend=printer.legend(f"{formula} {other} {text}"),
    )


def _spares_last_step(model: Model, cause: Cause) -> bool:
    """A mistake in what the same step brings, which is not made at the last one."""
    return any(not term.later and term.mistakes == cause.mistakes for term in cause.terms) and not any(
        road.mistakes == cause.mistakes
        for name in cause.names
        for road in model.last.get(name, model.gradients.get(name, []))
    )


def _sentence(printer: RoadPrinter, lang: str, mistake: Mistake, terms: list[Road]) -> str:
    parts = [printer.part(part) for part in mistake.parts]
    roads = dict.fromkeys(printer.road(replace(term, coefficient=1.0)) for term in terms)
    many = {"term_missing": "terms_missing", "term_sign": "terms_sign"}
    several = many.get(mistake.sentence) if len(roads) > 1 else None
    return say(lang, several or mistake.sentence, *parts, road=", ".join(roads))


def _quantity(graph: BackwardGraph, node: str) -> str:
    """The name "dc" of a named value, "a_f" of the argument of f."""
    quantity = graph.quantities.get(node)
    return f"a_{quantity.owner}" if quantity is not None and quantity.kind == ARGUMENT else f"d{node}"


def _roads(model: Model, name: str) -> list[Road]:
    return model.gradients[name] if name in model.gradients else model.earlier[name]


def _with_only(case: Case, model: Model, cause: Cause) -> Model:
    """The right backward pass with this cause alone in it."""
    graph, only = case.graph, right_model(case, model)
    for name in cause.names:
        if name in graph.gradients:
            only.gradients[name] = with_mistakes(cause, only.gradients[name], model.gradients[name])
        else:
            only.last[name] = with_mistakes(cause, only.last[name], model.last[name])
            only.earlier[name] = with_mistakes(cause, only.earlier[name], model.earlier[name])
    for state_start, state in graph.starts.items():
        if graph.ends[state] in cause.names and state_start in model.gradients:
            only.gradients[state_start] = model.gradients[state_start]
    return only


def with_mistakes(cause: Cause, right: list[Road], theirs: list[Road]) -> list[Road]:
    """The right roads, but theirs where the mistakes are those of the cause. Theirs stand in the order of the right
    ones, what is too many behind them."""
    if len(theirs) < len(right):
        return theirs

    paired = [own if cause.has(own) else road for road, own in zip(right, theirs, strict=False)]
    return paired + [own for own in theirs[len(right) :] if cause.has(own)]


def spoilt(right: Mapping[str, Array], theirs: Mapping[str, Array]) -> list[str]:
    """Names of the gradients in which the totals of two models differ."""
    return [
        name
        for name, value in right.items()
        if name in theirs and norm(value - theirs[name]) > TOLERANCE * max(norm(value), 1e-9)
    ]
