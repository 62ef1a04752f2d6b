"""A cell without some of its parameters: what they stood for is 0, and the equations are simplified by that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gated.errors import CellError, wrong
from gated.language import graph as g
from gated.language.functions import FUNCTIONS
from gated.language.matrices import is_matrix, matrix_of, parameters_of, with_zeros
from gated.language.reductions import REDUCTIONS


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
    return without_parameters(graph, omitted, f"{graph.name}_without_{family}")


def without_parameters(graph: g.Graph, omitted: set[str], name: str) -> g.Graph:
    """The graph, under this name, in which these parameters are 0 and no parameters any more; errors as above."""
    family = ", ".join(dict.fromkeys(parameter.split(".")[0] for parameter in graph.parameters if parameter in omitted))
    try:
        new = graph.rewritten(lambda node, args: _rewritten(node, args, omitted))
    except CellError as error:  # a function of a number that has no value there: log(0)
        raise wrong("family", f"{family!r} ({error})", "a family that can be 0") from None
    left = {name for node in new.order for name in parameters_of(node)}
    drawn = {node.attr[1] for node in new.order if g.is_leaf(node, "draw")}
    draws = {name: draw for name, draw in graph.draws.items() if name in drawn}
    used = {node.attr[1] for node in new.order if g.is_leaf(node, "constant")} | {draw.value for draw in draws.values()}
    return replace(
        new,
        name=name,
        parameters={name: shape for name, shape in graph.parameters.items() if name in left},
        constants={name: value for name, value in graph.constants.items() if name in used},
        draws=draws,
        fixed=frozenset(graph.fixed & left),
        init={name: rule for name, rule in graph.init.items() if name in left},
    )


def _rewritten(node: g.Node, args: tuple[g.Node, ...], omitted: set[str]) -> g.Node:
    if g.is_product(node):
        return _product(node, args, omitted)
    if any(name in omitted for name in parameters_of(node)):
        return g.constant(0.0)
    if args == node.args:
        return node
    if g.is_reduction(node):
        return _reduced(node, args)
    row = FUNCTIONS[node.attr]
    if row.fault_of(args) is not None:
        raise wrong("family", f"one that the equations {row.verb} by", "a family that can be 0")
    return row.of(*args)


def _product(node: g.Node, args: tuple[g.Node, ...], omitted: set[str]) -> g.Node:
    matrix = _matrix(node.attr[0], omitted)
    if matrix is None or g.is_constant(args[0], 0.0):
        return g.constant(0.0)
    if g.is_constant(args[0]):
        what = f"{matrix.name} is applied to what is {args[0].attr:g} then"
        raise wrong("family", f"one without which a vector is a mere number: {what}", "a family that can be 0")
    return g.product([matrix], args)


def _matrix(matrix: g.Matrix, omitted: set[str]) -> g.Matrix | None:
    """What is left of a matrix, None if that is 0."""
    if matrix.of is None:
        return None if matrix.name in omitted else matrix
    left = with_zeros(matrix.of, omitted)
    if is_matrix(left):
        return matrix_of(left)
    if not g.is_constant(left, 0.0):
        what = f"{matrix.name} is {left.attr:g} everywhere then"
        raise wrong("family", f"one without which a matrix is a mere number: {what}", "a family that can be 0")
    return None


def _reduced(node: g.Node, args: tuple[g.Node, ...]) -> g.Node:
    """A reduction some of whose vectors have become 0: all of them, or it is a sum."""
    row = REDUCTIONS[node.attr]
    numbers, vectors = args[: row.numbers], args[row.numbers :]
    gone = [arg.dim == g.ONE_DIM for arg in vectors]
    if not any(gone):
        return row.of(*args)
    zero = all(g.is_constant(arg, 0.0) for arg in vectors if arg.dim == g.ONE_DIM)
    if row.pairs:
        gone = [one or other for one, other in zip(gone[::2], gone[1::2], strict=True) for _ in range(2)]
    if zero and row.linear and not all(gone):
        return row.of(*numbers, *(arg for arg, left_out in zip(vectors, gone, strict=True) if not left_out))
    if zero and all(gone) and g.are_numbers(*numbers):
        return g.constant(float(row.numpy(*(arg.attr for arg in numbers), *(np.zeros(1) for _ in vectors))[0]))
    what = "one without which a vector is a mere number: a reduction over the units needs its length"
    raise wrong("family", what, "a family that can be 0")
