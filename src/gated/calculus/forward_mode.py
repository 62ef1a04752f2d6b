"""Forward mode: how the outputs move when variables and matrices move.

Williams & Zipser 1989 (for recurrent networks, in real time); Griewank & Walther 2008, ch. 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gated.language.graph import Matrix, Node, is_product, product, topological


def forward_mode(
    outputs: Sequence[Node], tangents: Mapping[Node, Node], matrix_tangents: Mapping[Matrix, Matrix] | None = None
) -> list[Node]:
    """The tangent of each output.

    Args:
        outputs: expressions.
        tangents: variable or any inner node -> its tangent, an expression of the same length; what is not
            listed and depends on nothing listed does not move. A listed inner node is cut: its tangent is as given.
        matrix_tangents: matrix -> the matrix that is its tangent, of the same shape.
    """
    moved: dict[Node, Node] = {}
    for node in topological(outputs):
        moved[node] = tangents[node] if node in tangents else _tangent(node, moved, matrix_tangents or {})
    return [moved[output] for output in outputs]


def _tangent(node: Node, moved: Mapping[Node, Node], matrix_tangents: Mapping[Matrix, Matrix]) -> Node:
    total = node.operation.tangent(node, moved)
    if is_product(node):
        for matrix, operand in zip(node.attr, node.args, strict=True):
            if matrix in matrix_tangents:
                total = total + product([matrix_tangents[matrix]], [operand])
    return total
