"""Whole updates of a captioner in PyTorch, as one writes them: fused Adam, clip_grad_norm_."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import captions
from benchmarks.language import Turn
from benchmarks.problem import Numbers, Problem, stacked
from benchmarks.sides.base import Prepared


class Model(torch.nn.Module):
    """With the problem's weights. A second bias but for the candidate's in a GRU is not learnt, for we have none."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.sizes, self.problem = captions.SIZES[problem.vocabulary], problem
        weights = {name: torch.from_numpy(value) for name, value in captions.weights(problem).items()}
        self.look = torch.nn.ModuleList(_dense(weights, f"look{k}") for k in range(1, len(self.sizes.look) + 1))
        self.read = _recurrent(problem, weights, "read", True) if self.sizes.read else None
        self.project = _dense(weights, "project")
        self.embed = torch.nn.Embedding.from_pretrained(weights["embed.W"], freeze=False)
        self.rnn = _recurrent(problem, weights, "rnn", False)
        self.head = _dense(weights, "head")

    def forward(self, features: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        seen, x = features, self.embed(words)
        for layer in self.look:
            seen = torch.tanh(layer(seen))
        begin = self.project
        if self.read is not None:
            seen = torch.cat(tuple(self.read(seen)[1]), dim=1)
            x = torch.cat([x, seen.expand(len(words), *seen.shape)], dim=2)
        h = begin(seen) if self.read is None else torch.tanh(begin(seen))
        state = (h[None], torch.zeros_like(h)[None]) if self.problem.cell == "lstm" else h[None]
        return self.head(self.rnn(x, state)[0])


def prepare(problem: Problem) -> Prepared:
    """One call is one update on the next batch."""

    def start() -> tuple[Model, Any, Turn]:
        model = Model(problem)
        batches = [tuple(map(torch.from_numpy, own)) for own in captions.batches(problem)]
        return model, torch.optim.Adam(model.parameters(), lr=captions.RATE, fused=True), Turn(batches)

    def step(model: Model, optimizer: Any, batch: tuple[torch.Tensor, ...]) -> float:
        features, words, target, mask = batch
        optimizer.zero_grad(set_to_none=True)
        logits = model(features, words).view(-1, problem.vocabulary)
        losses = torch.nn.functional.cross_entropy(logits, target.reshape(-1), reduction="none")
        loss = (losses * mask.reshape(-1)).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), captions.CLIP)
        optimizer.step()
        return float(loss)

    model, optimizer, turn = start()

    def numbers() -> Numbers:
        own, rule, batches = start()
        return {"losses": np.array([step(own, rule, batches.next()) for _ in range(captions.UPDATES)])}

    return Prepared(lambda: step(model, optimizer, turn.next()), numbers)


def _dense(weights: dict[str, torch.Tensor], name: str) -> torch.nn.Linear:
    matrix = weights[f"{name}.W.y"]
    layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0])
    layer.load_state_dict({"weight": matrix, "bias": weights[f"{name}.b.y"]})
    return layer


def _recurrent(problem: Problem, weights: dict[str, torch.Tensor], name: str, both: bool) -> torch.nn.Module:
    units, inputs = weights[f"{name}.l0.W.{problem.gates[0]}"].shape
    kind = torch.nn.LSTM if problem.cell == "lstm" else torch.nn.GRU
    layer = kind(inputs, units, bidirectional=both)
    values = {}
    for part in ("l0", "l0_reverse") if both else ("l0",):
        own = {key.removeprefix(f"{name}.{part}."): v.numpy() for key, v in weights.items() if f"{name}.{part}." in key}
        bias = stacked(own, "b", problem.gates)
        second = np.zeros_like(bias)
        if problem.cell == "gru":
            second[2 * units :] = own["b.hn"]
        named = {"weight_ih": stacked(own, "W", problem.gates), "weight_hh": stacked(own, "U", problem.gates)}
        named |= {"bias_ih": bias, "bias_hh": second}
        values |= {f"{key}_{part}": torch.from_numpy(value) for key, value in named.items()}
    layer.load_state_dict(values)
    learnt = torch.zeros(second.shape)
    if problem.cell == "gru":
        learnt[2 * units :] = 1.0
    for key, parameter in layer.named_parameters():
        if key.startswith("bias_hh"):
            parameter.register_hook(lambda gradient: gradient * learnt)
    return layer
