"""Names for nameless values, so that equations stay short however often a value is used and however deep they nest."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gated.language.graph import Graph, Node, is_atom, is_elementwise, is_reduction

SHARED = 24  # parts of a value that is written out once although it is used more than once
DEEP = 40  # levels of one equation; Python reads no more than 200 brackets in one another


def taken_names(graph: Graph) -> set[str]:
    """What a new name must not look like."""
    families = {name.split(".")[0] for name in graph.parameters}
    return families | {*graph.names.values(), *graph.dims, *graph.constants, *graph.draws}


def free_letter(candidates: str, separator: str, taken: set[str]) -> str:
    """A letter with which, the separator and something behind it, no name begins."""

    def is_free(prefix: str) -> bool:
        return not any(
            name == prefix or (name.startswith(prefix + separator) and (separator or name[len(prefix) :][:1].isdigit()))
            for name in taken
        )

    tries = [*candidates, *(2 * letter for letter in candidates), *(f"aux{k}" for k in range(len(taken) + 1))]
    return next(prefix for prefix in tries if is_free(prefix))


def auxiliaries(graph: Graph) -> dict[Node, str]:
    """Nameless values that are printed as equations of their own, and what they are called: u1, u2, ... ."""
    found = long_parts(graph.order, {**graph.names, **dict.fromkeys(_with_reductions(graph))}, DEEP, SHARED)
    found = [node for node in graph.order if node in {*found, *_with_reductions(graph)}]
    letter = free_letter("uvwkq", "", taken_names(graph))
    return {node: f"{letter}{number}" for number, node in enumerate(found, 1)}


def _with_reductions(graph: Graph) -> set[Node]:
    """Nameless reductions over the units, and what they go over, where they are used more than once."""
    uses: dict[Node, int] = {}
    for node in graph.order:
        for arg in dict.fromkeys(node.args):
            uses[arg] = uses.get(arg, 0) + 1
    reductions = [node for node in graph.order if is_reduction(node)]
    found = {*reductions, *(arg for node in reductions for arg in node.args if is_elementwise(arg))}
    return {node for node in found if uses.get(node, 0) > 1 and node not in graph.names}


def long_parts(
    order: Sequence[Node], named: Collection[Node], deep: int, shared: int, large: int | None = None
) -> list[Node]:
    """Values that need a name, besides those that have one, in their order.

    Args:
        order: of nodes, each after its arguments.
        named: nodes that are written as a name where they are used.
        deep: levels that an expression may have.
        shared: parts that an expression may have that is used more than once.
        large: parts that any expression may have.
    """
    uses = dict.fromkeys(order, 0)
    for node in order:
        for arg in node.args:
            uses[arg] += 1
    levels: dict[Node, int] = {}
    parts: dict[Node, int] = {}
    found: list[Node] = []
    for node in order:
        levels[node] = max((levels[arg] for arg in node.args), default=0) + 1
        parts[node] = sum(parts[arg] for arg in node.args) + 1
        short = levels[node] < deep and (large is None or parts[node] < large)
        if node in named or is_atom(node):
            levels[node] = parts[node] = 1
        elif not short or (uses[node] > 1 and parts[node] >= shared):
            found.append(node)
            levels[node] = parts[node] = 1
    return found
