"""Losses against PyTorch, against the complex step, against numbers worked out by hand."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import gated
from gated import sqrt
from gated.data import Sequences
from gated.errors import ArgumentError
from gated.learning import SGD, Online, full_step
from gated.losses import Loss, SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn.maps import total

LOSSES = [SoftmaxCrossEntropy, SquaredError, SigmoidSquaredError, SigmoidCrossEntropy]
T, N, V = 4, 3, 5


def sample(loss, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y = 2 * rng.standard_normal((T, N, V)).astype(dtype)
    if loss is SoftmaxCrossEntropy:
        return y, rng.integers(0, V, (T, N))
    return y, rng.uniform(0, 1, (T, N, V)).astype(dtype)


MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("masked", [False, True])
def test_gradient_is_the_finite_difference(loss, reduction, masked):
    y, target = sample(loss)
    mask = MASK * 0.5 if masked else None
    function = loss(reduction)
    _, dy = function(y, target, mask)
    h = 1e-6
    for index in np.ndindex(y.shape):
        up, down = y.copy(), y.copy()
        up[index] += h
        down[index] -= h
        slope = (function(up, target, mask)[0] - function(down, target, mask)[0]) / (2 * h)
        assert dy[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_against_pytorch(reduction):
    torch = pytest.importorskip("torch")
    f = torch.nn.functional

    def compare(loss, reference):
        y, target = sample(loss)
        value, dy = loss(reduction)(y, target)
        yt = torch.tensor(y, requires_grad=True)
        expected = reference(yt, torch.tensor(target)) / (T * N if reduction == "mean" else 1)
        expected.backward()
        assert value == pytest.approx(expected.item(), rel=1e-13)
        np.testing.assert_allclose(dy, yt.grad.numpy(), rtol=1e-12, atol=1e-15)

    compare(SoftmaxCrossEntropy, lambda y, t: f.cross_entropy(y.reshape(-1, V), t.reshape(-1), reduction="sum"))
    compare(SquaredError, lambda y, t: 0.5 * f.mse_loss(y, t, reduction="sum"))
    compare(SigmoidSquaredError, lambda y, t: 0.5 * f.mse_loss(torch.sigmoid(y), t, reduction="sum"))
    compare(SigmoidCrossEntropy, lambda y, t: f.binary_cross_entropy_with_logits(y, t, reduction="sum"))


def test_by_hand():
    y = np.array([[0.0, math.log(3.0)]])
    value, dy = SoftmaxCrossEntropy()(y, [0])
    assert value == pytest.approx(math.log(4.0))
    np.testing.assert_allclose(dy, [[-0.75, 0.75]])
    value, dy = SquaredError()(np.array([1.0, 3.0]), [0.0, 1.0])
    assert value == 2.5 and dy.tolist() == [1.0, 2.0]
    value, dy = SigmoidCrossEntropy()(np.array([0.0]), [1.0])
    assert value == pytest.approx(math.log(2.0)) and dy.tolist() == [-0.5]
    value, dy = SigmoidSquaredError()(np.array([0.0]), [1.0])
    assert value == 0.125 and dy.tolist() == [-0.125]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_mean_is_over_the_rows_that_count(loss):
    y, target = sample(loss)
    total, dtotal = loss("sum")(y, target, MASK)
    mean, dmean = loss("mean")(y, target, MASK)
    assert mean == pytest.approx(total / MASK.sum())
    np.testing.assert_allclose(dmean, dtotal / MASK.sum())
    by_row = sum(loss("sum")(y[t, n][None], target[t, n][None])[0] for t, n in np.argwhere(MASK))
    assert total == pytest.approx(by_row)
    assert not dtotal[MASK == 0].any() and dtotal[MASK == 1].any(axis=-1).all()
    same, _ = loss("sum")(y, target, MASK.astype(bool))
    assert same == total


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_that_do_not_count_may_hold_anything(loss):
    y, target = sample(loss)
    spoiled = y.copy()
    spoiled[MASK == 0] = np.nan
    value, dy = loss()(spoiled, target, MASK)
    expected, dexpected = loss()(y, target, MASK)
    assert value == expected
    np.testing.assert_array_equal(dy, dexpected)


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_in_a_row_that_counts_is_an_error_that_says_where(loss):
    y, target = sample(loss)
    y[1, 0, 3] = np.nan
    with pytest.raises(ArgumentError) as caught:
        loss()(y, target)
    where = "numbers in every row that counts (mask says which do)"
    assert str(caught.value) == f"y: got NaN at [1, 0, 3], expected {where}"
    probabilities = np.full(y.shape, 0.5)
    probabilities[2, 1, 0] = np.nan
    with pytest.raises(ArgumentError) as caught:
        loss()(np.zeros(y.shape), probabilities)
    assert str(caught.value) == f"target: got NaN at [2, 1, 0], expected {where}"
    value, dy = loss()(np.zeros(y.shape), probabilities, MASK & ~np.isnan(probabilities).any(-1))
    assert math.isfinite(value) and np.isfinite(dy).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_what_a_target_holds_where_no_row_counts_is_not_looked_at(loss):
    y, target = sample(loss)
    expected, dexpected = loss()(y, target, MASK)
    spoils = [-100, 99, 2**40] if loss is SoftmaxCrossEntropy else [np.nan, np.inf, 1e300]
    for spoil in spoils:
        spoiled = target.copy()
        spoiled[MASK == 0] = spoil
        value, dy = loss()(y, spoiled, MASK)
        assert value == expected
        np.testing.assert_array_equal(dy, dexpected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_arguments(loss, dtype):
    y, target = sample(loss, dtype=dtype)
    kept = y.copy(), target.copy(), MASK.copy()
    value, dy = loss()(y, target, MASK)
    assert isinstance(value, float) and dy.dtype == dtype and dy.shape == y.shape
    for before, after in zip(kept, (y, target, MASK), strict=True):
        np.testing.assert_array_equal(before, after)
    assert value == pytest.approx(loss()(y.astype(np.float64), target, MASK)[0], rel=1e-5)


def test_large_outputs_do_not_overflow():
    y = np.array([[1e4, -1e4, 0.0]])
    value, dy = SoftmaxCrossEntropy()(y, [1])
    assert value == 2e4 and dy.tolist() == [[1.0, -1.0, 0.0]]
    value, dy = SigmoidCrossEntropy()(y, [[0.0, 1.0, 0.5]])
    assert value == pytest.approx(2e4 + math.log(2)) and dy.tolist() == [[1.0, -1.0, 0.0]]


def test_softmax_takes_probabilities():
    y, target = sample(SoftmaxCrossEntropy)
    a, b = SoftmaxCrossEntropy()(y, target), SoftmaxCrossEntropy()(y, np.eye(V)[target])
    assert a[0] == b[0]
    np.testing.assert_array_equal(a[1], b[1])


def test_one_class_costs_nothing():
    assert SoftmaxCrossEntropy()(np.ones((3, 1)), [0, 0, 0])[0] == 0.0


def test_shapes_without_and_with_many_axes():
    for shape in [(), (2,), (2, 3), (2, 3, 4)]:
        y = np.random.default_rng(1).standard_normal((*shape, V))
        value, dy = SoftmaxCrossEntropy()(y, np.zeros(shape, int))
        assert math.isfinite(value) and dy.shape == y.shape


def test_sum_of_no_rows_is_zero():
    value, dy = SoftmaxCrossEntropy("sum")(np.zeros((0, V)), np.zeros(0, int))
    assert value == 0.0 and dy.shape == (0, V)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError(), SigmoidCrossEntropy()], ids=repr)
def test_a_mean_over_many_rows_in_float16(loss):
    """1/N is not rounded to float16, where it would have three digits (and be 0 for N above 33 million)."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((30_000, 3)).astype("f2")
    target = rng.random((30_000, 3)).astype("f2")
    value, dy = loss(y, target)
    exact, exact_dy = loss(y.astype("f8"), target.astype("f8"))
    assert dy.dtype == np.float16 and abs(value - exact) < 1e-6 * abs(exact)
    np.testing.assert_allclose(dy, exact_dy, rtol=2**-10, atol=2.0**-25)  # the rounding of dy itself
    few, _ = type(loss)("sum")(y[:20], target[:20])
    assert abs(few - type(loss)("sum")(y[:20].astype("f8"), target[:20].astype("f8"))[0]) < 1e-6 * few
    large = np.full((2, 3), 6e4, "f2")
    assert np.isinf(SquaredError("sum")(large, -large)[1]).all()  # without a warning, as before


