"""The reference backend: the schedule interpreted node by node with NumPy, in any dtype, complex included."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.arithmetic import NumPyArithmetic, wide
from gated.backends.interface import Array, Pass, Scan, Stepper, stale, takes_pass
from gated.language.functions import FUNCTIONS
from gated.language.graph import ONE_DIM, Matrix, Node, is_constant, is_elementwise, is_leaf, is_product
from gated.language.reductions import REDUCTIONS
from gated.schedule import CellSchedule
from gated.schedule.grouping import ProductGroup, group_products
from gated.schedule.schedule import INPUT, PARAMETER, STATE

Values = dict[Node, "Array | float"]


class ReferenceBackend(NumPyArithmetic):
    """See `interface.Backend`."""

    name = "reference"

    @takes_pass
    def forward(self, given: Pass) -> Scan:
        scan = self._run(given)
        scan.own = digest_of(given.parameters)
        return scan

    def _run(self, given: Pass) -> Scan:
        schedule, parameters, counts, states = given.schedule, given.parameters, given.counts, given.states
        with np.errstate(all="ignore"):  # NaN in, NaN out: no warnings on the way
            x = np.array(given.x)  # the caller may write to it before the backward pass
            values = before_loop(schedule, parameters, x)
            rows = len(x)
            full = [np.concatenate([s, np.empty((rows, s.shape[1]), s.dtype)]) for s in states]
            saved: Values = {node: np.empty((rows, given.sizes[node.dim]), x.dtype) for node in schedule.saved}
            _forward_loop(schedule, _Interpreter(parameters), values, saved, full, counts)
            kept = {node: v for node, v in values.items() if schedule.level[node] <= INPUT}
            y = full[0][len(states[0]) :].copy()
            last = last_states(full, counts)
            return Scan.of(given, y, full, last, {**kept, **saved})

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        _refuse_changed(scan)
        with np.errstate(all="ignore"):
            running = [np.array(d) for d in dstates]
            kept = new_columns(scan)
            _backward_loop(scan, _Interpreter(scan.parameters, kept), kept, dy, running)
            return after_loop(scan, kept, gradients), running

    @takes_pass
    def infer(self, given: Pass) -> tuple[Array, list[Array]]:
        scan = self._run(given)
        return scan.y, scan.last

    @takes_pass
    def stepper(self, given: Pass) -> Stepper:
        return _Stepper(given)

    def map(
        self,
        schedule: CellSchedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        sealed: bool = True,
    ) -> tuple[Array, Scan]:
        return evaluate_map(schedule, sizes, parameters, inputs, sealed)

    def map_backward(self, scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
        return map_adjoints(scan, dy, gradients)

    def loss(
        self, schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
    ) -> tuple[float, Array]:
        value, tape = evaluate_map(schedule, {"input": y.shape[1]}, {}, {"y": y, "target": target})
        counted = np.where(weights != 0, value, 0)  # a row that does not count may hold NaN
        with np.errstate(over="ignore"):
            dy = np.where(weights != 0, map_adjoints(tape, weights, {})[0], 0).astype(dtype)
        return float(np.sum(counted * weights)), dy

    def evaluate(self, program: Sequence[Node | ProductGroup], parameters: Mapping[str, Array], values: Values) -> None:
        with np.errstate(all="ignore"):  # NaN in, NaN out
            _Interpreter(parameters).run(program, values)


class _Stepper:
    """See `interface.Stepper`."""

    def __init__(self, given: Pass) -> None:
        self._given = given
        self.x = np.zeros_like(given.x)
        self.states = [np.zeros_like(state) for state in given.states]
        self.y = self.states[0]

    def step(self) -> Array:
        given = self._given._replace(x=self.x, states=self.states)
        self.y, self.states = ReferenceBackend().infer(given)
        return self.y

    def put(self, states: Sequence[Array]) -> None:
        self.states = [np.array(state) for state in states]

    def take(self) -> list[Array]:
        return [np.array(state) for state in self.states]

    def refresh(self) -> None:
        """The parameters are read at every step."""


def digest_of(parameters: Mapping[str, Array]) -> int:
    """Another number whenever a bit of a parameter has changed or two have changed places (but once in 2^32 times).

    A checksum, in which the place counts: sums of columns were five times as fast (3 GB/s are usual for this one), and
    saw neither rows that changed places nor the signs of an even number of rows.
    """
    digest = 0
    for array in parameters.values():
        digest = zlib.crc32(np.ascontiguousarray(array).data, digest)
    return digest


def _refuse_changed(scan: Scan) -> None:
    if digest_of(scan.parameters) != scan.own:
        raise stale()


def last_states(states: Sequence[Array], counts: Array) -> list[Array]:
    """Each sequence's last states, (N, size) each, from (N + R, size)."""
    sequences = len(states[0]) - int(counts.sum())
    lengths = (np.arange(sequences)[:, None] < counts).sum(axis=1)
    begin = np.concatenate([[0], sequences + np.cumsum(counts) - counts]).astype(np.int64)
    return [array[begin[lengths] + np.arange(sequences)] for array in states]


