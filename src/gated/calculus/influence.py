"""What of a cell influences its output, now or later. What does not may be a mistake, though no gradient is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gated.calculus.made import made_matrices
from gated.calculus.reverse_mode import Adjoints, reverse_mode
from gated.language.chance import expected
from gated.language.graph import (
    Graph,
    Node,
    constant,
    is_constant,
    is_elementwise,
    is_leaf,
    leaf,
    rewrite,
    topological,
    with_args,
)


def notes_on(graph: Graph) -> list[str]:
    """One line for each state that is never read or reaches nothing, and for an input or parameters without influence.

    An influence is a derivative that is not the number 0: what is multiplied by 0 has none. What has one only on values
    that are held, rounded or compared is told so: its gradient is 0.
    """
    graph = expected(graph)
    adjoints = _adjoints(graph, graph.outputs)
    output, *_ = graph.states
    reaching = _reaching(graph, adjoints)
    unread = graph.unread_states
    thawed = _adjoints(graph, _thawed(graph))
    moving = _reaching(graph, thawed)
    only = "only through values that are held, rounded or compared: no derivative passes there"
    notes = [f"the state {name} is never read: no equation uses what it was at the step before" for name in unread]
    for k, name in enumerate(graph.states):
        if k not in reaching and k in moving:
            notes.append(f"the state {name} reaches the output {output} {only}")
        elif k not in reaching and name not in unread:
            notes.append(f"the state {name} never reaches the output {output}, at no later step either")
    seen = {name for k in reaching for name in _influences(graph, adjoints[k])}
    lost = [name for name in (*graph.inputs, *graph.parameters) if name not in seen]
    held = {name for k in moving for name in _influences(graph, thawed[k])}
    kept = {name for found in adjoints for name in _influences(graph, found)}
    for name in lost:
        what = f"the input {name}" if name in graph.inputs else f"the parameter {name}"
        if name in held:
            notes.append(f"{what} reaches the output {output} {only}")
            continue
        others = ", only on states that do not reach it" if name in kept else ""
        notes.append(f"{what} has no influence on the output {output}{others}")
    return notes


def _adjoints(graph: Graph, outputs: Sequence[Node]) -> list[Adjoints]:
    return [reverse_mode([node], [seed]) for node, seed in zip(outputs, graph.seeds, strict=True)]


def _thawed(graph: Graph) -> list[Node]:
    """The outputs as they were if all that is held, rounded or compared had derivatives."""

    def rule(node: Node, args: tuple[Node, ...]) -> Node:
        operation: Any = node.operation
        if not is_elementwise(node):
            return with_args(node, args)
        if all(is_constant(slope, 0.0) for slope in operation.derivative(node.args, node)):
            return sum(args, constant(0.0))
        deciding = [arg for k, arg in enumerate(args) if operation.branches and k not in operation.branches]
        return sum(deciding, with_args(node, args))

    new = rewrite(graph.outputs, rule)
    return [new[node] for node in graph.outputs]


def _reaching(graph: Graph, adjoints: list[Adjoints]) -> set[int]:
    """The new states that the output depends on, at this step or a later one."""
    found = {0}
    while True:
        more = {
            j
            for j, name in enumerate(graph.states)
            if any(not is_constant(adjoints[k].get(graph.state_leaf(name)), 0.0) for k in found)
        }
        if more <= found:
            return found
        found |= more


def _influences(graph: Graph, adjoints: Adjoints) -> set[str]:
    """Input and parameters that one new state depends on."""
    found = {name for name in graph.inputs if not is_constant(adjoints.get(graph.input_leaf(name)), 0.0)}
    moved = {matrix.name for matrix in adjoints.products}
    made = made_matrices(replace(graph, fixed=frozenset()))
    through = {} if made is None else made.gradients
    for name, shape in graph.parameters.items():
        own = topological([through[name]] if name in through else [])
        moves = name in moved or not moved.isdisjoint(node.attr[1] for node in own if is_leaf(node, "seed"))
        if len(shape) == 1:
            moves |= not is_constant(adjoints.get(leaf("vector", name, shape[0])), 0.0)
        if moves:
            found.add(name)
    return found
