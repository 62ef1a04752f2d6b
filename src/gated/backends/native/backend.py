"""The native backend: machine code made from the cell's schedule, from the products with x to the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gated.backends.interface import Array, Scan
from gated.backends.native.buffers import Buffers
from gated.backends.native.programs import Programs, before_results, programs_of
from gated.backends.native.run import Run, outer_sum
from gated.backends.native.target import host
from gated.backends.reference import ReferenceBackend, Values, constants, previous_states
from gated.language.graph import Matrix, Node
from gated.schedule import Schedule
from gated.schedule.schedule import CONSTANT

NATIVE = ("float32", "float64")


class NativeBackend:
    """See `interface.Backend`. float32 and float64; other dtypes go to the reference backend."""

    name = "native"

    def forward(
        self,
        schedule: Schedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        x: Array,
        counts: Array,
        states: Sequence[Array],
    ) -> Scan:
        if x.dtype.name not in NATIVE:
            return ReferenceBackend().forward(schedule, sizes, parameters, x, counts, states)
        programs = programs_of(schedule, x.dtype.name)
        buffers = Buffers(x.dtype, host().machine.width(x.dtype.name))
        values = _before(programs, schedule, sizes, parameters, x, buffers)
        run = Run(programs.forward, sizes, buffers, counts, len(states[0]), parameters)
        rows = len(x)
        full = [buffers.empty(len(s) + rows, s.shape[1]) for s in states]
        for k, (array, initial) in enumerate(zip(full, states, strict=True)):
            array[: len(initial)] = initial
            run.put(programs.layout.previous[k], array)
            run.put(programs.layout.new[k], array)
        values.update((node, buffers.empty(rows, sizes[node.dim])) for node in schedule.saved)
        _put_values(run, programs, values)
        run()
        return Scan(schedule, sizes, parameters, x, counts, full, values, buffers.own)

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype.name not in NATIVE:
            return ReferenceBackend().backward(scan, dy, dstates, gradients)
        programs = programs_of(scan.schedule, dy.dtype.name)
        buffers = Buffers(dy.dtype, host().machine.width(dy.dtype.name))
        buffers.own.update(scan.own)
        kept, running = _backward_loop(programs, scan, dy, dstates, buffers)
        after = _after(programs, scan, kept, buffers)
        values: Values = {**scan.values, **previous_states(scan), **kept, **after}
        _gradients(programs, scan, values, buffers, gradients)
        dx = np.empty(scan.x.shape, dy.dtype)
        node = scan.schedule.inputs[0]
        dx[...] = node.attr if node.op == "constant" else values[node]
        return dx, [np.ascontiguousarray(array) for array in running]


def _put_values(run: Run, programs: Programs, values: Values) -> None:
    for node, place in programs.layout.values.items():
        if place in run.loop.places:
            run.put(place, values[node])


def _before(
    programs: Programs,
    schedule: Schedule,
    sizes: Mapping[str, int],
    parameters: Mapping[str, Array],
    x: Array,
    buffers: Buffers,
) -> Values:
    """The values of level 0 (a few numbers: NumPy) and of level 1."""
    with np.errstate(all="ignore"):
        values = constants(schedule, parameters)
    values[schedule.graph.input_leaf(schedule.graph.inputs[0])] = x
    if programs.before is not None:
        made = [node for node in programs.layout.values if node in before_results(schedule)]
        _, arrays = buffers.columns(len(x), [sizes[node.dim] for node in made])
        values.update(zip(made, arrays, strict=True))
        run = Run(programs.before, sizes, buffers, np.array([len(x)]), len(x), parameters)
        _put_values(run, programs, values)
        run()
    return values


def _backward_loop(
    programs: Programs, scan: Scan, dy: Array, dstates: Sequence[Array], buffers: Buffers
) -> tuple[Values, list[Array]]:
    """What the loop keeps, and the adjoints of the initial states."""
    layout, sizes = programs.layout, scan.sizes
    run = Run(programs.backward, sizes, buffers, scan.counts, len(dstates[0]), scan.parameters)
    # the adjoints of all gates that multiply one operand lie side by side: one product gives all their gradients
    ordered = dict.fromkeys(delta for pairs in programs.groups.values() for delta, _ in pairs if delta in layout.kept)
    nodes = [*ordered, *(node for node in layout.kept if node not in ordered)]
    _, arrays = buffers.columns(len(scan.x), [sizes[node.dim] for node in nodes])
    kept: Values = dict(zip(nodes, arrays, strict=True))
    for node, place in layout.kept.items():
        run.put(place, kept[node])
    running = [buffers.empty(*d.shape) for d in dstates]
    for k, array in enumerate(running):
        array[...] = dstates[k]
        run.put(layout.running[k], array)
        run.put(layout.previous[k], scan.states[k])
    run.put(layout.dy, dy)
    _put_values(run, programs, scan.values)
    run()
    return kept, running


def _after(programs: Programs, scan: Scan, kept: Values, buffers: Buffers) -> Values:
    results: Values = {node: buffers.empty(len(scan.x), scan.sizes[node.dim]) for node in programs.results}
    if programs.after is not None:
        rows = len(scan.x)
        run = Run(programs.after, scan.sizes, buffers, np.array([rows]), rows, scan.parameters)
        _put_values(run, programs, scan.values)
        for node, place in [*programs.layout.kept.items(), *programs.results.items()]:
            run.put(place, kept[node] if node in kept else results[node])
        before = previous_states(scan)
        for k, leaf in enumerate(programs.layout.leaves):
            run.put(programs.layout.packed[k], before[leaf])
        run()
    return results


def _gradients(
    programs: Programs, scan: Scan, values: Values, buffers: Buffers, gradients: Mapping[str, Array]
) -> None:
    schedule, rows = scan.schedule, len(scan.x)
    for name, node in schedule.vectors.items():
        gradients[name][...] = np.sum(_rows(values, node, rows, len(gradients[name]), buffers), axis=0)
    for matrix in schedule.products:
        gradients[matrix.name][...] = 0
    for operand, pairs in programs.groups.items():
        right = _rows(values, operand, rows, scan.sizes[operand.dim], buffers)
        for members in _neighbours([(_rows(values, d, rows, scan.sizes[d.dim], buffers), m) for d, m in pairs]):
            first, last = members[0][0], members[-1][0]
            start, stop = first.ctypes.data, last.ctypes.data + last.shape[1] * last.itemsize
            width = (stop - start) // first.itemsize
            left = np.lib.stride_tricks.as_strided(first, (rows, width), first.strides)
            total = outer_sum(programs.outer, left, right, buffers)
            for delta, matrix in members:
                row = (delta.ctypes.data - start) // first.itemsize
                gradients[matrix.name][...] += total[row : row + delta.shape[1]]


def _neighbours(pairs: list[tuple[Array, Matrix]]) -> list[list[tuple[Array, Matrix]]]:
    """Runs of adjoints that lie side by side in one array (with at most the padding of a vector between them)."""
    runs: list[list[tuple[Array, Matrix]]] = []
    for delta, matrix in pairs:
        before = runs[-1][-1][0] if runs else None
        gap = -1 if before is None else delta.ctypes.data - before.ctypes.data - before.shape[1] * before.itemsize
        if before is not None and before.strides == delta.strides and 0 <= gap < 64:
            runs[-1].append((delta, matrix))
        else:
            runs.append([(delta, matrix)])
    return runs


def _rows(values: Values, node: Node, rows: int, size: int, buffers: Buffers) -> Array:
    """The value of a node as (rows, size)."""
    value = node.attr if node.op == "constant" else values[node]
    if np.ndim(value) == 2:
        return np.asarray(value)
    full = buffers.empty(rows, size)
    full[...] = value
    return full


__all__ = ["CONSTANT", "NativeBackend"]
