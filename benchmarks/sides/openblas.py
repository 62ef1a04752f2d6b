"""The machine's own sgemm, the limit: NumPy's product of square float32 matrices (OpenBLAS in NumPy's wheels)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.problem import Problem
from benchmarks.sides.base import Prepared, Variant

SIZES = (1024, 1536, 2048, 3072)  # the fastest counts


class OpenBlas:
    """See `base.Side`. The number of threads is in the environment before NumPy is loaded."""

    def variants(self, task: str) -> Sequence[Variant]:
        return tuple({"size": size} for size in SIZES)

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        """The problem does not matter; the numbers are those of a row that is checked by other means."""
        size = int(variant["size"])
        random = np.random.default_rng(size)
        a, b = (random.standard_normal((size, size), np.float32) for _ in range(2))
        out = np.empty((size, size), np.float32)
        return Prepared(lambda: np.matmul(a, b, out=out), dict, work=2.0 * size**3)


def make(name: str, threads: int) -> OpenBlas:
    return OpenBlas()
