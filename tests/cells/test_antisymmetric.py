"""The antisymmetric cells against torchrecurrent, where it is installed: outputs and every gradient, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gated

torchrecurrent = pytest.importorskip("torchrecurrent")
D, H, T, N = 3, 5, 6, 2


def given(layer: gated.Recurrent, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """Theirs by name, from ours; what they add twice, or not at all, is 0."""
    p = {key.removeprefix("l0."): value for key, value in layer.params.items()}
    gates = "zh" if name.startswith("Gated") else "h"
    found = {"weight_ih": np.concatenate([p[f"W.{gate}"] for gate in gates]), "weight_hh": p["U.h"]}
    return found | {"bias_ih": np.concatenate([p[f"b.{gate}"] for gate in gates]), "bias_hh": np.zeros(H)}


@pytest.mark.parametrize("name", ["AntisymmetricRNNCell", "GatedAntisymmetricRNNCell"])
def test_against_torchrecurrent(name: str) -> None:
    ours = "gated_antisymmetric_rnn" if name.startswith("Gated") else "antisymmetric_rnn"
    layer = gated.Recurrent(gated.cells.ZOO[ours], D, H, dtype="float64", seed=1)
    cell = getattr(torchrecurrent, name)(D, H, epsilon=0.1, gamma=0.01).double()
    theirs = dict(cell.named_parameters())
    with torch.no_grad():
        for key, value in given(layer, name).items():
            theirs[key].copy_(torch.tensor(value))
    rng = np.random.default_rng(0)
    x, dy, state = rng.normal(size=(T, N, D)), rng.normal(size=(T, N, H)), rng.normal(size=(1, N, H))
    h, loss, outputs = torch.tensor(state[0]), torch.zeros(()), []
    for t in range(T):
        h = cell(torch.tensor(x[t]), h)
        outputs.append(h.detach().numpy())
        loss = loss + (h * torch.tensor(dy[t])).sum()
    loss.backward()
    y, _, tape = layer.forward(x, state)
    np.testing.assert_allclose(y, outputs, rtol=1e-12, atol=1e-14)
    grads = layer.backward(tape, dy)[2]
    mine = gated.Recurrent(gated.cells.ZOO[ours], D, H, dtype="float64")
    mine.theta[:] = grads.vector
    for key, value in given(mine, name).items():
        if key != "bias_hh":
            np.testing.assert_allclose(value, theirs[key].grad.numpy(), rtol=1e-11, atol=1e-13, err_msg=key)
