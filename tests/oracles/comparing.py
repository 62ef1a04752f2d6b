"""A cell of ours beside a step that somebody else wrote in PyTorch: outputs, final states and every gradient.

Letters: T steps, N sequences, D inputs, H hidden units. A step takes x (N, D) and the states (N, ...) and returns the
new states; the first of them is the output. Of several inputs it takes each before the states, draws behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from tests.zoo import RANGES, inputs_of, layer_of

import gated

N, D, H = 2, 3, 5


@dataclass
class Problem:
    """Random parameters, inputs, initial states, and a cotangent for every output and final state."""

    layer: gated.Recurrent
    x: np.ndarray
    state: tuple
    dy: np.ndarray
    dstate: tuple
    rng: int | None = None  # for the draws; without one they stand as their means
    draws: list = field(default_factory=list)  # (T, N, ...) each, as `ours` found them on the tape

    @staticmethod
    def of(cell, steps, hidden=H, sizes=None):
        random = np.random.default_rng(steps)
        layer = layer_of(cell, D, hidden, dtype="float64", backend="reference", sizes=sizes)
        layer.theta[:] = random.normal(0.0, 0.6, layer.theta.size)
        layer.params.fixed_vector[:] = random.normal(0.0, 0.6, layer.params.fixed_vector.size)
        ranges = RANGES.get(cell.name, {})
        for name, array in layer.params.items():
            if name.removeprefix("l0.") in ranges:
                array[...] = random.uniform(*ranges[name.removeprefix("l0.")], array.shape)
        state = tuple(random.normal(size=value.shape) for value in layer.initial_state(N))
        dstate = tuple(random.normal(size=value.shape) for value in state)
        for name, array in zip(cell.states, state, strict=True):
            if name in ranges:
                array[...] = random.uniform(*ranges[name], array.shape)
        y = (steps, N, layer.output_size)
        return Problem(layer, inputs_of(layer, random, steps, N), state, random.normal(size=y), dstate)

    @property
    def held(self):
        """The arrays that are not learned, by their names in the equations."""
        return {name.removeprefix("l0."): np.array(value) for name, value in self.layer.fixed.items()}

    @property
    def weights(self):
        """The parameters by their names in the equations."""
        return {name.removeprefix("l0."): value for name, value in self.layer.params.items()}

    def ours(self):
        rng = None if self.rng is None else np.random.default_rng(self.rng)
        y, final, tape = self.layer.forward(self.x, self.state, rng=rng)
        self.draws = [tape[name] for name in self.layer.cell.graph.draws] if rng else []
        dx, dstate, grads = self.layer.backward(tape, self.dy, self.dstate)
        named = {"y": y, "dx": dx} | {f"d {name.removeprefix('l0.')}": value for name, value in grads.items()}
        for name, value, adjoint in zip(self.layer.cell.states, final, dstate, strict=True):
            named |= {f"last {name}": value[0], f"first d{name}": adjoint[0]}
        return named

    def theirs(self, step):
        """Leaves the gradients of what `step` holds in the tensors themselves."""
        x = torch.tensor(self.x, requires_grad=True)
        first = [torch.tensor(value[0], requires_grad=True) for value in self.state]
        state, outputs = first, []
        columns = [*self.layer.input_columns.values()]
        for t, x_t in enumerate(x):
            state = step(*(x_t[:, own] for own in columns), *state, *(torch.tensor(draw[t]) for draw in self.draws))
            outputs.append(state[0])
        y = torch.stack(outputs)
        ends = [(y, self.dy), *((value, d[0]) for value, d in zip(state, self.dstate, strict=True))]
        sum((value * torch.tensor(cotangent)).sum() for value, cotangent in ends).backward()
        named = {"y": y.detach().numpy(), "dx": x.grad.numpy()}
        for name, value, begun in zip(self.layer.cell.states, state, first, strict=True):
            adjoint = np.zeros(begun.shape) if begun.grad is None else begun.grad.numpy()
            named |= {f"last {name}": value.detach().numpy(), f"first d{name}": adjoint}
        return named


def assert_same(ours, theirs, tolerance=1e-10):
    """`tolerance` is relative, of the norm."""
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        size = np.linalg.norm(expected)
        error = np.linalg.norm(ours[name] - expected)
        assert error <= tolerance * size, f"{name}: off by {error:.1e} of {size:.1e}"
