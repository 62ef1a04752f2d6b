"""PyTorch's own recurrent layers, nn.LSTM and nn.GRU, with our weights."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import bidirectional
from benchmarks.problem import Numbers, Problem, stacked


def recurrent(problem: Problem, weights: Numbers, inputs: int) -> torch.nn.Module:
    layer = (torch.nn.LSTM if problem.cell == "lstm" else torch.nn.GRU)(inputs, problem.point.hidden)
    layer.load_state_dict(_named(problem, weights, "l0"))
    return layer


def two_layers(problem: Problem) -> torch.nn.Module:
    """Two bidirectional LSTM layers."""
    size = problem.point.hidden
    layer = torch.nn.LSTM(size, size, num_layers=bidirectional.LAYERS, bidirectional=True)
    values: dict[str, torch.Tensor] = {}
    for part, weights in bidirectional.weights(problem).items():
        values |= _named(problem, weights, part)
    layer.load_state_dict(values)
    return layer


def _named(problem: Problem, weights: Numbers, part: str) -> dict[str, torch.Tensor]:
    """PyTorch has two biases where we have one: the second is zero, but for the candidate's in a GRU."""
    size, gates = problem.point.hidden, problem.gates
    bias = stacked(weights, "b", gates)
    second = np.zeros_like(bias)
    if problem.cell == "gru":
        second[2 * size :] = weights["b.hn"]
    values = {
        "weight_ih": stacked(weights, "W", gates),
        "weight_hh": stacked(weights, "U", gates),
        "bias_ih": bias,
        "bias_hh": second,
    }
    return {f"{name}_{part}": torch.from_numpy(value) for name, value in values.items()}
