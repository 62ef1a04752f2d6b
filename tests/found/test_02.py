"""FOUND 2: online traces drop the road old state -> output, where the output reads the memory of the step before."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import sigmoid
from gated.learning import Online, Optimizer, compare_gradients
from gated.losses import SquaredError


@gated.cell
def old_c(x, h, c, *, W, v, b):
    f = sigmoid(W.f @ x + b.f)
    o = sigmoid(W.o @ x + v.o * c + b.o)  # the old c
    c = f * c + (1 - f) * (W.c @ x)
    return o * c, c


def _network():
    return gated.Network(
        {"rnn": gated.Recurrent(old_c, 8, 8, dtype="float64"), "head": gated.Dense(8, 3, dtype="float64")}
    )


def _data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((7, 2, 8)), rng.standard_normal((7, 2, 3))


@pytest.mark.parametrize("algorithm", ["online", "rtrl"])
def test_the_gradient_is_that_of_backpropagation_through_time(algorithm):
    x, t = _data()
    differences = compare_gradients(_network(), x, t, algorithm=algorithm)
    assert max(difference.relative_error for difference in differences) < 1e-13


class Recorder(Optimizer):
    def __init__(self):
        super().__init__(1.0)
        self.sum = 0.0

    def _apply(self, theta, g, lr):
        self.sum = self.sum + g


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_in_both_backends(backend):
    network, (x, t), loss = _network(), _data(), SquaredError("sum")
    y, _, tape = network.forward(x)
    exact = network.backward(tape, loss(y, t)[1])[2].vector
    learner = Online(network, "online", Recorder(), loss, batch=2, backend=backend)
    learner.partial_fit(x, t)
    assert np.linalg.norm(learner.optimizer.sum - exact) < 1e-13 * np.linalg.norm(exact)
