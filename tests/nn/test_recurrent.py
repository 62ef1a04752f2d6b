"""The layer: what every option changes, variable lengths, steps, several calls at once. Gradients: tests/audit."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
from tests.zoo import FEW

import gated
from gated import GRU, LSTM, RNN, PeepholeLSTM, Recurrent
from gated.cells import ZOO
from gated.errors import ArgumentError

T, N, D, H = 6, 4, 3, 5


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def random_state(layer, batch, seed=1):
    rng = np.random.default_rng(seed)
    k = layer.num_layers * layer.directions
    return tuple(rng.standard_normal((k, batch, size)) for size in layer.state_sizes)


def run(layer, x, state=None, lengths=None, seed=2, rng=None):
    """Forward and backward with random adjoints: y, state, dx, dstate, grads."""
    y, last, tape = layer.forward(x, state, lengths, rng=rng)
    draw = np.random.default_rng(seed)
    dy, dlast = draw.standard_normal(y.shape), tuple(draw.standard_normal(s.shape) for s in last)
    return (y, last, *layer.backward(tape, dy, dlast))


# options


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 1},
        {"init": "xavier"},
        {"init": "orthogonal"},
        {"init": "uniform"},
        {"forget_bias": 1.0},
        {"dtype": "float64"},
    ],
    ids=str,
)
def test_every_option_of_the_start_changes_the_output(options):
    x = numbers(T, N, D)
    base, other = LSTM(D, H).forward(x)[0], LSTM(D, H, **options).forward(x)[0]
    assert base.shape == other.shape and not np.array_equal(base, other)


@pytest.mark.parametrize(
    ("options", "y_size", "k", "parameters"),
    [
        ({}, H, 1, 12),
        ({"num_layers": 3}, H, 3, 36),
        ({"bidirectional": True}, 2 * H, 2, 24),
        ({"num_layers": 2, "bidirectional": True}, 2 * H, 4, 48),
        ({"proj_size": 2}, 2, 1, 13),
        ({"proj_size": 2, "num_layers": 2, "bidirectional": True}, 4, 4, 52),
    ],
    ids=str,
)
def test_shapes(options, y_size, k, parameters):
    layer = LSTM(D, H, **options)
    y, state, tape = layer.forward(numbers(T, N, D))
    assert y.shape == (T, N, y_size) and layer.output_size == y_size and y.dtype == np.float32
    assert [s.shape for s in state] == [(k, N, y_size // layer.directions), (k, N, H)]
    assert len(layer.params) == parameters
    dx, dstate, grads = layer.backward(tape, np.ones_like(y), state)
    assert dx.shape == (T, N, D) and dx.dtype == np.float32
    assert [d.shape for d in dstate] == [s.shape for s in state]
    assert grads.shapes == layer.params.shapes and list(grads) == list(layer.params)


def test_names_of_the_parameters():
    layer = GRU(D, H, 2, bidirectional=True)
    prefixes = list(dict.fromkeys(name.split(".")[0] for name in layer.params))
    assert prefixes == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert layer.params["l1_reverse.W.r"].shape == (H, 2 * H)
    assert layer.params["l0.W.r"].shape == (H, D) and layer.params["l1.U.n"].shape == (H, H)


def test_named_layers_have_their_cells():
    assert LSTM(D, H).cell is ZOO["lstm"] and LSTM(D, H, proj_size=2).cell is ZOO["projected_lstm"]
    assert PeepholeLSTM(D, H).cell is ZOO["peephole_lstm"] and RNN(D, H).cell is ZOO["rnn"]
    assert GRU(D, H).cell is ZOO["gru"] and GRU(D, H, reset_after=True).cell is ZOO["gru_reset_after"]


def test_forget_bias():
    layer = LSTM(D, H, 2, bidirectional=True, forget_bias=1.5)
    for name in layer.params:
        assert (layer.params[name] == 1.5).all() == name.endswith("b.f")


def test_a_generator_as_seed_goes_on():
    rng = np.random.default_rng(3)
    a, b = LSTM(D, H, seed=rng), LSTM(D, H, seed=rng)
    assert not np.array_equal(a.theta, b.theta)
    assert np.array_equal(LSTM(D, H, seed=3).theta, a.theta)


def test_batch_first_is_the_same_transposed():
    a, b = LSTM(D, H, 2, bidirectional=True), LSTM(D, H, 2, bidirectional=True, batch_first=True)
    x, lengths, state = numbers(T, N, D), [6, 2, 0, 4], random_state(a, N)
    y, last, tape = a.forward(x, state, lengths)
    y2, last2, tape2 = b.forward(x.swapaxes(0, 1), state, lengths)
    np.testing.assert_array_equal(y2, y.swapaxes(0, 1))
    dy = numbers(*y.shape)
    for u, v in zip(last, last2, strict=True):
        np.testing.assert_array_equal(u, v)
    dx, _, grads = a.backward(tape, dy)
    dx2, _, grads2 = b.backward(tape2, dy.swapaxes(0, 1))
    np.testing.assert_array_equal(dx2, dx.swapaxes(0, 1))
    np.testing.assert_array_equal(grads.vector, grads2.vector)


def test_batch_first_steps():
    a, b = LSTM(D, H), LSTM(D, H, batch_first=True)
    x = numbers(N, D)
    (h, c), tape = a.step(x)
    (h2, c2), tape2 = b.step(x)
    np.testing.assert_array_equal(h, h2)
    one, two = a.backward_step(tape, (h, c)), b.backward_step(tape2, (h2, c2))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[0].shape == (N, D)


@pytest.mark.parametrize("name", FEW)
def test_float32_is_close_to_float64(name):
    layer = Recurrent(ZOO[name], D, H, 2, dtype="float64")
    single = layer.astype("float32")
    assert single.theta.dtype == np.float32 and layer.theta.dtype == np.float64
    state = tuple(np.abs(s) + 0.5 for s in random_state(layer, N))  # slstm divides by one of them
    x = numbers(T, N, D)
    for a, b in zip(_flat(run(single, x, state)), _flat(run(layer, x, state)), strict=True):
        assert a.dtype == np.float32 and b.dtype == np.float64
        assert np.linalg.norm(a - b) <= 2e-6 * np.linalg.norm(b)


def _flat(result):
    y, last, dx, dstate, grads = result
    return [y, *last, dx, *dstate, grads.vector]


def test_any_layout_of_x_will_do():
    layer, x = LSTM(D, H), numbers(T, N, D).astype(np.float32)
    y = layer.forward(x)[0]
    read_only = x.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(x), x.astype(np.float64), x.tolist(), read_only, np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(layer.forward(other)[0], y)
    whole = np.zeros((T, N, D), int)
    np.testing.assert_array_equal(layer.forward(whole)[0], layer.forward(whole.astype(np.float32))[0])


# states and steps


def test_the_last_state_begins_the_next_call():
    layer, x = LSTM(D, H, 2, dtype="float64"), numbers(T, N, D)
    y, last, _ = layer.forward(x)
    first, middle, _ = layer.forward(x[:2])
    second, end, _ = layer.forward(x[2:], middle)
    np.testing.assert_allclose(np.concatenate([first, second]), y, rtol=1e-13)
    np.testing.assert_allclose(end[1], last[1], rtol=1e-13)


def test_no_state_is_the_zero_state():
    layer, x = LSTM(D, H), numbers(T, N, D)
    np.testing.assert_array_equal(layer.forward(x)[0], layer.forward(x, layer.initial_state(N))[0])


def test_a_cell_of_one_state_takes_an_array_too():
    layer, x, h = GRU(D, H), numbers(T, N, D), numbers(1, N, H)
    np.testing.assert_array_equal(layer.forward(x, h)[0], layer.forward(x, (h,))[0])
    np.testing.assert_array_equal(layer.forward(x, [h])[0], layer.forward(x, (h,))[0])


def test_y_is_the_first_state_of_the_last_layer():
    y, last, _ = LSTM(D, H, 2).forward(numbers(T, N, D))
    np.testing.assert_array_equal(y[-1], last[0][-1])


def test_the_reverse_direction_ends_at_the_first_step():
    y, last, _ = LSTM(D, H, bidirectional=True).forward(numbers(T, N, D))
    np.testing.assert_array_equal(y[-1, :, :H], last[0][0])
    np.testing.assert_array_equal(y[0, :, H:], last[0][1])


def test_the_reverse_direction_is_the_forward_one_on_the_reversed_sequence():
    both, x = GRU(D, H, bidirectional=True), numbers(T, N, D)
    single = GRU(D, H)
    for name in single.params:
        single.params[name] = both.params[name.replace("l0", "l0_reverse")]
    np.testing.assert_array_equal(both.forward(x)[0][:, :, H:], single.forward(x[::-1])[0][::-1])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_no_steps(bidirectional):
    layer = LSTM(D, H, 2, bidirectional=bidirectional, dtype="float64")
    state = random_state(layer, N)
    y, last, tape = layer.forward(np.zeros((0, N, D)), state)
    assert y.shape == (0, N, layer.output_size)
    for a, b in zip(last, state, strict=True):
        np.testing.assert_array_equal(a, b)
    dx, dstate, grads = layer.backward(tape, y, state)
    assert dx.shape == (0, N, D) and not grads.vector.any()
    for a, b in zip(dstate, state, strict=True):
        np.testing.assert_array_equal(a, b)
    assert tape["l0.f"].shape == tape["l0.h"].shape == (0, N, H)


# lengths


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_each_sequence_is_run_as_if_alone(cell, bidirectional):
    layer = Recurrent(ZOO[cell], D, H, 2, bidirectional=bidirectional, dtype="float64")
    lengths = np.array([2, 6, 0, 4])
    x, state = numbers(T, N, D), tuple(np.abs(s) + 0.5 for s in random_state(layer, N))
    y, last, tape = layer.forward(x, state, lengths)
    dy, dlast = numbers(*y.shape, seed=3), tuple(numbers(*s.shape, seed=4) for s in last)
    dx, dstate, grads = layer.backward(tape, dy, dlast)
    total = np.zeros_like(grads.vector)
    for n, length in enumerate(lengths):
        one = slice(n, n + 1)
        y1, last1, tape1 = layer.forward(x[:length, one], tuple(s[:, one] for s in state))
        dx1, dstate1, grads1 = layer.backward(tape1, dy[:length, one], tuple(d[:, one] for d in dlast))
        np.testing.assert_allclose(y[:length, one], y1, rtol=1e-12)
        np.testing.assert_allclose(dx[:length, one], dx1, rtol=1e-11, atol=1e-13)
        for a, b in (*zip(last, last1, strict=True), *zip(dstate, dstate1, strict=True)):
            np.testing.assert_allclose(a[:, one], b, rtol=1e-11, atol=1e-13)
        assert not y[length:, n].any() and not dx[length:, n].any()
        total += grads1.vector
    np.testing.assert_allclose(grads.vector, total, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_what_stands_beyond_the_end_is_not_looked_at(bidirectional):
    layer, lengths = LSTM(D, H, 2, bidirectional=bidirectional), [3, 6, 0, 1]
    x = numbers(T, N, D)
    spoiled = x.copy()
    for n, length in enumerate(lengths):
        spoiled[length:, n] = np.nan
    y, last, tape = layer.forward(x, None, lengths)
    y2, last2, tape2 = layer.forward(spoiled, None, lengths)
    np.testing.assert_array_equal(y, y2)
    dy = numbers(*y.shape)
    spoiled_dy = np.where(np.arange(T)[:, None, None] < np.array(lengths)[None, :, None], dy, np.nan)
    a, b = layer.backward(tape, dy), layer.backward(tape2, spoiled_dy)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[2].vector, b[2].vector)
    assert np.isfinite(b[2].vector).all()


def test_full_lengths_change_nothing():
    layer, x = LSTM(D, H, bidirectional=True), numbers(T, N, D)
    for a, b in zip(_flat(run(layer, x)), _flat(run(layer, x, lengths=[T] * N)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("lengths", [np.array([2, 6, 0, 4], np.int32), (2, 6, 0, 4), np.array([2, 6, 0, 4], np.uint8)])
def test_lengths_may_be_any_integers(lengths):
    layer, x = LSTM(D, H), numbers(T, N, D)
    np.testing.assert_array_equal(layer.forward(x, lengths=lengths)[0], layer.forward(x, lengths=[2, 6, 0, 4])[0])


def test_all_lengths_zero():
    layer, state = LSTM(D, H, bidirectional=True), None
    y, last, tape = layer.forward(numbers(T, N, D), state, [0] * N)
    assert not y.any() and not any(s.any() for s in last)
    dx, _, grads = layer.backward(tape, np.ones_like(y))
    assert not dx.any() and not grads.vector.any()


# dropout


def test_dropout_needs_a_generator_and_several_layers():
    x = numbers(T, N, D)
    plain, layer = LSTM(D, H, 2), LSTM(D, H, 2, dropout=0.5)
    np.testing.assert_array_equal(layer.forward(x)[0], plain.forward(x)[0])
    dropped = layer.forward(x, rng=np.random.default_rng(0))[0]
    assert not np.array_equal(dropped, plain.forward(x)[0])
    np.testing.assert_array_equal(dropped, layer.forward(x, rng=np.random.default_rng(0))[0])
    assert not np.array_equal(dropped, layer.forward(x, rng=np.random.default_rng(1))[0])
    with pytest.raises(ArgumentError) as caught:
        LSTM(D, H, dropout=0.5)
    assert str(caught.value) == (
        "dropout: got 0.5 with num_layers=1, expected 0, or more layers: it acts between one and the next"
    )


def test_a_file_with_dropout_and_one_layer_is_still_read():
    layer = LSTM(D, H)
    read = Recurrent.from_config(layer.config() | {"dropout": 0.5})
    assert read.dropout == 0.5 and read.config() == layer.config() | {"dropout": 0.5}
    assert pickle.loads(pickle.dumps(read)).dropout == copy.deepcopy(read).dropout == 0.5
    with pytest.raises(ArgumentError, match="^dropout: got 2.0"):
        Recurrent.from_config(layer.config() | {"dropout": 2.0})


def test_what_is_not_the_default_is_shown():
    layer = LSTM(D, H, 2, dropout=0.5, batch_first=True, dtype="float64")
    assert repr(layer) == f"Recurrent(lstm, {D}, {H}, num_layers=2, dropout=0.5, batch_first=True, dtype='float64')"
    assert repr(LSTM(D, H)) == f"Recurrent(lstm, {D}, {H})"


def test_dropout_zeroes_and_scales_what_passes_between_layers():
    @gated.cell
    def copies(x, h, *, W):
        return W.h @ x

    layer = Recurrent(copies, 50, 50, 2, dropout=0.3, dtype="float64")
    for name in layer.params:
        layer.params[name] = np.eye(50)
    y, _, tape = layer.forward(np.ones((20, 10, 50)), rng=np.random.default_rng(0))
    assert set(np.unique(y)) == {0.0, 1 / 0.7}  # the first layer's input and the last one's output are left alone
    assert abs((y == 0).mean() - 0.3) < 0.01
    dx, _, _ = layer.backward(tape, np.ones_like(y))
    np.testing.assert_array_equal(dx, y)  # the same mask


def test_gradients_with_dropout():
    layer = LSTM(D, H, 2, dropout=0.5, bidirectional=True, dtype="float64")
    x = numbers(T, N, D)
    y, _, tape = layer.forward(x, rng=np.random.default_rng(5))
    dy = numbers(*y.shape)
    _, _, grads = layer.backward(tape, dy)
    direction = numbers(layer.theta.size, seed=9)
    complex_layer = layer.astype("complex128")
    complex_layer.theta[...] += 1e-30j * direction
    expected = np.vdot(dy, complex_layer.forward(x, rng=np.random.default_rng(5))[0]).imag / 1e-30
    assert np.dot(grads.vector, direction) == pytest.approx(expected, rel=1e-12)


# parameters


def test_theta_is_one_array_and_the_names_are_views():
    layer = LSTM(D, H, 2, bidirectional=True)
    assert layer.theta.flags.c_contiguous and layer.theta.ndim == 1
    assert layer.theta.size == sum(view.size for view in layer.params.values())
    for view in layer.params.values():
        assert np.shares_memory(view, layer.theta) and view.flags.writeable
    layer.params["l0.b.f"] = 2.0
    assert (layer.theta == 2.0).sum() == H
    layer.theta[...] = 0.25
    assert all((view == 0.25).all() for view in layer.params.values())
    assert layer.forward(np.zeros((1, 1, D)))[0].dtype != np.float64


def test_gradients_have_the_layout_of_theta():
    layer = LSTM(D, H, 2)
    grads = run(layer, numbers(T, N, D))[4]
    assert grads.vector.shape == layer.theta.shape and not np.shares_memory(grads.vector, layer.theta)
    np.testing.assert_array_equal(np.concatenate([grads[name].ravel() for name in layer.params]), grads.vector)


def test_a_step_along_the_gradient_lowers_the_loss():
    layer, x = LSTM(D, H, dtype="float64"), numbers(T, N, D)
    y, _, tape = layer.forward(x)
    layer.theta[...] -= 1e-3 * layer.backward(tape, y)[2].vector
    assert (layer.forward(x)[0] ** 2).sum() < (y**2).sum()


def test_astype_is_a_copy():
    layer = LSTM(D, H)
    other = layer.astype("float64")
    other.theta[...] = 0
    assert layer.theta.any()


def test_config_builds_the_layer_again():
    layer = LSTM(D, H, 2, bidirectional=True, dropout=0.25, batch_first=True, proj_size=2, dtype="float64")
    again = Recurrent.from_config(layer.config())
    assert again.config() == layer.config() and again.params.shapes == layer.params.shapes
    again.theta[...] = layer.theta
    x = numbers(N, T, D)
    np.testing.assert_array_equal(again.forward(x)[0], layer.forward(x)[0])
    assert repr(again) == repr(layer)
    shown = "num_layers=2, bidirectional=True, dropout=0.25, batch_first=True, dtype='float64'"
    assert repr(layer) == f"Recurrent(projected_lstm, 3, 5, {shown})"


# several at once


def test_two_forward_passes_alive_at_once():
    layer, x, z = LSTM(D, H, dtype="float64"), numbers(T, N, D), numbers(T + 1, N + 1, D, seed=8)
    alone = _flat(run(layer, x))
    y, last, tape = layer.forward(x)
    run(layer, z)  # another pass between forward and backward
    draw = np.random.default_rng(2)
    dy, dlast = draw.standard_normal(y.shape), tuple(draw.standard_normal(s.shape) for s in last)
    for a, b in zip(_flat((y, last, *layer.backward(tape, dy, dlast))), alone, strict=True):
        assert a.tobytes() == b.tobytes()


def test_results_are_the_callers_own():
    layer, x = LSTM(D, H), numbers(T, N, D).astype(np.float32)
    y, last, tape = layer.forward(x)
    expected = [a.copy() for a in _flat((y, last, *layer.backward(tape, np.ones_like(y), last)))]
    gate = tape["f"]
    gate[...] = 0  # a copy
    dy, dlast = np.ones_like(y), tuple(s.copy() for s in last)
    for array in (y, *last):
        array[...] = np.nan
    _, _, dx_, *_ = (None, None, *layer.backward(tape, dy, dlast))
    np.testing.assert_array_equal(dx_, expected[3])


def test_threads():
    layer, lengths = LSTM(D, H, 2, bidirectional=True), [6, 3, 0, 5]
    inputs = [numbers(T, N, D, seed=k) for k in range(8)]
    expected = [_flat(run(layer, x, lengths=lengths)) for x in inputs]
    found = [None] * len(inputs)

    def work(k):
        for _ in range(5):
            found[k] = _flat(run(layer, inputs[k], lengths=lengths))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got, right in zip(found, expected, strict=True):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(got, right, strict=True))


# the tape


def test_gates_on_the_tape_are_those_of_the_equations():
    layer = LSTM(D, H, dtype="float64")
    x, state = numbers(T, N, D), random_state(layer, N)
    y, last, tape = layer.forward(x, state)
    w = {name.split(".", 1)[1]: value for name, value in layer.params.items()}
    h, c = state[0][0], state[1][0]
    for t in range(T):
        gates = {k: x[t] @ w[f"W.{k}"].T + h @ w[f"U.{k}"].T + w[f"b.{k}"] for k in "ifgo"}
        gates = {k: np.tanh(v) if k == "g" else 0.5 * (1 + np.tanh(0.5 * v)) for k, v in gates.items()}
        c = gates["f"] * c + gates["i"] * gates["g"]
        h = gates["o"] * np.tanh(c)
        for name, value in {**gates, "c": c, "h": h}.items():
            assert tape[name].shape == (T, N, H)
            np.testing.assert_allclose(tape[name][t], value, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(tape["h"], y)
    assert tape.names() == [f"l0.{k}" for k in "ifgcoh"]


def test_the_tape_of_layers_directions_and_lengths():
    layer, lengths = GRU(D, H, 2, bidirectional=True), [6, 2, 0, 4]
    y, _, tape = layer.forward(numbers(T, N, D), None, lengths)
    assert len(tape.names()) == 16
    np.testing.assert_array_equal(np.concatenate([tape["l1.h"], tape["l1_reverse.h"]], axis=2), y)
    for name in tape.names():
        for n, length in enumerate(lengths):
            assert not tape[name][length:, n].any() and (tape[name][:length, n] != 0).all()


def test_a_gate_that_does_not_depend_on_the_state_is_on_the_tape_too():
    @gated.cell
    def cell(x, h, *, W, b):
        i = gated.sigmoid(W.i @ x)
        k = gated.sigmoid(b.k)
        return i * h + k

    layer = Recurrent(cell, D, H)
    _, _, tape = layer.forward(numbers(T, N, D))
    assert tape["i"].shape == tape["k"].shape == (T, N, H)
    np.testing.assert_allclose(tape["k"][3, 2], gated.sigmoid(layer.params["l0.b.k"]), rtol=1e-6)
