"""Who owns what (`gated.nn.layer`): everything that went in or came out is overwritten, shared, nested."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.nn import ParameterVector

Array = np.ndarray[Any, Any]
T, N, D, H = 4, 3, 5, 6
BACKENDS = ("native", "reference")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def layers_of(backend: str) -> dict[str, Any]:
    """Every kind of layer on an input (T, N, D)."""
    options: dict[str, Any] = {"dtype": "float64", "backend": backend}
    return {
        "one layer": gated.PeepholeLSTM(D, H, **options),
        "two layers, both directions": gated.GRU(D, H, 2, bidirectional=True, dropout=0.4, **options),
        "batch first": gated.LSTM(D, H, batch_first=True, **options),
        "as wide as a vector": gated.LSTM(16, 16, **options),
        "dense": gated.Dense(D, H, dtype="float64"),
        "dense, tanh": gated.Dense(D, H, "tanh", dtype="float64"),
        "network": gated.Network(
            {
                "lower": gated.Dense(D, 4, "sigmoid", dtype="float64"),
                "rnn": gated.LSTM(4, H, **options),
                "inner": gated.Network(
                    {"rnn": gated.GRU(H, H, **options), "head": gated.Dense(H, 2, "softplus", dtype="float64")}
                ),
            }
        ),
    }


KINDS = list(layers_of("reference"))


def scribble(value: Any) -> None:
    """Overwrite every array in tuples and dicts."""
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = -7.0
    elif isinstance(value, dict):
        for inner in value.values():
            scribble(inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            scribble(inner)


def leaves(value: Any) -> list[Array]:
    if isinstance(value, np.ndarray):
        return [value]
    inner = value.values() if isinstance(value, dict) else value
    return [array for part in inner for array in leaves(part)]


def like(state: Any, seed: int) -> Any:
    """Random numbers in the form of a state."""
    if isinstance(state, np.ndarray):
        return rng(seed).standard_normal(state.shape)
    if isinstance(state, dict):
        return {name: like(inner, seed + i) for i, (name, inner) in enumerate(state.items())}
    return tuple(like(inner, seed + i) for i, inner in enumerate(state))


def same(a: Any, b: Any) -> None:
    for one, other in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("lengths", [None, (2, 4, 0)], ids=["equal", "mixed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_tape_survives_whatever_is_written(backend: str, kind: str, lengths: Any) -> None:
    layer = layers_of(backend)[kind]
    size = 16 if kind == "as wide as a vector" else D
    shape = (N, T, size) if kind == "batch first" else (T, N, size)
    x = rng().standard_normal(shape)
    stateful = hasattr(layer, "initial_state")
    state = like(layer.initial_state(N), 1) if stateful else None
    counts = None if lengths is None else np.array(lengths)
    y, last, tape = layer.forward(x, state, counts, rng=rng(3))
    dy, dlast = rng(2).standard_normal(y.shape), like(last, 4) if stateful else None
    dx, before, grads = copy.deepcopy(layer.backward(tape, dy, dlast))
    again = layer.backward(tape, dy, dlast)
    same(again[:2], (dx, before))
    scribble([x, y, state, last, again, counts])  # what went in and came out, the gradients too
    result = layer.backward(tape, dy, dlast)
    same(result[:2], (dx, before))
    np.testing.assert_array_equal(result[2].vector, grads.vector)
    np.testing.assert_array_equal(dy, rng(2).standard_normal(y.shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_tape_refuses_other_parameters_and_takes_the_same_again(backend: str, kind: str) -> None:
    layer = layers_of(backend)[kind]
    x = rng().standard_normal((T, N, 16 if kind == "as wide as a vector" else D))
    if kind == "batch first":
        x = x.swapaxes(0, 1)
    y, _, tape = layer.forward(x)
    expected = layer.backward(tape, y)[2].vector
    start = layer.theta.copy()
    changes = (
        lambda theta: theta.__setitem__(slice(None), -theta),
        lambda theta: theta.__setitem__(slice(None), theta[::-1].copy()),
        lambda theta: theta.__setitem__(0, np.nextafter(theta[0], 9)),
        lambda theta: theta.__setitem__(-1, np.nextafter(theta[-1], 9)),
        lambda theta: theta.__setitem__(theta.size // 2, np.nan),
    )
    for change in changes:
        change(layer.theta)
        with pytest.raises(ArgumentError, match="^tape: got one whose parameters have changed"):
            layer.backward(tape, y)
        layer.theta = start
        np.testing.assert_array_equal(layer.backward(tape, y)[2].vector, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_digest_for_any_number_of_threads(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backward pass may run with fewer threads than its forward pass: where others hold the team."""
    from gated.backends.native.threads import pool
    from gated.backends.native.tuning import TRIED

    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    layer = gated.LSTM(D, 19, backend=backend)
    x = rng().standard_normal((T, 7, D))
    tapes = []
    for threads in (3, 1):
        monkeypatch.setattr(pool, "_threads", threads)
        tapes.append(layer.forward(x)[2])
    for tape in tapes:
        layer.backward(tape, np.ones((T, 7, 19)))
    if backend == "native":
        assert tapes[0].scans[0].own[3] == tapes[1].scans[0].own[3] != 0


