"""Runs dense layers and losses of the native backend in guarded memory: a program, as `guarded_runs` is.

    python guarded_maps.py DTYPE

Legend: R rows, D inputs, V outputs.
"""

from __future__ import annotations

import faulthandler
import itertools
import sys
from typing import Any

import numpy as np
from guarded_runs import Results, guarded

import gated
from gated.backends.native.memory import leases as memory
from gated.backends.native.passes import backend
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense

native = backend.NativeBackend()
SIZES = [(1, 1, 1), (3, 2, 15), (7, 17, 16), (16, 5, 33), (19, 33, 8), (70, 3, 17), (13, 300, 5), (9, 3, 530)]
LAYERS: tuple[dict[str, Any], ...] = ({}, {"bias": False}, {"activation": "tanh"}, {"activation": "softplus"})
LOSSES = (SoftmaxCrossEntropy, SquaredError, SigmoidSquaredError, SigmoidCrossEntropy)


def run_dense(dtype: str, sizes: tuple[int, int, int], threads: int, options: dict[str, Any], keep: Any) -> Results:
    """A pass and its backward pass, and one without."""
    rows, inputs, outputs = sizes
    gated.set_num_threads(threads)
    layer, rng = Dense(inputs, outputs, dtype=dtype, seed=1, **options), np.random.default_rng(2)
    x, dy = (keep(rng.standard_normal((rows, size)).astype(dtype)) for size in (inputs, outputs))
    parameters = {name: keep(value) for name, value in layer.params.items()}
    given = layer._schedule, layer._sizes, parameters, {"x": x}
    y, scan = native.map(*given)
    gradients = {name: memory.empty(value.shape, value.dtype) for name, value in parameters.items()}
    (dx,) = native.map_backward(scan, dy, gradients)
    inferred, _ = native.map(*given, False)
    found = {"y": y, "dx": dx, "inferred": inferred, **gradients}
    return {name: np.array(array) for name, array in found.items()}


def run_loss(dtype: str, sizes: tuple[int, int, int], threads: int, kind: Any, classes: bool, keep: Any) -> Results:
    rows, _, outputs = sizes
    gated.set_num_threads(threads)
    rng = np.random.default_rng(3)
    y, target = (keep(rng.random((rows, outputs)).astype(dtype)) for _ in range(2))
    if classes:
        target = keep(rng.integers(0, outputs, rows))
    weights = keep((rng.random((rows, 1)) * (np.arange(rows)[:, None] % 3 != 1)).astype(dtype))
    value, dy = native.loss(kind()._schedule, y, target, weights, np.dtype(dtype))
    return {"value": np.array(value), "dy": np.array(dy)}


def main(dtype: str) -> None:
    for sizes, threads in itertools.product(SIZES, (1, 3)):
        for options in LAYERS:
            guarded(f"dense {dtype} {sizes} {threads} {options}", run_dense, dtype, sizes, threads, options)
        for kind, classes in (*((kind, False) for kind in LOSSES), (SoftmaxCrossEntropy, True)):
            guarded(f"{kind.__name__} {dtype} {sizes} {threads}", run_loss, dtype, sizes, threads, kind, classes)


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(270, exit=True)
    TRIED.update(worthwhile=1.0, map_rows=1, loss_rows=3)
    pool.Pool.latency = lambda _: 0.0  # type: ignore[method-assign]
    main(*sys.argv[1:])
