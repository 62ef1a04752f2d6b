"""Nothing could be copied or pickled: `nodes are immutable`, `PicklingError`. Every kind: tests/test_copies.py."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentTypeError

HOW: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
X = np.random.default_rng(0).standard_normal((5, 2, 4)).astype("f4")


def made() -> gated.Network:
    return gated.Network({"rnn": gated.PeepholeLSTM(4, 6, seed=1), "head": gated.Dense(6, 3, seed=2)})


@pytest.mark.parametrize("how", HOW)
def test_a_cell(how: str) -> None:
    cell = gated.cells.peephole_lstm
    found = HOW[how](cell)
    assert str(found) == str(cell) and found.to_json() == cell.to_json()


@pytest.mark.parametrize("how", HOW)
def test_a_layer_and_a_network_are_equal_and_independent(how: str) -> None:
    network = made()
    for thing in (network, copy.deepcopy(network.layers["rnn"])):
        y = thing.infer(X)[0].copy()
        found = HOW[how](thing)
        assert np.array_equal(found.infer(X)[0], y)
        found.theta[:] = 0
        assert np.array_equal(thing.infer(X)[0], y) and not np.array_equal(found.infer(X)[0], y)


@pytest.mark.parametrize("how", HOW)
def test_views_of_a_copied_network_are_of_its_own_theta(how: str) -> None:
    network = made()
    found = HOW[how](network)
    for name, array in found.params.items():
        assert np.shares_memory(array, found.theta) and not np.shares_memory(array, network.theta), name
        assert np.shares_memory(found.layers[name.split(".")[0]].theta, found.theta)


@pytest.mark.parametrize("how", HOW)
def test_a_tape_and_a_stream_say_that_they_cannot(how: str) -> None:
    network = made()
    for thing in (
        network.forward(X)[2][0] if how == "copy" else network.forward(X)[2],  # a list of the layers' tapes
        network.stream(2),
        network.layers["rnn"].forward(X)[2],
        network.layers["rnn"].stream(2),
    ):
        with pytest.raises(ArgumentTypeError, match="got copy or pickle, which it does not support; ") as caught:
            HOW[how](thing)
        assert "\n" not in str(caught.value)
