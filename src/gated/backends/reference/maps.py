"""Functions without states over rows: dense layers, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.interface import Array, Scan, one_hot
from gated.backends.reference.columns import Columns
from gated.backends.reference.digest import digest_of, refuse_changed
from gated.backends.reference.forward import constants_and_inputs
from gated.backends.reference.gradients import parameter_gradients
from gated.backends.reference.interpreter import Interpreter, Values, full
from gated.language.graph import ONE_DIM
from gated.schedule import CellSchedule
from gated.schedule.grouping import group_products


def evaluate_map(
    schedule: CellSchedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    inputs: Mapping[str, Array],
    sealed: bool = True,
) -> tuple[Array, Scan]:
    """The output of a graph without states, (R, dim), over rows of its inputs (R, dim each), and the tape.

    The tape holds inputs and output: they are not to be written to. One that is not `sealed` is for no backward pass:
    it has no digest of the parameters.
    """
    with np.errstate(all="ignore"):
        first = inputs[schedule.graph.inputs[0]]
        values = constants_and_inputs(schedule, parameters, sizes, inputs)
        Interpreter(parameters).run(group_products(schedule.before), values)
        output = np.asarray(values[schedule.outputs[0]])
        return output, Scan(
            schedule,
            {**sizes, ONE_DIM: 1},
            parameters,
            np.array([len(first)]),
            len(first),
            first.dtype,
            output,
            [],
            [],
            values,
            digest_of(parameters) if sealed else None,
        )


def map_adjoints(scan: Scan, seed: Array, gradients: Mapping[str, Array]) -> list[Array]:
    """Adjoints of the inputs of a graph without states, given that of its output; writes the parameters' gradients.

    Raises:
        ArgumentError: the parameters have changed since.
    """
    refuse_changed(scan)
    with np.errstate(all="ignore"):
        schedule = scan.schedule
        kept = Columns(schedule, scan.sizes, len(seed), seed.dtype)
        for view in kept.whole().values():  # there is no loop: all that can be kept is the seed
            view[...] = seed
        values: Values = {**scan.values, schedule.seeds[0]: seed, **kept.whole()}
        Interpreter(scan.parameters, kept).run(schedule.after, values)
        parameter_gradients(scan, values, kept, gradients)
        shapes = [np.shape(scan.values[schedule.graph.input_leaf(name)]) for name in schedule.graph.inputs]
        return [
            full(values.get(node, node.attr), shape, seed.dtype)
            for node, shape in zip(schedule.inputs, shapes, strict=True)
        ]


def evaluate_loss(
    schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
) -> tuple[float, Array]:
    """See `interface.Arithmetic.loss`."""
    if target.dtype.kind == "i" and target.ndim == 1:
        target = one_hot(target, y.shape[1], y.dtype)
    value, tape = evaluate_map(schedule, {"input": y.shape[1]}, {}, {"y": y, "target": target})
    counted = np.where(weights != 0, value, 0)  # a row that does not count may hold NaN
    with np.errstate(over="ignore"):
        dy = np.where(weights != 0, map_adjoints(tape, weights, {})[0], 0).astype(dtype)
    return float(np.sum(counted * weights)), dy
