"""Whole updates of a language model in PyTorch, as one writes them: fused Adam, clip_grad_norm_."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import language
from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Prepared
from benchmarks.sides.torch_recurrent import recurrent


class Model(torch.nn.Module):
    """With the problem's weights. A second bias but for the candidate's in a GRU is not learnt, for we have none: else
    PyTorch would move the sum of both at twice the rate."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        hidden, vocabulary, weights = problem.point.hidden, problem.vocabulary, language.weights(problem)
        self.embed = torch.nn.Embedding.from_pretrained(torch.from_numpy(weights["embed"]), freeze=False)
        self.rnn = recurrent(problem, weights, language.EMBEDDING)
        self.head = torch.nn.Linear(hidden, vocabulary)
        values = {"weight": weights["head"], "bias": weights["bias"]}
        self.head.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
        learnt = torch.zeros(self.rnn.bias_hh_l0.shape)
        if problem.cell == "gru":
            learnt[2 * hidden :] = 1.0
        self.rnn.bias_hh_l0.register_hook(lambda gradient: gradient * learnt)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.embed(ids))[0])


def prepare(problem: Problem) -> Prepared:
    """One call is one update on the next batch."""
    vocabulary = problem.vocabulary

    def start() -> tuple[Model, Any, language.Turn]:
        model = Model(problem)
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

    return Prepared(lambda: step(model, optimizer, turn.next()), numbers)
