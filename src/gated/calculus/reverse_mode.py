"""Reverse mode: from the adjoints of the outputs to those of everything else, as expressions of the same graph.

For y = φ(a) the adjoint of a is dy ⊙ φ'(a); for a matrix product a = M v it is dv = Mᵀ da, and M itself receives
da vᵀ (Werbos 1990, "Backpropagation through time", eqs. 5-8; Griewank & Walther 2008, ch. 3). The derivatives φ' are
rows of the book of operations, expressed in the saved output y.

A branch that is not taken must not count, even if NaN or an infinite slope stands in it: what reaches the outputs only
through branches is sheltered, and its terms are 0 where its adjoint is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gated.language.decisions import kept, masked
from gated.language.graph import (
    ONE_DIM,
    Matrix,
    Node,
    constant,
    is_constant,
    is_elementwise,
    is_leaf,
    is_product,
    topological,
)
from gated.language.over_units import added, spread, summed


@dataclass
class Adjoints:
    """What reverse mode finds.

    Attributes:
        of: node -> its total adjoint.
        terms: node -> the single contributions, (the node that uses it, the expression), whose sum `of` is.
        products: matrix -> (adjoint of the product, operand) pairs; the matrix's gradient is the sum of outer products.
        sheltered: nodes that the outputs depend on through branches alone.
    """

    of: dict[Node, Node] = field(default_factory=dict)
    terms: dict[Node, list[tuple[Node | None, Node]]] = field(default_factory=dict)
    products: dict[Matrix, list[tuple[Node, Node]]] = field(default_factory=dict)
    sheltered: set[Node] = field(default_factory=set)

    def get(self, node: Node) -> Node:
        """The adjoint of a node; zero if the outputs do not depend on it."""
        return self.of.get(node, constant(0.0))


def reverse_mode(outputs: Sequence[Node], seeds: Sequence[Node]) -> Adjoints:
    """Adjoints of all nodes below `outputs`, given the adjoint of each output.

    Args:
        outputs: expressions, e.g. the new states of a cell.
        seeds: the adjoint of each output, of the output's length.
    """
    result = Adjoints()
    order = topological(outputs)
    values = set(order)
    for output, seed in zip(outputs, seeds, strict=True):
        _contribute(result, output, None, seed, values)
    for node in reversed(order):
        terms = result.terms.get(node, [])
        if not terms or is_constant(node):
            continue
        total = added([term for _, term in terms])
        if is_product(node) or is_leaf(node, "vector"):  # a matrix, or a sum over rows, needs a number unit by unit
            total = spread(total, node.dim)
        result.of[node] = total
        users = [user for user, _ in terms]
        if all(user is not None and (user.operation.branches or user in result.sheltered) for user in users):
            result.sheltered.add(node)
        _propagate(result, node, total, values)
    return result


def _propagate(result: Adjoints, node: Node, adjoint: Node, values: set[Node]) -> None:
    if is_product(node):
        for matrix, operand in zip(node.attr, node.args, strict=True):
            result.products.setdefault(matrix, []).append((adjoint, operand))
    back = _sheltered_back if node in result.sheltered else node.operation.back
    for arg, term in zip(node.args, back(node, adjoint), strict=True):
        _contribute(result, arg, node, term, values)


def _sheltered_back(node: Node, adjoint: Node) -> list[Node]:
    """As the operation's own, but 0 where the adjoint is."""
    if is_product(node):
        return node.operation.back(node, adjoint)
    branch = masked(adjoint)
    if branch is not None:
        mask, inner = branch
        return [mask(term) for term in _sheltered_back(node, inner)]
    return [kept(adjoint, term) for term in node.operation.back(node, adjoint)]


def _contribute(result: Adjoints, node: Node, user: Node | None, term: Node, values: set[Node]) -> None:
    if is_constant(term, 0.0) or is_leaf(node, "constant") or is_leaf(node, "draw"):
        return
    if node.dim == ONE_DIM:  # a number that was used for all units collects from all of them
        units = term.dim if user is None else user.dim if is_elementwise(user) else ONE_DIM
        term = summed(term, units, values)
    result.terms.setdefault(node, []).append((user, term))
