"""A cell without some of its parameters: what they stood for is 0, and the equations are simplified by that."""

from __future__ import annotations

from collections.abc import Callable

from gated.errors import CellError, wrong
from gated.language import graph as g

_OPERATORS: dict[str, Callable[..., g.Node]] = {
    "add": g.add,
    "sub": g.subtract,
    "mul": g.multiply,
    "div": g.divide,
    "neg": g.negate,
}


def without_family(graph: g.Graph, family: str) -> g.Graph:
    """The graph in which every member of a family is 0 and no parameter any more.

    Only what depends on the family is written anew; all else stays as it was.

    Raises:
        ArgumentError: the cell has no such family, or its equations divide by it, take its logarithm, or apply a matrix
            to what becomes a mere number.
    """
    omitted = {name for name in graph.parameters if name.split(".")[0] == family}
    if not omitted:
        known = dict.fromkeys(name.split(".")[0] for name in graph.parameters)
        raise wrong("family", repr(family), f"one of the families of {graph.name}: {', '.join(known) or 'none'}")
    new: dict[g.Node, g.Node] = {}
    for node in graph.order:
        try:
            new[node] = _rewritten(node, tuple(new[arg] for arg in node.args), omitted)
        except CellError as error:  # a function of a number that has no value there: log(0)
            raise wrong("family", f"{family!r} ({error})", "a family that can be 0") from None
    outputs = tuple(new[node] for node in graph.outputs)
    needed = g.topological(outputs)
    left = {name for node in needed for name in _parameters_of(node)}
    there = set(needed)
    names: dict[g.Node, str] = {}
    for node, name in graph.names.items():
        if new[node] in there and new[node].op not in ("leaf", "constant"):
            names.setdefault(new[node], name)
    return g.Graph(
        name=f"{graph.name}_without_{family}",
        doc=graph.doc,
        inputs=graph.inputs,
        states=graph.states,
        outputs=outputs,
        output_names=graph.output_names,
        names=names,
        parameters={name: shape for name, shape in graph.parameters.items() if name in left},
        dims=graph.dims,
        places=graph.places,
    )


def _rewritten(node: g.Node, args: tuple[g.Node, ...], omitted: set[str]) -> g.Node:
    if any(name in omitted for name in _parameters_of(node)):
        return g.constant(0.0)
    if args == node.args:
        return node
    if node.op == "product":
        if g.is_constant(args[0], 0.0):
            return g.constant(0.0)
        if args[0].op == "constant":
            what = f"{node.attr[0].name} is applied to what is {args[0].attr:g} then"
            raise wrong("family", f"one without which a vector is a mere number: {what}", "a family that can be 0")
        return g.product(node.attr, args)
    if node.attr == "div" and g.is_constant(args[1], 0.0):
        raise wrong("family", "one that the equations divide by", "a family that can be 0")
    return _OPERATORS[node.attr](*args) if node.attr in _OPERATORS else g.call(node.attr, *args)


def _parameters_of(node: g.Node) -> list[str]:
    """The names of the parameters that a node itself uses."""
    if node.op == "product":
        return [matrix.name for matrix in node.attr]
    return [node.attr[1]] if g.is_leaf(node, "vector") else []