def before_loop(schedule: CellSchedule, parameters: Mapping[str, Array], x: Array) -> Values:
    """The values of level 0 and 1, over all rows."""
    values = _constants_and_inputs(schedule, parameters, x)
    _Interpreter(parameters).run(group_products(schedule.before), values)
    return values


def _numbers_and_vectors(schedule: CellSchedule, parameters: Mapping[str, Array]) -> Values:
    values: Values = {}
    for node in schedule.level:
        if is_constant(node):
            values[node] = float(node.attr)
        elif is_leaf(node, "vector"):
            values[node] = parameters[node.attr[1]]
    return values


def constants(schedule: CellSchedule, parameters: Mapping[str, Array]) -> Values:
    """The values of level 0: the parameter vectors, and what is made of them alone."""
    values = _numbers_and_vectors(schedule, parameters)
    program = [node for node in schedule.before if schedule.level[node] == PARAMETER]
    _Interpreter(parameters).run(group_products(program), values)
    return values


def new_columns(scan: Scan) -> _Columns:
    """Room for what the backward loop keeps."""
    return _Columns(scan.schedule, scan.sizes, scan.rows, scan.dtype)


def after_loop(scan: Scan, kept: _Columns, gradients: Mapping[str, Array]) -> Array:
    """dx, and the parameters' gradients into `gradients`, from what the backward loop kept."""
    schedule = scan.schedule
    values: Values = {**scan.values, **previous_states(scan), **kept.whole()}
    _Interpreter(scan.parameters, kept).run(schedule.after, values)
    _parameter_gradients(scan, values, kept, gradients)
    dx = values.get(schedule.inputs[0], schedule.inputs[0].attr)
    return _full(dx, (scan.rows, scan.sizes["input"]), scan.dtype)


class _Interpreter:
    """Evaluates nodes; remembers stacked matrices."""

    def __init__(self, parameters: Mapping[str, Array], columns: _Columns | None = None) -> None:
        self.parameters = parameters
        self.columns = columns
        self.stacks: dict[object, Array] = {}

    def run(
        self, program: Sequence[Node | ProductGroup], values: Values, out: Mapping[Node, Array] | None = None
    ) -> None:
        """Compute every node of the program into `values`; those in `out` are computed in place."""
        for item in program:
            if isinstance(item, ProductGroup):
                self._group(item, values, out)
            else:
                values[item] = self._evaluate(item, values, None if out is None else out.get(item))

    def _evaluate(self, node: Node, values: Values, out: Array | None) -> Array | float:
        if is_elementwise(node):
            args = [values[arg] for arg in node.args]
            if out is not None:
                return FUNCTIONS[node.attr].numpy(*args, out=out)
            return FUNCTIONS[node.attr].numpy(*args)
        if is_constant(node):
            return float(node.attr)
        if is_product(node):
            result = self._sum_of_products(node, values)
        else:
            result = REDUCTIONS[node.attr].numpy(np.asarray(values[node.args[0]]))
        if out is None:
            return result
        out[...] = result
        return out

    def _group(self, group: ProductGroup, values: Values, out: Mapping[Node, Array] | None) -> None:
        if group not in self.stacks:
            self.stacks[group] = np.concatenate([self._matrix(m) for m in group.matrices], axis=1)
        product = np.asarray(values[group.operand]) @ self.stacks[group]
        column = 0
        for node in group.nodes:
            width = self._matrix(node.attr[0]).shape[1]
            values[node] = product[..., column : column + width]
            column += width
            if out is not None and node in out:
                out[node][...] = values[node]
                values[node] = out[node]

    def _sum_of_products(self, node: Node, values: Values) -> Array:
        terms = list(zip(node.attr, node.args, strict=True))
        if self.columns is not None:
            terms.sort(key=lambda term: self.columns.position(term[1]))  # type: ignore[union-attr]
        if node not in self.stacks:
            self.stacks[node] = np.concatenate([self._matrix(m) for m, _ in terms])
        operands = [operand for _, operand in terms]
        joined = self.columns.adjacent(operands, values) if self.columns is not None else None
        if joined is None:
            parts = [np.asarray(values[operand]) for operand in operands]
            rows = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
            joined = np.concatenate([np.broadcast_to(part, (*rows, part.shape[-1])) for part in parts], axis=-1)
        return np.asarray(joined @ self.stacks[node])

    def _matrix(self, matrix: Matrix) -> Array:
        """As it is applied from the right to rows."""
        value = self.parameters[matrix.name]
        return value if matrix.transposed else value.T


