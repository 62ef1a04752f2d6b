"""The expression graph: immutable, interned nodes. Two equal expressions are one object.

Grammar (every node has a `dim`, the symbol of its length; "1" is a number that fits any length):

    node := leaf(kind, name)                kind: input | state | seed | vector; in derivatives, of a dimension: its
                                            length (dim "1"), ones of that length
          | constant(value)                 dim "1"
          | call(function, node, ...)       elementwise, `function` names a row of the book
          | product(matrices, node, ...)    M1 v1 + M2 v2 + ..., each M a Matrix, possibly transposed
          | reduce(reduction, node, ...)    dim "1": over the units of all its arguments together

A matrix is a parameter, or made of parameters (`matrices`, which has the grammar of that).

What a node is, its `operation` says: a row of the book (`operations`). The operators of a node (`arithmetic`) simplify,
0 + a and 1 * a, for they build derivatives; a cell's own equations are built by `call` and stay as they were written.
One thing holds for every graph, because `call` and `with_args` see to it: a function of numbers alone is a number, and
every number is finite.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, TypeVar

from gated.language.nodes import (
    ONE_DIM,
    Matrix,
    Node,
    are_numbers,
    constant,
    is_atom,
    is_constant,
    is_elementwise,
    is_leaf,
    is_product,
    is_reduction,
    joint_dim,
    leaf,
    make,
)
from gated.language.operations import BOOK, call, made, product

__all__ = [
    "ONE_DIM",
    "Graph",
    "Matrix",
    "Node",
    "are_numbers",
    "call",
    "constant",
    "in_order",
    "is_atom",
    "is_constant",
    "is_elementwise",
    "is_leaf",
    "is_product",
    "is_reduction",
    "joint_dim",
    "leaf",
    "make",
    "product",
    "reduce",
    "rewrite",
    "topological",
    "with_args",
]


def with_args(node: Node, args: tuple[Node, ...]) -> Node:
    """The same operation of other arguments, perhaps of other lengths: for passes that rewrite a graph."""
    if args == node.args:
        return node
    return call(node.attr, *args) if is_elementwise(node) else made(node.operation, node.attr, args)


def reduce(reduction: str, *operands: Node) -> Node:
    """A reduction over the units, to one number: "total", "average", ... (`reductions`)."""
    return made(BOOK[reduction], reduction, operands)


Item = TypeVar("Item", bound=Hashable)


def topological(outputs: Iterable[Item], below: Callable[[Item], Iterable[Item]] = attrgetter("args")) -> list[Item]:
    """All that the outputs need, each after what it needs itself. Iterative: graphs may be deep.

    Args:
        outputs: nodes, or anything else that hangs together like them.
        below: what an item needs; a node's arguments.
    """
    order: dict[Item, None] = {}
    for output in outputs:
        stack: list[tuple[Item, Iterator[Item]]] = [(output, iter(below(output)))] if output not in order else []
        while stack:
            item, rest = stack[-1]
            following = next((arg for arg in rest if arg not in order), None)
            if following is None:
                order.setdefault(item)
                stack.pop()
            else:
                stack.append((following, iter(below(following))))
    return list(order)


def rewrite(outputs: Iterable[Node], rule: Callable[[Node, tuple[Node, ...]], Node]) -> dict[Node, Node]:
    """Every node below `outputs` (and they) -> what stands in its place.

    Args:
        rule: (a node, what stands in the place of its arguments) -> the new node; `with_args` leaves it as it was.
    """
    new: dict[Node, Node] = {}
    for node in topological(outputs):
        new[node] = rule(node, tuple(new[arg] for arg in node.args))
    return new


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
    constants: dict[str, float] = field(default_factory=dict)  # see `constants`
    draws: dict[str, Any] = field(default_factory=dict)  # see `chance`: name -> Draw
    fixed: frozenset[str] = frozenset()  # the parameters that are not learned
    init: dict[str, str] = field(default_factory=dict)  # parameter -> how it begins, see `gated.nn.initialisation`
    counts: dict[str, int] = field(default_factory=dict)  # whole numbers that were known while the equations were read

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
    def made(self) -> dict[str, Matrix]:
        """The matrices that are made of parameters (see `matrices`), by name."""
        found = [matrix for node in self.order if is_product(node) for matrix in node.attr if matrix.of is not None]
        return {matrix.name: matrix for matrix in found}

    @property
    def with_matrices(self) -> list[Node]:
        """`order`, and the nodes of the matrices that are made of parameters before all others."""
        first = topological(matrix.of for matrix in self.made.values() if matrix.of is not None)
        return list(dict.fromkeys([*first, *self.order]))

    @property
    def core(self) -> Graph:
        """The same equations, where every matrix is a parameter: for whoever runs them. Itself, if none is made."""
        made = self.made
        if not made:
            return self
        used = {matrix.name for node in self.order if is_product(node) for matrix in node.attr}
        used |= {node.attr[1] for node in self.order if is_leaf(node, "vector")}
        own = {name: shape for name, shape in self.parameters.items() if name in used}
        return replace(self, parameters=own | {name: (matrix.rows, matrix.cols) for name, matrix in made.items()})

    def rewritten(self, rule: Callable[[Node, tuple[Node, ...]], Node]) -> Graph:
        """The graph of outputs that are rewritten (see `rewrite`).

        What has a name keeps it, of two that become one node the first; a leaf and a number have none.
        """
        new = rewrite(self.outputs, rule)
        outputs = tuple(new[node] for node in self.outputs)
        there, names = set(topological(outputs)), dict[Node, str]()
        for node, word in self.names.items():
            if new[node] in there and not is_atom(new[node]):
                names.setdefault(new[node], word)
        return replace(self, outputs=outputs, names=names)

    @property
    def input_dims(self) -> dict[str, str]:
        """Input -> its dimension symbol: "input" for the first one, "1" for a number."""
        return {name: self.dims[name] for name in self.inputs}

    @property
    def free_dims(self) -> tuple[str, ...]:
        """The dimension symbols other than those of the inputs, in order of first use."""
        found = [self.dims[name] for name in self.states]
        found += [dim for shape in self.parameters.values() for dim in shape]
        known = {ONE_DIM, *self.input_dims.values()}
        return tuple(dict.fromkeys(dim for dim in found if dim not in known))


def __getattr__(name: str) -> Any:
    """The operators by name (`graph.multiply`), which lie in the book."""
    if not name.startswith("_"):
        from gated.language.arithmetic import BUILDERS

        if name in BUILDERS:
            return BUILDERS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
