"""From a model of somebody's backward pass to faults as data: one cause, one finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
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
# mistakes of how a sum is taken: one cause, whichever gradients it spoils
_OF_SUMS = ("only_last", "only_first", "but_last", "but_first", "term_mean", "is_zero", "first_is_zero", "all_later")


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


@dataclass
class Cause:
    """Mistakes that are one: where they were made, and the terms that have them (right, theirs)."""

    mistakes: tuple[Mistake, ...]
    names: list[str] = field(default_factory=list)
    terms: list[Road] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.mistakes[0].kind

    @property
    def cost(self) -> float:
        return self.terms[0].cost if self.terms else 1.0

    def has(self, road: Road) -> bool:
        """Whether a wrong road of the same adjoint is one of this cause's."""
        return bool(road.later and _missing(road)) if self.kind == "cut_path" else road.mistakes == self.mistakes


def causes(case: Case, model: Model) -> list[Cause]:
    """The mistakes of a model, each cause once."""
    found: dict[object, Cause] = {}
    keys = _Keys(case, model)
    for name, roads in _all_roads(model):
        if cut := _cut(case, name, roads):
            found["cut", name] = cut
            roads = [r for r in roads if not cut.has(r)]
        for road in roads:
            if not road.mistakes or keys.repeats(found, name, road):
                continue
            cause = found.setdefault(keys.of(name, road), Cause(road.mistakes))
            cause.names += [name] * (name not in cause.names)
            cause.terms.append(road)
    return _without_doubt(case, list(found.values()))


def _without_doubt(case: Case, found: list[Cause]) -> list[Cause]:
    """What has several reasons has that for which others are what they are: a gradient that is zero, as its first step
    is; a first state that gets what belongs to the step after, as a loop does that ends there."""
    said = {cause.mistakes[0].sentence: cause for cause in found if len(cause.mistakes) == 1}
    pairs = [(said.get("first_is_zero"), said.get("only_first") or said.get("is_zero"))]
    if (later := said.get("all_later")) and set(later.names) <= set(case.graph.starts):
        pairs.append((later, said.get("but_first")))
    for doubtful, plain in pairs:
        if doubtful is not None and plain is not None:
            plain.names += doubtful.names
            plain.terms += doubtful.terms
            found = [cause for cause in found if cause is not doubtful]
    return found


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


def right_model(case: Case, like: Model | None = None) -> Model:
    """The derived backward pass; in the form in which another model has it, road by road."""
    graph, like = case.graph, like or Model()
    last = {node: graph.local[node] for node in graph.kept}
    carried = {
        node: _in_form(graph, own, like.earlier.get(node, [])[len(like.last.get(node, [])) :])
        for node, own in graph.carried.items()
    }
    gradients = {name: _in_form(graph, own, like.gradients.get(name, [])) for name, own in graph.gradients.items()}
    return Model(last, {node: last[node] + carried[node] for node in graph.kept}, gradients)


def _in_form(graph: BackwardGraph, right: list[Road], theirs: list[Road]) -> list[Road]:
    """The right roads, or what they are spelled out if that is what theirs, where they are right, are."""
    for form in (right, graph.spelled_out(right)):
        if len(theirs) >= len(form) and all(a.mistakes or a == b for a, b in zip(theirs, form, strict=False)):
            return form
    return right


def open_questions(case: Case, model: Model, lang: str, called: Called = str) -> list[str]:
    """What could not be explained, in words."""
    printer = RoadPrinter(case.graph)
    return [
        say(lang, f"open_{stage}", called(name) if stage == GRADIENT else printer.adjoint(name))
        for stage, name in model.unexplained
    ]


def _all_roads(model: Model) -> Iterable[tuple[str, list[Road]]]:
    yield from model.earlier.items()
    yield from model.gradients.items()


def _missing(road: Road) -> bool:
    return any(m.sentence == "term_missing" for m in road.mistakes)


def _cut(case: Case, name: str, roads: list[Road]) -> Cause | None:
    """All that is carried into a state's node is missing, or all that goes to its first value."""
    carried = case.graph.carried.get(name) or case.graph.gradients.get(name, []) * (name in case.graph.starts)
    if carried and sum(bool(r.later) and _missing(r) for r in roads) == len(carried):
        return Cause((Mistake("cut_path", "cut_path"),), [name])
    return None


class _Keys:
    """What two roads have in common if their mistakes are one."""

    def __init__(self, case: Case, model: Model) -> None:
        self.graph, self.printer = case.graph, RoadPrinter(case.graph)
        # the whole of an adjoint is wrong in one way
        self.whole = {name for name, roads in model.earlier.items() if len({r.mistakes for r in roads}) == 1}

    def of(self, name: str, road: Road) -> object:
        """The same words, and gradients of one family, in which each may speak of its own member: σ(b_i) in b.i is the
        same mistake as σ(b_f) in b.f."""
        if road.mistakes[0].sentence in (*_OF_SUMS, "too_early"):
            return road.mistakes
        if "." not in name:
            return name, None if name in self.whole else road.later, road.mistakes
        family, member = name.split(".", 1)
        words = (
            (m.kind, m.sentence, *(self.printer.part(part).replace(f"_{member}", "_") for part in m.parts))
            for m in road.mistakes
        )
        return family, road.later, tuple(words)

    def repeats(self, found: dict[object, Cause], name: str, road: Road) -> bool:
        """Whether a first state only repeats what is wrong with a state's node."""
        if name not in self.graph.starts:
            return False
        end = self.graph.ends[self.graph.starts[name]]
        cause = found.get(self.of(end, road)) if end else None
        return ("cut", end) in found or (cause is not None and any(t.source == road.source for t in cause.terms))


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
