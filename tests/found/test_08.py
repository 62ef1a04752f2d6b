"""Division by a plain number: forward raised KeyError on the default backend, and check_cell did not look there."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import Dense, Network, sigmoid, sqrt, tanh
from gated.learning import SGD, Online


def half_tanh(x, h, *, W, U):
    return tanh(W.h @ x + U.h @ h) / 2


def divided_input(x, h, *, W, U):
    return tanh(x / 6 + U.h @ h) + W.h @ (x / 3)


def divided_parameter(x, h, *, W, b):
    return tanh(W.h @ x + h + b.n / 2)


def divided_gate(x, h, *, W, U):
    n = tanh(W.n @ x + U.n @ h)
    return n / sqrt(2.0)


def behind_a_matrix(x, h, *, W, U):
    return tanh(W.n @ x + U.n @ (h / 2))


def number_over_value(x, h, *, W, U):
    return 2.0 / sqrt(2.0) / (1.5 + tanh(W.n @ x + U.n @ h)) - sigmoid(h) / np.float32(3)


CELLS = [half_tanh, divided_input, divided_parameter, divided_gate, behind_a_matrix, number_over_value]


@pytest.mark.parametrize("function", CELLS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_pass_in_machine_code(function, dtype) -> None:
    cell, rng = gated.cell(function), np.random.default_rng(0)
    x, dy = rng.normal(size=(5, 3, 4)).astype(dtype), rng.normal(size=(5, 3, 4)).astype(dtype)
    state = (rng.normal(size=(1, 3, 4)).astype(dtype),)
    found = []
    for backend in ("native", "reference"):
        layer = gated.Recurrent(cell, 4, 4, dtype=dtype, backend=backend)
        y, last, tape = layer.forward(x, state)
        dx, dstate, grads = layer.backward(tape, dy, last)
        stream = layer.stream(3, state)
        streamed = np.array([stream.step(x_t).copy() for x_t in x])
        found.append([y, *last, dx, *dstate, grads.vector, layer.infer(x, state)[0], streamed])
    for mine, right in zip(*found, strict=True):
        assert np.linalg.norm(mine - right) <= {"float64": 1e-14, "float32": 2e-6}[dtype] * np.linalg.norm(right)


@pytest.mark.parametrize("function", CELLS, ids=lambda function: function.__name__)
def test_check_cell_runs_what_the_user_runs(function) -> None:
    report = gated.check_cell(gated.cell(function))
    assert report.passed and any(row.quantity == "native float32: gradient of x" for row in report.rows)


@pytest.mark.parametrize("function", [f for f in CELLS if f is not behind_a_matrix], ids=lambda f: f.__name__)
def test_online(function) -> None:
    rng, results = np.random.default_rng(1), []
    x, target = rng.normal(size=(6, 2, 4)), rng.normal(size=(6, 2, 2))
    for backend in ("native", "reference"):
        rnn = gated.Recurrent(gated.cell(function), 4, 4, dtype="float64", seed=3)
        network = Network({"rnn": rnn, "head": Dense(4, 2, dtype="float64", seed=4)})
        learner = Online(network, "online", SGD(0.05), batch=2, backend=backend)
        results.append([learner.partial_fit(x, target), network.theta.copy()])
    for mine, right in zip(*results, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-12)


def test_equations_stay_as_they_were_written() -> None:
    assert gated.cell(half_tanh).equations() == ["hₜ = tanh(W_h xₜ + U_h hₜ₋₁) / 2"]
    text = gated.cell(divided_input).derive()
    assert "xₜ / 6" in text and "U_h hₜ₋₁" in text and "0.16666" not in text
