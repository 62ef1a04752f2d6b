"""Draws in the equations: the same numbers on every road, the mean without a generator, gradients of what was drawn."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import gated
from gated import Dense, Network, Recurrent, bernoulli, check_cell, normal, tanh
from gated.errors import CellError
from gated.learning import SGD, full_step
from gated.losses import SquaredError

T, N, D, H = 6, 4, 3, 7


@gated.cell
def noisy(x, h, c, *, W, U, b, keep=0.6):
    """Zoneout of one state, variational dropout and noise for the other."""
    zone = bernoulli(keep)
    mask = bernoulli(0.8, per="sequence")
    noise = normal(0.1)
    c = zone * c + (1 - zone) * tanh(W.c @ x + U.c @ h + b.c)
    h = tanh(W.h @ x + U.h @ (h * mask) / 0.8 + b.h + c + noise)
    return h, c


def layer_of(backend="native", **options):
    return Recurrent(noisy, D, H, dtype="float64", backend=backend, seed=1, **options)


def x_of(n=N):
    return np.random.default_rng(0).normal(size=(T, N, D))[:, :n]


def run(layer, x, lengths=None, seed=3):
    y, last, tape = layer.forward(x, lengths=lengths, rng=np.random.default_rng(seed))
    dx, _, grads = layer.backward(tape, np.cos(np.arange(y.size)).reshape(y.shape))
    return [y, *last, dx, grads.vector], tape


def test_the_same_for_any_number_of_threads_and_on_both_backends():
    lengths, before = [6, 3, 1, 5], gated.get_num_threads()
    try:
        options = {"num_layers": 2, "bidirectional": True}
        reference, _ = run(layer_of("reference", **options), x_of(), lengths)
        found = []
        for threads in (1, 2, 3):
            gated.set_num_threads(threads)
            found.append(run(layer_of(**options), x_of(), lengths)[0])
    finally:
        gated.set_num_threads(before)
    for other in found:
        for one, two, plain in zip(found[0], other, reference, strict=True):
            assert one.tobytes() == two.tobytes()
            np.testing.assert_allclose(two, plain, rtol=1e-11, atol=1e-12)


def test_the_numbers_are_those_of_the_place_as_the_user_counts():
    layer = layer_of(num_layers=2, bidirectional=True)
    (whole, *_), tape = run(layer, x_of())
    assert np.array_equal(run(layer, x_of(1))[0][0], whole[:, :1]), "sequence 0 alone"
    assert np.array_equal(run(layer, x_of())[0][0], whole), "the same generator, the same numbers"
    assert not np.array_equal(run(layer, x_of(), seed=4)[0][0], whole)
    _, cut = run(layer, x_of(), [2, 6, 4, 5])
    for name in (f"{level}.{draw}" for level in ("l0", "l1") for draw in ("zone", "mask", "noise")):
        assert np.array_equal(tape[name][:2], cut[name][:2])
    for other in ("l0_reverse", "l1"):
        assert not np.array_equal(tape["l0.noise"], tape[f"{other}.noise"])
        assert not np.array_equal(tape["l0.zone"], tape[f"{other}.zone"])
    mask, zone = tape["l0.mask"], tape["l0.zone"]
    assert (mask == mask[0]).all() and not (zone == zone[0]).all()
    assert len(np.unique(mask[0], axis=0)) > 1 and set(np.unique(mask)) == {0.0, 1.0}


def test_the_mean_stands_where_no_generator_is_given():
    @gated.cell
    def mean(x, h, c, *, W, U, b):
        c = 0.6 * c + (1 - 0.6) * tanh(W.c @ x + U.c @ h + b.c)
        h = tanh(W.h @ x + U.h @ (h * 0.8) / 0.8 + b.h + c)
        return h, c

    layer = layer_of(num_layers=2)
    plain = Recurrent(mean, D, H, 2, dtype="float64")
    plain.theta = layer.theta
    expected = plain.forward(x_of())[0]
    stream, state = layer.stream(N), None
    np.testing.assert_allclose(layer.forward(x_of())[0], expected, atol=1e-13)
    np.testing.assert_allclose(layer.infer(x_of())[0], expected, atol=1e-13)
    for t, x_t in enumerate(x_of()):
        state, _ = layer.step(x_t, state)
        np.testing.assert_allclose(state[0][-1], expected[t], atol=1e-13)
        np.testing.assert_allclose(stream.step(x_t), expected[t], atol=1e-13)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_gradients_are_those_of_what_was_drawn(backend):
    """Differences of forward passes with one generator."""
    layer = layer_of(backend, num_layers=2, dropout=0.3)
    x, rng, eps = x_of(), np.random.default_rng(5), 1e-6
    found, tape = run(layer, x)
    dy = np.cos(np.arange(found[0].size)).reshape(found[0].shape)
    way, x_way, theta = rng.normal(size=layer.theta.shape), rng.normal(size=x.shape), layer.theta.copy()

    def total(step):
        layer.theta = theta + step * way
        return float((layer.forward(x + step * x_way, rng=np.random.default_rng(3))[0] * dy).sum())

    slope = (total(eps) - total(-eps)) / (2 * eps)
    assert slope == pytest.approx(float(found[-1] @ way + (found[-2] * x_way).sum()), rel=1e-7)


def test_the_complex_step_agrees():
    report = check_cell(noisy, backend="reference")
    assert report.passed, str(report)


def test_whole_steps_draw_by_their_generator():
    x, target = x_of(), np.random.default_rng(1).normal(size=(T, N, 2))
    found = []
    for backend in ("native", "reference"):
        head = Dense(H, 2, dtype="float64", backend=backend, seed=2)
        net = Network({"rnn": layer_of(backend, num_layers=2, dropout=0.2), "head": head})
        rng = np.random.default_rng(9)
        found.append([full_step(net, SquaredError(), SGD(0.1), (x, target), rng=rng)[0] for _ in range(3)])
        found[-1].append(full_step(net, SquaredError(), SGD(0.1), (x, target))[0])
    np.testing.assert_allclose(*found, rtol=1e-11)
    again = pickle.loads(pickle.dumps(net))
    assert np.array_equal(
        again.forward(x, rng=np.random.default_rng(1))[0], net.forward(x, rng=np.random.default_rng(1))[0]
    )


def bad(text):
    return eval(f"lambda x, h, *, W: h + W.a @ x + {text}")


SAYS = {
    "bernoulli(1.5)": "bernoulli(1.5); a probability is from 0 to 1",
    "bernoulli(-0.1)": "a probability is from 0 to 1",
    "bernoulli(float('nan'))": "bernoulli(nan)",
    "bernoulli(h)": "the probability of bernoulli() is no plain number",
    "bernoulli('a')": "the probability of bernoulli() is no plain number",
    "normal(W.s)": "the deviation of normal() is no plain number",
    "normal(-1)": "normal(-1); a deviation is finite and not negative",
    "normal(float('inf'))": "a deviation is finite and not negative",
    "bernoulli(0.5, per='x')": "per is 'step' or 'sequence'",
}


@pytest.mark.parametrize("text", SAYS)
def test_mistakes(text):
    with pytest.raises(CellError) as caught:
        gated.cell(bad(text))
    assert SAYS[text] in str(caught.value) and "\n" not in str(caught.value)


def test_a_draw_stands_in_equations():
    with pytest.raises(CellError, match=r"test_chance.py:\d+: bernoulli\(\) stands outside of equations"):
        bernoulli(0.5)
    with pytest.raises(CellError, match="the mean of a draw in its place the equations divide by 0"):
        gated.cell(lambda x, h, *, W: h / normal(1.0) + W.a @ x)
