"""A cell inside a cell: its equations, with the outer cell's values and parameters in the place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from gated.language import graph as g
from gated.language.families import Family, family_name, takes_numbers
from gated.language.matrices import is_transposed
from gated.language.refusals import refuse
from gated.language.symbols import Symbol, apply, lift, reduced

# (name, value) of the equations that are read at the moment: the inner cell's own names go there too
BINDINGS: ContextVar[list[tuple[str, Any]] | None] = ContextVar("BINDINGS", default=None)


def called(graph: g.Graph, values: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """The new states of a cell whose equations are read with these names: a tuple, or the one there is.

    Args:
        values: its inputs and states, symbols or numbers.
        keywords: family -> the outer cell's family that stands for it; constant -> a number or a symbol.

    Raises:
        CellError: an argument is missing, unknown or of the wrong kind.
    """
    variables = (*graph.inputs, *graph.states)
    families = list(dict.fromkeys(name.split(".")[0] for name in graph.parameters))
    form = f"{graph.name}({', '.join(variables)}{''.join(f', {family}=...' for family in families)})"
    if len(values) != len(variables):
        refuse(f"the cell {graph.name} is called with {len(values)} value(s) but has {len(variables)}: write {form}")
    for name, value in keywords.items():
        if name not in families and name not in graph.constants:
            refuse(f"the cell {graph.name} has no family {name}; write {form}")
        if name in families and type(value) is not Family:
            refuse(f"{name} of the cell {graph.name} is given no family; write one of this cell's: {name}=A")
    for family in families:
        if family not in keywords:
            refuse(f"the cell {graph.name} is called without its family {family}; write {form}")
    return _read(graph, dict(zip(variables, map(lift, values), strict=True)), keywords)


def _read(graph: g.Graph, variables: Mapping[str, Symbol], keywords: Mapping[str, Any]) -> Any:
    found: dict[g.Node, Symbol] = {}
    for node in graph.order:
        args = [found[arg] for arg in node.args]
        if g.is_constant(node):
            found[node] = lift(node.attr)
        elif g.is_leaf(node, "vector"):
            found[node] = lift(_member(graph, keywords, node.attr[1]))
        elif g.is_leaf(node, "constant"):
            found[node] = _constant(graph, keywords, node.attr[1])
        elif g.is_leaf(node):
            found[node] = variables[node.attr[1]]
        elif g.is_product(node):
            found[node] = _matrix(graph, keywords, node.attr[0]) @ args[0]
        elif g.is_reduction(node):
            found[node] = reduced(node.attr, node.attr, args)
        else:
            found[node] = apply(node.attr, *args)
    _name(graph, found)
    new = tuple(found[node] for node in graph.outputs)
    return new if len(new) > 1 else new[0]


def _name(graph: g.Graph, found: Mapping[g.Node, Symbol]) -> None:
    """The inner cell's names are kept: i, f, o; where one is taken, i2."""
    bindings = BINDINGS.get()
    if bindings is None:
        return
    taken = {name for name, _ in bindings}
    for node, word in graph.names.items():
        if node in graph.outputs:
            continue
        name, count = word, 1
        while name in taken:
            count += 1
            name = f"{word}{count}"
        taken.add(name)
        bindings.append((name, found[node]))


def _constant(graph: g.Graph, keywords: Mapping[str, Any], name: str) -> Symbol:
    given = keywords.get(name)
    return lift(graph.constants[name] if given is None else given)


def _matrix(graph: g.Graph, keywords: Mapping[str, Any], matrix: g.Matrix) -> Any:
    """What is applied, of the outer cell's members."""
    if matrix.of is None:
        return _member(graph, keywords, matrix.name)
    found: dict[g.Node, Any] = {}
    for node in g.topological([matrix.of]):
        if g.is_constant(node):
            found[node] = node.attr
        elif g.is_leaf(node, "constant"):
            found[node] = _constant(graph, keywords, node.attr[1])
        elif g.is_leaf(node):
            found[node] = _member(graph, keywords, node.attr[1])
        elif is_transposed(node):
            found[node] = found[node.args[0]].T
        else:
            found[node] = apply(node.attr, *(found[arg] for arg in node.args))
    return found[matrix.of]


def _member(graph: g.Graph, keywords: Mapping[str, Any], parameter: str) -> Any:
    """The outer cell's member that stands for a parameter."""
    family, member = parameter.split(".")
    outer = keywords[family]
    if takes_numbers(outer) != (graph.parameters[parameter] == (g.ONE_DIM,)):
        own, other = ("a number", "vectors and matrices") if takes_numbers(outer) else ("no number", "numbers")
        refuse(f"{parameter} of the cell {graph.name} stands for {other}, but {family_name(outer)} is {own}")
    return getattr(outer, member)


def is_symbolic(values: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether a call has values of equations among its arguments."""
    return any(hasattr(type(value), "_as_symbol") for value in (*values, *keywords.values()))