class Huber(Loss):
    """Somebody's own: quadratic up to delta, then linear; delta scales what the expression sees."""

    expression = staticmethod(lambda y, target: total(sqrt(1 + (y - target) * (y - target)) - 1))

    def __init__(self, delta, reduction="mean", rows=None):
        super().__init__(reduction)
        self.delta, self.rows = delta, rows

    def __call__(self, y, target, mask=None):
        value, dy = super().__call__(y / self.delta, target / self.delta, mask)
        return value * self.delta**2, dy * self.delta


@pytest.mark.parametrize("way", ["copy", "deepcopy", *range(pickle.HIGHEST_PROTOCOL + 1)])
def test_a_users_own_loss_keeps_its_options(way):
    loss = Huber(3.0, "sum", rows=np.arange(3))
    again = getattr(copy, way)(loss) if isinstance(way, str) else pickle.loads(pickle.dumps(loss, way))
    assert (again.delta, again.reduction, again.rows.tolist()) == (3.0, "sum", [0, 1, 2])
    y, target = np.random.default_rng(0).standard_normal((2, 4, 3))
    for one, other in zip(again(y, target), loss(y, target), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again == loss and hash(again) == hash(loss) and repr(again) == repr(loss)
    assert repr(Huber(3.0)) == "Huber(reduction='mean', delta=3.0, rows=None)"


def test_losses_with_other_options_are_others():
    assert Huber(3.0) != Huber(5.0) and Huber(3.0) == Huber(3.0) and Huber(3.0, "sum") != Huber(3.0)
    assert Huber(3.0, rows=np.arange(3)) == Huber(3.0, rows=np.arange(3)) != Huber(3.0, rows=np.arange(4))
    assert Huber(3.0) != Huber(3.0, rows=np.arange(3)) and SquaredError() != SigmoidSquaredError()
    assert SoftmaxCrossEntropy() != SoftmaxCrossEntropy(ignore_index=3) and {Huber(3.0): 1}[Huber(3.0)] == 1
    late = SquaredError()
    late.note = "mine"
    assert late != SquaredError() and copy.copy(late).note == "mine"


class Rounded(Loss):
    """|y − target| with a round bottom: an option that stands in the expression."""

    expression = staticmethod(lambda y, target, width: total(sqrt((y - target) * (y - target) + width * width) - width))
    numbers = ("width",)

    def __init__(self, width=1.0, reduction="mean"):
        super().__init__(reduction)
        self.width = width


@pytest.mark.parametrize("width", [0.5, 3.0])
def test_an_option_stands_in_the_expression(width):
    y, target = np.random.default_rng(0).standard_normal((2, 4, 3))
    loss = Rounded(width, "sum")
    distance = y - target
    for one in (loss, copy.copy(loss), pickle.loads(pickle.dumps(loss))):
        value, dy = one(y, target)
        assert value == pytest.approx(np.sum(np.sqrt(distance**2 + width**2) - width))
        np.testing.assert_allclose(dy, distance / np.sqrt(distance**2 + width**2))
        assert one == loss and repr(one) == f"Rounded(reduction='sum', width={width})"
    loss.width = 2 * width  # an option may be set anew
    assert loss(y, target)[0] == Rounded(2 * width, "sum")(y, target)[0] != value


def test_a_loss_with_a_call_of_its_own_is_called_wherever_something_learns():
    rng = np.random.default_rng(5)
    x, target = rng.standard_normal((6, 1, 3)), 3 * rng.standard_normal((6, 1, 2))
    loss, plain = Huber(3.0), Huber(1.0)

    def network():
        layers = {"rnn": gated.LSTM(3, 4, dtype="float64", seed=1), "head": gated.Dense(4, 2, dtype="float64", seed=2)}
        return gated.Network(layers)

    net = network()
    expected = loss(net.forward(x)[0], target)
    assert expected[0] != plain(net.forward(x)[0], target)[0]
    _, _, gradient = net.backward(net.forward(x)[2], expected[1])
    before = net.theta.copy()
    assert full_step(net, loss, SGD(0.5), Sequences(x, target))[0] == expected[0]
    np.testing.assert_allclose(net.theta, before - 0.5 * gradient.vector, rtol=1e-12)
    learner = Online(network(), loss=loss)
    y = learner.step(x[0], target[0])
    again = network()
    rule = Online(again, loss=loss, backend="reference")
    rule.step(x[0], target[0])
    head = before[-2:] - 0.1 * loss(y, target[0])[1][0]  # the bias learns from dy itself
    np.testing.assert_allclose(learner.network.params["head.b.y"], head, rtol=1e-12)
    np.testing.assert_array_equal(learner.network.theta, again.theta)
    with pytest.raises(ArgumentError, match="'native' for Huber, a loss with a call of its own"):
        Online(network(), loss=loss, backend="native")
