"""The roads of a backward pass as a picture needs them: from where to where, by what, and whether somebody has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from gated.audit.diagnosis.case import Case
from gated.audit.diagnosis.causes import right_model
from gated.audit.diagnosis.findings import Called
from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.printer import RoadPrinter
from gated.audit.diagnosis.roads import Road

RIGHT, MISSING, WRONG, EXTRA = "right", "missing", "wrong", "extra"


@dataclass(frozen=True)
class DrawnRoad:
    """One arrow.

    Attributes:
        source, target: labels of the adjoints at its ends, dhₜ, δ_iₜ, or of a gradient of theirs.
        right, theirs: what is multiplied on the way; empty where there is no such road.
        state: "right", "missing", "wrong" or "extra".
        gradient: whether the target is the gradient of a parameter, of x or of a first state.
        later: the source is that of so many steps later.
    """

    source: str
    target: str
    right: str
    theirs: str
    state: str
    gradient: bool = False
    later: int = 0


def drawn(case: Case, model: Model, called: Called = str) -> tuple[DrawnRoad, ...]:
    """All roads between adjoints, in backward order, and the roads into those gradients that are spoilt on the way."""
    graph, printer, right = case.graph, RoadPrinter(case.graph), right_model(case, model)
    found: list[DrawnRoad] = []
    for node in graph.back:
        if node in graph.kept:
            found += _arrows(printer, printer.adjoint(node), right.earlier[node], model.earlier[node], False)
    for name, roads in model.gradients.items():
        if any(road.mistakes for road in roads) and name not in graph.starts:
            found += _arrows(printer, called(name), right.gradients[name], roads, True)
    return tuple(dict.fromkeys(found))


def _arrows(
    printer: RoadPrinter, target: str, right: list[Road], theirs: list[Road], gradient: bool
) -> Iterator[DrawnRoad]:
    """Theirs stand in the order of the right ones, what is too many behind them."""
    for road, own in zip_longest(right, theirs):
        start = road or own
        if road is None:
            yield _arrow(printer, start, target, "", printer.way(own), EXTRA, gradient)
        elif own is None or not own.coefficient:
            yield _arrow(printer, start, target, printer.way(road), "", MISSING, gradient)
        elif own.mistakes:
            said = printer.way(own)
            if own.source != road.source:
                said = f"{printer.road(own)}"
            yield _arrow(printer, start, target, printer.way(road), said, WRONG, gradient)
        else:
            way = printer.way(road)
            yield _arrow(printer, start, target, way, way, RIGHT, gradient)


def _arrow(
    printer: RoadPrinter, road: Road, target: str, right: str, theirs: str, state: str, gradient: bool
) -> DrawnRoad:
    source = printer.adjoint(road.source)
    return DrawnRoad(source, target, right, theirs, state, gradient, road.later)
