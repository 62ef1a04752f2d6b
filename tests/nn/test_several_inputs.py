"""Several inputs: the forms in which they are given and come back, their lengths, single steps, whole networks."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated import Dense, Network, Recurrent, number, tanh
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import SGD, Online, compare_gradients, full_step
from gated.losses import SquaredError

T, N = 5, 3


@gated.cell
def timed(x, m, dt: number, /, h, k: number, *, W, U, b, s: number):
    """A vector, a mask of another length, a gap; and a clock."""
    k = 0.5 * k + tanh(s.k * dt)
    h = tanh(W.x @ x + W.m @ m + U.h @ h + W.t @ dt + b.h) * k
    return h, k


@gated.cell
def filled(x, m, /, h, r, *, W, U, b):
    """x, its mask and a state of one length: hidden_size is for the other state."""
    r = m * x + (1 - m) * r
    h = tanh(W.h @ r + U.h @ h + b.h)
    return h, r


@gated.cell
def scalar(x: number, /, h: number, *, s: number):
    return tanh(s.x * x + s.h * h + s.b)


def layer_of(**options):
    return Recurrent(timed, {"x": 3, "m": 2}, 7, dtype="float64", seed=1, **options)


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(T, N, 3)), "m": rng.normal(size=(T, N, 2)), "dt": rng.uniform(0, 1, (T, N))}


def test_dx_comes_back_in_the_form_of_x():
    layer, named = layer_of(), inputs()
    flat = np.concatenate([named["x"], named["m"], named["dt"][..., None]], axis=2)
    y, _, tape = layer.forward(named)
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx = layer.backward(tape, dy)[0]
    assert [dx[name].shape for name in ("x", "m", "dt")] == [(T, N, 3), (T, N, 2), (T, N)]
    given = {**named, "dt": named["dt"][..., None]}
    assert layer.backward(layer.forward(given)[2], dy)[0]["dt"].shape == (T, N, 1)
    for x in (tuple(named.values()), flat):
        again, _, tape = layer.forward(x)
        assert again.tobytes() == y.tobytes()
        back = layer.backward(tape, dy)[0]
        assert type(back) is type(x)
    assert back.shape == flat.shape and np.array_equal(back[..., 5], dx["dt"])
    first = layer_of(batch_first=True)
    swapped = {name: value.swapaxes(0, 1) for name, value in named.items()}
    other, _, tape = first.forward(swapped)
    assert np.array_equal(other, y.swapaxes(0, 1))
    assert np.array_equal(first.backward(tape, dy.swapaxes(0, 1))[0]["m"], dx["m"].swapaxes(0, 1))


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("layers", [1, 2])
def test_single_steps_are_those_of_forward(backend, layers):
    layer, named = layer_of(num_layers=layers, backend=backend), inputs()
    y, last, _ = layer.forward(named)
    np.testing.assert_allclose(layer.infer(named)[0], y, atol=1e-14)
    stream, state = layer.stream(N), None
    for t in range(T):
        x_t = {name: value[t] for name, value in named.items()}
        np.testing.assert_allclose(stream.step(x_t), y[t], atol=1e-14)
        state, tape = layer.step(x_t, state)
        np.testing.assert_allclose(state[0][-1], y[t], atol=1e-14)
    for mine, end in zip(state, last, strict=True):
        np.testing.assert_allclose(mine, end, atol=1e-14)
    dx, _, _ = layer.backward_step(tape, tuple(np.ones_like(s) for s in state))
    assert [dx[name].shape for name in ("x", "m", "dt")] == [(N, 3), (N, 2), (N,)]


BAD = {
    "missing": (lambda x: {"x": x["x"], "m": x["m"]}, "x: got a dict without 'dt', expected a dict of 'x', 'm', 'dt'"),
    "unknown": (lambda x: {**x, "q": 1}, "x: got an input 'q'"),
    "too few": (lambda x: (x["x"], x["m"]), "x: got a tuple of 2"),
    "wrong length": (lambda x: {**x, "m": x["x"]}, "x['m']"),
    "other steps": (lambda x: {**x, "m": x["m"][1:]}, "x['m']"),
    "one of them alone": (lambda x: x["x"], "all of them side by side, 6 numbers a row"),
    "no number": (lambda x: {**x, "dt": x["m"]}, "x['dt']"),
    "text": (lambda x: {**x, "dt": "soon"}, "x['dt']"),
}


@pytest.mark.parametrize("case", BAD)
def test_inputs_that_do_not_fit(case):
    change, part = BAD[case]
    with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
        layer_of().forward(change(inputs()))
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_lengths_follow_from_the_equations():
    layer = Recurrent(filled, {"x": 3}, 5, dtype="float64")
    assert layer.state_sizes == (5, 3) and layer.output_size == 5
    x, m = np.ones((T, N, 3)), np.zeros((T, N, 3))
    assert [part.shape for part in layer.backward(layer.forward((x, m))[2], np.ones((T, N, 5)))[0]] == [(T, N, 3)] * 2
    assert Recurrent(scalar, None, 1).forward(np.ones((T, N)))[0].shape == (T, N, 1)
    assert Recurrent(timed, 4, 2).config()["input_size"] == {"x": 4, "m": 4}
    for arguments, part in {
        (lambda: Recurrent(timed, {"x": 3}, 7)): "input_size: got no length for 'm'",
        (lambda: Recurrent(timed, {"x": 3, "m": 2, "q": 1}, 7)): "input_size: got the name 'q'",
        (lambda: Recurrent(timed, {"x": 3, "m": 2, "dt": 2}, 7)): "1: it is annotated as a number",
        (lambda: Recurrent(filled, {"x": 3, "m": 2}, 7)): "3, for the equations join it and x",
        (lambda: Recurrent(filled, 3, 5, 2)): "the cell filled joins x and m elementwise",
        (lambda: Recurrent(scalar, 2, 1)): "all inputs of the cell are numbers",
    }.items():
        with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
            arguments()
        assert part in str(caught.value), str(caught.value)


def network(deep, **options):
    pre = {"pre": Dense(4, 3, dtype="float64", seed=2)} if deep else {}
    head = Dense(7, 2, dtype="float64", seed=3)
    return Network({**pre, "rnn": layer_of(**options), "head": head})


def network_inputs(deep):
    named, rng = inputs(), np.random.default_rng(4)
    x = rng.normal(size=(T, N, 4)) if deep else named["x"]
    return {"x": x, "rnn.m": named["m"], "rnn.dt": named["dt"]}, rng.normal(size=(T, N, 2))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_whole_steps_are_those_of_the_parts(deep, layers):
    """The same updates by whatever road: the reference's, machine code in one call or layer by layer."""
    x, target = network_inputs(deep)
    batch, found = (x, target, np.array([5, 2, 4])), []
    for backend in ("native", "reference"):
        net = network(deep, num_layers=layers, backend=backend)
        y, _, tape = net.forward(x)
        dx = net.backward(tape, np.ones_like(y))[0]
        assert {name: value.shape for name, value in dx.items()} == {name: value.shape for name, value in x.items()}
        np.testing.assert_allclose(net.infer(x)[0], y, atol=1e-14)
        stream = net.stream(N)
        for t in range(T):
            np.testing.assert_allclose(stream.step({name: v[t] for name, v in x.items()}), y[t], atol=1e-14)
        losses = [full_step(net, SquaredError(), SGD(0.1), batch)[0] for _ in range(3)]
        found.append((y, *dx.values(), net.theta, losses))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_a_network_says_what_is_missing():
    x, _ = network_inputs(True)
    net = network(True)
    outer = Network({"inner": net, "head": Dense(2, 2, dtype="float64")})
    y = outer.forward({"x": x["x"], "inner.rnn.m": x["rnn.m"], "inner.rnn.dt": x["rnn.dt"]})[0]
    assert y.shape == (T, N, 2)
    with pytest.raises(ArgumentTypeError, match="a dict with 'x', 'rnn.m', 'rnn.dt'"):
        net.forward(x["x"])
    with pytest.raises(ArgumentError, match="a dict without 'rnn.dt'"):
        net.forward({"x": x["x"], "rnn.m": x["rnn.m"]})
    with pytest.raises(ArgumentError, match="an input 'dt'"):
        net.forward({**x, "dt": x["rnn.dt"]})


