"""Rewrites of a program that change its cost, not its meaning; and what must be true of every program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gated.language.graph import ONE_DIM, Node, are_numbers, is_elementwise, is_product, product, rewrite, with_args


def gather_products(outputs: Sequence[Node], known: Collection[Node]) -> dict[Node, Node]:
    """Sums of matrix products become one node, M1 v1 + M2 v2 + ...: one large product instead of many small ones.

    `known` nodes are values that exist already: they stay as they are, and so does a product among them.
    Returns a map from every node below `outputs` to its rewritten form.
    """

    def rule(node: Node, args: tuple[Node, ...]) -> Node:
        if node in known:
            return node
        if _adds(node) and any(map(is_product, args)):
            return _gathered_sum(args, known)
        return with_args(node, args)

    return rewrite(outputs, rule)


def _adds(node: Node) -> bool:
    """Whether a node is the sum of two others."""
    return node.operation.signs == (1, 1)


def _gathered_sum(args: tuple[Node, ...], known: Collection[Node]) -> Node:
    """The terms of a sum, its products in one node. The order of the other terms is kept; the product comes last."""
    terms: list[Node] = []
    for arg in args:
        terms += _terms(arg, known)
    products = [term for term in terms if is_product(term) and term not in known]
    others = [term for term in terms if term not in products]
    if not products:
        return args[0] + args[1]
    matrices = [matrix for term in products for matrix in term.attr]
    operands = [operand for term in products for operand in term.args]
    total: Node | None = None
    for term in [*others, product(matrices, operands)]:
        total = term if total is None else total + term
    return total if total is not None else args[0]


def _terms(node: Node, known: Collection[Node]) -> list[Node]:
    """a + (M v) as its two terms; only sums that this pass built are taken apart."""
    if node not in known and _adds(node) and is_product(node.args[1]):
        return [node.args[0], node.args[1]]
    return [node]


def divided_once(program: Sequence[Node]) -> dict[Node, Node]:
    """Where a vector is divided by a number that the program makes, it is multiplied by 1 / that number, made once.

    Returns a map from every node of the program to its rewritten form.
    """
    own = set(program)

    def rule(node: Node, args: tuple[Node, ...]) -> Node:
        if node not in own:
            return node
        if node.operation.divides and node.args[1] in own and node.args[1].dim == ONE_DIM != node.dim:
            return args[0] * (1.0 / args[1])
        return with_args(node, args)

    return rewrite(program, rule)


def require_folded(nodes: Iterable[Node]) -> None:
    """A check on ourselves: no backend computes functions of numbers alone, which have no length.

    Raises:
        RuntimeError: something has been built past `language.graph.call`.
    """
    for node in nodes:
        if is_elementwise(node) and are_numbers(*node.args):
            raise RuntimeError(f"an error in gated: {node!r} is a function of numbers alone and should be a number")