def test_two_tapes_at_once_and_out_of_order() -> None:
    layer = gated.LSTM(D, H, dtype="float64")
    inputs = [rng(seed).standard_normal((T, N, D)) for seed in range(3)]
    runs = [layer.forward(x) for x in inputs]
    for x, (y, _, tape) in reversed(list(zip(inputs, runs, strict=True))):
        fresh = layer.forward(x)
        np.testing.assert_array_equal(layer.backward(tape, y)[2].vector, layer.backward(fresh[2], y)[2].vector)


def test_grads_belong_to_the_caller() -> None:
    network = layers_of("native")["network"]
    y, _, tape = network.forward(rng().standard_normal((T, N, D)))
    first, second = (network.backward(tape, y)[2] for _ in range(2))
    second.vector[...] = 0
    assert np.abs(first.vector).min() > 0 or np.abs(first.vector).max() > 0
    assert not np.shares_memory(first.vector, second.vector)


# networks and their layers


def test_layers_are_views_into_the_network() -> None:
    network = layers_of("native")["network"]
    assert list(network.params)[-2:] == ["inner.head.W.y", "inner.head.b.y"]
    network.theta = np.arange(network.theta.size)
    inner = network.layers["inner"]
    parts = [network.layers["lower"].theta, network.layers["rnn"].theta, inner.theta]
    np.testing.assert_array_equal(np.concatenate(parts), network.theta)
    np.testing.assert_array_equal(
        np.concatenate([layer.theta for layer in inner.layers.values()]), network.theta[-inner.theta.size :]
    )
    inner.layers["rnn"].params["l0.U.r"][1, 2] = 0.25
    assert network.params["inner.rnn.l0.U.r"][1, 2] == 0.25
    for layer in (network.layers["rnn"], inner, inner.layers["head"]):
        assert np.shares_memory(layer.theta, network.theta)


def test_a_network_in_a_network_is_trained() -> None:
    """Today's trap: the inner layers kept parameters of their own, and nothing was learnt, without a word."""
    inner = gated.Network({"rnn": gated.LSTM(2, 4, seed=1), "top": gated.GRU(4, 4, seed=2)})
    network = gated.Network({"encoder": inner, "head": gated.Dense(4, 1, seed=3)})
    flat = gated.Network(
        {"rnn": gated.LSTM(2, 4, seed=1), "top": gated.GRU(4, 4, seed=2), "head": gated.Dense(4, 1, seed=3)}
    )
    x, target = rng().normal(size=(6, 5, 2)).astype("f4"), rng(1).normal(size=(6, 5, 1)).astype("f4")
    for each in (network, flat):
        optimizer = gated.learning.Adam(0.05)
        for _ in range(5):
            y, _, tape = each.forward(x)
            _, dy = gated.losses.SquaredError()(y, target)
            optimizer.update(each.theta, each.backward(tape, dy)[2].vector)
    np.testing.assert_array_equal(network.theta, flat.theta)
    np.testing.assert_array_equal(inner.layers["rnn"].theta, flat.layers["rnn"].theta)


