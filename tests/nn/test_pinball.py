"""The pinball loss against numbers worked out by hand, finite differences, scikit-learn."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import SGD, full_step
from gated.losses import Pinball

LEVELS = 0.1, 0.5, 0.975
RNG = np.random.default_rng(0)


def sample(dtype=np.float64):
    y, target = RNG.standard_normal((4, 3, 6)).astype(dtype), RNG.standard_normal((4, 3, 2)).astype(dtype)
    target[0, 1, 0] = target[1, 2] = np.nan
    return y, target


def test_by_hand():
    value, dy = Pinball([0.1, 0.5, 0.9])(np.array([[1.0, 1.0, 1.0]]), np.array([[3.0]]))
    assert value == pytest.approx(0.1 * 2 + 0.5 * 2 + 0.9 * 2)
    assert dy == pytest.approx(np.array([[-0.1, -0.5, -0.9]]))
    value, dy = Pinball([0.1, 0.5, 0.9])(np.array([[1.0, 1.0, 1.0]]), np.array([[0.0]]))
    assert value == pytest.approx(0.9 + 0.5 + 0.1)
    assert dy == pytest.approx(np.array([[0.9, 0.5, 0.1]]))
    assert Pinball([0.2])(np.zeros((1, 1)), np.zeros((1, 1)))[1] == pytest.approx(0.3)  # the middle at 0


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_the_finite_difference(reduction, masked):
    y, target = sample()
    mask = RNG.uniform(size=(4, 3)) if masked else None
    loss = Pinball(LEVELS, reduction)
    _, dy = loss(y, target, mask)
    for index in np.ndindex(y.shape):
        up, down = y.copy(), y.copy()
        up[index] += 1e-7
        down[index] -= 1e-7
        slope = (loss(up, target, mask)[0] - loss(down, target, mask)[0]) / 2e-7
        assert dy[index] == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("level", LEVELS)
def test_against_scikit_learn(level):
    metrics = pytest.importorskip("sklearn.metrics")
    y, target = RNG.standard_normal((50, 1)), RNG.standard_normal((50, 1))
    expected = metrics.mean_pinball_loss(target, y, alpha=level)
    assert Pinball([level])(y, target)[0] == pytest.approx(expected)


def test_what_is_not_known_counts_nothing():
    y, target = sample()
    value, dy = Pinball(LEVELS)(y, target)
    known = ~np.isnan(target)
    assert not dy.reshape(4, 3, 2, 3)[~known].any()
    rows = known.any(-1)
    total = sum(
        max(q * u, (q - 1) * u)
        for index in np.argwhere(known)
        for q, u in zip(LEVELS, target[tuple(index)] - y.reshape(4, 3, 2, 3)[tuple(index)], strict=True)
    )
    assert value == pytest.approx(total / rows.sum())
    # NaN in an output of which the truth is not known is not looked at
    y[1, 2] = np.nan
    assert Pinball(LEVELS)(y, target)[0] == pytest.approx(value)
    assert np.isfinite(Pinball(LEVELS)(y, target)[1]).all()


def test_its_minimum_is_the_quantile():
    numbers = RNG.standard_exponential(999)
    y = np.tile(np.quantile(numbers, LEVELS), (999, 1))
    loss = Pinball(LEVELS)
    best = loss(y, numbers[:, None])[0]
    for k in range(3):
        for step in (-0.05, 0.05):
            moved = y.copy()
            moved[:, k] += step
            assert loss(moved, numbers[:, None])[0] > best


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_learns_quantiles(dtype):
    net = gated.Network({"dense": gated.Dense(1, 3, dtype=dtype, seed=0)})
    x, target = np.ones((400, 1, 1), dtype), RNG.standard_normal((400, 1, 1)).astype(dtype)
    optimizer, loss = SGD(0.3), Pinball(LEVELS)
    assert "the loss says itself what it computes" not in net.explain()
    for _ in range(400):
        full_step(net, loss, optimizer, (x, target))
    assert net.infer(x[:1])[0].ravel() == pytest.approx(np.quantile(target, LEVELS), abs=0.06)


def test_a_step_of_a_wired_network_goes_forward_once(monkeypatch):
    layers = {"rnn": gated.RNN(2, 3, seed=0), "head": gated.Dense(5, 3, seed=1)}
    net, calls, forward = gated.WiredNetwork(layers, {"rnn": "x", "head": ["rnn", "x"]}), [], gated.Recurrent.forward
    monkeypatch.setattr(gated.Recurrent, "forward", lambda *given, **named: calls.append(1) or forward(*given, **named))
    x, target = np.ones((4, 2, 2), "float32"), np.ones((4, 2, 1), "float32")
    full_step(net, Pinball(LEVELS), SGD(0.1), ({"x": x}, target))
    assert len(calls) == 1


def test_copies_and_words():
    loss = Pinball([0.25, 0.75], "sum")
    assert repr(loss) == "Pinball(quantiles=(0.25, 0.75), reduction='sum')"
    for other in (copy.copy(loss), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert other == loss and hash(other) == hash(loss)
    assert loss != Pinball([0.25, 0.75]) and loss != Pinball([0.2, 0.75], "sum")


Y, TARGET = np.zeros((2, 6)), np.zeros((2, 2))
WRONG = [
    (lambda: Pinball([]), r"quantiles: got \[\], expected increasing numbers between 0 and 1"),
    (lambda: Pinball([0.5, 0.1]), r"quantiles: got \[0.5, 0.1\], expected increasing"),
    (lambda: Pinball([0.0, 0.5]), r"quantiles: got \[0.0, 0.5\]"),
    (lambda: Pinball("a"), r"quantiles: got str 'a', expected a list of numbers between 0 and 1"),
    (lambda: Pinball(["a"]), r"quantiles\[0\]: got 'a', expected a number"),
    (lambda: Pinball([0.5], "max"), r"reduction: got 'max'"),
    (lambda: Pinball(LEVELS)(np.zeros((2, 5)), TARGET), r"y: got .*\(2, 5\).*V a multiple of the 3 quantiles"),
    (lambda: Pinball(LEVELS)(Y.astype(int), TARGET), r"y: got .*int"),
    (
        lambda: Pinball(LEVELS)(Y, Y),
        r"target: got .*\(2, 6\).*, expected shape \(2, 2\): y's, one for every 3 quantiles",
    ),
    (lambda: Pinball(LEVELS)(Y, TARGET.astype(str)), r"target: got .*expected numbers"),
    (lambda: Pinball(LEVELS)(Y, TARGET * np.nan), r"target: got no row that counts, expected at least one"),
    (lambda: Pinball(LEVELS)(Y * np.nan, TARGET), r"y: got NaN at \[0, 0\]"),
]


@pytest.mark.parametrize("call, message", WRONG)
def test_wrong_arguments_are_told(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        call()
