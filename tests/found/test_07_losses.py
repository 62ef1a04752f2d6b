"""FOUND 7, losses and optimizers: what was accepted without a word."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.learning import SGD, Adam, AdamW, Online, RMSProp, clip_by_global_norm
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError

Y, TARGET = np.zeros((2, 3)), np.zeros((2, 3))
MASKED = "got a masked array, expected a plain one: array.filled(0), with lengths or a mask of its own"
EVERYWHERE = "expected numbers in every row that counts (mask says which do)"


def _masked(array):
    return np.ma.array(array, mask=np.zeros(np.shape(array), bool))


CASES = {
    "complex y": (
        lambda: SquaredError()(Y + 0j, TARGET),
        ArgumentTypeError,
        "y: got an array of shape (2, 3) and dtype",
    ),
    "NaN in y": (
        lambda: SquaredError()([[0.0, math.nan]], [[0, 0]]),
        ArgumentError,
        f"y: got NaN at [0, 1], {EVERYWHERE}",
    ),
    "NaN in a target": (
        lambda: SquaredError()([[0.0, 0.0]], [[math.nan, 0]]),
        ArgumentError,
        f"target: got NaN at [0, 0], {EVERYWHERE}",
    ),
    "a target beyond the dtype": (
        lambda: SquaredError()(Y.astype("f4"), TARGET + 1e300),
        ArgumentError,
        "target: got 1e+300 at [0, 0], which float32 cannot hold, expected numbers up to 3.4e+38, or dtype='float64'",
    ),
    "masked y": (lambda: SquaredError()(_masked(Y), TARGET), ArgumentTypeError, f"y: {MASKED}"),
    "masked target": (lambda: SquaredError()(Y, _masked(TARGET)), ArgumentTypeError, f"target: {MASKED}"),
    "masked classes": (lambda: SoftmaxCrossEntropy()(Y, _masked([0, 1])), ArgumentTypeError, f"target: {MASKED}"),
    "masked mask": (lambda: SquaredError()(Y, TARGET, _masked([1, 0])), ArgumentTypeError, f"mask: {MASKED}"),
    "a list of masked rows": (
        lambda: SquaredError()(Y, [_masked(row) for row in TARGET]),
        ArgumentTypeError,
        "target: ",
    ),
    "a complex mask": (
        lambda: SquaredError()(Y, TARGET, [1j, 0]),
        ArgumentTypeError,
        "mask: got an array of shape (2,)",
    ),
    "a mask of texts": (lambda: SquaredError()(Y, TARGET, ["a", "b"]), ArgumentTypeError, "mask: got an array"),
    "a mask of objects": (lambda: SquaredError()(Y, TARGET, [None, True]), ArgumentTypeError, "mask: got an array"),
    "a mask of NaN": (
        lambda: SquaredError()(Y, TARGET, [math.nan, 1]),
        ArgumentError,
        "mask: got a negative or non-finite weight, expected weights >= 0",
    ),
    "a negative weight": (
        lambda: SquaredError()(Y, TARGET, [-1e-9, 1]),
        ArgumentError,
        "mask: got a negative or non-finite weight, expected weights >= 0",
    ),
    "weights beyond the dtype": (
        lambda: SquaredError("sum")(Y.astype("f4"), TARGET, [1e300, 1]),
        ArgumentError,
        "mask: got weights up to 1e+300, expected weights whose sum float32 can hold",
    ),
    "weights whose sum is beyond float64": (
        lambda: SquaredError()(Y, TARGET, [1.7e308, 1.7e308]),
        ArgumentError,
        "mask: got weights up to 1.7e+308, expected weights whose sum float64 can hold",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_losses(name):
    call, error, message = CASES[name]
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, SquaredError, SigmoidSquaredError, SigmoidCrossEntropy])
def test_rows_that_do_not_count_may_hold_nan(loss):
    y, target = Y + [[1.0], [math.nan]], TARGET + [[0.5], [math.nan]]
    value, dy = loss()(y, target, [True, False])
    assert math.isfinite(value) and np.isfinite(dy).all() and not dy[1].any()


def test_weights_of_any_size_have_a_mean():
    for scale in (1e-320, 1e-50, 1.0, 1e30, 1e300):
        value, dy = SquaredError()(np.array([[1.0], [3.0]], "f4"), [[0.0], [0.0]], [scale, scale])
        assert value == 2.5 and dy.tolist() == [[0.5], [1.5]]


# a gradient that is not finite


OPTIMIZERS = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "rmsprop": lambda: RMSProp(0.1, momentum=0.9),
    "adam": lambda: Adam(0.1),
    "adamw": lambda: AdamW(0.1),
}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("updates", [0, 2])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_refuse_it_and_change_nothing(name, updates, bad):
    optimizer, theta, gradient = OPTIMIZERS[name](), np.ones(5), np.linspace(-1, 1, 5)
    for _ in range(updates):
        optimizer.update(theta, gradient)
    before, kept = theta.copy(), copy.deepcopy(optimizer.__dict__)
    gradient[3] = bad
    with pytest.raises(ArgumentError) as caught:
        optimizer.update(theta, gradient)
    assert str(caught.value) == f"gradient: got {bad} at entry 3 of 5, expected finite numbers"
    np.testing.assert_array_equal(theta, before)
    assert optimizer.updates == updates
    for name, array in kept["_buffers"].items():
        np.testing.assert_array_equal(optimizer._buffers[name], array)
    assert optimizer._buffers.keys() == kept["_buffers"].keys()
    for mine, array in zip(optimizer._scratch, kept["_scratch"], strict=True):
        np.testing.assert_array_equal(mine, array)


def test_large_finite_gradients_are_taken():
    theta = np.zeros(4, "f4")
    SGD(1e-38).update(theta, np.full(4, 3e38, "f4"))  # their sum is not finite
    assert np.isfinite(theta).all() and theta.all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_refuse_what_they_cannot_change_or_would_read_wrongly(name):
    gradient = np.ones(3)
    for theta, g, message in (
        (np.broadcast_to(np.ones(1), 3), gradient, "theta: got an array that is read-only, expected one that can be"),
        (_masked(np.ones(3)), gradient, "theta: got a masked array, expected a one-dimensional floating-point array"),
        (np.ones(3), _masked(gradient), "gradient: got a masked array, expected a one-dimensional floating-point"),
    ):
        optimizer = OPTIMIZERS[name]()
        with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
            optimizer.update(theta, g)
        assert str(caught.value).startswith(message)
        assert optimizer.updates == 0 and not optimizer._buffers


def test_a_schedule_that_gives_nan_is_refused():
    optimizer, theta = SGD(lambda step: math.nan if step else 0.1), np.ones(2)
    optimizer.update(theta, np.ones(2))
    with pytest.raises(ArgumentError) as caught:
        optimizer.update(theta, np.ones(2))
    assert str(caught.value) == "lr: got nan for update 1 from the schedule, expected a finite number of at least 0"
    assert optimizer.updates == 1 and theta.tolist() == [0.9, 0.9]


def test_clipping_refuses_it():
    gradient = np.array([1.0, math.nan, 3.0])
    with pytest.raises(ArgumentError, match="^gradient: got nan at entry 1 of 3, expected finite numbers$"):
        clip_by_global_norm(gradient, 1.0)
    np.testing.assert_array_equal(gradient, [1.0, math.nan, 3.0])


# online learning


def _learner(backend, **options):
    rnn = gated.LSTM(2, 4, dtype="float64", seed=1)
    network = gated.Network({"rnn": rnn, "head": gated.Dense(4, 3, dtype="float64", seed=2)})
    return Online(network, backend=backend, **options)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_online_learning_refuses_masked_arrays(backend):
    learner = _learner(backend)
    x, target = np.zeros(2), np.zeros(3)
    for name, call in (
        ("x_t", lambda: learner.step(_masked(x))),
        ("x_t", lambda: learner.step(_masked(x[None]))),
        ("target", lambda: learner.step(x, _masked(target))),
        ("mask", lambda: learner.step(x[None], target[None], _masked([True]))),
        ("xs", lambda: learner.partial_fit(_masked(x[None]))),
        ("target", lambda: learner.partial_fit(x[None], _masked(target[None]))),
        ("mask", lambda: learner.partial_fit(x[None], target[None], _masked([True]))),
    ):
        with pytest.raises(ArgumentTypeError) as caught:
            call()
        assert str(caught.value).startswith(f"{name}: {MASKED}")


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_online_learning_changes_nothing_at_a_gradient_that_is_not_finite(backend, optimizer):
    learner = _learner(backend, optimizer=OPTIMIZERS[optimizer](), clip=None if optimizer == "sgd" else 1.0)
    learner.step(np.ones(2), np.ones(3))
    before = {name: array for name, array in learner.state().items() if not name.startswith("memory.")}
    with pytest.raises(GatedError, match="^gradient: got NaN or inf at update 1, expected finite numbers; "):
        learner.step(np.ones(2), np.array([1.0, math.nan, 1.0]))
    for name, array in before.items():
        np.testing.assert_array_equal(learner.state()[name], array, err_msg=name)