@pytest.mark.parametrize("deep", [False, True])
def test_rtrl_is_exact(deep):
    x, target = network_inputs(deep)
    for name, distance, *_ in compare_gradients(network(deep, num_layers=2), x, target, algorithm="rtrl"):
        assert distance < 1e-12, name


def test_rtrl_behind_an_embedding():
    net = Network(
        {"e": gated.Embedding(9, 3, dtype="float64"), "rnn": layer_of(), "head": Dense(7, 2, dtype="float64")}
    )
    x, target = network_inputs(False)
    x["x"] = np.arange(T * N).reshape(T, N) % 9
    for name, distance, *_ in compare_gradients(net, x, target, algorithm="rtrl"):
        assert distance < 1e-12, name


def test_traces_are_exact_for_elementwise_recurrences_with_numbers():
    @gated.cell
    def leaky(x, dt: number, /, h, z: number, *, W, b, s: number):
        z = z * s.a + dt * s.b
        h = tanh(W.h @ x + W.t @ dt + b.h + s.c * z + s.d * h)
        return h, z

    def made():
        return Network({"rnn": Recurrent(leaky, {"x": 3}, 4, dtype="float64"), "head": Dense(4, 2, dtype="float64")})

    x, target = network_inputs(False)
    x = {"x": x["x"], "rnn.dt": x["rnn.dt"]}
    for name, distance, *_ in compare_gradients(made(), x, target, algorithm="online"):
        assert distance < 1e-12, name
    learner = Online(made(), "online", SGD(0.1), SquaredError(), batch=N)
    assert learner.partial_fit(x, target).shape == (T, N, 2)
    assert learner.step({name: value[0] for name, value in x.items()}).shape == (N, 2)
