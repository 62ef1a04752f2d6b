"""Chance in the equations: `keep = bernoulli(0.9)`, `noise = normal(0.1)`.

A call is a draw of its own, made anew at every step for every unit, or once a sequence (`per="sequence"`). In the graph
it is a leaf. Who computes takes one of two graphs without such leaves: `drawn`, in which the draws are further inputs,
or `expected`, in which the mean stands in their place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gated.errors import CellError
from gated.language import graph as g
from gated.language.constants import resolved
from gated.language.functions import FUNCTIONS
from gated.language.nested import BINDINGS
from gated.language.refusals import place, refuse
from gated.language.symbols import Length, Symbol, number

STEP, SEQUENCE = "step", "sequence"
BERNOULLI, NORMAL = "bernoulli", "normal"
_calls = itertools.count()  # draws are counted in the order in which they are written


class Draw(NamedTuple):
    """One of a cell's draws.

    Attributes:
        kind: BERNOULLI or NORMAL.
        value: the probability of 1, or the deviation; or the name of the constant that is it.
        per: STEP or SEQUENCE.
    """

    kind: str
    value: float | str
    per: str

    @property
    def fault(self) -> str:
        """What is wrong with the number; "" if nothing is, or if it is a constant that has none yet."""
        return "" if isinstance(self.value, str) else bad_value(self.kind, self.value)


def bernoulli(probability: Any, per: str = STEP) -> Any:
    """A vector of the equations: 1 with this probability and 0 otherwise.

    Args:
        probability: a number from 0 to 1, or a constant of the cell.
        per: "step", anew at every step; "sequence", once a sequence (as variational dropout wants).

    Raises:
        CellError: the argument is something else, or the call stands in no equations.
    """
    return _drawn(BERNOULLI, "probability", probability, per)


def normal(deviation: Any, per: str = STEP) -> Any:
    """A vector of the equations: normally distributed with mean 0 and this deviation. Arguments as of `bernoulli`."""
    return _drawn(NORMAL, "deviation", deviation, per)


def _drawn(kind: str, argument: str, value: Any, per: str) -> Symbol:
    if BINDINGS.get() is None:
        raise CellError(f"{place()}: {kind}() stands outside of equations; it is a draw of a cell's, made by a layer")
    if per not in (STEP, SEQUENCE):
        refuse(f"{kind}(..., per={per!r}); per is 'step' or 'sequence'")
    if isinstance(value, Symbol) and value._op == "leaf" and value._attr[0] == "constant":
        given: float | str = value._attr[1]
    else:
        plain = number(value)
        if plain is None:
            refuse(f"the {argument} of {kind}() is no plain number; write a number, or a constant of the cell (p=0.9)")
        fault = bad_value(kind, plain)
        if fault:
            refuse(f"{kind}({value}); {fault}")
        given = plain
    return Symbol("leaf", ("draw", (next(_calls), Draw(kind, given, per))), Length())


def bad_value(kind: str, value: float) -> str:
    """What is wrong with a probability or a deviation; "" if nothing is."""
    if kind == BERNOULLI:
        return "" if 0.0 <= value <= 1.0 else "a probability is from 0 to 1"
    return "" if 0.0 <= value < math.inf else "a deviation is finite and not negative"


def named_draws(
    symbols: Mapping[int, Symbol], bindings: list[tuple[str, Symbol]], taken: set[str]
) -> dict[int, tuple[str, Draw]]:
    """id of a draw's symbol -> the local name that it keeps, or r1, r2, ..., and what it is; in the order of calls."""
    last, found = dict(bindings), dict[int, tuple[str, Draw]]()
    for key, symbol in sorted(symbols.items(), key=lambda item: item[1]._attr[1][0]):
        name = next((word for word, value in bindings if value is symbol and last[word] is symbol), "")
        if not name or name in taken:
            count = 1
            while f"r{count}" in taken or f"r{count}" in last:
                count += 1
            name = f"r{count}"
        taken.add(name)
        found[key] = name, symbol._attr[1][1]
    return found


def means(graph: g.Graph) -> dict[str, float]:
    """Draw -> its mean, of a graph whose constants have their numbers."""
    return {name: float(draw.value) if draw.kind == BERNOULLI else 0.0 for name, draw in graph.draws.items()}


def expected(graph: g.Graph) -> g.Graph:
    """The graph with the mean in the place of every draw, and numbers in the place of constants."""
    graph = resolved(graph)
    if not graph.draws:
        return graph
    values = {name: g.constant(value) for name, value in means(graph).items()}
    return _replaced(graph, values, graph.inputs, {})


def drawn(graph: g.Graph) -> g.Graph:
    """The graph with a further input for every draw, which has no gradient, and numbers in the place of constants."""
    graph = resolved(graph)
    leaves = {node.attr[1]: node for node in graph.order if g.is_leaf(node, "draw")}
    values = {name: g.leaf("input", name, node.dim) for name, node in leaves.items()}
    dims = {**graph.dims, **{name: node.dim for name, node in leaves.items()}}
    return replace(_replaced(graph, values, (*graph.inputs, *graph.draws), graph.draws), dims=dims)


def _replaced(
    graph: g.Graph, values: Mapping[str, g.Node], inputs: tuple[str, ...], draws: Mapping[str, Draw]
) -> g.Graph:
    def rule(node: g.Node, args: tuple[g.Node, ...]) -> g.Node:
        if g.is_leaf(node, "draw"):
            return values[node.attr[1]]
        if g.is_elementwise(node):
            row = FUNCTIONS[node.attr]
            fault = row.fault_of(args)
            if fault is not None:
                raise CellError(f"with the mean of a draw in its place the equations {row.verb} {fault}")
        return g.with_args(node, args)

    return replace(graph.rewritten(rule), inputs=inputs, draws=dict(draws))
