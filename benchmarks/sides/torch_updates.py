"""Whole updates of a language model in PyTorch, as one writes them: fused Adam, clip_grad_norm_."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import language
from benchmarks.problem import Numbers, Problem, stacked
from benchmarks.sides.base import Prepared


class Model(torch.nn.Module):
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        hidden, vocabulary = problem.point.hidden, problem.vocabulary
        kind = torch.nn.LSTM if problem.cell == "lstm" else torch.nn.GRU
        self.embed = torch.nn.Embedding(vocabulary, language.EMBEDDING)
        self.rnn = kind(language.EMBEDDING, hidden)
        self.head = torch.nn.Linear(hidden, vocabulary)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.embed(ids))[0])


def model_of(problem: Problem) -> Model:
    """The model with the problem's weights. A GRU's second bias but for the candidate's is not learnt, for we have
    none: else PyTorch would move the sum of both at twice the rate."""
    model, weights, gates = Model(problem), language.weights(problem), problem.gates
    size, bias = problem.point.hidden, stacked(weights, "b", gates)
    second = np.zeros_like(bias)
    if problem.cell == "gru":
        second[2 * size :] = weights["b.hn"]
    values = {
        "embed.weight": weights["embed"],
        "rnn.weight_ih_l0": stacked(weights, "W", gates),
        "rnn.weight_hh_l0": stacked(weights, "U", gates),
        "rnn.bias_ih_l0": bias,
        "rnn.bias_hh_l0": second,
        "head.weight": weights["head"],
        "head.bias": weights["bias"],
    }
    model.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    learnt = torch.zeros(second.shape)
    if problem.cell == "gru":
        learnt[2 * size :] = 1.0
    model.rnn.bias_hh_l0.register_hook(lambda gradient: gradient * learnt)
    return model


def prepare(problem: Problem) -> Prepared:
    """One call is one update on the next batch."""
    vocabulary = problem.vocabulary

    def start() -> tuple[Model, Any, language.Turn]:
        model = model_of(problem)
        batches = [tuple(map(torch.from_numpy, pair)) for pair in language.batches(problem)]
        return model, torch.optim.Adam(model.parameters(), lr=language.RATE, fused=True), language.Turn(batches)

    def step(model: Model, optimizer: Any, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
        x, target = batch
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x).view(-1, vocabulary), target.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), language.CLIP)
        optimizer.step()
        return float(loss)

    model, optimizer, turn = start()

    def numbers() -> Numbers:
        own, rule, batches = start()
        return {"losses": np.array([step(own, rule, batches.next()) for _ in range(language.UPDATES)])}

    return Prepared(lambda: step(model, optimizer, turn.next()), numbers, language.flops(problem))
