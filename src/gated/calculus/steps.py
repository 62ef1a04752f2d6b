"""The backward pass of a cell in the steps in which a person takes it: one quantity after the other.

The equations are cut at their *quantities*: the named values of the cell, the argument a_i of every activation
i = φ(a_i), and auxiliary values where one expression is used twice. Every quantity then has a short definition in
others, and its adjoint is a short sum over the definitions in which it occurs. The single terms of that sum are made
by `reverse_mode` from those definitions; nothing is derived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from gated.calculus.forward_mode import forward_mode
from gated.calculus.made import Made, made_of
from gated.calculus.reverse_mode import reverse_mode
from gated.language.arithmetic import times_slope
from gated.language.decisions import kept
from gated.language.graph import (
    ONE_DIM,
    Graph,
    Matrix,
    Node,
    constant,
    is_atom,
    is_constant,
    is_elementwise,
    is_leaf,
    is_product,
    is_reduction,
    leaf,
    rewrite,
    topological,
    with_args,
)
from gated.language.matrices import is_transposed, matrix_of
from gated.language.naming import SHARED, free_letter, long_parts, taken_names
from gated.language.over_units import added, scaled, spread, summed

NAMED, ARGUMENT, AUXILIARY = "named", "argument", "auxiliary"
DEEP, LARGE = 12, 100  # levels and parts of a definition: its derivatives hold many of them, and more than once


@dataclass(frozen=True, eq=False)
class Quantity:
    """A value of step t that has a name.

    Attributes:
        name: "i", "a_i", "u1".
        kind: NAMED by the cell, ARGUMENT of the function that gives `owner`, or AUXILIARY.
        symbol: the leaf that stands for it in the definitions of others.
        definition: its expression in other quantities.
        adjoint: the leaf that stands for ∂E/∂(this).
        fixed: it depends on parameters only, and is the same at every step.
    """

    name: str
    kind: str
    owner: str
    node: Node
    symbol: Node
    definition: Node
    adjoint: Node
    fixed: bool


@dataclass(frozen=True, eq=False)
class Use:
    """One occurrence of a quantity q in the definition of another, P.

    Attributes:
        user: P.
        slope: the elementwise part of ∂P/∂q, 0 if there is none.
        matrices: the matrix part of ∂P/∂q, (M, sign) for each matrix applied to q.
        sheltered: whether q reaches the outputs from here through branches alone.
        summed: whether q is a number and P a vector: ∂P/∂q is a column then, and every unit sends its part.
        term: what this occurrence contributes to the adjoint of q, an expression in the adjoint of P.
    """

    user: Quantity
    slope: Node
    matrices: tuple[tuple[Matrix, int], ...]
    term: Node
    sheltered: bool
    summed: bool = False


@dataclass(eq=False)
class Steps:
    """The backward pass, in steps.

    Attributes:
        quantities: in the order in which they are computed; their adjoints come in the opposite order.
        arriving: symbol -> adjoints that come from outside the step: `direct` (of the output, from the loss) and
            `received[state]` (of a new state, from step t+1).
        uses: symbol of a quantity, leaf of a previous state, input or vector parameter -> its occurrences, last first.
        products: matrix -> (adjoint of its product, operand) pairs, whose outer products its gradient is the sum of; of
            a parameter that is applied transposed, (operand, adjoint) pairs.
        made: the matrices that are made of parameters, but for those that are one parameter, transposed.
        matrices: the name of each, by the node that makes it.
    """

    graph: Graph
    quantities: list[Quantity]
    direct: Node
    received: dict[str, Node]
    arriving: dict[Node, list[Node]] = field(default_factory=dict)
    uses: dict[Node, list[Use]] = field(default_factory=dict)
    products: dict[Matrix, list[tuple[Node, Node]]] = field(default_factory=dict)
    made: Made | None = None
    matrices: dict[Node, str] = field(default_factory=dict)

    def total(self, symbol: Node) -> Node:
        """The adjoint of a quantity, previous state, input or vector parameter at one step: the sum of its terms."""
        terms = [*self.arriving.get(symbol, []), *(use.term for use in self.uses.get(symbol, []))]
        return spread(added(terms), symbol.dim)

    def is_sheltered(self, symbol: Node) -> bool:
        """Whether a quantity reaches the outputs through branches alone: where none is taken, it counts for 0."""
        uses = self.uses.get(symbol, [])
        return bool(uses) and not self.arriving.get(symbol) and all(use.sheltered for use in uses)

    def definition(self, quantity: Quantity, hidden: Mapping[Node, Quantity]) -> Node:
        """The definition with the `hidden` quantities (by symbol), none of which occurs in another, written out."""
        return _replace(quantity.definition, {symbol: q.definition for symbol, q in hidden.items()})


def steps(graph: Graph) -> Steps:
    """Cut the equations of a cell into quantities and differentiate each definition.

    Args:
        graph: a cell's graph; its first output is the output y of the step.
    """
    quantities = _quantities(graph)
    symbols = {q.node: q.symbol for q in quantities}
    dims = [graph.dims[name] for name in graph.states]
    received = {name: leaf("seed", f"received:{name}", dim) for name, dim in zip(graph.states, dims, strict=True)}
    result = Steps(graph, quantities, leaf("seed", "direct", dims[0]), received)
    plain = {name: matrix.of for name, matrix in graph.made.items() if matrix.of is not None}
    result.made = made_of(graph, {name: node for name, node in plain.items() if not _turned(node)})
    if result.made is not None:
        result.matrices = _named(result.made, taken_names(graph) | {q.name for q in quantities})
    for position, (name, node) in enumerate(zip(graph.states, graph.outputs, strict=True)):
        arrivals = result.arriving.setdefault(symbols.get(node, node), [])
        comes = [result.direct] * (position == 0) + [received[name]]
        # a number that is the new value of every unit collects from all of them
        number = node.dim == ONE_DIM and not is_constant(node)
        arrivals += [summed(seed, seed.dim) for seed in comes] if number else comes
    for quantity in reversed(quantities):
        if not is_constant(result.total(quantity.symbol), 0.0):
            _differentiate(result, quantity)
    return result


def _named(made: Made, taken: set[str]) -> dict[Node, str]:
    """M, or M1, M2, ..."""
    letter, nodes = free_letter("MAKCQ", "", taken), list(made.matrices.values())
    return {node: letter if len(nodes) == 1 else f"{letter}{k}" for k, node in enumerate(nodes, 1)}


def _differentiate(result: Steps, quantity: Quantity) -> None:
    """Add the terms that the definition of one quantity contributes to the adjoints of what occurs in it."""
    adjoints = reverse_mode([quantity.definition], [quantity.adjoint])
    slopes = reverse_mode([quantity.definition], [constant(1.0)])
    sheltered = result.is_sheltered(quantity.symbol)
    for symbol, terms in adjoints.terms.items():
        if not is_leaf(symbol):
            continue
        collects = symbol.dim == ONE_DIM != quantity.adjoint.dim
        slope = _column(quantity.definition, symbol) if collects else constant(0.0)
        for user, term in () if collects else slopes.terms[symbol]:
            if user is None or not is_product(user):
                slope = 2.0 * term if slope is term else slope + term  # (v ⊙ v)' = 2 v
        matrices = tuple(
            (term.attr[0].T, -1 if is_elementwise(term.args[0]) else 1)  # the adjoint of a product is dP or -dP
            for user, term in terms
            if user is not None and is_product(user)
        )
        if is_reduction(quantity.definition):
            slope = _in_quantities(result, slope)
            term = scaled(quantity.adjoint, slope)
        else:
            term = times_slope(quantity.adjoint, slope)
        term = kept(quantity.adjoint, term) if sheltered else term
        if collects and not is_constant(term, 0.0):
            term = summed(term, quantity.adjoint.dim, {quantity.definition})
        for user, part in terms:
            if user is not None and is_product(user):
                term = term + part
        result.uses.setdefault(symbol, []).append(
            Use(quantity, slope, matrices, term, sheltered or symbol in adjoints.sheltered, collects)
        )
    for matrix, pairs in adjoints.products.items():
        if matrix.of is not None and _turned(matrix.of):  # Mᵀ v: M receives v δᵀ
            result.products.setdefault(matrix_of(matrix.of.args[0]), []).extend((v, delta) for delta, v in pairs)
        else:
            result.products.setdefault(matrix, []).extend(pairs)


def _turned(node: Node) -> bool:
    """Whether a matrix is a parameter, transposed."""
    return is_transposed(node) and is_leaf(node.args[0])


def _in_quantities(steps: Steps, node: Node) -> Node:
    """An expression with the names of quantities in the place of what they are, however deep."""
    symbols = {q.definition: q.symbol for q in steps.quantities}

    def rule(part: Node, args: tuple[Node, ...]) -> Node:
        made = with_args(part, args)
        return symbols.get(made, made)

    return rewrite([node], rule)[node]


def _column(definition: Node, number: Node) -> Node:
    """How a vector moves with a number, unit by unit, but for the matrices that are applied to it."""
    still = dict.fromkeys((node for node in topological([definition]) if is_product(node)), constant(0.0))
    return forward_mode([definition], {**still, number: constant(1.0)})[0]


def _quantities(graph: Graph) -> list[Quantity]:
    labels = _labels(graph)
    symbols = {node: leaf("quantity", name, node.dim) for node, (name, _, _) in labels.items()}
    # a node in other quantities
    written = rewrite(graph.outputs, lambda node, args: with_args(node, tuple(map(symbols.get, node.args, args))))
    fixed: dict[Node, bool] = {}
    for node in graph.order:
        is_parameter = is_constant(node) or is_leaf(node, "vector") or is_leaf(node, "constant")
        fixed[node] = is_parameter or (not is_leaf(node) and all(fixed[arg] for arg in node.args))
    return [
        Quantity(
            name=name,
            kind=kind,
            owner=owner,
            node=node,
            symbol=symbols[node],
            definition=written[node],
            adjoint=leaf("seed", f"adjoint:{name}", node.dim),
            fixed=fixed[node],
        )
        for node, (name, kind, owner) in labels.items()
    ]


def _labels(graph: Graph) -> dict[Node, tuple[str, str, str]]:
    """Node -> (name, kind, owner) of every quantity, in the order of the equations."""
    arguments = _arguments(graph)
    auxiliary = _auxiliary(graph, arguments)
    auxiliary |= set(long_parts(graph.order, {*graph.names, *arguments, *auxiliary}, DEEP, SHARED, LARGE))
    taken = taken_names(graph)
    letter = free_letter("asvqk", "_", taken)
    digit_letter = free_letter("uvwkq", "", taken | {letter})
    numbers = count(1)
    labels: dict[Node, tuple[str, str, str]] = {}
    for node in topological([*graph.names, *graph.outputs]):  # what a named value needs stands before it
        if node in graph.names:
            labels[node] = (graph.names[node], NAMED, "")
        elif node in arguments:
            labels[node] = (f"{letter}_{arguments[node]}", ARGUMENT, arguments[node])
        elif node in auxiliary:
            labels[node] = (f"{digit_letter}{next(numbers)}", AUXILIARY, "")
    return labels


def _arguments(graph: Graph) -> dict[Node, str]:
    """a -> "i" for i = φ(a), where a is an expression of its own."""
    found: dict[Node, str] = {}
    users = _users(graph)
    for node, name in graph.names.items():
        inner, is_function = node, False
        while is_elementwise(inner) and len(inner.args) == 1 and (inner is node or inner not in graph.names):
            is_function |= inner.operation.signs is None
            inner = inner.args[0]
        if is_function and not is_atom(inner) and inner not in graph.names and len(users[inner]) == 1:
            found[inner] = name
    return found


def _auxiliary(graph: Graph, arguments: Mapping[Node, str]) -> set[Node]:
    """Nameless values that deserve a name, because they or their adjoints would be written more than once."""
    users, named = _users(graph), {*graph.names, *arguments}
    found: set[Node] = set()
    relays: set[Node] = set()  # values whose adjoint is, up to the sign, that of the quantity they are a term of
    for node in reversed(graph.order):
        if is_atom(node) or node in named or node.operation.decides:
            continue
        above = users[node]
        # the adjoint of a sum is that of its terms, up to the sign
        if all(u.operation.signs is not None and (u in named or u in found or u in relays) for u in above):
            relays.add(node)
        whole = is_reduction(node) or any(is_product(u) or is_reduction(u) for u in above)  # not unit by unit
        if len(above) > 1 or whole or (node not in relays and _branches(node, above)):
            found.add(node)
            relays.discard(node)
    return found


def _branches(node: Node, above: list[Node]) -> bool:
    """Whether the adjoint of this value goes to several places."""
    if is_product(node):
        return True
    simple = all(is_atom(arg) for arg in node.args)
    if node.operation.multiplies and simple and all(u.operation.multiplies for u in above):
        return False  # one of three factors
    return sum(not is_constant(arg) for arg in node.args) > 1


def _users(graph: Graph) -> dict[Node, list[Node]]:
    users: dict[Node, list[Node]] = {node: [] for node in graph.order}
    for node in graph.order:
        for arg in node.args:
            users[arg].append(node)
    return users


def _replace(root: Node, replacements: Mapping[Node, Node]) -> Node:
    """The expression with some of its parts replaced."""
    return rewrite([root], lambda node, args: replacements.get(node) or with_args(node, args))[root]
