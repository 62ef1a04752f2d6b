"""Float32 gradients over many rows: the error of a long sum must not grow with its length.

Beside each figure stands PyTorch's for the same numbers; the truth is float64. Data of one sign are the worst case of
summation: every addition then rounds to the same side.

Legend: T steps, N sequences, D inputs, H hidden units; a row is a step of a sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gated

D, H = 8, 16
Array = np.ndarray[Any, Any]
ROWS = [(1000, 1), (16, 64), (2000, 3), (100, 64), (1000, 64)]
MANY = (15_625, 64)  # a million
TWICE = 2.0


def data(kind: str, steps: int, batch: int, seed: int = 0) -> tuple[Array, Array]:
    """x and dy."""
    rng = np.random.default_rng(seed)
    if kind == "one sign":
        return np.full((steps, batch, D), 0.3, "f4"), np.full((steps, batch, H), 0.01, "f4")
    if kind == "one sign, random":
        return rng.random((steps, batch, D), "f4"), 0.02 * rng.random((steps, batch, H), "f4")
    return rng.standard_normal((steps, batch, D), "f4"), rng.standard_normal((steps, batch, H), "f4")


KINDS = ("one sign", "one sign, random", "random")


def errors(got: dict[str, Array], truth: dict[str, Array]) -> dict[str, float]:
    """Of each family, relative to its largest entry."""
    return {
        name: float(np.abs(got[name].astype(float) - wanted).max() / np.abs(wanted).max())
        for name, wanted in truth.items()
    }


def ours(cell: gated.Cell, x: Array, dy: Array, dtype: str, backend: str) -> dict[str, Array]:
    """Gradients by family, all gates of it, and dx."""
    layer = gated.Recurrent(cell, D, H, dtype=dtype, backend=backend)
    layer.theta[...] = gated.Recurrent(cell, D, H, seed=3).theta  # the same float32 numbers in any dtype
    dx, _, grads = layer.backward(layer.forward(x)[2], dy)
    families = dict.fromkeys(name.split(".")[1] for name in grads)
    joined = {f: np.concatenate([grads[n] for n in grads if n.startswith(f"l0.{f}.")]) for f in families}
    return {**joined, "dx": dx}


def tensors(cell: gated.Cell) -> dict[str, torch.Tensor]:
    layer = gated.Recurrent(cell, D, H, seed=3)
    return {
        family: torch.tensor(np.concatenate([layer.params[f"l0.{family}.{gate}"] for gate in gates]))
        for family, gates in {"W": "ifgo", "U": "ifgo", "b": "ifgo", "p": "ifo"}.items()
        if f"l0.{family}.i" in layer.params
    }


def torch_lstm(x: Array, dy: Array) -> dict[str, Array]:
    module, weights = torch.nn.LSTM(D, H), tensors(gated.cells.lstm)
    with torch.no_grad():
        module.weight_ih_l0.copy_(weights["W"])
        module.weight_hh_l0.copy_(weights["U"])
        module.bias_ih_l0.copy_(weights["b"])
        module.bias_hh_l0.zero_()
    inputs = torch.tensor(x, requires_grad=True)
    module(inputs)[0].backward(torch.tensor(dy))
    found = {"W": module.weight_ih_l0, "U": module.weight_hh_l0, "b": module.bias_ih_l0, "dx": inputs}
    return {name: tensor.grad.numpy() for name, tensor in found.items()}


def torch_peephole(x: Array, dy: Array) -> dict[str, Array]:
    """The cell as somebody writes it in PyTorch: the products with x before the loop, gate by gate inside."""
    weights = {name: tensor.requires_grad_() for name, tensor in tensors(gated.cells.peephole_lstm).items()}
    inputs = torch.tensor(x, requires_grad=True)
    p_i, p_f, p_o = weights["p"].split(H)
    h = c = torch.zeros(x.shape[1], H)
    outputs = []
    for a in (inputs @ weights["W"].T + weights["b"]).unbind():
        i, f, g, o = (a + h @ weights["U"].T).split(H, dim=1)
        i, f = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + p_o * c) * torch.tanh(c)
        outputs.append(h)
    torch.stack(outputs).backward(torch.tensor(dy))
    return {**{name: tensor.grad.numpy() for name, tensor in weights.items()}, "dx": inputs.grad.numpy()}


@pytest.mark.parametrize(
    ("steps", "batch", "kind"),
    [(*rows, kind) for rows in ROWS for kind in KINDS]
    + [pytest.param(*MANY, "one sign", marks=pytest.mark.slow), pytest.param(*MANY, "random", marks=pytest.mark.many)],
)
def test_lstm_beside_pytorch(steps: int, batch: int, kind: str) -> None:
    x, dy = data(kind, steps, batch)
    truth = ours(gated.cells.lstm, x, dy, "float64", "native")
    mine, theirs = errors(ours(gated.cells.lstm, x, dy, "float32", "native"), truth), errors(torch_lstm(x, dy), truth)
    for family in ("W", "U", "b"):
        assert mine[family] <= TWICE * theirs[family], f"{family}: {mine[family]:.1e}, PyTorch {theirs[family]:.1e}"
    assert mine["dx"] <= 1e-6


@pytest.mark.parametrize(
    ("steps", "batch", "kind"),
    [(*rows, kind) for rows in [(1000, 1), (16, 64), (100, 640)] for kind in KINDS]
    + [pytest.param(250, 4000, "one sign", marks=pytest.mark.slow)],
)
def test_peephole_lstm_beside_pytorch(steps: int, batch: int, kind: str) -> None:
    x, dy = data(kind, steps, batch)
    cell = gated.cells.peephole_lstm
    truth = ours(cell, x, dy, "float64", "native")
    mine, theirs = errors(ours(cell, x, dy, "float32", "native"), truth), errors(torch_peephole(x, dy), truth)
    for family in ("W", "U", "b", "p"):
        assert mine[family] <= TWICE * theirs[family], f"{family}: {mine[family]:.1e}, PyTorch {theirs[family]:.1e}"
    assert mine["dx"] <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_reference_backend_beside_pytorch(kind: str) -> None:
    x, dy = data(kind, 500, 64)
    truth = ours(gated.cells.lstm, x, dy, "float64", "native")
    mine = errors(ours(gated.cells.lstm, x, dy, "float32", "reference"), truth)
    theirs = errors(torch_lstm(x, dy), truth)
    for family in ("W", "U", "b"):
        # the products are BLAS's, which adds them up in longer pieces than PyTorch's library where they are few
        assert mine[family] <= max(TWICE * theirs[family], 5e-6), f"{family}: {mine[family]:.1e}"


@pytest.mark.parametrize(
    ("rows", "kind"), [(1000, "random"), *((64_000, kind) for kind in KINDS), (1_000_000, "one sign")]
)
def test_dense_beside_pytorch(rows: int, kind: str) -> None:
    x, dy = data(kind, rows, 1)
    layer, exact = (gated.Dense(D, H, dtype=dtype) for dtype in ("float32", "float64"))
    exact.theta[...] = layer.theta
    truth, mine = (dict(each.backward(each.forward(x)[2], dy)[2]) for each in (exact, layer))
    module = torch.nn.Linear(D, H)
    module(torch.tensor(x)).backward(torch.tensor(dy))
    theirs = errors({"W.y": module.weight.grad.numpy(), "b.y": module.bias.grad.numpy()}, truth)
    for name, error in errors(mine, truth).items():
        assert error <= TWICE * theirs[name], f"{name}: {error:.1e}, PyTorch {theirs[name]:.1e}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 64, 65, 1000, 200_000])
def test_embedding_beside_pytorch(rows: int, kind: str) -> None:
    _, dy = data(kind, rows, 1)
    ids = np.random.default_rng(1).choice([0, 2, 3], (rows, 1), p=[0.9, 0.09, 0.01])  # one word is most of the text
    layer, module = gated.Embedding(5, H), torch.nn.Embedding(5, H)
    mine = layer.backward(layer.forward(ids)[2], dy)[2]["W"]
    module(torch.tensor(ids)).backward(torch.tensor(dy))
    truth = np.zeros((5, H))
    np.add.at(truth, ids[:, 0], dy[:, 0].astype(float))
    error, theirs = (np.abs(got - truth).max() / np.abs(truth).max() for got in (mine, module.weight.grad.numpy()))
    assert error <= max(TWICE * theirs, 6e-8), f"{error:.1e}, PyTorch {theirs:.1e}"