def test_states_of_a_network_in_a_network() -> None:
    network = layers_of("native")["network"]
    zeros = network.initial_state(N)
    assert list(zeros) == ["rnn", "inner"] and list(zeros["inner"]) == ["rnn"]
    x, state = rng().standard_normal((2 * T, N, D)), like(zeros, 5)
    whole, last, tape = network.forward(x, state)
    first, middle, _ = network.forward(x[:T], state)
    second, end, _ = network.forward(x[T:], middle)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-13)
    np.testing.assert_allclose(end["inner"]["rnn"][0], last["inner"]["rnn"][0], rtol=1e-13)
    _, dstate, _ = network.backward(tape, whole, last)
    assert list(dstate) == ["inner", "rnn"] and dstate["inner"]["rnn"][0].shape == (1, N, H)
    y, again = network(x, state)
    same([y, again], [*network.infer(x, state)])
    np.testing.assert_allclose(y, whole, rtol=1e-12)
    with pytest.raises(ArgumentError, match="state: got the name 'head', expected names of recurrent layers: rnn"):
        network.forward(x, {"inner": {"head": ()}})


def test_tied_layers_have_one_set_of_parameters() -> None:
    cell, head = gated.LSTM(4, 4, seed=1, dtype="float64"), gated.Dense(4, 4, "tanh", dtype="float64")
    network = gated.Network({"one": cell, "mix": head, "two": cell, "again": head})
    assert network.theta.size == cell.theta.size + head.theta.size
    assert [name for name in network.params if name.startswith(("two", "again"))] == []
    assert network.params["two.l0.U.f"] is network.params["one.l0.U.f"]
    assert "again.b.y" in network.params and network.params.ties["again.b.y"] == "mix.b.y"
    assert repr(network.params).endswith("14 more names for some of them>")
    assert repr(network).endswith("two=one, again=mix)")
    untied = gated.Network({name: copy.deepcopy(layer) for name, layer in network.layers.items()})
    x, r = rng().standard_normal((3, 2, 4)), rng(1).standard_normal((3, 2, 4))
    grads, apart = (each.backward(each.forward(x)[2], r)[2] for each in (network, untied))
    for name in grads:
        twin = name.replace("one.", "two.").replace("mix.", "again.")
        np.testing.assert_allclose(grads[name], apart[name] + apart[twin], rtol=1e-12, atol=1e-14)
        assert grads[twin] is grads[name]


def test_ties_through_nested_networks() -> None:
    encoder = gated.Network({"rnn": gated.GRU(3, 3, dtype="float64")})
    network = gated.Network({"left": encoder, "right": encoder, "head": gated.Dense(3, 4, dtype="float64")})
    assert network.params.ties == {
        f"right.rnn.l0.{name}": f"left.rnn.l0.{name}" for name in encoder.layers["rnn"].cell.parameters
    }
    whole = gated.Network({"body": network, "last": gated.Dense(4, 4, dtype="float64")})
    assert whole.params.ties["body.right.rnn.l0.U.n"] == "body.left.rnn.l0.U.n"
    assert whole.params["body.right.rnn.l0.U.n"].base is not None
    whole.theta[...] = rng().standard_normal(whole.theta.size)
    np.testing.assert_array_equal(encoder.theta, whole.theta[: encoder.theta.size])


def test_a_layer_belongs_to_one_network() -> None:
    layer = gated.LSTM(3, 3)
    inner = gated.Network({"rnn": layer})
    outer = gated.Network({"inner": inner})
    for taken in (layer, inner):
        with pytest.raises(ArgumentError) as caught:
            gated.Network({"fresh": gated.Dense(3, 3), "taken": taken})
        assert str(caught.value) == (
            "layers['taken']: got a layer that belongs to another network, which holds its parameters, expected a "
            "layer of its own: copy.deepcopy(layer), or one network that contains the other"
        )
    np.testing.assert_array_equal(outer.theta, layer.theta)
    other = gated.Network({"copy": copy.deepcopy(layer)})
    other.theta[...] = 3.0
    assert not (layer.theta == 3.0).any()


def test_a_network_that_is_refused_takes_nothing() -> None:
    first, second = gated.LSTM(3, 4), gated.Dense(5, 2)
    vector = first.params
    with pytest.raises(ArgumentError, match=r"layers\['b'\]: got input_size 5, expected 4"):
        gated.Network({"a": first, "b": second})
    assert first.params is vector and not vector.is_part
    gated.Network({"a": first})  # it can still be used


