"""The peephole LSTM as one writes it in PyTorch: a loop in Python, eager or with a compiled step.

Written as well as PyTorch allows: the products with x leave the loop, the four gates share one product per step.
torch.compile gets ten steps at a time: the cost of calling its code is shared by ten, and they compile in half a
minute. (One step at a time is no faster than eager; fifty take a minute and a half, and are a sixth faster.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.problem import PEEPHOLES, Numbers, Problem, stacked, unstacked
from benchmarks.sides.base import Prepared, Variant
from benchmarks.sides.torch_layers import gradient

Tensor = Any  # torch.Tensor, which mypy sees only where PyTorch is installed
Steps = Callable[..., tuple[Tensor, Tensor, Tensor]]
CHUNK = 10


def steps(
    wx: Tensor, h: Tensor, c: Tensor, u: Tensor, pi: Tensor, pf: Tensor, po: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Some time steps: y, and the new h and c. wx (steps, N, 4H) = W x + b in the order i f g o, u (4H, H)."""
    y = []
    for row in wx.unbind(0):
        i, f, g, o = torch.addmm(row, h, u.t()).chunk(4, 1)
        i = torch.sigmoid(i + pi * c)
        f = torch.sigmoid(f + pf * c)
        c = f * c + i * torch.tanh(g)
        o = torch.sigmoid(o + po * c)
        h = o * torch.tanh(c)
        y.append(h)
    return torch.stack(y), h, c


class TorchPeephole:
    """See `base.Side`."""

    def __init__(self, threads: int, compiled: bool) -> None:
        torch.set_num_threads(threads)
        self.compiled = compiled

    def variants(self, task: str) -> Sequence[Variant]:
        return ({},)

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        if not self.compiled:
            return _train(steps, problem, problem.point.steps)
        torch.compiler.reset()  # else the code of earlier sizes is asked first, at every call
        return _train(torch.compile(steps, fullgraph=True, dynamic=False), problem, CHUNK)


def _train(advance: Steps, problem: Problem, chunk: int) -> Prepared:
    weights, gates = problem.weights(), problem.gates
    arrays = {family: stacked(weights, family, gates) for family in "WUb"}
    arrays |= {f"p.{gate}": weights[f"p.{gate}"] for gate in PEEPHOLES}
    leaves = {name: torch.from_numpy(value).requires_grad_() for name, value in arrays.items()}
    leaves["x"] = torch.from_numpy(problem.x()).requires_grad_()
    r = torch.from_numpy(problem.r())
    zeros = torch.zeros(problem.point.batch, problem.point.hidden)
    peepholes = [leaves[f"p.{gate}"] for gate in PEEPHOLES]

    def call() -> Tensor:
        for leaf in leaves.values():
            leaf.grad = None
        h = c = zeros
        outputs = []
        for wx in torch.nn.functional.linear(leaves["x"], leaves["W"], leaves["b"]).split(chunk):
            y, h, c = advance(wx, h, c, leaves["U"], *peepholes)
            outputs.append(y)
        y = torch.cat(outputs)
        y.backward(r)
        return y

    def numbers() -> Numbers:
        found: Numbers = {"y": np.array(call().detach().numpy()), "dx": gradient(leaves["x"])}
        for family in "WUb":
            found |= unstacked(gradient(leaves[family]), family, gates)
        return found | {f"dp.{gate}": gradient(leaves[f"p.{gate}"]) for gate in PEEPHOLES}

    return Prepared(call, numbers, problem.flops("train"))


def make(name: str, threads: int) -> TorchPeephole:
    return TorchPeephole(threads, compiled=name == "compile")