class _Columns:
    """The kept values of the backward loop, side by side in one (R, Σ dim) array: so that the adjoints of all gates
    are one operand of one product."""

    def __init__(
        self, schedule: CellSchedule, sizes: Mapping[str, int], rows: int, dtype: np.dtype[np.generic]
    ) -> None:
        ordered = dict.fromkeys(delta for pairs in schedule.products.values() for delta, _ in pairs)
        kept = set(schedule.kept)
        nodes = [node for node in ordered if node in kept] + [node for node in schedule.kept if node not in ordered]
        self.spans: dict[Node, tuple[int, int]] = {}
        width = 0
        for node in nodes:
            self.spans[node] = (width, width + sizes[node.dim])
            width += sizes[node.dim]
        self.array = np.empty((rows, width), dtype)
        self.rows = self.array

    def move_to(self, rows: slice) -> dict[Node, Array]:
        """Look at the rows of one step; returns where its kept values go."""
        self.rows = self.array[rows]
        return self.views()

    def views(self) -> dict[Node, Array]:
        return {node: self.rows[:, a:b] for node, (a, b) in self.spans.items()}

    def whole(self) -> dict[Node, Array]:
        return self.move_to(slice(None))

    def position(self, node: Node) -> int:
        return self.spans.get(node, (self.array.shape[1], 0))[0]

    def adjacent(self, nodes: Sequence[Node], values: Mapping[Node, Array | float] | None = None) -> Array | None:
        """One view of several neighbours, or None if they are not."""
        spans = [self.spans.get(node) for node in nodes]
        if any(span is None for span in spans):
            return None
        if any(a[1] != b[0] for a, b in zip(spans, spans[1:], strict=False)):  # type: ignore[index]
            return None
        return self.rows[:, spans[0][0] : spans[-1][1]]  # type: ignore[index]


def _constants_and_inputs(schedule: CellSchedule, parameters: Mapping[str, Array], x: Array) -> Values:
    values = _numbers_and_vectors(schedule, parameters)
    values[schedule.graph.input_leaf(schedule.graph.inputs[0])] = x
    return values


def _steps(counts: Array, initial: int) -> list[tuple[slice, slice, slice]]:
    """Per step: its packed rows, the rows of the new states, the rows of the previous states (in the state arrays)."""
    steps = []
    begin, previous = 0, 0
    for count in counts.tolist():
        rows, new = slice(begin, begin + count), slice(initial + begin, initial + begin + count)
        steps.append((rows, new, slice(previous, previous + count)))
        begin, previous = begin + count, new.start
    return steps


def _forward_loop(
    schedule: CellSchedule, interpreter: _Interpreter, values: Values, saved: Values, states: list[Array], counts: Array
) -> None:
    program = group_products(schedule.step)
    inputs, constants = _split_rows(schedule, values)
    leaves = [schedule.graph.state_leaf(name) for name in schedule.graph.states]
    first_row = {node: i for i, node in reversed(list(enumerate(schedule.outputs)))}
    for rows, new, previous in _steps(counts, len(states[0]) - int(counts.sum())):
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


def _backward_loop(scan: Scan, interpreter: _Interpreter, kept: _Columns, dy: Array, running: list[Array]) -> None:
    schedule = scan.schedule
    leaves = [schedule.graph.state_leaf(name) for name in schedule.graph.states]
    by_row = [(node, v) for node, v in scan.values.items() if schedule.level[node] in (INPUT, STATE)]
    constants = {node: v for node, v in scan.values.items() if schedule.level[node] == PARAMETER}
    for node in schedule.backward_step:
        constants.update((arg, float(arg.attr)) for arg in node.args if is_constant(arg))
    for rows, _new, previous in reversed(_steps(scan.counts, len(running[0]))):
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


