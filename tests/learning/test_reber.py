"""The embedded Reber grammar is learnt, and predicted without a mistake by weights that no longer change."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.data import embedded_reber_string, reber_batch, reber_sequence, reber_success, reber_test_set
from gated.learning import SGD, Adam, Online, Sequences, full_step
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError
from gated.nn import Dense, Network, Recurrent

pytestmark = pytest.mark.slow

TRAIN = [embedded_reber_string(np.random.default_rng(seed)) for seed in range(256)]
TEST = reber_test_set(256, 1, exclude=TRAIN)


def _network(hidden):
    rnn = Recurrent(gated.cells.lstm, 7, hidden, dtype="float64", seed=0)
    return Network({"rnn": rnn, "head": Dense(hidden, 7, dtype="float64", seed=1)})


def _score(network):
    weights = network.theta.copy()
    score = reber_success(lambda x: network.forward(x[:, None])[0][:, 0], TEST)
    np.testing.assert_array_equal(network.theta, weights)
    return score


def _trained(network, learn, updates, every):
    """The first perfect score on the strings that were not trained on, or the last score."""
    assert _score(network).sequences < 0.1
    for number in range(1, updates + 1):
        learn()
        if number % every == 0 and (score := _score(network)).solved:
            break
    return score


def test_online_learning_solves_it():
    network = _network(15)
    learner = Online(network, "online", SGD(0.3), SigmoidSquaredError())
    strings = [reber_sequence(string) for string in TRAIN]
    rng = np.random.default_rng(0)

    def learn():
        learner.reset()
        learner.partial_fit(*strings[rng.integers(len(strings))])

    score = _trained(network, learn, 15_000, every=500)
    assert score.solved and score.hard_steps == 1.0, score


def test_backpropagation_through_time_solves_it():
    network = _network(24)
    optimizer, loss = Adam(0.03), SigmoidCrossEntropy()
    rng = np.random.default_rng(0)

    def learn():
        batch = reber_batch([TRAIN[i] for i in rng.integers(0, len(TRAIN), 32)])
        full_step(network, loss, optimizer, Sequences(batch.x, batch.target, batch.lengths, batch.mask))

    score = _trained(network, learn, 1500, every=50)
    assert score.solved and score.hard_steps == 1.0, score
