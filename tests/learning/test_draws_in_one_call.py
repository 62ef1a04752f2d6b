"""Cells with draws: a step of training in one call draws what its layers would, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gated
from gated import bernoulli, normal, tanh
from gated.data.sequences import Sequences
from gated.learning.training.bptt import inside
from gated.learning.training.one_call import train_in_one_call
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Embedding, Network, Recurrent


@gated.cell
def noisy(x: Any, h: Any, *, W: Any, U: Any, b: Any, keep: float = 0.4) -> Any:
    """Draws of both lengths, of both laws, anew and once a sequence."""
    z, kept = bernoulli(keep), bernoulli(0.8, per="sequence")
    new = tanh(W.h @ (x * kept) + U.h @ h + b.h + normal(0.3))
    h = z * h + (1 - z) * new
    return h


def network(ids: bool, backend: str, **options: Any) -> Network:
    own: dict[str, Any] = {"dtype": "float64", "backend": backend}
    rnn = Recurrent(noisy, 4, 6, seed=1, **options, **own)
    other = Recurrent(noisy, rnn.output_size, 5, seed=2, **own)
    first = {"embed": Embedding(3, 4, seed=3, **own)} if ids else {}
    return Network({**first, "rnn": rnn, "other": other, "head": Dense(5, 3, seed=4, **own)})


@pytest.mark.parametrize("lengths", [None, [6, 3, 0, 6, 1, 4, 5]], ids=["equal", "different"])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "dropout": 0.3}], ids=str)
@pytest.mark.parametrize("ids", [False, True])
def test_as_the_parts_and_the_reference(ids: bool, options: Any, lengths: Any) -> None:
    numbers = np.random.default_rng(0)
    x: Any = numbers.integers(0, 3, (6, 7)) if ids else numbers.standard_normal((6, 7, 4))
    batch = Sequences(x, numbers.integers(0, 3, (6, 7)), lengths)
    loss = SoftmaxCrossEntropy()
    right = network(ids, "reference", **options)
    rng = np.random.default_rng(5)
    y, last, tape = right.forward(x, lengths=lengths, rng=rng)
    value, dy = loss(y, batch.target, None if lengths is None else inside(right, batch))
    dx, _, grads = right.backward(tape, dy)
    for threads in (1, 2, 3):
        gated.set_num_threads(threads)
        own, own_rng = network(ids, "native", **options), np.random.default_rng(5)
        found = train_in_one_call(own, loss, None, batch, None, rng=own_rng, inwards=True)
        assert found is not None
        assert own_rng.bit_generator.state == rng.bit_generator.state
        np.testing.assert_allclose(found.trained.loss, value, 1e-12)
        np.testing.assert_allclose(found.trained.gradient, grads.vector, 1e-10, 1e-13)
        if not ids:
            np.testing.assert_allclose(found.dx, dx, 1e-10, 1e-13)
        for name, arrays in last.items():
            for mine, theirs in zip(found.last[name], arrays, strict=True):
                np.testing.assert_allclose(mine, theirs, 1e-12, 1e-13)
    without = train_in_one_call(own, loss, None, batch, None)  # the means
    assert without is not None
    assert without.trained.loss != found.trained.loss
