"""The parameters' gradients: sums over all rows, made after the loop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gated.backends.interface import Array, Scan
from gated.backends.reference.arithmetic import wide
from gated.backends.reference.columns import Columns
from gated.backends.reference.interpreter import Values, full
from gated.language.graph import Matrix, Node


def parameter_gradients(scan: Scan, values: Values, kept: Columns, gradients: Mapping[str, Array]) -> None:
    """All of them, into `gradients`; `values` has the adjoints and operands of every row."""
    with_one = {*scan.schedule.vectors, *(matrix.name for matrix in scan.schedule.products)}
    for name in gradients.keys() - with_one:  # on which no output depends; of what is fixed nobody asks
        gradients[name][...] = 0
    for name, node in scan.schedule.vectors.items():
        value = values.get(node, node.attr)
        rows = _by_row(scan, value, len(gradients[name]))
        gradients[name][...] = rows.sum(axis=0, dtype=wide(rows.dtype))
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
    kept: Columns,
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
    product = joined.T @ _by_row(scan, values[operand], scan.sizes[operand.dim])
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


def _by_row(scan: Scan, value: Array | float, size: int) -> Array:
    """A value with a row for each row of the scan, though it be one for all."""
    return full(value, (scan.rows, size), scan.dtype) if np.ndim(value) < 2 else np.asarray(value)
