"""What a graph is made of: interned nodes, matrices, and the questions that may be asked of any node. See `graph`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from gated.locks import fork_safe_lock

if TYPE_CHECKING:
    from gated.language.operations import Operation

ONE_DIM = "1"


@dataclass(frozen=True)
class Matrix:
    """A matrix, `rows` x `cols` (dimension symbols): a parameter, or one that is made of parameters (see `matrices`).

    Attributes:
        family, member: of the parameter; of one that is made, how it is written, and "".
        transposed: in backward programs.
        of: the expression of one that is made.
    """

    family: str
    member: str
    rows: str
    cols: str
    transposed: bool = False
    of: Node | None = None

    @property
    def name(self) -> str:
        return f"{self.family}.{self.member}" if self.of is None else self.family

    @property
    def output_dim(self) -> str:
        return self.cols if self.transposed else self.rows

    @property
    def T(self) -> Matrix:
        return Matrix(self.family, self.member, self.rows, self.cols, not self.transposed, self.of)


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

    if TYPE_CHECKING:  # the row of the book is put in by `operations`, the operators by `arithmetic`

        @property
        def operation(self) -> Operation: ...

        def __add__(self, other: Node | float) -> Node: ...
        def __radd__(self, other: float) -> Node: ...
        def __sub__(self, other: Node | float) -> Node: ...
        def __rsub__(self, other: float) -> Node: ...
        def __mul__(self, other: Node | float) -> Node: ...
        def __rmul__(self, other: float) -> Node: ...
        def __truediv__(self, other: Node | float) -> Node: ...
        def __rtruediv__(self, other: float) -> Node: ...
        def __neg__(self) -> Node: ...
        def __pow__(self, other: Node | float) -> Node: ...


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


def joint_dim(nodes: Iterable[Node]) -> str:
    """The length of an elementwise result: that of any argument that is not a mere number."""
    return next((node.dim for node in nodes if node.dim != ONE_DIM), ONE_DIM)


def is_leaf(node: Node, kind: str | None = None) -> bool:
    return node.op == "leaf" and (kind is None or node.attr[0] == kind)


def is_product(node: Node) -> bool:
    return node.op == "product"


def is_elementwise(node: Node) -> bool:
    return node.op == "call"


def is_reduction(node: Node) -> bool:
    return node.op == "reduce"


def is_atom(node: Node) -> bool:
    """A variable or a number."""
    return node.op in ("leaf", "constant")


def are_numbers(*nodes: Node) -> bool:
    return all(node.op == "constant" for node in nodes)


def is_constant(node: Node, value: float | None = None) -> bool:
    return node.op == "constant" and (value is None or node.attr == value)
