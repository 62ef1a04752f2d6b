"""What is written into parameters: only numbers that they can hold, and only where they may be written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError

Array = np.ndarray[Any, Any]
N = 4 * (4 * 3 + 4 * 4 + 4)
LIMIT = "which float32 cannot hold, expected numbers up to 3.4e+38, or dtype='float64'"


def layers(dtype: str = "float32") -> dict[str, Any]:
    network = gated.Network({"rnn": gated.LSTM(3, 4, dtype=dtype), "head": gated.Dense(4, 2, dtype=dtype)})
    return {
        "lstm": (gated.LSTM(3, 4, dtype=dtype), "l0.b.i"),
        "dense": (gated.Dense(3, 4, dtype=dtype), "b.y"),
        "embedding": (gated.Embedding(3, 4, dtype=dtype), "W"),
        "network": (network, "rnn.l0.b.i"),
        "layer of a network": (network.layers["rnn"], "l0.b.i"),
    }


KINDS = list(layers())


def text_of(kind: type[Exception], call: Callable[[], Any]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_become_infinite(kind: str) -> None:
    layer, name = layers()[kind]
    before, shape = layer.theta.copy(), layer.params[name].shape
    large = before.astype("f8")
    large[3] = -1e300
    place = np.zeros(shape)
    place[(0,) * len(shape)] = 1e39
    for argument, assign in (
        (f"theta: got -1e+300 at [3], {LIMIT}", lambda: setattr(layer, "theta", large)),
        (f"params[{name!r}]: got 1e+300, {LIMIT}", lambda: layer.params.__setitem__(name, 1e300)),
        (
            f"params[{name!r}]: got 1e+39 at {[0] * len(shape)}, {LIMIT}",
            lambda: layer.params.__setitem__(name, place),
        ),
    ):
        assert text_of(ArgumentError, assign) == argument
        assert layer.theta.tobytes() == before.tobytes()
    wide, _ = layers("float64")[kind]
    wide.params[name] = 1e300
    assert (wide.params[name] == 1e300).all()
    layer.params[name] = np.inf  # what the caller says
    assert np.isinf(layer.params[name]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "came"),
    [
        (1j, "complex 1j"),
        ("3", "str '3'"),
        (None, "None"),
        (True, "bool True"),
        (np.array(b"3"), "bytes b'3'"),
        (np.timedelta64(3, "s"), "timedelta datetime.timedelta(seconds=3)"),
    ],
    ids=str,
)
def test_what_is_no_real_number(kind: str, value: Any, came: str) -> None:
    layer, name = layers()[kind]
    before = layer.theta.copy()
    found = text_of(ArgumentTypeError, lambda: layer.params.__setitem__(name, value))
    assert found == f"params[{name!r}]: got {came}, expected real numbers (float32)"
    many = np.full(layer.theta.shape, value)
    found = text_of(ArgumentTypeError, lambda: setattr(layer, "theta", many))
    assert found == (
        f"theta: got an array of shape {many.shape} and dtype {many.dtype}, expected real numbers (float32)"
    )
    assert layer.theta.tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_that_are_read_only(kind: str) -> None:
    layer, name = layers()[kind]
    before = layer.theta.copy()
    layer.theta.flags.writeable = False
    ending = "got a value for an array that is read-only, expected theta.flags.writeable to be True"
    assert text_of(ArgumentError, lambda: layer.params.__setitem__(name, 1.0)) == f"params[{name!r}]: {ending}"
    assert text_of(ArgumentError, lambda: setattr(layer, "theta", before + 1)) == f"theta: {ending}"
    assert layer.theta.tobytes() == before.tobytes()
    layer.theta.flags.writeable = True
    layer.params[name] = 1.0
    assert (layer.params[name] == 1.0).all()


def test_a_network_that_is_read_only_holds_its_layers() -> None:
    """The layers' views were made before, and can be written to as far as NumPy knows."""
    rnn = gated.LSTM(3, 4)
    network = gated.Network({"inner": gated.Network({"rnn": rnn})})
    network.theta.flags.writeable = False
    for call in (lambda: rnn.params.__setitem__("l0.b.i", 1.0), lambda: setattr(rnn, "theta", np.ones(N))):
        assert "read-only" in text_of(ArgumentError, call)
    network.theta.flags.writeable = True
    rnn.theta = np.ones(N)
    assert (network.theta == 1.0).all()


def test_other_roads_to_a_parameter() -> None:
    found = text_of(ArgumentError, lambda: gated.LSTM(3, 4, forget_bias=1e300))
    assert found == f"forget_bias: got 1e+300, {LIMIT}"
    layer = gated.Dense(3, 4)
    y, _, tape = layer.forward(np.ones((2, 3)))
    dy = y.astype("f8")
    dy[1, 2] = 1e300
    assert text_of(ArgumentError, lambda: layer.backward(tape, dy)) == f"dy: got 1e+300 at [1, 2], {LIMIT}"


def test_a_copy_in_a_dtype_that_cannot_hold_it() -> None:
    layer = gated.LSTM(3, 4, dtype="float64")
    layer.theta[5] = 1e300
    assert text_of(ArgumentError, lambda: layer.astype("float32")) == f"theta: got 1e+300 at [5], {LIMIT}"
    layer.theta[5] = 1.0
    narrow = layer.astype("float32")
    assert narrow.theta.dtype == np.float32 and narrow.theta[5] == 1.0
    same = layer.astype("float64")
    assert not np.shares_memory(same.theta, layer.theta) and same.theta.tobytes() == layer.theta.tobytes()
    assert "expected real numbers" in text_of(ArgumentTypeError, lambda: layer.astype("complex128").astype("float64"))


def test_what_is_taken_as_before() -> None:
    layer = gated.LSTM(3, 4)
    theta = layer.theta
    layer.theta -= 0.5
    layer.theta = layer.theta[::-1]
    layer.theta = list(range(N))
    assert layer.theta is theta and theta[-1] == N - 1
    layer.params["l0.b.i"] = np.arange(4, dtype="i8")
    layer.params["l0.b.i"][1] = 9
    layer.params["l0.b.f"] = layer.params["l0.b.i"][::-1]
    assert layer.params["l0.b.f"].tolist() == [3, 2, 9, 0]
    found = text_of(ArgumentError, lambda: layer.params.__setitem__("l0.W.i", np.ones(3)))
    assert found == (
        "params['l0.W.i']: got an array of shape (3,) and dtype float64, expected shape (4, 3) or one number"
    )
