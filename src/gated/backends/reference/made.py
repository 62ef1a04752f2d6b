"""Matrices that are made of parameters, and the gradients of these, in NumPy: the graphs of `calculus.made`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array
from gated.language.graph import Node, is_constant, is_elementwise, is_reduction, topological
from gated.schedule import CellSchedule, Made

Values = dict[Node, Any]  # matrices (..., rows, cols), numbers (..., 1) or plain ones


def made_of(schedule: CellSchedule) -> Made:
    """What of a schedule's matrices is made; of one that has some."""
    assert schedule.made is not None
    return schedule.made


def make(made: Made, parameters: Mapping[str, Array], into: Mapping[str, Array]) -> None:
    """The matrices, into arrays by their names."""
    values = _own_values(made, parameters)
    _evaluate(made.matrices.values(), values)
    for name, node in made.matrices.items():
        into[name][...] = values[node]


def gradients_of(made: Made, parameters: Mapping[str, Array], given: Mapping[str, Array]) -> dict[str, Array]:
    """Parameter -> its gradient, from those of the matrices, (..., rows, cols); perhaps a view of these."""
    values = _own_values(made, parameters)
    values |= {seed: given[name] for name, seed in made.seeds.items()}
    _evaluate(made.gradients.values(), values)
    return {name: values[node] for name, node in made.gradients.items()}


def add_gradients(
    made: Made, parameters: Mapping[str, Array], given: Mapping[str, Array], into: Mapping[str, Array]
) -> None:
    """Add to the parameters' gradients, which are there, what they get from those of the matrices."""
    for name, gradient in gradients_of(made, parameters, given).items():
        np.add(into[name], gradient, out=into[name])


def _own_values(made: Made, parameters: Mapping[str, Array]) -> Values:
    return {node: parameters[name] for name, node in made.leaves.items()}


def _evaluate(nodes: Iterable[Node], values: Values) -> None:
    with np.errstate(all="ignore"):  # NaN in, NaN out
        for node in topological(nodes):
            if node not in values:
                values[node] = _value(node, [values[arg] for arg in node.args])


def _value(node: Node, args: Sequence[Any]) -> Any:
    if is_constant(node):
        return float(node.attr)
    row: Any = node.operation
    if is_elementwise(node):
        return row.numpy(*args)
    if is_reduction(node):  # the gradient of a number: from all entries that it was used for, as from units
        return row.numpy(*(np.reshape(arg, (*np.shape(arg)[:-2], -1)) for arg in args))
    return np.swapaxes(args[0], -2, -1)
