"""What a newcomer wrote, and the one line that says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import GRU, LSTM, Dense, Embedding, Network
from gated.errors import GatedError


def said(call, kind=GatedError):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_layers_of_both_orders_of_the_axes():
    first, second = LSTM(3, 4, batch_first=True), GRU(4, 2)
    assert said(lambda: Network({"a": first, "b": second})) == (
        "layers['b']: got batch_first False, expected True, as 'a' has it: one for all"
    )
    inner = Network({"dense": Dense(4, 4), "rnn": LSTM(4, 4, batch_first=True)})
    assert said(lambda: Network({"a": LSTM(4, 4), "tied": inner, "again": inner})) == (
        "layers['tied.rnn']: got batch_first True, expected False, as 'a' has it: one for all"
    )
    layers = {"embed": Embedding(5, 4), "a": inner, "again": inner, "head": Dense(4, 2)}
    y = Network(layers).forward(np.zeros((2, 7), int))[0]
    assert y.shape == (2, 7, 2)


@pytest.mark.parametrize("batch_first", [False, True])
def test_ids_beyond_the_lengths_are_not_looked_at(batch_first):
    rnn = LSTM(3, 4, dtype="float64", batch_first=batch_first)
    inner = Network({"embed": Embedding(5, 3, dtype="float64"), "rnn": rnn})
    network = Network({"inner": inner, "head": Dense(4, 2, dtype="float64")})
    rng = np.random.default_rng(0)
    ids, lengths = rng.integers(0, 5, (6, 3)), np.array([6, 2, 0])
    beyond = np.arange(6)[:, None] >= lengths
    results = []
    for padding in (0, -1, 99):
        x = np.where(beyond, padding, ids)
        x = x.T if batch_first else x
        y, _, tape = network.forward(x, None, lengths)
        np.testing.assert_array_equal(network.infer(x, None, lengths)[0], y)
        dy = np.random.default_rng(1).standard_normal(y.shape)
        results.append((y, network.backward(tape, dy)[2].vector))
        assert x.min() == min(padding, 0)
    for y, gradient in results[1:]:
        np.testing.assert_array_equal(y, results[0][0])
        np.testing.assert_array_equal(gradient, results[0][1])
    x = ids.copy()
    x[5, 0] = -1
    x = x.T if batch_first else x
    assert said(lambda: network.forward(x, None, lengths)) == "x: got the id -1, expected ids from 0 to 4"
    assert said(lambda: network.forward(x)) == "x: got the id -1, expected ids from 0 to 4"


def test_a_layer_is_no_model(tmp_path):
    layer = LSTM(3, 4)
    assert said(lambda: gated.interop.model_file.save_model(tmp_path / "l.safetensors", "x", layer, {})) == (
        "network: got Recurrent(lstm, 3, 4), expected a gated.Network: Network({'rnn': layer})"
    )
    assert not list(tmp_path.iterdir())


def test_numbers_of_a_run_that_diverges():
    pytest.importorskip("typer")
    from gated.cli.train import _number

    assert (_number(6031704201323963597283158654976.0), _number(2.34567), _number(2.34567, 3)) == (
        "6e+30",
        "2.3457",
        "2.346",
    )