def test_a_layer_is_free_again_when_its_network_is_gone() -> None:
    layer = gated.LSTM(3, 4)
    gated.Network({"a": layer})  # nobody holds it
    assert np.shares_memory(gated.Network({"b": layer}).theta, layer.theta)


class Residual:
    """Somebody's own layer, which knows nothing of `gated.nn.layer`."""

    def __init__(self, size: int) -> None:
        self.input_size = self.output_size = size
        self.dtype = np.dtype("float32")
        self.params = ParameterVector({"scale": (size,)}, self.dtype)
        self.params["scale"] = 0.5

    @property
    def theta(self) -> Array:
        return self.params.vector

    def forward(self, x: Array, state: Any = None, lengths: Any = None, *, rng: Any = None) -> tuple[Any, ...]:
        return x * self.params["scale"] + x, (), x

    def backward(self, tape: Array, dy: Array, dstate: Any = None) -> tuple[Any, ...]:
        grads = self.params.like()
        grads["scale"] = (tape * dy).sum((0, 1))
        return dy * self.params["scale"] + dy, (), grads

    def config(self) -> dict[str, Any]:
        return {"kind": "residual"}


def test_a_users_own_layer() -> None:
    own = Residual(4)
    network = gated.Network({"rnn": gated.LSTM(3, 4), "a": own, "b": own})
    x = rng().normal(size=(T, N, 3)).astype("f4")
    y, _, tape = network.forward(x)
    assert network.backward(tape, y)[2]["b.scale"].shape == (4,)
    np.testing.assert_allclose(network.infer(x)[0], y, rtol=1e-6)
    stream = network.stream(N)
    np.testing.assert_allclose([stream.step(row) for row in x], y, rtol=1e-5, atol=1e-6)
    network.theta[-4:] = 0.0
    np.testing.assert_array_equal(own.theta, np.zeros(4))
    again = copy.deepcopy(network)
    assert again.layers["a"] is again.layers["b"] is not own
    assert np.shares_memory(again.layers["a"].theta, again.theta)


# streams