def previous_states(scan: Scan) -> Values:
    """The state before every row, (R, size)."""
    initial = len(scan.states[0]) - int(scan.counts.sum())
    values: Values = {}
    for k, name in enumerate(scan.schedule.graph.states):
        whole = scan.states[k]
        if (scan.counts == initial).all():
            values[scan.schedule.graph.state_leaf(name)] = whole[: scan.rows]
        else:
            parts = [whole[previous] for _, _, previous in _steps(scan.counts, initial)]
            values[scan.schedule.graph.state_leaf(name)] = np.concatenate([whole[:0], *parts])
    return values


def _full(value: Array | float, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """The value as a fresh array of the full shape (it may be a number, or one row for all)."""
    result = np.empty(shape, dtype)
    result[...] = value
    return result


def _parameter_gradients(scan: Scan, values: Values, kept: _Columns, gradients: Mapping[str, Array]) -> None:
    for name, node in scan.schedule.vectors.items():
        value = values.get(node, node.attr)
        full = _full(value, (scan.rows, len(gradients[name])), scan.dtype) if np.ndim(value) < 2 else np.asarray(value)
        gradients[name][...] = full.sum(axis=0, dtype=wide(full.dtype))
    for matrix, pairs in scan.schedule.products.items():
        gradients[matrix.name][...] = 0
        if len(pairs) > 1:
            for delta, operand in pairs:
                gradients[matrix.name][...] += _outer_sum(scan, values[delta], values[operand], matrix)
    by_operand: dict[Node, list[tuple[Node, Matrix]]] = {}
    for matrix, pairs in scan.schedule.products.items():
        if len(pairs) == 1:
            by_operand.setdefault(pairs[0][1], []).append((pairs[0][0], matrix))
    for operand, members in by_operand.items():
        _grouped_outer_sums(scan, values, kept, operand, members, gradients)


def _grouped_outer_sums(
    scan: Scan,
    values: Values,
    kept: _Columns,
    operand: Node,
    members: list[tuple[Node, Matrix]],
    gradients: Mapping[str, Array],
) -> None:
    """dM = Σ δ vᵀ for all matrices that were applied to v: one product if their δ lie side by side."""
    joined = kept.adjacent([delta for delta, _ in members])
    if joined is None:
        for delta, matrix in members:
            gradients[matrix.name][...] = _outer_sum(scan, values[delta], values[operand], matrix)
        return
    v = (
        _full(values[operand], (scan.rows, scan.sizes[operand.dim]), scan.dtype)
        if np.ndim(values[operand]) < 2
        else np.asarray(values[operand])
    )
    product = joined.T @ v
    row = 0
    for _, matrix in members:
        rows = scan.sizes[matrix.rows]
        gradients[matrix.name][...] = product[row : row + rows]
        row += rows


def _outer_sum(scan: Scan, delta: Array | float, operand: Array | float, matrix: Matrix) -> Array:
    rows = scan.rows
    left = np.broadcast_to(delta, (rows, scan.sizes[matrix.rows]))
    right = np.broadcast_to(operand, (rows, scan.sizes[matrix.cols]))
    return np.asarray(left.T @ right)


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
        values = _constants_and_inputs(schedule, parameters, first)
        values.update((schedule.graph.input_leaf(name), value) for name, value in inputs.items())
        _Interpreter(parameters).run(group_products(schedule.before), values)
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
    _refuse_changed(scan)
    with np.errstate(all="ignore"):
        schedule = scan.schedule
        kept = _Columns(schedule, scan.sizes, len(seed), seed.dtype)
        for view in kept.whole().values():  # there is no loop: all that can be kept is the seed
            view[...] = seed
        values: Values = {**scan.values, schedule.seeds[0]: seed, **kept.whole()}
        _Interpreter(scan.parameters, kept).run(schedule.after, values)
        _parameter_gradients(scan, values, kept, gradients)
        shapes = [np.shape(scan.values[schedule.graph.input_leaf(name)]) for name in schedule.graph.inputs]
        return [
            _full(values.get(node, node.attr), shape, seed.dtype)
            for node, shape in zip(schedule.inputs, shapes, strict=True)
        ]
