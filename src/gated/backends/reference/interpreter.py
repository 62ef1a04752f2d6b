"""The interpreter: nodes of a program evaluated one by one with NumPy, in any dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array
from gated.backends.reference.columns import Columns
from gated.language.graph import Matrix, Node, is_constant, is_elementwise, is_product
from gated.schedule.grouping import ProductGroup

Values = dict[Node, "Array | float"]  # of nodes: one row for each sequence (and step), one for all, or a number


class Interpreter:
    """Evaluates nodes; remembers stacked matrices."""

    def __init__(self, parameters: Mapping[str, Array], columns: Columns | None = None) -> None:
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
            row: Any = node.operation
            if out is not None:
                return row.numpy(*args, out=out)
            return row.numpy(*args)
        if is_constant(node):
            return float(node.attr)
        if is_product(node):
            result = self._sum_of_products(node, values)
        else:
            reduction: Any = node.operation
            result = reduction.numpy(*(np.asarray(values[arg]) for arg in node.args))
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
        joined = self.columns.adjacent(operands) if self.columns is not None else None
        if joined is None:
            parts = [np.asarray(values[operand]) for operand in operands]
            rows = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
            joined = np.concatenate([np.broadcast_to(part, (*rows, part.shape[-1])) for part in parts], axis=-1)
        return np.asarray(joined @ self.stacks[node])

    def _matrix(self, matrix: Matrix) -> Array:
        """As it is applied from the right to rows."""
        value = self.parameters[matrix.name]
        return value if matrix.transposed else value.T


def full(value: Array | float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The value as a fresh array of the full shape (it may be a number, or one row for all)."""
    result = np.empty(shape, dtype)
    result[...] = value
    return result
