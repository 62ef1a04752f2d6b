"""PyTorch's own layers, nn.LSTM and nn.GRU (on this processor: oneDNN's, where PyTorch chooses it)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.problem import Array, Numbers, Problem, unstacked
from benchmarks.sides import torch_captions, torch_sampling, torch_updates
from benchmarks.sides.base import Prepared, Variant
from benchmarks.sides.torch_recurrent import recurrent, two_layers


class TorchLayers:
    """See `base.Side`. Variants: which layer takes a step of sampling."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)

    def variants(self, task: str) -> Sequence[Variant]:
        return torch_sampling.VARIANTS if task.startswith("sample") else ({},)

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        if task == "update":
            return torch_updates.prepare(problem)
        if task == "caption":
            return torch_captions.prepare(problem)
        if task.startswith("sample"):
            return torch_sampling.prepare(problem, variant)
        if task == "bidirectional":
            return _infer(two_layers(problem), problem)
        layer = recurrent(problem, problem.weights(), problem.point.hidden)
        return _infer(layer, problem) if task == "infer" else _train(layer, problem)


def _infer(layer: torch.nn.Module, problem: Problem) -> Prepared:
    layer.eval()
    x = torch.from_numpy(problem.x())

    def call() -> torch.Tensor:
        with torch.inference_mode():
            return layer(x)[0]

    return Prepared(call, lambda: {"y": call().numpy()})


def _train(layer: torch.nn.Module, problem: Problem) -> Prepared:
    x = torch.from_numpy(problem.x()).requires_grad_()
    r = torch.from_numpy(problem.r())

    def call() -> torch.Tensor:
        layer.zero_grad(set_to_none=True)
        x.grad = None
        y: torch.Tensor = layer(x)[0]
        y.backward(r)  # the gradient of sum(y * r), without the cost of the sum
        return y

    def numbers() -> Numbers:
        y = call().detach().numpy()
        grads = {name: gradient(parameter) for name, parameter in layer.named_parameters()}
        return {"y": y, "dx": gradient(x)} | _named(grads, problem)

    return Prepared(call, numbers, problem.flops("train"))


def gradient(tensor: Any) -> Array:
    return np.array(tensor.grad.numpy())


def _named(grads: Numbers, problem: Problem) -> Numbers:
    gates = problem.gates
    found: Numbers = {}
    for family, theirs in (("W", "weight_ih_l0"), ("U", "weight_hh_l0"), ("b", "bias_ih_l0")):
        found |= unstacked(grads[theirs], family, gates)
    if problem.cell == "gru":
        found["db.hn"] = unstacked(grads["bias_hh_l0"], "b", gates)["db.n"]
    return found


def make(name: str, threads: int) -> TorchLayers:
    return TorchLayers(threads)
