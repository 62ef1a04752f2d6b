"""Slopes: how one value of a cell moves with another along elementwise paths, by forward mode.

Between two matrix products a cell is elementwise, so its Jacobian there is diagonal and has one number per unit: the
slope, an expression of the cell's own values. A whole Jacobian is slopes and matrices in turn (real-time recurrent
learning); with the matrices cut only slopes are left (`gated.schedule.traces`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gated.calculus.forward_mode import forward_mode
from gated.language.graph import Graph, Node, constant, is_leaf, is_product, is_reduction


class Slopes:
    """The slopes of one graph.

    Args:
        graph: a cell or a map.
        cut: products of a vector parameter and a value, p ⊙ v, that move with p but not with v.

    Attributes:
        products: the matrix products M v, each after those it depends on.
        mixing: these and the reductions over the units: what is not elementwise, in order.
    """

    def __init__(self, graph: Graph, cut: Collection[Node] = ()) -> None:
        self.graph = graph
        self.products = tuple(node for node in graph.order if is_product(node))
        self.mixing = tuple(node for node in graph.order if is_product(node) or is_reduction(node))
        self._cut = {node: _vector_and_value(node) for node in cut}

    @property
    def operands(self) -> tuple[Node, ...]:
        """What the matrices are applied to, and the reductions go over, each once."""
        return tuple(dict.fromkeys(arg for node in self.mixing for arg in node.args))

    def from_source(self, sinks: Sequence[Node], source: Node, held: Collection[Node] = ()) -> list[Node]:
        """∂sink/∂source for every sink, along the paths that pass no matrix product and no reduction.

        Args:
            sinks: any nodes of the graph.
            source: a leaf, a product or a reduction.
            held: further nodes that do not move (unless they are the source).

        Returns:
            one expression per sink; the constant 0 where there is no such path.
        """
        still = constant(0.0)
        tangents = dict.fromkeys([*self.mixing, *held], still)
        for node, (vector, value) in self._cut.items():
            tangents[node] = value if vector is source else still
        tangents[source] = constant(1.0)
        return forward_mode(sinks, tangents)


def _vector_and_value(node: Node) -> tuple[Node, Node]:
    first, second = node.args
    return (first, second) if is_leaf(first, "vector") else (second, first)


def weighted_states(graph: Graph) -> tuple[Node, ...]:
    """The products p ⊙ v of a vector parameter and a value that depends on a state: peepholes, u ⊙ h of an IndRNN."""
    moving: set[Node] = set()
    found = []
    for node in graph.order:
        if is_leaf(node, "state") or any(arg in moving for arg in node.args):
            moving.add(node)
        if node.operation.multiplies and any(is_leaf(arg, "vector") for arg in node.args):
            _, value = _vector_and_value(node)
            if value in moving:
                found.append(node)
    return tuple(found)
