"""PyTorch's own recurrent layers, nn.LSTM and nn.GRU, with our weights."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.problem import Numbers, Problem, stacked


def recurrent(problem: Problem, weights: Numbers, inputs: int) -> torch.nn.Module:
    """PyTorch has two biases where we have one: the second is zero, but for the candidate's in a GRU."""
    size, gates = problem.point.hidden, problem.gates
    layer = (torch.nn.LSTM if problem.cell == "lstm" else torch.nn.GRU)(inputs, size)
    bias = stacked(weights, "b", gates)
    second = np.zeros_like(bias)
    if problem.cell == "gru":
        second[2 * size :] = weights["b.hn"]
    values = {
        "weight_ih_l0": stacked(weights, "W", gates),
        "weight_hh_l0": stacked(weights, "U", gates),
        "bias_ih_l0": bias,
        "bias_hh_l0": second,
    }
    layer.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return layer
