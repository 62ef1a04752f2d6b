"""The forward pass: what is known before the loop, and the loop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gated.backends.interface import Array, Pass, Scan, input_columns
from gated.backends.reference.interpreter import Interpreter, Values
from gated.backends.reference.rows import last_states, steps_of
from gated.language.graph import Node, is_constant, is_leaf
from gated.language.over_units import is_size, size_value
from gated.schedule import CellSchedule
from gated.schedule.grouping import group_products
from gated.schedule.schedule import INPUT, PARAMETER, STATE


def _numbers_and_vectors(schedule: CellSchedule, parameters: Mapping[str, Array], sizes: Mapping[str, int]) -> Values:
    values: Values = {}
    for node in schedule.level:
        if is_constant(node):
            values[node] = float(node.attr)
        elif is_leaf(node, "vector"):
            values[node] = parameters[node.attr[1]]
        elif is_size(node):
            values[node] = size_value(node, sizes)
    return values


def constants_and_inputs(
    schedule: CellSchedule, parameters: Mapping[str, Array], sizes: Mapping[str, int], inputs: Mapping[str, Array]
) -> Values:
    """What a program starts from: the numbers, the parameter vectors, the lengths, and the inputs."""
    values = _numbers_and_vectors(schedule, parameters, sizes)
    values.update((schedule.graph.input_leaf(name), value) for name, value in inputs.items())
    return values


def constants(schedule: CellSchedule, parameters: Mapping[str, Array], sizes: Mapping[str, int]) -> Values:
    """The values of level 0: the parameter vectors, the lengths, and what is made of them alone."""
    values = _numbers_and_vectors(schedule, parameters, sizes)
    program = [node for node in schedule.before if schedule.level[node] == PARAMETER]
    Interpreter(parameters).run(group_products(program), values)
    return values


def before_loop(
    schedule: CellSchedule, parameters: Mapping[str, Array], sizes: Mapping[str, int], inputs: Mapping[str, Array]
) -> Values:
    """The values of level 0 and 1, over all rows."""
    values = constants_and_inputs(schedule, parameters, sizes, inputs)
    Interpreter(parameters).run(group_products(schedule.before), values)
    return values


def run(given: Pass) -> Scan:
    """The whole pass; its scan has no digest of the parameters."""
    schedule, parameters, counts, states = given.schedule, given.parameters, given.counts, given.states
    with np.errstate(all="ignore"):  # NaN in, NaN out: no warnings on the way
        x = np.array(given.x)  # the caller may write to it before the backward pass
        columns = input_columns(schedule.graph, given.sizes)
        values = before_loop(schedule, parameters, given.sizes, {name: x[:, own] for name, own in columns.items()})
        rows = len(x)
        full = [np.concatenate([s, np.empty((rows, s.shape[1]), s.dtype)]) for s in states]
        saved: Values = {node: np.empty((rows, given.sizes[node.dim]), x.dtype) for node in schedule.saved}
        _loop(schedule, Interpreter(parameters), values, saved, full, counts)
        kept = {node: v for node, v in values.items() if schedule.level[node] <= INPUT}
        y = full[0][len(states[0]) :].copy()
        last = last_states(full, counts)
        return Scan.of(given, y, full, last, {**kept, **saved})


def _loop(
    schedule: CellSchedule, interpreter: Interpreter, values: Values, saved: Values, states: list[Array], counts: Array
) -> None:
    program = group_products(schedule.step)
    inputs, constants = _split_rows(schedule, values)
    leaves = [schedule.graph.state_leaf(name) for name in schedule.graph.states]
    first_row = {node: i for i, node in reversed(list(enumerate(schedule.outputs)))}
    for rows, new, previous in steps_of(counts, len(states[0]) - int(counts.sum())):
        step: Values = dict(constants)
        step.update((node, value[rows]) for node, value in inputs)
        step.update((node, states[k][previous]) for k, node in enumerate(leaves))
        out = {node: array[rows] for node, array in saved.items()}  # type: ignore[index]
        out.update((node, states[k][new]) for node, k in first_row.items() if node not in saved)
        interpreter.run(program, step, out)
        for k, node in enumerate(schedule.outputs):
            if first_row[node] != k or node in saved or schedule.level[node] < STATE or is_leaf(node):
                states[k][new] = step[node]


def _split_rows(schedule: CellSchedule, values: Values) -> tuple[list[tuple[Node, Array]], Values]:
    """The values made before the loop: those with a row per step and sequence, and those without."""
    inputs = [(node, value) for node, value in values.items() if schedule.level.get(node) == INPUT]
    constants = {node: value for node, value in values.items() if schedule.level.get(node) == PARAMETER}
    return inputs, constants  # type: ignore[return-value]
