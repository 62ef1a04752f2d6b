"""The programs of a cell.

    forward    before   what depends on no state: once, over all rows of all steps (W x is one large matrix product)
               step     the rest: once per time step
    backward   step     what the adjoints of the previous states need: once per time step, backwards
               after    what only dx and the parameters' gradients need: once over all rows (dW = Σ δ xᵀ is one product)

Nodes have a level: 0 depends on parameters only, 1 on the input too, 2 on the states, 3 on the adjoints.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gated.calculus import reverse_mode
from gated.calculus.made import Made, made_matrices
from gated.language.chance import expected
from gated.language.constants import resolved
from gated.language.graph import Graph, Matrix, Node, is_atom, is_constant, is_elementwise, is_leaf, leaf, topological
from gated.language.over_units import spread
from gated.schedule.passes import gather_products, require_folded

PARAMETER, INPUT, STATE, ADJOINT = range(4)


@dataclass(frozen=True, eq=False)
class CellSchedule:
    """Ordered programs; every list is topological.

    Attributes:
        graph: the cell (or map) this is made from; every matrix is a parameter of it (`Graph.core`).
        level: node -> 0, 1, 2 or 3, for every node of the forward and backward programs.
        before: nodes of level 0, and forward nodes of level 1.
        step: forward nodes of level 2.
        outputs: new states.
        saved: nodes of `step` that are kept for the backward pass and for the tape.
        seeds: leaves that stand for the adjoints of the outputs.
        backward_step: nodes computed in the backward loop.
        previous: adjoint of each previous state.
        kept: values of the backward loop that `after` needs.
        after: nodes computed after the loop.
        inputs: adjoint of each input, but of draws, which stand behind all others.
        vectors: vector parameter -> adjoint (to be summed over all rows).
        products: matrix -> (δ, operand) pairs; its gradient is Σ over all rows of δ operandᵀ.
        made: what of the matrices is made of the cell's own parameters.
    """

    graph: Graph
    level: dict[Node, int]
    before: list[Node]
    step: list[Node]
    outputs: tuple[Node, ...]
    saved: list[Node]
    seeds: tuple[Node, ...]
    backward_step: list[Node]
    previous: tuple[Node, ...]
    kept: list[Node]
    after: list[Node]
    inputs: tuple[Node, ...]
    vectors: dict[str, Node]
    products: dict[Matrix, list[tuple[Node, Node]]]
    made: Made | None = None


def schedule(graph: Graph) -> CellSchedule:
    """Plan the forward and backward programs of a graph, with numbers in the place of its constants and draws.

    A graph in which the draws are inputs (`chance.drawn`) keeps them: they have no adjoints.
    """
    graph = expected(graph) if set(graph.draws) - set(graph.inputs) else resolved(graph)
    made, graph = made_matrices(graph), graph.core
    adjoints = reverse_mode(graph.outputs, graph.seeds)
    previous = [adjoints.get(graph.state_leaf(name)) for name in graph.states]
    given = [name for name in graph.inputs if name not in graph.draws]
    inputs = [adjoints.get(graph.input_leaf(name)) for name in given]
    if graph.states:  # dx has a row of its length; to a loss one number for all units does
        inputs = [spread(adjoint, graph.dims[name]) for adjoint, name in zip(inputs, given, strict=True)]
    learned = {name: shape for name, shape in graph.parameters.items() if name not in graph.fixed}
    vectors = {name: leaf("vector", name, shape[0]) for name, shape in learned.items() if len(shape) == 1}
    outer = {matrix: pairs for matrix, pairs in adjoints.products.items() if matrix.name in learned}
    deltas = [delta for pairs in outer.values() for delta, _ in pairs]
    new = gather_products([*previous, *inputs, *(adjoints.get(v) for v in vectors.values()), *deltas], set(graph.order))

    # an input has a level even in a cell that never looks at it
    nodes = [*graph.outputs, *new.values(), *map(graph.input_leaf, graph.inputs)]
    level = _levels(nodes)
    if graph.draws:
        level = _levels(nodes, _in_step(graph, level))
    require_folded(level)
    # what derivatives need of parameters and lengths alone is there before any loop, as the values are
    own = set(graph.order)
    forward = own | {node for node in level if level[node] == PARAMETER}
    fixed = [node for node in level if node in forward - own and not is_atom(node)]
    previous = [new[node] for node in previous]
    inputs = [new[node] for node in inputs]
    vector_adjoints = {name: new[adjoints.get(v)] for name, v in vectors.items()}
    products = {m: [(new[delta], operand) for delta, operand in pairs] for m, pairs in outer.items()}

    in_loop = [node for node in topological(previous) if node not in forward]
    targets = [*inputs, *vector_adjoints.values(), *(delta for pairs in products.values() for delta, _ in pairs)]
    kept, after = _after(targets, forward, set(in_loop), level)
    needed = _forward_needs([*in_loop, *after], forward) | {
        operand for pairs in products.values() for _, operand in pairs
    }
    needed |= {node for node in targets if node in forward} | set(graph.names)
    step = [node for node in graph.order if level[node] == STATE and not is_leaf(node)]
    return CellSchedule(
        graph=graph,
        level=level,
        before=[*(n for n in graph.order if level[n] < STATE and not is_leaf(n)), *fixed],
        step=step,
        outputs=graph.outputs,
        saved=[node for node in step if node in needed],
        seeds=graph.seeds,
        backward_step=[node for node in in_loop if not is_leaf(node)],
        previous=tuple(previous),
        kept=kept,
        after=after,
        inputs=tuple(inputs),
        vectors=vector_adjoints,
        products=products,
        made=made,
    )


def _levels(outputs: list[Node], in_step: Collection[Node] = ()) -> dict[Node, int]:
    kinds = {"vector": PARAMETER, "input": INPUT, "state": STATE, "seed": ADJOINT}
    kinds |= dict.fromkeys(("length", "ones"), PARAMETER)
    level: dict[Node, int] = {}
    for node in topological(outputs):
        own = kinds[node.attr[0]] if is_leaf(node) else STATE if node in in_step else PARAMETER
        level[node] = max([own, *(level[arg] for arg in node.args)])
    return level


def _in_step(graph: Graph, level: Mapping[Node, int]) -> set[Node]:
    """What is made of draws alone for the step alone, such as 1 - z: to make it there costs less than memory does."""
    readers: dict[Node, list[Node]] = {}
    for node in graph.order:
        for arg in node.args:
            readers.setdefault(arg, []).append(node)
    alone, made = {graph.input_leaf(name) for name in graph.draws if name in graph.inputs}, []
    for node in graph.order:
        if is_elementwise(node) and all(arg in alone or is_constant(arg) for arg in node.args):
            alone.add(node)
            made.append(node)
    found: set[Node] = set()
    for node in reversed(made):
        if all(level[reader] == STATE or reader in found for reader in readers.get(node, ())):
            found.add(node)
    return found


def _after(
    targets: list[Node], forward: set[Node], in_loop: set[Node], level: dict[Node, int]
) -> tuple[list[Node], list[Node]]:
    """What `targets` need beyond the loop: (values to keep from it, nodes to compute after it)."""

    def is_kept(node: Node) -> bool:
        # what the loop made from adjoints is kept; what it made from saved values alone is cheaper made again
        return level[node] == ADJOINT and (node in in_loop or is_leaf(node, "seed"))

    def below(node: Node) -> tuple[Node, ...]:
        return () if node in forward or is_kept(node) else node.args

    beyond = [node for node in topological(targets, below) if node not in forward]
    kept = [node for node in beyond if is_kept(node)]
    return kept, [node for node in beyond if not is_leaf(node) and not is_kept(node)]


def _forward_needs(nodes: list[Node], forward: set[Node]) -> set[Node]:
    return {arg for node in nodes for arg in node.args if arg in forward}
