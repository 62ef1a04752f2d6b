"""What a newcomer wrote, and the one line that says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import GRU, LSTM, Dense, Embedding, Network
from gated.errors import ArgumentError, GatedError


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
