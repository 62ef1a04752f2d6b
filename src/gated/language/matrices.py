"""Matrices that are made of parameters: U.h.T, U.h - U.h.T, abs(U.h). Each is a small graph of its own:

    node := leaf("matrix", name)            a parameter that is a matrix
          | leaf("vector", name)            a parameter that is one number, dim "1"
          | constant(value), leaf("constant", name)    a number, a constant of the cell, dim "1"
          | call(function, node, ...)       elementwise, of matrices of one shape and numbers
          | transpose(node)

The dim of a matrix is "rows×cols", which is no name of a length: so the rows of the book, their derivatives and the
printer serve matrices as they serve vectors. What such a graph makes is the `Matrix` of a product, and a parameter like
any other to whoever runs the product (`graph.Graph.core`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gated.errors import CellError
from gated.language.graph import Node, constant, is_constant, is_leaf, is_product, leaf, topological
from gated.language.limits import MAX_MATRIX
from gated.language.nodes import Matrix
from gated.language.operations import ADD, ATOM, BOOK, MULTIPLY, Legend, Operation, call, enter, made

TIMES = "×"


@dataclass(frozen=True, kw_only=True)
class Transposition(Operation):
    """The rows of a matrix as columns."""

    kind: str = "transpose"

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        rows, cols = shape_of(args[0])
        return f"{cols}{TIMES}{rows}"

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        return [_turned(adjoint)]

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        return transposed(moved[node.args[0]])


enter(
    Transposition(
        name="transpose",
        kind="transpose",
        legend=Legend("{f}: a matrix with rows as columns.", "{f} ：转置。", ("Mᵀ", r"M^{\top}"), needed=False),
    )
)


def is_matrix(node: Node) -> bool:
    return TIMES in node.dim


def is_transposed(node: Node) -> bool:
    return node.op == "transpose"


def shape_of(node: Node) -> tuple[str, str]:
    """The dimension symbols of a matrix."""
    rows, cols = node.dim.split(TIMES)
    return rows, cols


def matrix_leaf(name: str, rows: str, cols: str) -> Node:
    """A parameter that is a matrix."""
    return leaf("matrix", name, f"{rows}{TIMES}{cols}")


def transposed(node: Node) -> Node:
    """A number is its own; of what is transposed already it is that itself."""
    if not is_matrix(node):
        return node
    return node.args[0] if is_transposed(node) else made(BOOK["transpose"], None, (node,))


def _turned(adjoint: Node) -> Node:
    """As a person writes it: the sign and the factor in front, dM - dMᵀ and not dM + (-dM)ᵀ."""
    row = adjoint.operation
    if row.signs == (-1,):
        return -_turned(adjoint.args[0])
    if row.multiplies and is_constant(adjoint.args[0]):
        return adjoint.args[0] * _turned(adjoint.args[1])
    return transposed(adjoint)


def matrix_of(node: Node) -> Matrix:
    """The matrix of a product: the parameter itself, or what is made of several.

    Raises:
        CellError: it has too many parts.
    """
    count = _parts(node)
    if count > MAX_MATRIX:
        raise CellError(f"a matrix that is made of parameters has {count} parts, expected at most {MAX_MATRIX}")
    rows, cols = shape_of(node)
    if is_leaf(node):
        family, member = node.attr[1].split(".", 1)
        return Matrix(family, member, rows, cols)
    return Matrix(written(node), "", rows, cols, of=node)


def _parts(node: Node) -> int:
    """As it is written out: what is used twice counts twice."""
    counts: dict[Node, int] = {}
    for part in topological([node]):
        counts[part] = 1 + sum(counts[arg] for arg in part.args)
    return counts[node]


def written(node: Node) -> str:
    """As it stands in the equations: "U.h - U.h.T"."""
    if _parts(node) > MAX_MATRIX:
        return "a matrix of many parts"
    texts: dict[Node, tuple[str, int]] = {}
    for part in topological([node]):
        texts[part] = _one(part, [texts[arg] for arg in part.args])
    return texts[node][0]


_SIGNS = {"add": ("+", ADD), "sub": ("-", ADD), "mul": ("*", MULTIPLY), "div": ("/", MULTIPLY)}


def _one(node: Node, args: Sequence[tuple[str, int]]) -> tuple[str, int]:
    """The text of a node and how strongly it binds."""

    def bound(k: int, binds: int) -> str:
        text, own = args[k]
        return text if own >= binds else f"({text})"

    if is_leaf(node):
        return str(node.attr[1]), ATOM
    if is_constant(node):
        value = node.attr
        text = str(int(value)) if value == int(value) and abs(value) < 1e9 else repr(value)
        return text, ATOM if value >= 0 else ADD
    if is_transposed(node):
        return f"{bound(0, ATOM)}.T", ATOM
    if node.attr in _SIGNS:
        sign, binds = _SIGNS[node.attr]
        return f"{bound(0, binds)} {sign} {bound(1, binds + 1)}", binds
    if node.attr == "neg":
        return f"-{bound(0, ATOM)}", MULTIPLY
    return f"{node.attr}({', '.join(text for text, _ in args)})", ATOM


def parameters_of(node: Node) -> list[str]:
    """The names of the parameters that a node itself uses, those of its matrices included."""
    if is_product(node):
        return list(dict.fromkeys(name for matrix in node.attr for name in parameters_in(matrix)))
    return [node.attr[1]] if is_leaf(node, "vector") else []


def parameters_in(matrix: Matrix) -> list[str]:
    """The parameters that a matrix is made of, or is."""
    if matrix.of is None:
        return [matrix.name]
    return [part.attr[1] for part in topological([matrix.of]) if is_leaf(part) and not is_leaf(part, "constant")]


def with_zeros(node: Node, omitted: set[str]) -> Node:
    """The matrix where some of its parameters are 0, simplified; perhaps a mere number.

    Raises:
        CellError: it has no value then.
    """
    put = {part: constant(0.0) for part in topological([node]) if is_leaf(part) and part.attr[1] in omitted}
    return _rebuilt(node, put, simplified=True)


def with_numbers(matrix: Matrix, constants: Mapping[str, float]) -> Matrix:
    """The matrix with numbers in the place of the cell's constants; errors as of `with_zeros`."""
    if matrix.of is None:
        return matrix
    leaves = [part for part in topological([matrix.of]) if is_leaf(part, "constant")]
    put = {part: constant(constants[part.attr[1]]) for part in leaves}
    return matrix_of(_rebuilt(matrix.of, put, simplified=False)) if put else matrix


def _rebuilt(node: Node, put: Mapping[Node, Node], simplified: bool) -> Node:
    new: dict[Node, Node] = {}
    for part in topological([node]):
        args = tuple(new[arg] for arg in part.args)
        if args == part.args:
            new[part] = put.get(part, part)
        elif is_transposed(part):
            new[part] = transposed(args[0])
        else:
            new[part] = _called(part.operation, args, simplified)
    return new[node]


def _called(row: Any, args: tuple[Node, ...], simplified: bool) -> Node:
    fault = row.fault_of(args)
    if fault is not None:
        raise CellError(f"the equations {row.verb} {fault}")
    node: Node = row.of(*args) if simplified else call(row.name, *args)
    return node
