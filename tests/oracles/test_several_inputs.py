"""A cell with several inputs, one of them a number, against a loop in PyTorch: outputs, states and every gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gated import Recurrent, cell, exp, number, relu, sigmoid, tanh

T, N, D, M, H = 5, 3, 3, 2, 7


@cell
def gru_d(x, m, dt: number, /, h, c: number, *, W, U, b, s: number):
    """A GRU whose state decays over the time that has passed, with a mask and a clock."""
    h = exp(-relu(W.d @ dt + b.d)) * h
    z = sigmoid(W.z @ x + U.z @ h + W.m @ m + b.z)
    n = tanh(W.n @ x + U.n @ (z * h) + b.n + s.t * dt)
    c = s.c * c + dt
    h = (1 - z) * h + z * n * tanh(c)
    return h, c


def theirs(params, layers, directions, x, m, dt, state):
    """One sequence after the other, step by step; all tensors. x (T, D) of one sequence."""
    last, outputs = [], []
    for k in range(layers * directions):
        if k % directions == 0:
            below, outputs = torch.cat(outputs, 1) if k else x, []
        p = {
            name.split(".", 1)[1]: value
            for name, value in params.items()
            if name.split(".")[0] == prefix(k, directions)
        }
        h, c = state[0][k], state[1][k]
        ys, order = [None] * len(x), range(len(x))
        for t in reversed(order) if k % directions else order:
            h = torch.exp(-torch.relu(p["W.d"] @ dt[t] + p["b.d"])) * h
            z = torch.sigmoid(p["W.z"] @ below[t] + p["U.z"] @ h + p["W.m"] @ m[t] + p["b.z"])
            n = torch.tanh(p["W.n"] @ below[t] + p["U.n"] @ (z * h) + p["b.n"] + p["s.t"] * dt[t])
            c = p["s.c"] * c + dt[t]
            h = (1 - z) * h + z * n * torch.tanh(c)
            ys[t] = h
        outputs.append(torch.stack(ys))
        last.append((h, c))
    return torch.cat(outputs, 1), [torch.stack(parts) for parts in zip(*last, strict=True)]


def prefix(k, directions):
    return f"l{k // directions}{'_reverse' if k % directions else ''}"


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_as_pytorch(backend, bidirectional):
    rng = np.random.default_rng(1)
    directions, lengths = 1 + bidirectional, [5, 2, 4]
    layer = Recurrent(gru_d, {"x": D, "m": M}, H, 2, bidirectional=bidirectional, dtype="float64", backend=backend)
    layer.theta[:] = rng.normal(0.0, 0.5, layer.theta.size)
    inputs = {"x": rng.normal(size=(T, N, D)), "m": rng.normal(size=(T, N, M)), "dt": rng.uniform(0, 2, (T, N))}
    state = tuple(rng.normal(size=(2 * directions, N, size)) for size in (H, 1))
    dy, dstate = rng.normal(size=(T, N, H * directions)), tuple(rng.normal(size=s.shape) for s in state)
    y, last, tape = layer.forward(inputs, state, lengths)
    dx, dfirst, grads = layer.backward(tape, dy, dstate)

    params = {name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()}
    given = {name: torch.tensor(value, requires_grad=True) for name, value in inputs.items()}
    begun = [torch.tensor(s, requires_grad=True) for s in state]
    total = torch.tensor(0.0, dtype=torch.float64)
    for n, length in enumerate(lengths):
        x, m, dt = given["x"][:length, n], given["m"][:length, n], given["dt"][:length, n, None]
        expected, ends = theirs(params, 2, directions, x, m, dt, [s[:, n] for s in begun])
        np.testing.assert_allclose(y[:length, n], expected.detach(), rtol=1e-12, atol=1e-13)
        for mine, end, seed in zip(last, ends, dstate, strict=True):
            np.testing.assert_allclose(mine[:, n], end.detach(), rtol=1e-12, atol=1e-13)
            total = total + (end * torch.tensor(seed[:, n])).sum()
        total = total + (expected * torch.tensor(dy[:length, n])).sum()
    total.backward()
    assert list(dx) == ["x", "m", "dt"] and dx["dt"].shape == (T, N)
    for name, value in given.items():
        np.testing.assert_allclose(dx[name], value.grad, rtol=1e-11, atol=1e-12, err_msg=name)
    for mine, value in zip(dfirst, begun, strict=True):
        np.testing.assert_allclose(mine, value.grad, rtol=1e-11, atol=1e-12)
    for name, value in params.items():
        np.testing.assert_allclose(grads[name], value.grad, rtol=1e-11, atol=1e-12, err_msg=name)
