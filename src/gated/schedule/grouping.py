"""Which products of a program share an operand: M1 v, M2 v, ... are one product with the stacked matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gated.language.graph import Matrix, Node, is_product


@dataclass(frozen=True, eq=False)
class ProductGroup:
    """Product nodes [M1] v, [M2] v, ... of one operand v."""

    operand: Node
    nodes: tuple[Node, ...]

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return tuple(node.attr[0] for node in self.nodes)


def group_products(program: Sequence[Node]) -> list[Node | ProductGroup]:
    """The program with every single product in the group of its operand, at the place of the group's first member."""
    members: dict[Node, list[Node]] = {}
    for node in program:
        if is_product(node) and len(node.args) == 1:
            members.setdefault(node.args[0], []).append(node)
    result: list[Node | ProductGroup] = []
    for node in program:
        if not is_product(node) or len(node.args) != 1:
            result.append(node)
        elif members[node.args[0]][0] is node:
            result.append(ProductGroup(node.args[0], tuple(members[node.args[0]])))
    return result
