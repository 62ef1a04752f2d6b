"""The gradients of parameters of which matrices are made: from dM to dU, for M = U - Uᵀ.

    dU = dM - dMᵀ

By reverse mode on the graphs of these matrices (`language.matrices`), by the same rows of the book as anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

from gated.calculus.reverse_mode import reverse_mode
from gated.language.graph import Graph, Node, is_constant, is_leaf, leaf, topological


@dataclass(frozen=True, eq=False)
class Made:
    """The matrices of a graph that are made of parameters.

    Attributes:
        matrices: name -> what it is made by.
        leaves: parameter -> the leaf that stands for it.
        seeds: name of a matrix -> the leaf that stands for its gradient.
        gradients: parameter -> what it gets from all of these, an expression of leaves and seeds; those that get
            nothing are left out.
    """

    matrices: dict[str, Node]
    leaves: dict[str, Node]
    seeds: dict[str, Node]
    gradients: dict[str, Node]


def made_matrices(graph: Graph) -> Made | None:
    """Those of a cell; None if there are none."""
    return made_of(graph, {name: matrix.of for name, matrix in graph.made.items() if matrix.of is not None})


def made_of(graph: Graph, matrices: dict[str, Node]) -> Made | None:
    """Of some of them, by name what each is made by; None if there are none."""
    if not matrices:
        return None
    own = [node for node in topological(matrices.values()) if is_leaf(node) and not is_leaf(node, "constant")]
    leaves = {node.attr[1]: node for node in own}
    seeds = {name: leaf("seed", name, node.dim) for name, node in matrices.items()}
    adjoints = reverse_mode(list(matrices.values()), list(seeds.values()))
    found = {name: adjoints.get(node) for name, node in leaves.items() if name not in graph.fixed}
    gradients = {name: node for name, node in found.items() if not is_constant(node, 0.0)}
    return Made(matrices, leaves, seeds, gradients)
