"""The book of operations: what can stand in a graph, one object each, in one table.

An operation says how long its result is, what it does to adjoints and tangents, how it is computed on arrays, how it is
written in text, LaTeX and Python, and what a reader is told of it. Everything else asks the operation of a node
(`node.operation`), never which one it is. The rows are written where their formulas are:

    structure     leaf, constant, product
    arithmetic    + - * / ** and the sign, with the rules by which derivatives are simplified
    functions     elementwise functions
    decisions     comparisons, what is taken where they hold, what is held
    reductions    over the units, to one number (what they are: over_units)
    matrices      the transpose, in matrices that are made of parameters

To add a function is to add a row to `functions` (and machine code under the same name to the native emitters).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gated.errors import CellError
from gated.language.nodes import Matrix, Node, are_numbers, constant, is_constant, joint_dim, make

Array = np.ndarray[Any, Any]
Partials = Callable[[tuple[Node, ...], Node], tuple[Node, ...]]

COMPARE, ADD, PRODUCT, MULTIPLY, POWER, ATOM = 5, 10, 15, 20, 90, 100  # how strongly a result binds


@dataclass(frozen=True)
class Legend:
    """What a reader of a derivation is told of an operation.

    Attributes:
        english, chinese: the sentence; {f} stands for the formulas of the operations it is told of, {d} for the slope.
        formula: the operation of a (or of a and b), as text and in LaTeX, perhaps with what it is equal to.
        slope: its derivative, likewise.
        needed: whether derivations say it. What every reader knows goes without saying.
        group: operations of one group share a sentence.
    """

    english: str
    chinese: str
    formula: tuple[str, str]
    slope: tuple[str, str] = ("", "")
    needed: bool = True
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What all operations have.

    Attributes:
        name: in the table.
        kind: the `op` of its nodes: "leaf", "constant", "call", "product" or "reduce".
        legend: what a reader is told.
        signs: where it is a sum of its arguments, the sign of each.
        multiplies: whether it is the elementwise product of its arguments.
        divides: whether it is their quotient.
        linear: whether it is a sum over the units, of which every unit has the same part.
        decides: whether it is a comparison: 1 where it holds, otherwise 0, for a choice and nothing else.
        branches: where it is a choice, which of its arguments it chooses among; the others are comparisons.
    """

    name: str
    kind: str
    legend: Legend
    signs: tuple[int, ...] | None = None
    multiplies: bool = False
    divides: bool = False
    linear: bool = False
    decides: bool = False
    branches: tuple[int, ...] = ()

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        """The length of the result."""
        raise NotImplementedError

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        """What the adjoint of a node contributes to those of its arguments, one term each."""
        raise NotImplementedError

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        """How a node moves, given how its arguments move (and parameters stay)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operation):
    """An elementwise operation. `text`, `latex` and `source` are templates over the printed arguments.

    Attributes:
        arity: how many arguments.
        numpy: takes `out=`, and must be analytic on complex numbers near the real axis (complex-step check): what is
            decided, is decided by the real part.
        derivative: (args, y) -> one partial derivative per argument, where possible in the saved output y.
        precedence: how strongly the printed result binds.
        public: what users are told of the function of this name; "" if there is none.
        usage: how it is called, where a and b do not say it.
        inner: whether it occurs in derivatives only.
        helper: a definition that the NumPy source needs.
        operator: Python's special method (without underscores) that writes it in the equations.
        ufuncs: what NumPy calls it.
        jumps: (args) -> expressions that are 0 where the value jumps or has a kink.
        build: makes it of nodes, simplified; None: as it is.
        verb, fault: what it does to its last argument ("divide"), and what is wrong with such numbers ("by 0.0") among
            its arguments (None for those that are no numbers).
    """

    kind: str = "call"
    arity: int
    numpy: Callable[..., Any]
    derivative: Partials
    text: str
    latex: str
    source: str
    precedence: int = ATOM
    public: str = ""
    usage: str = ""
    inner: bool = False
    helper: str | None = None
    operator: str = ""
    ufuncs: tuple[str, ...] = ()
    jumps: Callable[[tuple[Node, ...]], tuple[Node, ...]] = lambda args: ()
    build: Callable[..., Node] | None = None
    verb: str = ""
    fault: Callable[[Sequence[float | None]], str | None] = lambda values: None

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        return joint_dim(args)

    def fault_of(self, args: Sequence[Node]) -> str | None:
        """What is wrong with the numbers among the arguments."""
        return self.fault([arg.attr if is_constant(arg) else None for arg in args])

    def of(self, *args: Node) -> Node:
        """The node, simplified where the operation knows how."""
        return call(self.name, *args) if self.build is None else self.build(*args)

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        return [adjoint * partial for partial in self.derivative(node.args, node)]

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        total = constant(0.0)
        for arg, partial in zip(node.args, self.derivative(node.args, node), strict=True):
            if not is_constant(moved[arg], 0.0):
                total = total + moved[arg] * partial
        return total


@dataclass(frozen=True, kw_only=True)
class Atom(Operation):
    """What has no arguments: a variable, or a number."""

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        raise TypeError(f"a {self.name} is made with its length")

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        return []

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        return constant(0.0)


@dataclass(frozen=True, kw_only=True)
class Product(Operation):
    """A sum of matrices applied to vectors, M1 v1 + M2 v2 + ... ."""

    def dim(self, attr: Any, args: Sequence[Node]) -> str:
        first: Matrix = attr[0]
        return first.output_dim

    def back(self, node: Node, adjoint: Node) -> list[Node]:
        return [product([matrix.T], [adjoint]) for matrix in node.attr]

    def tangent(self, node: Node, moved: Mapping[Node, Node]) -> Node:
        total = constant(0.0)
        for matrix, operand in zip(node.attr, node.args, strict=True):
            if not is_constant(moved[operand], 0.0):
                total = total + product([matrix], [moved[operand]])
        return total


BOOK: dict[str, Operation] = {
    "leaf": Atom(
        name="leaf",
        kind="leaf",
        legend=Legend("{f}: a value that is given.", "{f} ：给定的值。", ("v", "v"), needed=False),
    ),
    "constant": Atom(
        name="constant",
        kind="constant",
        legend=Legend("{f}: a number.", "{f} ：一个数。", ("1", "1"), needed=False),
    ),
    "product": Product(
        name="product",
        kind="product",
        legend=Legend("{f}: a matrix applied to a vector.", "{f} ：矩阵乘向量。", ("M v", "M v"), needed=False),
    ),
}


def enter(*rows: Operation) -> None:
    """Add rows to the book.

    Raises:
        ValueError: there is a row of that name.
    """
    for row in rows:
        if row.name in BOOK:
            raise ValueError(f"the book of operations has two rows {row.name!r}")
        BOOK[row.name] = row


Row = TypeVar("Row", bound=Operation)


class Rows(MutableMapping[str, Row]):
    """The rows of one kind, by name: a view of the book, not a second table."""

    def __init__(self, kind: type[Row]) -> None:
        self._kind = kind

    def __getitem__(self, name: str) -> Row:
        row = BOOK[name]
        if not isinstance(row, self._kind):
            raise KeyError(name)
        return row

    def __setitem__(self, name: str, row: Row) -> None:
        BOOK[name] = row

    def __delitem__(self, name: str) -> None:
        del BOOK[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, row in BOOK.items() if isinstance(row, self._kind))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def made(row: Operation, attr: Any, args: Sequence[Node]) -> Node:
    """The node of an operation, as long as that says."""
    return make(row.kind, attr, row.dim(attr, args), args)


def call(function: str, *args: Node) -> Node:
    """An elementwise function, unsimplified. Of numbers alone it is a number: this is where constants are folded.

    Raises:
        CellError: that number is not finite.
    """
    row = BOOK[function]
    if args and are_numbers(*args):
        return _folded(row, [arg.attr for arg in args])
    return made(row, function, args)


def _folded(row: Any, numbers: Sequence[float]) -> Node:
    with np.errstate(all="ignore"):
        value = float(row.numpy(*map(np.float64, numbers)))
    if not math.isfinite(value):
        arguments = ", ".join(map(repr, numbers))
        raise CellError(
            f"the equations, or their derivatives, hold the number {row.name}({arguments}) = {value}; only finite "
            "numbers may stand in them"
        )
    return constant(value)


def product(matrices: Sequence[Matrix], operands: Sequence[Node]) -> Node:
    """The sum of matrix-vector products M1 v1 + M2 v2 + ... ."""
    return made(BOOK["product"], tuple(matrices), operands)


_NAMED = ("call", "reduce")  # kinds of nodes whose `attr` names the operation


def _operation(node: Node) -> Operation:
    """The row of the book that says what this node is."""
    return BOOK[node.attr if node.op in _NAMED else node.op]


Node.operation = property(_operation)  # type: ignore[method-assign, assignment]
