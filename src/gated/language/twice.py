"""Equations are read once. A function that says something else when it is read again is no set of equations: what
changes in it (a random number, a counter, the time) would be frozen without a word."""

from __future__ import annotations

import inspect
import pickle
import random
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from gated.language.graph import Graph, Node, is_constant, is_leaf, is_product

SOME, MANY = 2, 8  # readings


def readings(function: Callable[..., Any]) -> int:
    """How often equations are read to see whether they stay the same.

    Often where they use more than numbers and the functions of the language: a coin may fall on the same side twice.
    """
    try:
        used = inspect.getclosurevars(function)
    except (TypeError, ValueError):  # a cell of the closure that is still empty
        return MANY
    known = (bool, int, float, np.generic)
    plain = all(
        isinstance(value, known) or str(getattr(value, "__module__", "")).startswith("gated.language")
        for value in (*used.globals.values(), *used.nonlocals.values())
    )
    return SOME if plain and not used.builtins else MANY


def random_state() -> object:
    """Where the generators stand that a whole program shares: random's and NumPy's."""
    return random.getstate(), pickle.dumps(np.random.get_state())


def quiet(function: Callable[..., Any]) -> FunctionType:
    """The function once more, for a second run: what it prints, or sets with `global`, is not doubled."""
    own: Any = function
    again = FunctionType(
        own.__code__, {**own.__globals__, "print": _silent}, own.__name__, own.__defaults__, own.__closure__
    )
    again.__kwdefaults__, again.__doc__ = own.__kwdefaults__, own.__doc__
    return again


def _silent(*args: Any, **kwargs: Any) -> None:
    """In the place of print."""


def difference(first: Graph, second: Graph) -> str | None:
    """What is not the same in two readings, in words; None if they are equal."""
    if len(first.outputs) != len(second.outputs):
        return f"{len(first.outputs)} returned values became {len(second.outputs)}"
    pairs = list(zip(first.outputs, second.outputs, strict=True))
    seen: set[tuple[Node, Node]] = set()
    while pairs:
        a, b = pair = pairs.pop()
        if a is b or pair in seen:
            continue
        seen.add(pair)
        if (a.op, repr(a.attr), len(a.args)) != (b.op, repr(b.attr), len(b.args)):  # repr: 0.0 is not -0.0
            return f"{_described(a)} became {_described(b)}"
        pairs += zip(a.args, b.args, strict=True)
    names = [list(graph.names.items()) for graph in (first, second)]
    if first.outputs != second.outputs or first.parameters != second.parameters or names[0] != names[1]:
        return "names or sizes are others"
    return None


def _described(node: Node) -> str:
    if is_constant(node):
        return f"the number {node.attr}"
    if is_leaf(node):
        return f"the {node.attr[0]} {node.attr[1]}"
    if is_product(node):
        return f"a product with {node.attr[0].name}"
    return f"the operation {node.attr}"
