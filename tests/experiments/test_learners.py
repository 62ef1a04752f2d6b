"""The algorithms behind one call: the right gradient, the right moments of updates, no memory of other sequences."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.data import adding, reber_task
from gated.experiments import learners
from gated.experiments.contest import network_of
from gated.experiments.learners import ALGORITHMS
from gated.experiments.reber import make
from gated.learning import SGD, Optimizer
from gated.losses import SquaredError


class Recorder(Optimizer):
    """Notes the gradients and changes nothing."""

    def __init__(self):
        super().__init__(1.0)
        self.seen = []

    def _apply(self, theta, g, lr):
        self.seen.append(g.copy())


def _network(cell=gated.cells.lstm, seed=0):
    return network_of(cell, make(0), 5, seed)


def _learn(algorithm, batch, window=4, network=None, loss=None, optimizer=None):
    network = _network() if network is None else network
    optimizer = Recorder() if optimizer is None else optimizer
    learn = ALGORITHMS[algorithm](network, loss or SquaredError(reduction="sum"), optimizer, batch.x.shape[1], window)
    learn(batch)
    return optimizer


def test_who_updates_when():
    batch = reber_task(1, 5)
    steps = len(batch.x)
    assert len(_learn("full", batch).seen) == 1
    assert len(_learn("truncated", batch, window=4).seen) == -(-steps // 4)
    assert len(_learn("online", batch).seen) == steps
    assert len(_learn("rtrl", batch).seen) == steps


@pytest.fixture
def without_clipping(monkeypatch):
    monkeypatch.setattr(learners, "CLIP", 1e9)


def test_no_update_is_longer_than_the_bound():
    for name in ALGORITHMS:
        norms = [np.linalg.norm(g) for g in _learn(name, reber_task(3, 1)).seen]
        assert max(norms) == pytest.approx(learners.CLIP), name


def test_with_frozen_weights_exact_algorithms_add_up_to_the_same_gradient(without_clipping):
    batch = reber_task(3, 1)
    total = {name: np.sum(_learn(name, batch).seen, axis=0) for name in ALGORITHMS}
    scale = np.linalg.norm(total["full"])
    np.testing.assert_allclose(total["rtrl"], total["full"], atol=1e-12 * scale)
    for name in ("online", "truncated"):
        assert np.linalg.norm(total[name] - total["full"]) > 0.01 * scale, f"{name} is an approximation"
    whole = np.sum(_learn("truncated", batch, window=len(batch.x)).seen, axis=0)
    np.testing.assert_allclose(whole, total["full"], atol=1e-12 * scale)


def test_a_window_without_answers_only_carries_the_state(without_clipping):
    batch = adding(2, 0, 20, variant="2015")
    network = network_of(gated.cells.lstm, _adding_task(), 5, 0)
    seen = _learn("truncated", batch, window=6, network=network).seen
    assert len(seen) == 1
    y, state, _ = network.forward(batch.x[:18])
    y, _, tape = network.forward(batch.x[18:], state)
    _, dy = SquaredError(reduction="sum")(y, batch.target[18:], batch.mask[18:])
    np.testing.assert_allclose(seen[0], network.backward(tape, dy)[2].vector, rtol=1e-9, atol=1e-12)


def _adding_task():
    from gated.experiments import adding as module

    return module.make(0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_is_carried_from_one_sequence_to_the_next(algorithm):
    first, second = reber_task(1, 1), reber_task(1, 2)
    recorder = Recorder()
    network = _network()
    learn = ALGORITHMS[algorithm](network, SquaredError(), recorder, 1, 4)
    learn(first)
    count = len(recorder.seen)
    learn(second)
    alone = _learn(algorithm, second, network=network, loss=SquaredError()).seen
    np.testing.assert_allclose(recorder.seen[count:], alone, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_learn(algorithm):
    batch, network = reber_task(4, 3), _network()
    loss = SquaredError()

    def value():
        return loss(network.forward(batch.x, None, batch.lengths)[0], batch.target, batch.mask)[0]

    before = value()
    learn = ALGORITHMS[algorithm](network, loss, SGD(0.1), 4, 4)
    for _ in range(5):
        learn(batch)
    assert value() < 0.8 * before
