"""What goes over the units of a vector: reductions, the lengths they need, and the sums that derivatives bring.

A number that is used for every unit of a vector collects its adjoint from all of them. `summed` writes that sum as a
person would: numbers stand before it, and the sum of a product of two vectors is their dot product.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.language.arithmetic import times_slope
from gated.language.graph import ONE_DIM, Node, constant, is_constant, is_leaf, is_reduction, leaf
from gated.language.operations import BOOK, Operation, Partials, made


@dataclass(frozen=True, kw_only=True)
class Reduction(Operation):
    """A reduction over the units of one or more vectors together, to one number.

    Attributes:
        numpy: of a number, where it has one, and of (..., V), (..., W), ...: gives (..., 1). Analytic near the real
            axis, as that of an `Elementwise`.
        derivative: (args, y) -> one partial derivative per argument, of its length or a number, where possible in y.
        text, latex, source: templates over the printed vectors, {0}, and the number, {1}.
        numbers: how many of the arguments, the first ones, are numbers: 0 or 1.
        pairs: whether the vectors are two and two of one length, whose products it goes over.
        inner: whether it occurs in derivatives only.
        helper: a definition that the NumPy source needs.
    """

    kind: str = "reduce"
    numpy: Callable[..., Any]
    derivative: Partials
    text: str
    latex: str
    source: str
    numbers: int = 0
    pairs: bool = False
    inner: bool = False
    helper: str | None = None

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        return ONE_DIM

    def of(self, *args: Node) -> Node:
        """The node."""
        return made(self, self.name, args)

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        return [scaled(adjoint, partial) for partial in self.derivative(node.args, node)]

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        total = constant(0.0)
        for arg, partial in zip(node.args, self.derivative(node.args, node), strict=True):
            if not is_constant(moved[arg], 0.0):
                total = total + summed(moved[arg] * partial, arg.dim)
        return total


def length(dim: str) -> Node:
    """How long vectors of this dimension are: a number that is known when a layer has its sizes."""
    return constant(1.0) if dim == ONE_DIM else leaf("length", dim, ONE_DIM)


def spread(number: Node, dim: str) -> Node:
    """A number as a vector of this length, each unit of which is that number."""
    return number if number.dim != ONE_DIM or dim == ONE_DIM or is_constant(number) else number * leaf("ones", dim, dim)


def is_size(node: Node) -> bool:
    """A leaf that the sizes of a layer say: a length, or a vector of ones."""
    return is_leaf(node, "length") or is_leaf(node, "ones")


def size_value(node: Node, sizes: Mapping[str, int]) -> Any:
    """What such a leaf is."""
    kind, dim = node.attr
    # of a type that takes on that of whatever it is multiplied with
    return np.ones(sizes[dim], np.int8) if kind == "ones" else float(sizes[dim])


def scaled(number: Node, vector: Node) -> Node:
    """Their product, numbers multiplied with each other first."""
    if vector.operation.multiplies and vector.dim != ONE_DIM:
        for factor, rest in (vector.args, vector.args[::-1]):
            if factor.dim == ONE_DIM:
                return times_slope(number, factor) * rest
    return times_slope(number, vector)


def summed(node: Node, dim: str, values: Collection[Node] = ()) -> Node:
    """The sum of an expression over all units of a vector of this length, where it may be the same number in each.

    Args:
        values: what has a value already, and is not to be taken apart.
    """
    if dim == ONE_DIM:
        return node
    if node.dim == ONE_DIM:
        return node * length(dim)
    number, vector = _parted(node, values)
    product = vector.operation.multiplies and vector not in values
    row, args = (BOOK["inner_product"], vector.args) if product else (BOOK["total"], (vector,))
    return times_slope(made(row, row.name, args), number)


def added(terms: Sequence[Node]) -> Node:
    """The sum of the terms; sums over units that are multiplied by the same number become one."""
    found: dict[Any, list[Node]] = {}
    for term in terms:
        inner, factors = _sum_in(term)
        key = (inner.attr, *factors) if is_reduction(inner) and inner.operation.linear else (term, len(found))
        found.setdefault(key, []).append(term)
    result = constant(0.0)
    for group in found.values():
        result = result + (group[0] if len(group) == 1 else _one_sum(group))
    return result


def _sum_in(term: Node) -> tuple[Node, list[tuple[str, Node | None]]]:
    """±(Σ / s) or ±(Σ · s) as Σ and what is done with it, from outside."""
    factors: list[tuple[str, Node | None]] = []
    while term.dim == ONE_DIM and not is_reduction(term):
        row = term.operation
        if row.signs == (-1,):
            factors.append((row.name, None))
        elif row.divides or (row.multiplies and is_reduction(term.args[0])):
            factors.append((row.name, term.args[1]))
        else:
            break
        term = term.args[0]
    return term, factors


def _one_sum(terms: Sequence[Node]) -> Node:
    inner, factors = _sum_in(terms[0])
    args = [arg for term in terms for arg in _sum_in(term)[0].args]
    node = made(inner.operation, inner.attr, args)
    for name, factor in reversed(factors):
        row: Any = BOOK[name]
        node = row.of(node) if factor is None else row.of(node, factor)
    return node


def _parted(node: Node, values: Collection[Node], levels: int = 8) -> tuple[Node, Node]:
    """A vector as a number times a vector without such factors; looked for so many levels deep."""
    row, args, one = node.operation, node.args, constant(1.0)
    if levels == 0 or node in values:
        return one, node
    if row.signs == (-1,):
        number, vector = _parted(args[0], values, levels - 1)
        return -number, vector
    if row.multiplies:
        parts = [(arg, one) if arg.dim == ONE_DIM else _parted(arg, values, levels - 1) for arg in args]
        return parts[0][0] * parts[1][0], parts[0][1] * parts[1][1]
    if row.divides and args[0].dim != ONE_DIM:
        number, vector = _parted(args[0], values, levels - 1)
        return (number / args[1], vector) if args[1].dim == ONE_DIM else (number, vector / args[1])
    return one, node
