"""Which mistakes of a model of somebody's backward pass are one: causes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.printer import RoadPrinter
from gated.audit.diagnosis.roads import Mistake, Road
from gated.language.graph import Matrix

# mistakes of how a sum is taken: one cause, whichever gradients it spoils
_OF_SUMS = ("only_last", "only_first", "but_last", "but_first", "term_mean", "is_zero", "first_is_zero", "all_later")


@dataclass
class Cause:
    """Mistakes that are one: where they were made, and the terms that have them (right, theirs)."""

    mistakes: tuple[Mistake, ...]
    names: list[str] = field(default_factory=list)
    terms: list[Road] = field(default_factory=list)
    others: list[tuple[Mistake, ...]] = field(default_factory=list)  # what it was put together from

    @property
    def kind(self) -> str:
        return self.mistakes[0].kind

    @property
    def cost(self) -> float:
        return self.terms[0].cost if self.terms else 1.0

    def has(self, road: Road) -> bool:
        """Whether a wrong road of the same adjoint is one of this cause's."""
        if self.kind == "cut_path":
            return bool(road.later and _missing(road))
        return road.mistakes in (self.mistakes, *self.others)


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
    return _exchanged(_joined(case, _without_doubt(case, list(found.values()))))


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


def _joined(case: Case, found: list[Cause]) -> list[Cause]:
    """Where one array of theirs is two of ours, W on [h, x], what is wrong with it is wrong with both, in dh and dx."""
    kept: dict[object, Cause] = {}
    for number, cause in enumerate(found):
        key = _of_arrays(case, cause)
        first = kept.setdefault(key or number, cause)
        if first is not cause:
            first.names += [name for name in cause.names if name not in first.names]
            first.terms += cause.terms
            first.others.append(cause.mistakes)
    return list(kept.values())


def _of_arrays(case: Case, cause: Cause) -> object:
    """What is said of a cause, in the names of their arrays; None where it is about none that is two of ours."""
    matrices = {op.name for road in cause.terms for op in road.operations if isinstance(op, Matrix)}
    if not (matrices | set(cause.names)) & case.halves:
        return None
    held = case.held
    parts = tuple(
        (m.kind, m.sentence, *(held.get(p.name, p.name) if isinstance(p, Matrix) else p for p in m.parts))
        for m in cause.mistakes
    )
    ways = ((r.source, *(held[op.name] for op in r.operations if isinstance(op, Matrix))) for r in cause.terms)
    arrays = {held[name] for name in cause.names if name in held}
    return parts, frozenset(ways), frozenset(arrays)


def _exchanged(found: list[Cause]) -> list[Cause]:
    """One matrix for another, and that one for it: they were exchanged."""
    kept: list[Cause] = []
    for cause in found:
        pair = _pair(cause)
        other = next((c for c in kept if pair and c.names == cause.names and _pair(c) == pair[::-1]), None)
        if other is None:
            kept.append(cause)
            continue
        others = [other.mistakes, cause.mistakes, *other.others, *cause.others]
        both = Mistake("swapped_gates", "matrices_exchanged", other.mistakes[0].parts)
        kept[kept.index(other)] = Cause((both,), other.names, other.terms + cause.terms, others)
    return kept


def _pair(cause: Cause) -> tuple[object, ...]:
    """The matrix that stands there, and the one that belongs there."""
    (mistake, *more) = cause.mistakes
    is_pair = not more and mistake.kind == "swapped_gates" and mistake.sentence == "factor_instead"
    return mistake.parts if is_pair else ()
