"""Sizes that do not fit ended in MemoryError, ValueError, OverflowError, or ran until memory was gone."""

from __future__ import annotations

import pytest

import gated
from gated.errors import ArgumentError

CASES = {
    "hidden_size": (lambda: gated.LSTM(3, 10**6), "hidden_size: got 1,000,000, which takes 14,901"),
    "hidden_size, absurd": (lambda: gated.LSTM(3, 2**63), "hidden_size: got 9223372036854775808, expected at most"),
    "hidden_size, of thousands of digits": (lambda: gated.LSTM(3, 10**9999), "hidden_size: got a number of 33216 bits"),
    "input_size": (lambda: gated.RNN(10**12, 3), "input_size: got 1,000,000,000,000, which takes"),
    "num_layers": (lambda: gated.LSTM(3, 4, num_layers=2**63), "num_layers: got 9223372036854775808, expected at most"),
    "num_layers, that memory would hold": (lambda: gated.LSTM(3, 4, 300_000), "num_layers: got 300000, expected at"),
    "sizes": (lambda: gated.LSTM(3, 4, proj_size=10**11), "sizes['h']: got 100,000,000,000, which takes"),
    "embedding": (lambda: gated.Embedding(10**9, 10**9), "num_embeddings: got 1,000,000,000, which takes"),
    "dense": (lambda: gated.Dense(10**9, 10**9), "input_size: got 1,000,000,000, which takes"),
    "batch of a stream": (lambda: gated.LSTM(3, 4).stream(2**62), "batch: got 4611686018427387904, expected at most"),
    "batch of a stream, large": (lambda: gated.LSTM(3, 4).stream(2**39), "batch: got 549,755,813,888, which takes"),
    "batch of a state": (lambda: gated.LSTM(3, 4).initial_state(2**40), "batch: got 1,099,511,627,776, which takes"),
}


@pytest.mark.parametrize(("call", "text"), CASES.values(), ids=CASES)
def test_the_argument_is_named(call, text: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value).startswith(text) and "\n" not in str(caught.value)
