"""Sampling in PyTorch, as one writes it: the layers over one step, softmax, multinomial."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks import sampling
from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Prepared, Variant
from benchmarks.sides.torch_updates import Model

VARIANTS = ({"step": "nn.LSTM"}, {"step": "nn.LSTMCell"})
State = tuple[torch.Tensor, torch.Tensor] | None
Step = Callable[[torch.Tensor, State], tuple[torch.Tensor, State]]  # the symbol (1, 1) -> p (1, V), and the new state


def prepare(problem: Problem, variant: Variant) -> Prepared:
    """One call writes one text."""
    model = Model(problem).eval()
    step = (_layer if variant["step"] == "nn.LSTM" else _cell)(model)

    @torch.inference_mode()
    def call() -> list[int]:
        symbol, state, text = torch.tensor([[sampling.FIRST]]), None, []
        for _ in range(problem.point.steps):
            p, state = step(symbol, state)
            symbol = torch.multinomial(p, 1)
            text.append(symbol)
        return torch.cat(text).ravel().tolist()

    @torch.inference_mode()
    def numbers() -> Numbers:
        state, rows = None, []
        for symbol in sampling.given_text(problem):
            p, state = step(torch.tensor([[symbol]]), state)
            rows.append(p.numpy())
        return {"p": np.concatenate(rows)}

    return Prepared(call, numbers)


def _layer(model: Model) -> Step:
    def step(symbol: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        y, state = model.rnn(model.embed(symbol), state)
        return torch.softmax(model.head(y[0]) / sampling.TEMPERATURE, dim=-1), state

    return step


def _cell(model: Model) -> Step:
    cell = torch.nn.LSTMCell(model.rnn.input_size, model.rnn.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in model.rnn.state_dict().items()})

    def step(symbol: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        state = cell(model.embed(symbol)[0], state)
        return torch.softmax(model.head(state[0]) / sampling.TEMPERATURE, dim=-1), state

    return step
