"""A cell whose sequences may begin anew in their midst: a rewriting of its equations, `h = where(resets > 0, 0, h)`.

Never a product: the NaN of an episode that went wrong must not survive it.
"""

from __future__ import annotations

from dataclasses import replace

from gated.language import graph as g
from gated.language.decisions import choice, greater

WISH = "resets"


def with_resets(graph: g.Graph) -> tuple[g.Graph, str]:
    """The graph with one number more as its last input, and that input's name.

    Where it is above 0, every state of the step before is 0 in the place of what it was.
    """
    taken = {*graph.dims, *graph.names.values(), *graph.constants, *graph.draws}
    taken |= {name.split(".")[0] for name in graph.parameters}
    name = WISH
    while name in taken:
        name += "_"
    begins = greater(g.leaf("input", name, g.ONE_DIM), g.constant(0.0))

    def rule(node: g.Node, args: tuple[g.Node, ...]) -> g.Node:
        return choice(begins, g.constant(0.0), node) if g.is_leaf(node, "state") else g.with_args(node, args)

    dims = {**graph.dims, name: g.ONE_DIM}
    return replace(graph.rewritten(rule), inputs=(*graph.inputs, name), dims=dims), name
