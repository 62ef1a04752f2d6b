"""LSTM, projected LSTM, GRU and RNN against torch.nn in float64: outputs, final states and every gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gated import Recurrent
from gated.cells import ZOO

from .mapping import gradients_from_torch, torch_parameters

N, D, H, PROJECTED = 5, 3, 7, 4
TOLERANCE = 1e-12  # relative, of the norm
CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "projected_lstm": torch.nn.LSTM, "gru_reset_after": torch.nn.GRU}


class Case:
    """One random problem: both layers with the same weights, an input, states, and a cotangent for every output."""

    def __init__(self, cell, steps, num_layers, bidirectional, lengths, batch=N, batch_first=False):
        random = np.random.default_rng(20250101)
        self.cell, self.num_layers, self.directions = cell, num_layers, 1 + bidirectional
        sizes = {"h": PROJECTED} if cell == "projected_lstm" else None
        common = {"num_layers": num_layers, "bidirectional": bidirectional, "batch_first": batch_first}
        self.ours = Recurrent(
            ZOO[cell], input_size=D, hidden_size=H, dtype="float64", backend="reference", sizes=sizes, **common
        )
        self.ours.theta[:] = random.normal(0.0, 0.5, self.ours.theta.size)
        extra = {"proj_size": PROJECTED} if sizes else {}
        self.theirs = CELLS[cell](D, H, dtype=torch.float64, **common, **extra)
        weights = torch_parameters(self.ours.params, cell, num_layers, self.directions, random)
        self.theirs.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})

        output = sizes["h"] if sizes else H
        leading = (batch, steps) if batch_first else (steps, batch)
        self.x = random.normal(size=(*leading, D))
        state_sizes = [output] if len(ZOO[cell].states) == 1 else [output, H]
        stack = num_layers * self.directions
        self.state = tuple(random.normal(size=(stack, batch, size)) for size in state_sizes)
        self.dy = random.normal(size=(*leading, output * self.directions))
        self.dstate = tuple(random.normal(size=value.shape) for value in self.state)
        self.lengths = lengths
        self.batch_first = batch_first

    def run_ours(self):
        y, state, tape = self.ours.forward(self.x, self.state, self.lengths)
        dx, dstate, grads = self.ours.backward(tape, self.dy, self.dstate)
        return results(y, state, dx, dstate, dict(grads))

    def run_theirs(self):
        x = torch.tensor(self.x, requires_grad=True)
        state = [torch.tensor(value, requires_grad=True) for value in self.state]
        packed = x
        if self.lengths is not None:
            lengths = torch.tensor(self.lengths)
            packed = pack_padded_sequence(x, lengths, batch_first=self.batch_first, enforce_sorted=False)
        y, final = self.theirs(packed, tuple(state) if len(state) > 1 else state[0])
        if self.lengths is not None:
            steps = self.x.shape[1 if self.batch_first else 0]
            y, _ = pad_packed_sequence(y, batch_first=self.batch_first, total_length=steps)
        final = final if isinstance(final, tuple) else (final,)
        loss = (y * torch.tensor(self.dy)).sum()
        for value, cotangent in zip(final, self.dstate, strict=True):
            loss = loss + (value * torch.tensor(cotangent)).sum()
        loss.backward()
        gradients = {name: value.grad.numpy() for name, value in self.theirs.named_parameters()}
        ours = gradients_from_torch(gradients, self.cell, self.num_layers, self.directions)
        final = [value.detach().numpy() for value in final]
        return results(y.detach().numpy(), final, x.grad.numpy(), [value.grad.numpy() for value in state], ours)


def results(y, state, dx, dstate, grads):
    """Everything that can be compared, by name."""
    named = {"y": y, "dx": dx} | {f"d {name}": value for name, value in grads.items()}
    named |= {f"state {index}": value for index, value in enumerate(state)}
    return named | {f"dstate {index}": value for index, value in enumerate(dstate)}


def assert_same(case):
    ours, theirs = case.run_ours(), case.run_theirs()
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        assert np.linalg.norm(expected) > 1e-3, f"{name} is too small to tell anything"
        error = np.linalg.norm(ours[name] - expected) / np.linalg.norm(expected)
        assert error < TOLERANCE, f"{name}: relative error {error:.2e}"


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "bidirectional"])
def test_whole_sequences(cell, steps, num_layers, bidirectional):
    assert_same(Case(cell, steps, num_layers, bidirectional, None))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("lengths", [[7, 1, 4, 7, 3], [2, 5, 6, 1, 3]], ids=["some full", "none full"])
def test_lengths_are_packed_sequences(cell, num_layers, bidirectional, lengths):
    assert_same(Case(cell, 7, num_layers, bidirectional, np.array(lengths)))


@pytest.mark.parametrize("cell", CELLS)
def test_one_sequence(cell):
    assert_same(Case(cell, 7, 2, True, None, batch=1))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", [None, np.array([7, 1, 4, 7, 3])], ids=["whole", "lengths"])
def test_batch_first(cell, lengths):
    assert_same(Case(cell, 7, 2, True, lengths, batch_first=True))
