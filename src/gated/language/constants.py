"""The constants of a cell: numbers that the equations know by name and that can be set, `*, W, U, b, leak=0.3`.

In the graph a constant is a leaf, so that it is printed by its name; whoever computes takes the graph in which its
number stands in its place. A whole number (`depth=3`) is a plain int while the equations are read, and is no leaf.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gated.errors import CellError, describe, shown, wrong, wrong_type
from gated.language import graph as g
from gated.language.functions import FUNCTIONS
from gated.language.matrices import with_numbers
from gated.language.symbols import number


def resolved(graph: g.Graph) -> g.Graph:
    """The graph with the numbers in the place of its constants; itself if it has none."""
    if not graph.constants:
        return graph
    new = graph.rewritten(lambda node, args: _put(graph.constants, node, args))
    draws = {
        name: draw._replace(value=graph.constants.get(draw.value, draw.value)) for name, draw in graph.draws.items()
    }
    for name, draw in draws.items():
        if draw.fault:
            raise CellError(f"the equations draw {name} from {draw.kind}({draw.value}); {draw.fault}")
    return replace(new, draws=draws, constants={})


def _put(constants: Mapping[str, float], node: g.Node, args: tuple[g.Node, ...]) -> g.Node:
    if g.is_leaf(node, "constant"):
        return g.constant(constants[node.attr[1]])
    if g.is_elementwise(node):
        row = FUNCTIONS[node.attr]
        fault = row.fault_of(args)
        if fault is not None:
            raise CellError(f"the equations {row.verb} {fault}")
    if g.is_product(node):
        return g.product([with_numbers(matrix, constants) for matrix in node.attr], args)
    return g.with_args(node, args)


def with_constants(graph: g.Graph, values: Mapping[str, Any]) -> g.Graph:
    """The graph with other numbers for some of its constants.

    Raises:
        ArgumentError, ArgumentTypeError: there is no such constant, or it cannot have this value.
    """
    found = dict(graph.constants)
    for name, value in values.items():
        if name not in found:
            known = ", ".join(found) or "it has none"
            raise wrong("constants", f"the name {shown(repr(name), 60)}", f"constants of {graph.name}: {known}")
        plain = number(value)
        if plain is None:
            raise wrong_type(name, describe(value), "a number")
        if not math.isfinite(plain):
            raise wrong(name, shown(value), "a finite number")
        found[name] = plain
    new = replace(graph, constants=found)
    try:
        resolved(new)
    except CellError as error:
        raise wrong("constants", f"{', '.join(f'{n}={v}' for n, v in values.items())} ({error})", "others") from None
    return new