@pytest.mark.parametrize("backend", BACKENDS)
def test_stream_of_a_network_is_its_forward_pass(backend: str) -> None:
    network = gated.Network(
        {
            "embed": gated.Embedding(9, 4, seed=1),
            "lower": gated.LSTM(4, 5, 2, seed=2, backend=backend),
            "inner": gated.Network({"mix": gated.Dense(5, 4, "tanh", seed=3), "rnn": gated.GRU(4, 5, backend=backend)}),
            "head": gated.Dense(5, 3, seed=5),
        }
    )
    ids = rng().integers(0, 9, (T, N))
    state = like(network.initial_state(N), 1)
    y, last, _ = network.forward(ids, state)
    stream = network.stream(N, state)
    np.testing.assert_allclose([stream.step(row).copy() for row in ids], y, rtol=1e-5, atol=1e-6)
    for got, wanted in zip(leaves(stream.state), leaves(last), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    stream.reset(state)
    network.theta *= 0.5  # recurrent layers go on with what they read until refresh()
    stream.refresh()
    np.testing.assert_allclose(stream.step(ids[0]), network.infer(ids[:1], state)[0][0], rtol=1e-5, atol=1e-6)
    single = network.stream()
    np.testing.assert_array_equal(single.step(3), network.stream().step([3]))
    with pytest.raises(ArgumentError, match="state: got the name 'head'"):
        stream.reset({"head": ()})
    with pytest.raises(ArgumentError, match="stream: got a bidirectional layer"):
        gated.Network({"rnn": gated.LSTM(3, 4, bidirectional=True)}).stream()


def test_stream_of_a_batch_first_network_and_a_single_row() -> None:
    network = gated.Network({"rnn": gated.LSTM(3, 4, batch_first=True), "head": gated.Dense(4, 2)})
    x = rng().normal(size=(1, T, 3)).astype("f4")
    stream = network.stream()
    np.testing.assert_allclose([stream.step(row)[0] for row in x[0]], network.infer(x)[0][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_streams_made_before_the_network(backend: str) -> None:
    layer = gated.LSTM(3, 4, 2, seed=1, backend=backend)
    stream, x = layer.stream(2), rng().normal(size=(3, 2, 3)).astype("f4")
    stream.step(x[0])
    network = gated.Network({"rnn": layer})
    network.theta *= 2
    stream.refresh()
    state = stream.state
    np.testing.assert_allclose(stream.step(x[1]), layer.infer(x[1:2], state)[0][0], rtol=1e-5, atol=1e-6)
    outer = gated.Network({"inner": network})
    outer.theta *= 0.5
    stream.refresh()
    state = stream.state
    np.testing.assert_allclose(stream.step(x[2]), layer.infer(x[2:], state)[0][0], rtol=1e-5, atol=1e-6)


def test_what_belongs_to_a_moment_is_not_copied() -> None:
    import pickle

    network = gated.Network({"rnn": gated.LSTM(3, 4), "head": gated.Dense(4, 2)})
    _, _, tape = network.forward(np.ones((2, 2, 3), "f4"))
    things = {"tape": [*tape, tape[0].scans[0]], "stream": [network.stream(), gated.LSTM(3, 4).stream()]}
    for name, each in things.items():
        for thing in each:
            for call in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(
                    ArgumentTypeError, match=f"^{name}: got copy or pickle, which it does not support; "
                ):
                    call(thing)


# What the parameters are held in cannot be exchanged: machine code trusts their size


@pytest.mark.parametrize("make", [lambda: gated.LSTM(4, 8), lambda: gated.Dense(4, 8), lambda: gated.Embedding(4, 8)])
def test_parameters_of_another_layout_are_refused(make) -> None:
    layer = make()
    before = layer.theta.copy()
    for other in (gated.LSTM(2, 3).params, {"l0.W.i": np.zeros((8, 4))}, None):
        with pytest.raises(ArgumentTypeError, match=r"^params: got .*, expected <\d+ parameters, .* of these names"):
            layer.params = other
    with pytest.raises(ArgumentError, match=r"^vector: got .*, expected shape"):
        layer.params.vector = np.zeros(4, "f4")
    assert np.array_equal(layer.theta, before)
    held, layer.params.vector = layer.theta, before.astype("f8") + 1
    assert layer.theta is held and held.dtype == "f4" and np.array_equal(held, before + 1)
    layer.params.vector *= 2
    assert layer.theta is held and np.array_equal(held, 2 * (before + 1))


def test_a_vector_that_does_not_fit_is_refused() -> None:
    layer = gated.LSTM(4, 8, seed=0)
    size = layer.theta.size
    wide = np.zeros(2 * size, "f4")[::2]
    for wrong_one in (wide, np.zeros(size - 1, "f4"), [0.0] * size):
        with pytest.raises(ArgumentError, match="^vector: got "):
            layer.params.like(wrong_one)


def test_parameters_that_are_assigned_are_copied_in() -> None:
    one, other = gated.LSTM(4, 8, seed=0), gated.LSTM(4, 8, seed=1)
    network = gated.Network({"rnn": one})
    one.params = other.params
    assert np.array_equal(network.theta, other.theta) and not np.shares_memory(one.theta, other.theta)
    other.theta[:] = 0
    assert network.theta.any()


class Passes:
    """A user's layer that hands on what it was given, or the same buffer every time."""

    dtype = np.dtype("f4")

    def __init__(self, buffer: np.ndarray | None = None) -> None:
        self.params, self.buffer = gated.nn.ParameterVector({}, "f4"), buffer
        self.theta = self.params.vector

    def forward(self, x, state=None, lengths=None, *, rng=None):
        if self.buffer is not None:
            self.buffer[...] = x
            x = self.buffer
        return x, (), None

    def backward(self, tape, dy, dstate=None):
        return dy, (), self.params.like()

    def config(self):
        return {}


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_a_users_layer_may_hand_on_its_input_or_use_an_array_again(reused: bool, nested: bool) -> None:
    x = np.random.default_rng(0).standard_normal((5, 2, 4)).astype("f4")
    passes: object = Passes(np.empty_like(x) if reused else None)
    if nested:
        passes = gated.Network({"inner": passes})
    network = gated.Network({"id": passes, "head": gated.Dense(4, 3, "tanh", seed=0)})
    y, _, tape = network.forward(x)
    right = network.backward(tape, np.ones_like(y))[2].vector.copy()
    x *= 3
    if reused:
        network.forward(x)
    assert np.array_equal(network.backward(tape, np.ones_like(y))[2].vector, right)
