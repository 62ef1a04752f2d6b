"""A road: one product by which one adjoint reaches another, and what may be wrong with it.

An adjoint of a derived backward pass is a sum of roads. A road starts at the adjoint of a quantity, of this step or of
the one after, and goes through factors (elementwise) and matrices, first to last. The gradient of a matrix is a sum of
roads that end in an outer product with an operand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gated.language.graph import Matrix, Node, is_constant, is_elementwise

# which steps of a sum over time are counted, and how
ALL, LAST, FIRST, MEAN, BUT_LAST, BUT_FIRST = "all", "last", "first", "mean", "but last", "but first"
AT_LOSS = "at loss"  # all, but the values are those of the step of the loss that an adjoint comes from


@dataclass(frozen=True)
class Shift:
    """The value of a quantity `by` steps later, before the first step 0, or the last of all if that `wraps`: Python's
    xs[-1]."""

    node: Node
    by: int
    wraps: bool = False

    @property
    def dim(self) -> str:
        return self.node.dim


Factor: TypeAlias = Node | Shift
Operation: TypeAlias = Factor | Matrix
Part: TypeAlias = Operation | str | float  # what a sentence speaks of; a string is the name of an adjoint


@dataclass(frozen=True)
class Mistake:
    """One difference from the right road.

    Attributes:
        kind: one of `findings.KINDS`.
        sentence: its key in the table of sentences.
        parts: what stands in the gaps of the sentence.
    """

    kind: str
    sentence: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Group:
    """A local derivative within a road: the operations first to end (excluded) are its factors."""

    first: int
    end: int
    slope: Node

    def behind(self, count: int) -> Group:
        """The same, with `count` operations put before it."""
        return replace(self, first=self.first + count, end=self.end + count)


@dataclass(frozen=True)
class Road:
    """A coefficient times an adjoint, through operations.

    Attributes:
        source: name of the quantity whose adjoint is taken, "dy" for what the loss sends in.
        operations: factors and matrices in the order in which they act.
        coefficient: of the whole: 1, -1, or a number.
        later: the adjoint and the factors are those of so many steps later.
        operand: if not None, the outer product with it is taken last.
        mask: which steps a sum over time counts, and how.
        mistakes: none if the road is right.
        cost: how unlikely the mistakes are; one is about 1.
        groups: the local derivatives among the operations.
    """

    source: str
    operations: tuple[Operation, ...] = ()
    coefficient: float = 1.0
    later: int = 0
    operand: Factor | None = None
    mask: str = ALL
    mistakes: tuple[Mistake, ...] = ()
    cost: float = 0.0
    groups: tuple[Group, ...] = field(default=(), compare=False)

    @property
    def elementwise(self) -> bool:
        return not any(isinstance(operation, Matrix) for operation in self.operations)

    def after(self, first: Road) -> Road:
        """The road `first`, then this one."""
        moved = tuple(group.behind(len(first.operations)) for group in self.groups)
        return replace(
            self,
            source=first.source,
            operations=first.operations + self.operations,
            coefficient=first.coefficient * self.coefficient,
            groups=first.groups + moved,
        )

    def spoilt(self, mistake: Mistake, cost: float) -> Road:
        return replace(self, mistakes=(*self.mistakes, mistake), cost=self.cost + cost)


def split_slope(node: Node) -> tuple[float, tuple[Node, ...]]:
    """A slope as a number and factors: -2 a (1 - a) is -2 and a, 1 - a."""
    if is_constant(node):
        return node.attr, ()
    if is_elementwise(node) and node.operation.signs is not None and len(node.args) == 1:
        sign, factors = split_slope(node.args[0])
        return -sign, factors
    if is_elementwise(node) and node.operation.multiplies:
        (one, first), (other, second) = map(split_slope, node.args)
        return one * other, first + second
    return 1.0, (node,)


def matrices(road: Road) -> Iterator[Matrix]:
    return (operation for operation in road.operations if isinstance(operation, Matrix))
