"""The backward pass: the loop from the last step to the first, and what is made of all steps behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gated.backends.interface import Array, Scan, gradient_columns
from gated.backends.reference.columns import Columns
from gated.backends.reference.gradients import parameter_gradients
from gated.backends.reference.interpreter import Interpreter, Values
from gated.backends.reference.rows import previous_states, steps_of
from gated.language.graph import is_constant
from gated.schedule.schedule import INPUT, PARAMETER, STATE


def new_columns(scan: Scan) -> Columns:
    """Room for what the backward loop keeps."""
    return Columns(scan.schedule, scan.sizes, scan.rows, scan.dtype)


def run_back(
    scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
) -> tuple[Array, list[Array]]:
    """See `interface.Backend.backward`; whether the parameters have changed is not asked here."""
    with np.errstate(all="ignore"):
        running = [np.array(d) for d in dstates]
        kept = new_columns(scan)
        _loop(scan, Interpreter(scan.parameters, kept), kept, dy, running)
        return after_loop(scan, kept, gradients), running


def _loop(scan: Scan, interpreter: Interpreter, kept: Columns, dy: Array, running: list[Array]) -> None:
    schedule = scan.schedule
    leaves = [schedule.graph.state_leaf(name) for name in schedule.graph.states]
    by_row = [(node, v) for node, v in scan.values.items() if schedule.level[node] in (INPUT, STATE)]
    constants = {node: v for node, v in scan.values.items() if schedule.level[node] == PARAMETER}
    for node in schedule.backward_step:
        constants.update((arg, float(arg.attr)) for arg in node.args if is_constant(arg))
    for rows, _new, previous in reversed(steps_of(scan.counts, len(running[0]))):
        count = rows.stop - rows.start
        step: Values = dict(constants)
        step.update((node, value[rows]) for node, value in by_row)  # type: ignore[index]
        step.update((node, scan.states[k][previous]) for k, node in enumerate(leaves))
        # copies, for the buffers behind them are written to at the end of the step
        step.update((seed, running[k][:count].copy()) for k, seed in enumerate(schedule.seeds))
        step[schedule.seeds[0]] = step[schedule.seeds[0]] + dy[rows]
        out = kept.move_to(rows)
        for seed in schedule.seeds:
            if seed in out:
                out[seed][...] = step[seed]
        interpreter.run(schedule.backward_step, step, out)
        for k, node in enumerate(schedule.previous):
            running[k][:count] = float(node.attr) if is_constant(node) else step[node]


def after_loop(scan: Scan, kept: Columns, gradients: Mapping[str, Array]) -> Array:
    """dx, and the parameters' gradients into `gradients`, from what the backward loop kept."""
    schedule = scan.schedule
    values: Values = {**scan.values, **previous_states(scan), **kept.whole()}
    Interpreter(scan.parameters, kept).run(schedule.after, values)
    parameter_gradients(scan, values, kept, gradients)
    columns = gradient_columns(schedule.graph, scan.sizes)
    dx = np.empty((scan.rows, max([own.stop for own in columns.values()], default=0)), scan.dtype)
    for own, node in zip(columns.values(), schedule.inputs, strict=True):
        dx[:, own] = values.get(node, node.attr)
    return dx
