"""The layers that a network shows, and layers of somebody's own in it: derived from `Layer` or not, with a state."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.nn import ParameterVector
from gated.nn.layer import Layer

Array = np.ndarray[Any, Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def network() -> gated.Network:
    tied = gated.Dense(4, 4, "tanh", seed=3)
    return gated.Network({"rnn": gated.LSTM(3, 4), "a": tied, "b": tied, "head": gated.Dense(4, 2, seed=1)})


def delete(layers: Any) -> None:
    del layers["head"]


def merge(layers: Any) -> None:
    layers |= {"head": None}


def assign(net: Any) -> None:
    net.layers = {"head": gated.Dense(3, 2)}


ENDING = (
    ", but the parameters of a network lie in one vector, expected another network: "
    "gated.Network({**copy.deepcopy(network.layers), 'head': layer})"
)
CHANGES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "item": ("another layer 'head'", lambda layers: layers.__setitem__("head", gated.Dense(4, 2, seed=9))),
    "new item": ("another layer 'tail'", lambda layers: layers.__setitem__("tail", gated.Dense(2, 2))),
    "del": ("the end of the layer 'head'", delete),
    "pop": ("other layers", lambda layers: layers.pop("head")),
    "popitem": ("other layers", lambda layers: layers.popitem()),
    "clear": ("other layers", lambda layers: layers.clear()),
    "update": ("other layers", lambda layers: layers.update(head=gated.Dense(4, 2))),
    "setdefault": ("other layers", lambda layers: layers.setdefault("tail", gated.Dense(2, 2))),
    "|=": ("other layers", merge),
}


@pytest.mark.parametrize("how", CHANGES)
def test_layers_are_read_only(how: str) -> None:
    net, (words, change) = network(), CHANGES[how]
    before = dict(net.layers)
    with pytest.raises(ArgumentTypeError) as caught:
        change(net.layers)
    assert str(caught.value) == f"layers: got {words}{ENDING}"
    assert net.layers == before and list(net.layers) == ["rnn", "a", "b", "head"]


def test_layers_cannot_be_assigned() -> None:
    net = network()
    with pytest.raises(ArgumentTypeError, match="^layers: got other layers, but") as caught:
        assign(net)
    assert str(caught.value).endswith(ENDING)
    assert list(net.layers) == ["rnn", "a", "b", "head"]


def test_what_the_message_says_to_write() -> None:
    net, layer = network(), gated.Dense(4, 2, seed=9)
    other = gated.Network({**copy.deepcopy(net.layers), "head": layer})
    assert other.layers["head"] is layer and other.layers["a"] is other.layers["b"] is not net.layers["a"]
    assert np.shares_memory(layer.theta, other.theta) and not np.shares_memory(other.theta, net.theta)
    x = rng().normal(size=(2, 3, 3)).astype("f4")
    y, _, tape = other.forward(x)
    other.theta -= 0.1 * other.backward(tape, y)[2].vector
    np.testing.assert_array_equal(other.infer(x)[0], copy.deepcopy(other).infer(x)[0])


def test_layers_as_a_mapping() -> None:
    net = network()
    assert net.layers["rnn"] is net.layers["rnn"] and len(net.layers) == 4 and "head" in net.layers
    with pytest.raises(KeyError):
        net.layers["no"]
    whole = net.layers | {"tail": 1}
    assert type(whole) is dict and list(whole) == ["rnn", "a", "b", "head", "tail"]
    assert list({"tail": 1} | net.layers) == ["tail", "rnn", "a", "b", "head"]
    assert repr(net.layers).startswith("<layers {'rnn': Recurrent(lstm, 3, 4)")
    for other in (copy.copy(net.layers), copy.deepcopy(net.layers), pickle.loads(pickle.dumps(net.layers))):
        assert type(other) is dict and list(other) == list(net.layers) and other["a"] is other["b"]


def test_pickles_from_before() -> None:
    """Then the layers were a plain attribute."""
    net = network()
    state = net.__getstate__()
    assert type(state["layers"]) is dict and not any(key.startswith("_") for key in state)
    again = gated.Network.__new__(gated.Network)
    again.__setstate__(copy.deepcopy(state))
    assert again.theta.tobytes() == net.theta.tobytes() and repr(again) == repr(net)


# layers of one's own


class Scaled(Layer):
    """No more than is needed."""

    def __init__(self, size: int) -> None:
        self.input_size = self.output_size = size
        self.dtype = np.dtype("float32")
        self.params = ParameterVector({"scale": (size,)}, self.dtype)
        self.params["scale"] = 0.5

    def forward(self, x: Array, state: Any = None, lengths: Any = None, *, rng: Any = None) -> tuple[Any, ...]:
        return x * self.params["scale"], (), x

    def backward(self, tape: Array, dy: Array, dstate: Any = None) -> tuple[Any, ...]:
        grads = self.params.like()
        grads["scale"] = (tape * dy).sum((0, 1))
        return dy * self.params["scale"], (), grads

    def config(self) -> dict[str, Any]:
        return {"kind": "scaled"}


class Sum(Scaled):
    """A running sum over time: a layer with a state."""

    def initial_state(self, batch: int) -> tuple[Array, ...]:
        return (np.full((batch, self.input_size), 0.25, self.dtype),)

    def forward(self, x: Array, state: Any = None, lengths: Any = None, *, rng: Any = None) -> tuple[Any, ...]:
        state = self.initial_state(x.shape[1]) if state is None else state
        y = state[0] + np.cumsum(x * self.params["scale"], axis=0)
        return y, (y[-1],), x


def chain(last: Any) -> gated.Network:
    return gated.Network({"rnn": gated.LSTM(3, 4), "own": last, "head": gated.Dense(4, 2)})


def test_a_layer_that_derives_from_layer() -> None:
    own = Scaled(4)
    x, ones = rng().normal(size=(5, 2, 3)).astype("f4"), np.ones((2, 1, 4), "f4")
    np.testing.assert_array_equal(own(ones)[0], own.forward(ones)[0])
    assert own.infer(ones)[1] == ()
    net = chain(own)
    y, _, _ = net.forward(x)
    for found in (net.infer(x)[0], net(x)[0]):
        np.testing.assert_allclose(found, y, rtol=1e-6, atol=1e-7)
    stream = net.stream(2)
    np.testing.assert_allclose([stream.step(row).copy() for row in x], y, rtol=1e-5, atol=1e-6)
    assert list(stream.state) == ["rnn"]


@pytest.mark.parametrize("given", [False, True], ids=["from its beginning", "from a state"])
def test_the_state_of_a_layer_of_ones_own_in_a_stream(given: bool) -> None:
    net = chain(Sum(4))
    x = rng().normal(size=(5, 2, 3)).astype("f4")
    own = (rng(1).normal(size=(2, 4)).astype("f4"),)
    state = {**net.initial_state(2), "own": own} if given else None
    y, last, _ = net.forward(x, state)
    stream = net.stream(2, state)
    begin = stream.state["own"][0]
    np.testing.assert_array_equal(begin, own[0] if given else np.full((2, 4), 0.25, "f4"))
    kept = own[0].copy()
    begin[...] = own[0][...] = 77.0  # copies, on the way in and out
    np.testing.assert_allclose([stream.step(row).copy() for row in x], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(stream.state["own"][0], last["own"][0], rtol=1e-5, atol=1e-6)
    own[0][...] = kept
    stream.reset(state)
    np.testing.assert_allclose([stream.step(row).copy() for row in x], y, rtol=1e-5, atol=1e-6)
    nested = gated.Network({"inner": net}).stream(2, {"inner": state} if given else None)
    np.testing.assert_allclose([nested.step(row).copy() for row in x], y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "wanted", "right", "others"),
    [
        ({"head": gated.Dense(3, 2)}, "(2, 3)", (2, 3), [(1, 3), (3, 3), (2, 2), (3,), (), (2, 2, 3), (0, 3)]),
        ({"embed": gated.Embedding(5, 3)}, "(2,)", (2,), [(1,), (3,), (), (0,), (3, 2)]),
        ({"rnn": gated.LSTM(3, 4)}, "(2, 3)", (2, 3), [(1, 3), (2, 2), (3,)]),
        ({"inner": gated.Network({"head": gated.Dense(3, 2)})}, "(2, 3)", (2, 3), [(3, 3), (3,)]),
        ({"own": Scaled(3)}, "(2, 3)", (2, 3), [(1, 3), (2, 1)]),
    ],
    ids=["dense", "embedding", "recurrent", "network", "own"],
)
def test_a_stream_takes_the_rows_it_was_made_for(layers: Any, wanted: str, right: Any, others: Any) -> None:
    net = gated.Network(layers)
    dtype = "int64" if "embed" in layers else "float32"
    stream = net.stream(2)
    assert stream.step(np.ones(right, dtype)).shape == (2, net.output_size)
    for shape in others:
        with pytest.raises(ArgumentError) as caught:
            stream.step(np.ones(shape, dtype))
        assert str(caught.value) == f"x_t: got an array of shape {shape} and dtype {dtype}, expected shape {wanted}"
    single = net.stream()
    first = single.step(np.ones(right[1:], dtype))
    single.reset()
    np.testing.assert_array_equal(first, single.step(np.ones((1, *right[1:]), dtype)))
