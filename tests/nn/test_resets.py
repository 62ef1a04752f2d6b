"""Sequences that begin anew in their midst, against the same sequences cut by hand."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gated
from gated import number, tanh
from gated.errors import GatedError
from gated.learning import SGD, full_step, truncated_step

T, N, D, H = 7, 3, 3, 5
RESETS = np.zeros((T, N), bool)
RESETS[[3, 0, 5, 2], [0, 1, 1, 1]] = True


@gated.cell
def timed(x, dt: number, /, h, s: number, *, W, U, b):
    """Two inputs, a number among the states."""
    s = 0.5 * s + tanh(dt)
    h = tanh(W.h @ x + U.h @ (s * h) + b.h)
    return h, s


def pieces(n):
    """Where a sequence is cut: (first, stop)."""
    edges = [0, *(t for t in range(1, T) if RESETS[t, n]), T]
    return list(zip(edges[:-1], edges[1:], strict=True))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_against_pieces_cut_by_hand(backend, bidirectional):
    rng = np.random.default_rng(0)
    layer = gated.LSTM(D, H, bidirectional=bidirectional, dtype="float64", backend=backend, seed=1)
    x, state = rng.normal(size=(T, N, D)), [rng.normal(size=s.shape) for s in layer.initial_state(N)]
    y, last, tape = layer.forward(x, tuple(state), resets=RESETS)
    dy, dlast = rng.normal(size=y.shape), [rng.normal(size=s.shape) for s in last]
    dx, dstate, grads = layer.backward(tape, dy, tuple(dlast))
    total = layer.params.like()
    for n in range(N):
        for first, stop in pieces(n):
            begin, end = ([np.zeros_like(s[:, n : n + 1]) for s in state] for _ in range(2))
            for k in range(2):
                if first == 0 and not RESETS[0, n]:  # r[0] cuts the state that is given
                    begin[k][0] = state[k][0, n]
                if stop == T:
                    end[k][0] = dlast[k][0, n]
                if bidirectional and stop == T:  # the reverse direction begins where the sequence ends
                    begin[k][1] = state[k][1, n]
                if bidirectional and first == 0:
                    end[k][1] = dlast[k][1, n]
            part, after, taped = layer.forward(x[first:stop, n : n + 1], tuple(begin))
            d, before, own = layer.backward(taped, dy[first:stop, n : n + 1], tuple(end))
            total.vector += own.vector
            if backend == "native":  # bit for bit: NumPy's products depend on how many rows there are
                np.testing.assert_array_equal(part[:, 0], y[first:stop, n])
            np.testing.assert_allclose(part[:, 0], y[first:stop, n], rtol=1e-12)
            np.testing.assert_allclose(d[:, 0], dx[first:stop, n], rtol=1e-10, atol=1e-14)
            for k in range(2):
                if stop == T:
                    np.testing.assert_allclose(after[k][0, 0], last[k][0, n], rtol=1e-12)
                if first == 0:
                    expected = 0.0 if RESETS[0, n] else before[k][0, 0]
                    np.testing.assert_allclose(dstate[k][0, n], expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(grads.vector, total.vector, rtol=1e-10, atol=1e-13)


def test_layers_lengths_several_inputs_and_the_order_of_axes():
    rng = np.random.default_rng(1)
    layer = gated.Recurrent(timed, D, H, 2, bidirectional=True, dtype="float64")
    x = {"x": rng.normal(size=(T, N, D)), "dt": rng.normal(size=(T, N))}
    lengths = [7, 4, 6]
    y, last, tape = layer.forward(x, None, lengths, resets=RESETS)
    dx, _, grads = layer.backward(tape, np.cos(y))
    assert {name: array.shape for name, array in dx.items()} == {"x": (T, N, D), "dt": (T, N)}
    np.testing.assert_array_equal(layer.infer(x, None, lengths, resets=RESETS)[0], y)
    beyond = {name: array.copy() for name, array in x.items()}
    later = np.array(RESETS)
    for n, length in enumerate(lengths):
        later[length:, n] = True  # what stands beyond the end changes nothing
        for array in beyond.values():
            array[length:, n] = np.nan
    np.testing.assert_array_equal(layer.forward(beyond, None, lengths, resets=later)[0], y)
    turned = gated.Recurrent(timed, D, H, 2, bidirectional=True, dtype="float64", batch_first=True)
    turned.theta = layer.theta
    given = {name: array.swapaxes(0, 1) for name, array in x.items()}
    np.testing.assert_array_equal(turned.forward(given, None, lengths, resets=RESETS.T)[0].swapaxes(0, 1), y)
    # each of the parameters by central differences
    weights = rng.normal(size=layer.theta.shape)
    theta, step, found = layer.theta.copy(), 1e-6, []
    for sign in (1, -1):
        layer.theta = theta + sign * step * weights
        found.append(np.sin(layer.forward(x, None, lengths, resets=RESETS)[0]).sum())
    assert (found[0] - found[1]) / (2 * step) == pytest.approx(grads.vector @ weights, rel=1e-6)


def test_what_went_wrong_before_does_not_survive():
    x = np.random.default_rng(2).normal(size=(T, 1, D))
    x[1] = np.nan
    layer, resets = gated.GRU(D, H, dtype="float64"), RESETS[:, :1]
    y, _, tape = layer.forward(x, resets=resets)
    np.testing.assert_array_equal(np.isnan(y[:, 0]).any(axis=1), [False, True, True, False, False, False, False])
    dx, _, _ = layer.backward(tape, np.where(np.isnan(y), 0.0, 1.0))
    assert not np.isnan(dx[3:]).any()


def test_streams_networks_and_copies():
    rng = np.random.default_rng(3)
    x, target = rng.normal(size=(T, N, D)), rng.normal(size=(T, N, 2))
    layer = gated.LSTM(D, H, 2, dtype="float64")
    y, _, _ = layer.forward(x, resets=RESETS)
    stream = layer.stream(N)
    np.testing.assert_allclose([stream.step(a, r).copy() for a, r in zip(x, RESETS, strict=True)], y, rtol=1e-13)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), layer.with_constants()):
        np.testing.assert_array_equal(other.forward(x, resets=RESETS)[0], y)
    layer.theta *= 0.5  # the parameters are those of now
    assert not np.array_equal(layer.forward(x, resets=RESETS)[0], y)
    net = gated.Network({"rnn": layer, "head": gated.Dense(H, 2, dtype="float64")})
    np.testing.assert_allclose(net.infer(x, resets=RESETS)[0], net.forward(x, resets=RESETS)[0], rtol=1e-13)
    twin, loss = copy.deepcopy(net), gated.losses.SquaredError()
    found = full_step(net, loss, SGD(0.1), (x, target), resets=RESETS)
    value, _, norm = truncated_step(twin, loss, SGD(0.1), (x, target), None, resets=RESETS)
    assert found == (value, norm) and np.array_equal(net.theta, twin.theta)
    assert found[0] != pytest.approx(full_step(copy.deepcopy(twin), loss, SGD(0.1), (x, target))[0])


def test_chance_and_resets():
    @gated.cell
    def noisy(x, h, *, W, U, b):
        keep = gated.bernoulli(0.5)
        h = tanh(W.h @ x + U.h @ (keep * h) + b.h)
        return h

    layer, x = gated.Recurrent(noisy, D, H, dtype="float64"), np.random.default_rng(4).normal(size=(T, N, D))
    y, _, tape = layer.forward(x, rng=np.random.default_rng(0), resets=RESETS)
    free, _, _ = layer.forward(x, rng=np.random.default_rng(0))
    changed = np.abs(y - free).max(axis=2) > 0
    assert changed[3:, 0].any() and not changed[:3, 0].any() and not changed[:, 2].any()
    assert layer.backward(tape, np.ones_like(y))[0].shape == x.shape


@pytest.mark.parametrize(
    ("resets", "message"),
    [
        (RESETS.astype(int), "resets: got an array of shape (7, 3) and dtype int64, expected booleans"),
        (RESETS[:2], "expected shape (7, 3), that of x's steps and sequences"),
        (True, "resets: got"),
    ],
)
def test_what_is_refused(resets, message):
    with pytest.raises(GatedError) as caught:
        gated.LSTM(D, H).forward(np.zeros((T, N, D), "f"), resets=resets)
    assert message in str(caught.value)
    with pytest.raises(GatedError, match="resets: got"):
        gated.LSTM(D, H).stream(N).step(np.zeros((N, D), "f"), np.zeros(N))


def test_networks_that_are_no_chain_have_none():
    net = gated.WiredNetwork({"rnn": gated.LSTM(D, H)}, {"rnn": "x"})
    for call in (net.forward, net.infer):
        with pytest.raises(GatedError, match="no chain"):
            call(np.zeros((T, N, D), "f"), resets=RESETS)
