"""The expression graph: immutable, interned nodes. Two equal expressions are one object.

Grammar (every node has a `dim`, the symbol of its length; "1" is a number that fits any length):

    node := leaf(kind, name)                kind: input | state | seed | vector
          | constant(value)                 dim "1"
          | call(function, node, ...)       elementwise, `function` is a row of `functions.FUNCTIONS`
          | product(matrices, node, ...)    M1 v1 + M2 v2 + ..., each M a Matrix, possibly transposed
          | reduce(reduction, node)         dim "1"; for losses (a cell has none yet)

The operators of a node simplify (0 + a, 1 * a), for they build derivatives; a cell's own equations are built by `call`
and stay as they were written. One thing holds for every graph, because `call` and `with_args` see to it: a function of
numbers alone is a number, and every number is finite.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from gated.errors import CellError
from gated.locks import fork_safe_lock

ONE_DIM = "1"


@dataclass(frozen=True)
class Matrix:
    """A matrix parameter, `rows` x `cols` (dimension symbols); `transposed` in backward programs."""

    family: str
    member: str
    rows: str
    cols: str
    transposed: bool = False

    @property
    def name(self) -> str:
        return f"{self.family}.{self.member}"

    @property
    def output_dim(self) -> str:
        return self.cols if self.transposed else self.rows

    @property
    def T(self) -> Matrix:
        return Matrix(self.family, self.member, self.rows, self.cols, not self.transposed)


class Node:
    """One expression. Never constructed directly: `make` interns, so that identity is equality."""

    __slots__ = ("__weakref__", "args", "attr", "dim", "op")
    op: str
    attr: Any
    dim: str
    args: tuple[Node, ...]

    def __init__(self, op: str, attr: Any, dim: str, args: tuple[Node, ...]) -> None:
        for name, value in (("op", op), ("attr", attr), ("dim", dim), ("args", args)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("nodes are immutable")

    def __copy__(self) -> Node:
        return self  # one object for equal expressions

    def __deepcopy__(self, memo: object) -> Node:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a node is not pickled by itself; a cell is, as the JSON of its equations")

    def __repr__(self) -> str:
        # one level deep: a node may stand for more nodes than there is paper, each of them in many places
        return f"{self.op}:{self.attr}({', '.join(f'{arg.op}:{arg.attr}' for arg in self.args)})"

    def __add__(self, other: Node | float) -> Node:
        return add(self, _node(other))

    def __radd__(self, other: float) -> Node:
        return add(_node(other), self)

    def __sub__(self, other: Node | float) -> Node:
        return subtract(self, _node(other))

    def __rsub__(self, other: float) -> Node:
        return subtract(_node(other), self)

    def __mul__(self, other: Node | float) -> Node:
        return multiply(self, _node(other))

    def __rmul__(self, other: float) -> Node:
        return multiply(_node(other), self)

    def __truediv__(self, other: Node | float) -> Node:
        return divide(self, _node(other))

    def __rtruediv__(self, other: float) -> Node:
        return divide(_node(other), self)

    def __neg__(self) -> Node:
        return negate(self)


_interned: weakref.WeakValueDictionary[tuple[Any, ...], Node] = weakref.WeakValueDictionary()
_lock = fork_safe_lock()


def make(op: str, attr: Any, dim: str, args: Sequence[Node] = ()) -> Node:
    """The one node with this content."""
    # 0.0 and -0.0 are equal as keys but not as constants
    key = (op, repr(attr) if op == "constant" else attr, dim, tuple(args))
    with _lock:
        node = _interned.get(key)
        if node is None:
            node = _interned[key] = Node(op, attr, dim, tuple(args))
        return node


def leaf(kind: str, name: str, dim: str) -> Node:
    """A variable: the input, a state of the step before, a seed (adjoint of a new state), a parameter vector."""
    return make("leaf", (kind, name), dim)


def constant(value: float) -> Node:
    return make("constant", float(value), ONE_DIM)


def call(function: str, *args: Node) -> Node:
    """An elementwise function, unsimplified. Of numbers alone it is a number: this is where constants are folded.

    Raises:
        CellError: that number is not finite.
    """
    if args and are_numbers(*args):
        return _folded(function, [arg.attr for arg in args])
    return make("call", function, joint_dim(args), args)


def _folded(function: str, numbers: Sequence[float]) -> Node:
    from gated.language.functions import FUNCTIONS  # its rows are made of what this module has

    with np.errstate(all="ignore"):
        value = float(FUNCTIONS[function].numpy(*map(np.float64, numbers)))
    if not math.isfinite(value):
        arguments = ", ".join(map(repr, numbers))
        raise CellError(
            f"the equations, or their derivatives, hold the number {function}({arguments}) = {value}; only finite "
            "numbers may stand in them"
        )
    return constant(value)


def with_args(node: Node, args: tuple[Node, ...]) -> Node:
    """The node with other arguments (of the same lengths): for passes that rewrite a graph."""
    if args == node.args:
        return node
    return call(node.attr, *args) if node.op == "call" else make(node.op, node.attr, node.dim, args)


def product(matrices: Sequence[Matrix], operands: Sequence[Node]) -> Node:
    """The sum of matrix-vector products M1 v1 + M2 v2 + ... ."""
    return make("product", tuple(matrices), matrices[0].output_dim, operands)


def reduce(reduction: str, operand: Node) -> Node:
    """A reduction over the units, to one number: "total" or "logsumexp"."""
    return make("reduce", reduction, ONE_DIM, (operand,))


def joint_dim(nodes: Iterable[Node]) -> str:
    """The length of an elementwise result: that of any argument that is not a mere number."""
    return next((node.dim for node in nodes if node.dim != ONE_DIM), ONE_DIM)


def is_leaf(node: Node, kind: str) -> bool:
    return node.op == "leaf" and node.attr[0] == kind


def are_numbers(*nodes: Node) -> bool:
    return all(node.op == "constant" for node in nodes)


def is_constant(node: Node, value: float | None = None) -> bool:
    return node.op == "constant" and (value is None or node.attr == value)


def _node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else constant(value)


def add(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("add", a, b)
    if is_constant(a, 0.0):
        return b
    if is_constant(b, 0.0):
        return a
    if b.op == "call" and b.attr == "neg":
        return subtract(a, b.args[0])
    return call("add", a, b)


def subtract(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("sub", a, b)
    if is_constant(a, 0.0):
        return negate(b)
    if is_constant(b, 0.0):
        return a
    if b.op == "call" and b.attr == "neg":
        return add(a, b.args[0])
    return call("sub", a, b)


def multiply(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("mul", a, b)
    if is_constant(b):
        a, b = b, a
    if is_constant(a, 0.0):
        return a
    if is_constant(a, 1.0):
        return b
    if is_constant(a, -1.0):
        return negate(b)
    for first, second in ((a, b), (b, a)):
        if first.op == "call" and first.attr == "neg":
            return negate(multiply(first.args[0], second))
    return call("mul", a, b)


def divide(a: Node, b: Node) -> Node:
    if are_numbers(a, b):
        return call("div", a, b)
    if is_constant(b, 1.0) or is_constant(a, 0.0):
        return a
    if a.op == "call" and a.attr == "neg":
        return negate(divide(a.args[0], b))
    return call("div", a, b)


def negate(a: Node) -> Node:
    if is_constant(a):
        return call("neg", a)
    if a.op == "call" and a.attr == "neg":
        return a.args[0]
    if a.op == "call" and a.attr == "sub":
        return call("sub", a.args[1], a.args[0])
    return call("neg", a)


def topological(outputs: Iterable[Node]) -> list[Node]:
    """All nodes that the outputs need, each after its arguments. Iterative: graphs may be deep."""
    order: dict[Node, None] = {}
    for output in outputs:
        stack: list[tuple[Node, Iterator[Node]]] = [(output, iter(output.args))] if output not in order else []
        while stack:
            node, rest = stack[-1]
            following = next((arg for arg in rest if arg not in order), None)
            if following is None:
                order.setdefault(node)
                stack.pop()
            else:
                stack.append((following, iter(following.args)))
    return list(order)


def in_order(names: dict[Node, str], outputs: Sequence[Node]) -> dict[Node, str]:
    """The order in which the equations were written, unless a nameless output is needed before its turn."""
    position = {node: i for i, node in enumerate(names)}
    order = topological(outputs)
    latest: dict[Node, int] = {}  # the last of the names that a node needs, itself included
    for node in order:
        below = max((latest[arg] for arg in node.args), default=-1)
        if node in position and below > position[node]:
            turn = {node: i for i, node in enumerate(order)}
            return dict(sorted(names.items(), key=lambda item: turn[item[0]]))
        latest[node] = max(below, position.get(node, -1))
    return names


@dataclass(frozen=True)
class Graph:
    """A traced function: its inputs, its states, the parameters and the expression of every output.

    `outputs` follow `states` in a cell; a map without states (a dense layer, a loss) has named outputs.
    `names` maps a node to the local name that the equations gave it, in the order of the equations.
    `parameters` maps "W.i" to (rows, cols) or (rows,), dimension symbols, in the order of the signature and of use.
    """

    name: str
    doc: str
    inputs: tuple[str, ...]
    states: tuple[str, ...]
    outputs: tuple[Node, ...]
    output_names: tuple[str, ...]
    names: dict[Node, str]
    parameters: dict[str, tuple[str, ...]]
    dims: dict[str, str]  # variable ("x", "h", ...) -> dimension symbol
    places: dict[str, str] = field(default_factory=dict, compare=False)  # parameter -> "file:line" of its first use

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", topological(self.outputs))

    @property
    def order(self) -> list[Node]:
        """All nodes, each after its arguments."""
        return self._order  # type: ignore[attr-defined]

    def state_leaf(self, name: str) -> Node:
        return leaf("state", name, self.dims[name])

    def input_leaf(self, name: str) -> Node:
        return leaf("input", name, self.dims[name])

    @property
    def seeds(self) -> tuple[Node, ...]:
        """The adjoint of each output, as the backward pass receives it."""
        pairs = zip(self.output_names, self.outputs, strict=True)
        # a new state has the length of its state, even if it is a mere number; the output of a map has its own (its
        # name may be that of an input: a loss is a function y of y)
        return tuple(leaf("seed", name, self.dims[name] if name in self.states else node.dim) for name, node in pairs)

    @property
    def unread_states(self) -> tuple[str, ...]:
        """The states that no equation looks at: only their new values count."""
        read = {arg for node in self.order for arg in node.args}
        given_on = {
            name
            for name in self.states
            for other, node in zip(self.output_names, self.outputs, strict=True)
            if node is self.state_leaf(name) and other != name
        }
        return tuple(name for name in self.states if self.state_leaf(name) not in read and name not in given_on)

    @property
    def free_dims(self) -> tuple[str, ...]:
        """The dimension symbols other than that of the input, in order of first use."""
        found = [self.dims[name] for name in self.states]
        found += [dim for shape in self.parameters.values() for dim in shape]
        return tuple(dict.fromkeys(dim for dim in found if dim != "input"))
