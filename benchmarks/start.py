"""Seconds from a layer's construction to its first gradients, for a fresh process."""

from __future__ import annotations

import importlib
import pkgutil
import time
from typing import Any

from benchmarks.problem import Problem


def first_and_second(problem: Problem, imported: bool) -> tuple[float, float]:
    """Seconds of the first training step and of the second; their difference is the compilation.

    The first begins with the construction of the layer: the equations are read, differentiated and scheduled, the
    machine code is made or found on disk. Small sizes, so that little else is measured.

    Args:
        imported: load all modules beforehand, as in a process that has used the library for another cell.
    """
    import numpy as np

    import gated  # noqa: F401

    if imported:
        _import_all()
    x, r = problem.x(), problem.r()
    weights = problem.weights()
    begin = time.perf_counter()
    layer = _layer(problem)
    for name, value in weights.items():
        layer.params[f"l0.{name}"][...] = value
    _step(layer, x, r)
    middle = time.perf_counter()
    _step(layer, x, np.array(r))
    return middle - begin, time.perf_counter() - middle


def _layer(problem: Problem) -> Any:
    import gated

    size = problem.point.hidden
    made = {
        "lstm": lambda: gated.LSTM(size, size, backend="native"),
        "gru": lambda: gated.GRU(size, size, reset_after=True, backend="native"),
        "peephole": lambda: gated.PeepholeLSTM(size, size, backend="native"),
    }
    return made[problem.cell]()


def _step(layer: Any, x: Any, r: Any) -> None:
    _, _, tape = layer.forward(x)
    layer.backward(tape, r)


def _import_all() -> None:
    """Everything that the first step would load."""
    for name in ("llvmlite.binding", "llvmlite.ir", "gated.nn", "gated.cells"):
        importlib.import_module(name)
    native = importlib.import_module("gated.backends.native")
    for module in pkgutil.iter_modules(native.__path__, "gated.backends.native."):
        importlib.import_module(module.name)
