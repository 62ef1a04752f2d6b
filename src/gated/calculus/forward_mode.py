"""Forward mode: how the outputs move when variables and matrices move.

Williams & Zipser 1989 (for recurrent networks, in real time); Griewank & Walther 2008, ch. 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gated.language.functions import FUNCTIONS, REDUCTIONS
from gated.language.graph import Matrix, Node, add, constant, is_constant, product, reduce, topological


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
    total = constant(0.0)
    if node.op == "call":
        partials = FUNCTIONS[node.attr].derivative(node.args, node)
        for arg, partial in zip(node.args, partials, strict=True):
            if not is_constant(moved[arg], 0.0):
                total = add(total, moved[arg] * partial)
    elif node.op == "product":
        for matrix, operand in zip(node.attr, node.args, strict=True):
            if not is_constant(moved[operand], 0.0):
                total = add(total, product([matrix], [moved[operand]]))
            if matrix in matrix_tangents:
                total = add(total, product([matrix_tangents[matrix]], [operand]))
    elif node.op == "reduce":
        operand = node.args[0]
        if not is_constant(moved[operand], 0.0):
            total = reduce("total", moved[operand] * REDUCTIONS[node.attr].derivative(operand, node))
    return total
