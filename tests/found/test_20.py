"""FOUND 20: the count of updates in a checkpoint is one whole number, or the checkpoint is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, FileFormatError
from gated.files.tensor_file import write_tensors
from gated.learning import Adam, Online, Training
from gated.losses import SquaredError

BAD = [np.arange(3), np.zeros((1, 1), "int64"), np.zeros((0,), "int64"), np.array(1.5)]


def training():
    network = gated.Network({"rnn": gated.LSTM(2, 3), "head": gated.Dense(3, 2)})
    return Training(network, SquaredError(), Adam(0.1), lambda epoch: [], carry_state=True)


@pytest.mark.parametrize("updates", BAD, ids=str)
def test_a_checkpoint(updates):
    arrays, values = training().state()
    with pytest.raises(
        FileFormatError, match=r"^optimizer: state\['updates'\]: got an array of shape .*, expected one"
    ):
        training().load_state(arrays | {"optimizer.updates": updates}, values)
    with pytest.raises(
        ArgumentError, match=r"^state\['updates'\]: got an array of shape .*, expected one whole number"
    ):
        Adam(0.1).load_state({"updates": updates})


@pytest.mark.parametrize("updates", BAD, ids=str)
def test_a_file_of_an_online_learner(updates, tmp_path):
    learner = Online(training().network, optimizer=Adam(0.1))
    learner.save(tmp_path / "f")
    state = learner.state() | {"optimizer.updates": updates}
    write_tensors(tmp_path / "f", "gated online learner", state, {"learner": learner._description()})
    with pytest.raises(FileFormatError, match="updates"):
        learner.load(tmp_path / "f")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("optimizer.mean", np.zeros(3, "f4")),
        ("optimizer.mean", np.zeros(98, "f8")),
        ("optimizer.mean", np.zeros((98, 1), "f4")),
        ("state.rnn.0", np.zeros((1, 2, 4), "f4")),
        ("state.rnn.0", np.zeros((1, 2, 3), "f8")),
        ("state.rnn.7", np.zeros((1, 2, 3), "f4")),
        ("state.head.0", np.zeros((1, 2, 3), "f4")),
        ("state.none.0", np.zeros((1, 2, 3), "f4")),
        ("state.rnn.²", np.zeros((1, 2, 3), "f4")),
        ("state.rnn." + "9" * 5000, np.zeros((1, 2, 3), "f4")),
    ],
    ids=lambda value: str(value)[:20],
)
def test_other_arrays_that_do_not_fit(name, array):
    """They would have been told at the first update, or never."""
    arrays, values = training().state()
    theta = arrays["theta"]
    arrays |= {"optimizer.mean": np.zeros_like(theta), "optimizer.mean_square": np.zeros_like(theta)}
    fresh = training()
    before = fresh.network.theta.copy()
    with pytest.raises(FileFormatError) as caught:
        fresh.load_state({**arrays, "theta": theta + 1, name: array}, values)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)
    np.testing.assert_array_equal(fresh.network.theta, before)
    assert fresh.optimizer.updates == 0
