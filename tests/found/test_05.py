"""FOUND 5: full_step on a batch_first network with lengths and no mask makes a (T, N) mask."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError
from gated.learning import SGD, Sequences, Training, full_step, truncated_step
from gated.losses import SoftmaxCrossEntropy

D, V = 3, 4


def _network(batch_first, bidirectional=False):
    rnn = gated.LSTM(D, 5, batch_first=batch_first, bidirectional=bidirectional, dtype="float64", seed=1)
    return gated.Network({"rnn": rnn, "head": gated.Dense(rnn.output_size, V, dtype="float64", seed=2)})


def _batch(steps, count, batch_first):
    rng = np.random.default_rng(steps)
    x, target = rng.standard_normal((steps, count, D)), rng.integers(0, V, (steps, count))
    lengths = rng.integers(0, steps + 1, count)
    lengths[0] = steps
    if batch_first:
        x, target = x.swapaxes(0, 1), target.T
    return Sequences(x, target, lengths)


def _steps(batch_first, steps, count):
    """Loss, norm and parameters after one update of each kind."""
    batch, found = _batch(steps, count, batch_first), []
    for both in (False, True):
        network = _network(batch_first, both)
        loss, norm = full_step(network, SoftmaxCrossEntropy(), SGD(0.5), batch)
        found += [loss, norm, network.theta.copy()]
    network = _network(batch_first)
    loss, state, norm = truncated_step(network, SoftmaxCrossEntropy(), SGD(0.5), batch[:2], None, lengths=batch.lengths)
    found += [loss, norm, network.theta.copy(), *state["rnn"]]
    network = _network(batch_first)
    update = next(iter(Training(network, SoftmaxCrossEntropy(), SGD(0.5), lambda epoch: [batch], carry_state=False)))
    return [*found, update.loss, update.predictions, network.theta.copy()]


@pytest.mark.parametrize(("steps", "count"), [(6, 4), (5, 5), (1, 3), (4, 1)])
def test_the_order_of_the_axes_changes_nothing(steps, count):
    for first, second in zip(_steps(True, steps, count), _steps(False, steps, count), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-14)


def test_a_mask_has_the_order_of_the_network():
    batch = _batch(6, 4, True)
    mask = np.arange(6) < batch.lengths[:, None]
    loss = SoftmaxCrossEntropy()
    wanted = full_step(_network(True), loss, SGD(0.1), batch)
    assert full_step(_network(True), loss, SGD(0.1), batch._replace(mask=mask)) == wanted


def test_layers_of_both_orders_are_refused_where_it_matters():
    layers = {"a": gated.LSTM(D, D, batch_first=True), "b": gated.LSTM(D, V)}
    with pytest.raises(ArgumentError) as caught:
        full_step(gated.Network(layers), SoftmaxCrossEntropy(), SGD(0.1), _batch(5, 5, True))
    assert str(caught.value) == "layers['b']: got batch_first False, expected True, as 'a' has it: one for all"
