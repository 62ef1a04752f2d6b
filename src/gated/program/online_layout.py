"""Where the values of an online step lie, and its three programs, lowered.

Every value has one row of numbers with room for whole vectors. A matrix parameter lies as columns: `panel[c]` holds
the weights of all units on input c, and so do its traces and its gradient, so that one vector instruction serves as
many units as it has lanes, without a sum across lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gated.language.graph import Node, is_constant, is_leaf, topological
from gated.program.lowering import Place, Program, lower
from gated.program.rows import CURRENT, ROW, SEQUENCE, WEIGHTS
from gated.schedule.online_step import StepPlan

# what the table holds besides addresses by name and sizes by dimension
FIXED = ("sequences", "rates", "weights", "fused", "failed", "numbers", "theta", "shadow")


@dataclass(frozen=True, eq=False)
class StepLayout:
    """See the module.

    Attributes:
        places: node -> where its row lies.
        programs: forward, errors, pushes.
        dims: every length.
        table: name -> index of a 64-bit number.
    """

    plan: StepPlan
    places: dict[Node, Place]
    programs: tuple[Program, Program, Program]
    dims: tuple[str, ...]
    table: dict[tuple[str, ...], int]


def lay_out(plan: StepPlan) -> StepLayout:
    """Find the places of a step, and lower its programs."""
    places = _given(plan)
    outputs = [plan.forward, plan.errors, plan.pushes]
    nodes: list[list[Node]] = []
    for wanted in outputs:
        nodes.append(_missing(wanted, {*places, *plan.backs, *(node for program in nodes for node in program)}))
    places.update((node, Place(f"back {i}", CURRENT, node.dim)) for i, node in enumerate(plan.backs))
    programs = []
    for i, program in enumerate(nodes):
        available = {node: (place,) for node, place in places.items()}
        later = {arg for other in nodes[i + 1 :] for node in other for arg in node.args}
        later |= {node for wanted in outputs for node in wanted}
        results = [
            (node, Place(f"value {i} {k}", CURRENT, node.dim)) for k, node in enumerate(program) if node in later
        ]
        places.update(results)
        if i == 0:
            results += [(plan.new[k], new_state(k, leaf)) for k, leaf in enumerate(plan.states)]
            results.append((plan.y, Place("y", ROW, plan.target.dim)))
        programs.append(lower(program, available, results))
    forward, errors, pushes = programs
    return StepLayout(plan, places, (forward, errors, pushes), *_table(plan, places, programs))


def new_state(k: int, leaf: Node) -> Place:
    """Where the k-th state after a step lies, until it is the one before the next."""
    return Place(f"new {k}", CURRENT, leaf.dim)


def _given(plan: StepPlan) -> dict[Node, Place]:
    """The leaves: what exists before the step."""
    places = {leaf: Place(f"state {k}", SEQUENCE, leaf.dim) for k, leaf in enumerate(plan.states)}
    for name, leaf in (("x", plan.x), ("target", plan.target)):
        places[leaf] = Place(name, ROW, leaf.dim)
    places[plan.weight] = Place("weight", CURRENT, plan.weight.dim)
    places.update((leaf, Place(f"sum {i}", CURRENT, leaf.dim)) for i, leaf in enumerate(plan.sums))
    for node in topological([*plan.forward, *plan.errors, *plan.pushes]):
        if is_leaf(node, "vector"):
            places[node] = Place(node.attr[1], WEIGHTS, node.dim)
    return places


def _missing(wanted: Iterable[Node], known: set[Node]) -> list[Node]:
    """What must be computed, each after its arguments; constants are no work."""
    order = topological(wanted, lambda node: () if node in known else node.args)
    return [node for node in order if node not in known and not is_constant(node)]


def _table(
    plan: StepPlan, places: dict[Node, Place], programs: Sequence[Program]
) -> tuple[tuple[str, ...], dict[tuple[str, ...], int]]:
    everything = [*places.values(), *(place for program in programs for place in program.places)]
    dims = tuple(dict.fromkeys(place.dim for place in everything))
    names: list[tuple[str, ...]] = [(name,) for name in FIXED]
    names += [("size", dim) for dim in dims] + [("blocks", dim) for dim in dims]
    for job in plan.learnt:
        names += [(kind, job.name) for kind in ("panel", "theta", "sum", "gradient")]
        names += [("trace", job.name, str(k)) for k in job.traces]
    names += [("row", place.name) for place in everything if place.rows != WEIGHTS]
    return dims, {name: i for i, name in enumerate(dict.fromkeys(names))}
