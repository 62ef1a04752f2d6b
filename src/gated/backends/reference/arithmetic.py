"""What needs no schedule: tables, derivatives, whole vectors of parameters. See `interface.Arithmetic`."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np

from gated.backends.draws import drawn
from gated.backends.interface import Array, Rule


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which long sums are made: NumPy adds rows one after the other, and the errors of float32 add up."""
    return np.result_type(dtype, np.float64)


_PRODUCT = partial(reduce, operator.mul)  # of the factors of a term; learning in real time makes many small ones


def _likeliest(y: Array, chances: Array, most: int, part: float) -> Array:
    """The chances (N, V) of the first in the order of falling outputs y, equal ones as they stand; 0 of all others.

    The first are `most`, or as many as are needed for this part of the sum of chances.
    """
    order = np.argsort(-y, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(chances, order, axis=1), axis=1)
    needed = np.arange(y.shape[1]) < np.full(y.shape, most)
    needed[:, 1:] &= sums[:, :-1] < part * np.cumsum(chances, axis=1)[:, -1:]
    kept = np.zeros(y.shape, bool)
    np.put_along_axis(kept, order, needed, axis=1)
    return np.where(kept, chances, 0.0)


class NumPyArithmetic:
    """See `interface.Arithmetic`."""

    def pick(
        self, y: Array, uniforms: Array, temperature: float, top_k: int | None = None, top_p: float | None = None
    ) -> Array:
        wide_y = y.astype(np.float64)
        peak = wide_y.max(axis=1, keepdims=True)
        if temperature == 0.0:
            found = wide_y.argmax(axis=1)
        else:
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # a tiny temperature: what is below the peak has no chance
                chances = np.exp((wide_y - peak) / temperature)
            if top_k is not None:
                chances = _likeliest(wide_y, chances, top_k, np.inf)
            if top_p is not None:
                chances = _likeliest(wide_y, chances, y.shape[1], top_p)
            sums = np.cumsum(chances, axis=1)
            found = (sums <= uniforms[:, None] * sums[:, -1:]).sum(axis=1)
        return np.where(np.isfinite(peak[:, 0]), found, -1)

    def draw_rows(
        self, key: int, word: int, kind: str, value: float, steps: Array | None, sequences: Array, out: Array
    ) -> None:
        out[...] = drawn(key, word, kind, value, steps, sequences, out.shape[1], out.dtype)

    def look_up(self, table: Array, ids: Array) -> Array:
        return np.asarray(table[ids])

    def look_up_backward(self, ids: Array, dy: Array, into: Array) -> None:
        ids = ids.reshape(-1)
        if ids.size:
            # in order, the occurrences of an id are neighbours: one pass adds them
            order = np.argsort(ids, kind="stable")
            present, first = np.unique(ids[order], return_index=True)
            rows = dy.reshape(-1, into.shape[1])[order]
            into[present] = np.add.reduceat(rows, first, axis=0, dtype=wide(into.dtype))

    def sum_of_products(self, terms: Iterable[tuple[Array | float, ...]]) -> Any:
        return reduce(operator.add, map(_PRODUCT, terms))

    def pull(self, rows: Array, matrix: Array) -> Array:
        return np.asarray(rows @ matrix)

    def rows_not_zero(self, array: Array) -> slice | Array:
        found: Array = (array != 0).any(axis=1)
        return slice(None) if found.all() else found

    def sum_rows(self, term: tuple[Array, ...], rows: slice | Array) -> Array:
        return np.add.reduce(_PRODUCT(term)[rows], axis=0)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.empty(shape, dtype)

    def add(self, part: Array, into: Array) -> None:
        into += part

    def scale(self, vector: Array, factor: float) -> None:
        vector *= factor

    def all_finite(self, vector: Array) -> bool:
        return bool(np.isfinite(vector, out=self.empty(vector.shape, np.dtype(bool))).all())

    def norm(self, vector: Array) -> float:
        with np.errstate(over="ignore"):
            norm = float(np.sqrt(np.sum(np.square(vector, dtype=np.float64))))
        if not np.isinf(norm):
            return norm
        # finite entries whose squares overflow are scaled first
        peak = float(np.max(np.abs(vector)))
        if np.isinf(peak):
            return peak
        return peak * float(np.sqrt(np.sum(np.square(vector / peak, dtype=np.float64))))

    def update(
        self,
        rule: Rule,
        theta: Array,
        gradient: Array,
        buffers: Mapping[str, Array],
        scratch: tuple[Array, Array],
        **numbers: float,
    ) -> None:
        rule(theta, gradient, buffers, scratch, **numbers)
