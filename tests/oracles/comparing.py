"""A cell of ours beside a step that somebody else wrote in PyTorch: outputs, final states and every gradient.

Letters: T steps, N sequences, D inputs, H hidden units. A step takes x (N, D) and the states (N, ...) and returns the
new states; the first of them is the output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gated import Recurrent

N, D, H = 2, 3, 5


@dataclass
class Problem:
    """Random parameters, inputs, initial states, and a cotangent for every output and final state."""

    layer: Recurrent
    x: np.ndarray
    state: tuple
    dy: np.ndarray
    dstate: tuple

    @staticmethod
    def of(cell, steps, hidden=H, sizes=None):
        random = np.random.default_rng(steps)
        layer = Recurrent(cell, D, hidden, dtype="float64", backend="reference", sizes=sizes)
        layer.theta[:] = random.normal(0.0, 0.6, layer.theta.size)
        state = tuple(random.normal(size=value.shape) for value in layer.initial_state(N))
        dstate = tuple(random.normal(size=value.shape) for value in state)
        y = (steps, N, layer.output_size)
        return Problem(layer, random.normal(size=(steps, N, D)), state, random.normal(size=y), dstate)

    @property
    def weights(self):
        """The parameters by their names in the equations."""
        return {name.removeprefix("l0."): value for name, value in self.layer.params.items()}

    def ours(self):
        y, final, tape = self.layer.forward(self.x, self.state)
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
        for x_t in x:
            state = step(x_t, *state)
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
