"""A tape refuses parameters that have changed, whatever the change, in arrays that are long and even in every way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError

Array = np.ndarray[Any, Any]
Layers = dict[str, Callable[..., Any]]

# every matrix has an even number of rows of 512 bytes and more, above 4,096 bytes, in both dtypes
LAYERS: Layers = {
    "dense": lambda dtype, _: gated.Dense(128, 32, dtype=dtype),
    "dense, tanh": lambda dtype, _: gated.Dense(128, 32, "tanh", dtype=dtype),
    "lstm": lambda dtype, backend: gated.LSTM(128, 128, dtype=dtype, backend=backend),
    "two layers, both directions": lambda dtype, backend: gated.GRU(
        128, 64, 2, bidirectional=True, dtype=dtype, backend=backend
    ),
    "network": lambda dtype, backend: gated.Network(
        {
            "lower": gated.Dense(128, 64, "sigmoid", dtype=dtype),
            "rnn": gated.RNN(64, 128, dtype=dtype, backend=backend),
            "head": gated.Dense(128, 32, dtype=dtype),
        }
    ),
}


def swap(array: Array, one: Any, other: Any) -> None:
    array[one], array[other] = array[other].copy(), array[one].copy()


def flip_bit(array: Array) -> None:
    array.reshape(-1).view(np.uint8)[array.nbytes // 2 + 1] ^= 4


CHANGES: dict[str, Callable[[Array], Any]] = {
    "sign": lambda W: np.negative(W, out=W),
    "signs of two rows": lambda W: np.negative(W[2:4], out=W[2:4]),
    "signs of two columns": lambda W: np.negative(W[:, 5:7], out=W[:, 5:7]),
    "neighbouring rows": lambda W: swap(W, 0, 1),
    "distant rows": lambda W: swap(W, 0, len(W) - 1),
    "all rows turned round": lambda W: W.__setitem__(slice(None), W[::-1].copy()),
    "rows rolled": lambda W: W.__setitem__(slice(None), np.roll(W, 2, axis=0)),
    "columns": lambda W: swap(W.T, 3, 64 if W.shape[1] > 64 else 32),
    "two numbers of a column": lambda W: swap(W, (0, 1), (8, 1)),
    "two numbers of a row": lambda W: swap(W, (0, 1), (0, 17)),
    "one to the next": lambda W: (W.__setitem__((0, 0), W[0, 0] + 0.5), W.__setitem__((1, 0), W[1, 0] - 0.5)),
    "a bit": flip_bit,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("kind", LAYERS)
def test_every_change_of_every_matrix_is_seen(kind: str, backend: str, dtype: str) -> None:
    layer = LAYERS[kind](dtype, backend)
    y, _, tape = layer.forward(np.random.default_rng(0).standard_normal((2, 3, 128)))
    expected = layer.backward(tape, y)[2].vector
    kept = layer.theta.copy()
    matrices = [name for name, shape in layer.params.shapes.items() if len(shape) == 2]
    assert matrices
    for name in matrices:
        assert layer.params[name].nbytes > 4096 and len(layer.params[name]) % 2 == 0
        for what, change in CHANGES.items():
            change(layer.params[name])
            assert layer.theta.tobytes() != kept.tobytes(), (name, what)
            with pytest.raises(ArgumentError, match="^tape: got one whose parameters have changed"):
                layer.backward(tape, y)
                pytest.fail(f"not seen: {name}, {what}")
            layer.theta = kept
    np.testing.assert_array_equal(layer.backward(tape, y)[2].vector, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_two_vectors_that_change_places(backend: str, dtype: str) -> None:
    """Parameters of one shape, each longer than a page."""
    cell = gated.cell(lambda x, h, *, p: p.a * h + p.b * x)
    layer = gated.Recurrent(cell, 2048, 2048, dtype=dtype, backend=backend)
    y, _, tape = layer.forward(np.ones((1, 1, 2048)))
    one, other = layer.params["l0.p.a"], layer.params["l0.p.b"]
    one[...], other[...] = other.copy(), one.copy()
    with pytest.raises(ArgumentError, match="^tape: got one whose parameters have changed"):
        layer.backward(tape, y)


def test_inference_pays_for_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.backends import reference

    monkeypatch.setattr(reference, "digest_of", lambda _: pytest.fail("a digest without a tape"))
    gated.Dense(3, 4).infer(np.ones((2, 3)))
    layer = gated.LSTM(3, 4, backend="reference")
    layer.infer(np.ones((2, 1, 3)))
    layer.stream().step(np.ones(3))
