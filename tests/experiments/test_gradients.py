"""The adjoints of the states at every step, against a finite difference through the rest of the sequence."""

from __future__ import annotations

import numpy as np
import pytest

from gated.cells import ZOO
from gated.data import adding
from gated.errors import ArgumentError
from gated.experiments.contest import network_of
from gated.experiments.gradients import gradients_picture, gradients_report, measure, run_gradients, state_adjoints
from gated.experiments.task import Task
from gated.losses import SquaredError

STEPS = 7


def _network(cell, seed=1):
    task = Task(2, 1, SquaredError(), lambda *_: None, None, lambda *_: None)
    network = network_of(ZOO[cell], task, 4, seed)
    network.theta[:] = np.random.default_rng(seed).normal(scale=0.7, size=network.theta.size)
    return network


def _loss_from(network, batch, state, t):
    """½ Σ (y - target)² at the last step, from the state after step t (counted from 0) on."""
    layer, head = network.layers["rnn"], network.layers["head"]
    if t + 1 < len(batch.x):
        _, state, _ = layer.forward(batch.x[t + 1 :], state)
    y, _, _ = head.forward(state[0])
    return 0.5 * float(((y - batch.target[-1:]) ** 2).sum())


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole_lstm"])
def test_adjoints_of_all_states_at_all_steps(cell):
    network, batch = _network(cell), adding(3, 0, STEPS, variant="2015")
    adjoints = state_adjoints(network, batch)
    assert len(adjoints) == STEPS
    for t in (0, 2, STEPS - 1):
        _, state, _ = network.layers["rnn"].forward(batch.x[: t + 1])
        for k, array in enumerate(state):
            for n, unit in ((0, 0), (1, 3), (2, 1)):
                kept = array[0, n, unit]
                array[0, n, unit] = kept + 1e-6
                above = _loss_from(network, batch, state, t)
                array[0, n, unit] = kept - 1e-6
                slope = (above - _loss_from(network, batch, state, t)) / 2e-6
                array[0, n, unit] = kept
                assert adjoints[t][k][n, unit] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_norms_are_relative_to_the_output_at_the_end():
    norms = measure("lstm", _network("lstm"), STEPS, 0, trained=False)
    assert norms.norms["h"][-1] == 1.0
    assert norms.norms["c"][-1] == 0.0, "the loss sees h alone at the last step"
    assert all(value > 0 for value in norms.norms["c"][:-1])
    assert len(norms.norms["h"]) == STEPS


def test_untrained_it_vanishes_and_training_changes_it():
    found = list(run_gradients({"rnn": ZOO["rnn"], "lstm": ZOO["lstm"]}, 20, 4, 3, 0.01, 0))
    assert [(n.cell, n.trained) for n in found] == [(c, t) for c in ("rnn", "lstm") for t in (False, True)]
    for norms in found:
        assert norms.norms["h"][0] < 1e-2
        assert 0 < norms.factor < 1
    assert found[0].norms != found[1].norms
    again = list(run_gradients({"rnn": ZOO["rnn"], "lstm": ZOO["lstm"]}, 20, 4, 3, 0.01, 0))
    assert found == again
    assert found[0] != next(run_gradients({"rnn": ZOO["rnn"]}, 20, 4, 3, 0.01, 1))


def test_report_and_picture():
    pytest.importorskip("matplotlib")
    found = list(run_gradients({"gru": ZOO["gru"]}, 5, 3, 2, 0.01, 0))
    settings = {"steps": 5, "hidden": 3, "updates": 2, "lr": 0.01, "seed": 0}
    text = gradients_report(found, settings, ["gradients.png"])
    assert f"| gru | untrained | {found[0].mean_square:.4f} | h | 1.0e+00 |" in text
    assert f"| {found[1].norms['h'][0]:.1e} |\n" in text
    assert gradients_picture(found).startswith(b"\x89PNG")
    assert gradients_picture(found[:1]).startswith(b"\x89PNG"), "stopped before training"


@pytest.mark.parametrize("name, value", [("steps", 1), ("hidden", 0), ("updates", 0), ("lr", 0.0), ("seed", -1)])
def test_numbers_that_cannot_be_used(name, value):
    options = {"steps": 5, "hidden": 3, "updates": 2, "lr": 0.01, "seed": 0, name: value}
    with pytest.raises(ArgumentError, match=f"{name}: got {value}"):
        next(run_gradients({"rnn": ZOO["rnn"]}, **options))
