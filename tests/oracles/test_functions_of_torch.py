"""Powers, clip and the functions that are made of others against PyTorch's: values and derivatives, kinks included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import gated
from gated import clip, where

X = np.array([-7.5, -3.0, -2.0, -1.0, -0.3, -1e-9, 0.0, 1e-9, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0, 800.0, np.nan])
PAIRS = {
    "hard_sigmoid": (gated.hard_sigmoid, F.hardsigmoid),
    "hard_tanh": (gated.hard_tanh, F.hardtanh),
    "elu": (gated.elu, F.elu),
    "elu of 0.5": (lambda x: gated.elu(x, 0.5), lambda x: F.elu(x, 0.5)),
    "silu": (gated.silu, F.silu),
    "gelu": (gated.gelu, F.gelu),
    "leaky_relu": (gated.leaky_relu, F.leaky_relu),
    "leaky_relu of 0.2": (lambda x: gated.leaky_relu(x, 0.2), lambda x: F.leaky_relu(x, 0.2)),
    "softsign": (gated.softsign, F.softsign),
    "clip": (lambda x: clip(x, -1, 0.5), lambda x: torch.clamp(x, -1, 0.5)),
    "where": (lambda x: where(x >= 0.5, x**2, -x), lambda x: torch.where(x >= 0.5, x**2, -x)),
    **{f"power {n}": (lambda x, n=n: x**n, lambda x, n=n: x**n) for n in (0, 1, 2, 3, 5, -1, -2, 64, 65, -66)},
    **{f"power {n}": (lambda x, n=n: x**n, lambda x, n=n: x**n) for n in (0.5, 1.5, -0.5, 0.3, -1.7)},
}


@pytest.fixture(scope="module")
def cell() -> gated.Cell:
    """One state for each function, which is applied to it."""
    names = [f"s{k}" for k in range(len(PAIRS))]
    scope = {"f": [ours for ours, _ in PAIRS.values()]}
    made = ", ".join(f"f[{k}]({name}) + 0.0 * x" for k, name in enumerate(names))
    exec(f"def functions(x, {', '.join(names)}):\n    return {made}\n", scope)  # our own text
    return gated.cell(scope["functions"])


def close(got: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    rtol, atol = {"float64": (1e-13, 1e-15), "float32": (2e-6, 1e-7)}[dtype]
    np.testing.assert_allclose(got, expected.astype(dtype), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("backend", "dtype"), [("reference", "float64"), ("native", "float64"), ("native", "float32")])
def test_values_and_derivatives(cell: gated.Cell, backend: str, dtype: str) -> None:
    x = X.astype(dtype)
    layer = gated.Recurrent(cell, len(x), len(x), dtype=dtype, backend=backend)
    with np.errstate(all="ignore"):
        y, last, tape = layer.forward(np.zeros((1, 1, len(x)), dtype), (x.reshape(1, 1, -1),) * len(PAIRS))
        _, first, _ = layer.backward(tape, np.zeros_like(y), tuple(map(np.ones_like, last)))
        for (name, (_, theirs)), got, dx in zip(PAIRS.items(), last, first, strict=True):
            number = torch.tensor(x.astype("float64"), requires_grad=True)
            value = theirs(number)
            value.sum().backward()
            try:
                close(got.ravel(), value.detach().numpy(), dtype)
                # PyTorch's 1/6 of hardsigmoid is that of float32; at NaN there is no derivative
                close(dx.ravel()[:-1], number.grad.numpy()[:-1], "float32" if name == "hard_sigmoid" else dtype)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


@pytest.mark.parametrize("name", PAIRS)
def test_on_arrays(name: str) -> None:
    ours, theirs = PAIRS[name]
    with np.errstate(all="ignore"):
        close(ours(X), theirs(torch.tensor(X)).numpy(), "float64")
