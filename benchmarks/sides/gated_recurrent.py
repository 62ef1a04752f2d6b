"""The recurrent layers of `gated`, on the native backend."""

from __future__ import annotations

from typing import Any

import gated
from benchmarks import bidirectional
from benchmarks.problem import Problem
from benchmarks.sides import user_cell


def recurrent(problem: Problem, inputs: int) -> Any:
    """A layer with weights of its own."""
    sizes = {"input_size": inputs, "hidden_size": problem.point.hidden, "backend": "native"}
    if problem.cell == "lstm":
        return gated.LSTM(**sizes)
    if problem.cell == "gru":
        return gated.GRU(**sizes, reset_after=True)
    if problem.cell == "peephole":
        return gated.PeepholeLSTM(**sizes)
    return gated.Recurrent(user_cell.mine, **sizes)


def two_layers(problem: Problem) -> Any:
    """Two bidirectional LSTM layers with their weights."""
    size = problem.point.hidden
    layer = gated.LSTM(size, size, num_layers=bidirectional.LAYERS, bidirectional=True, backend="native")
    for part, weights in bidirectional.weights(problem).items():
        for name, value in weights.items():
            layer.params[f"{part}.{name}"][...] = value
    return layer
