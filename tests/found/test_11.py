"""FOUND 11: rows that do not count are not looked at, and ignore_index is PyTorch's."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import SGD, Online, Sequences, full_step
from gated.losses import SoftmaxCrossEntropy

T, N, V = 5, 3, 4


def _case(seed=0):
    rng = np.random.default_rng(seed)
    return 2 * rng.standard_normal((T, N, V)), rng.integers(0, V, (T, N)), rng.random((T, N)) < 0.4


def test_a_masked_target_need_not_be_a_class():
    y = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, dy = SoftmaxCrossEntropy()(y, [0, -100], mask=[1, 0])
    assert value == pytest.approx(math.log(1 + math.e)) and not dy[1].any()
    assert SoftmaxCrossEntropy()(y, [0, 77], mask=[1, 0])[0] == value
    assert SoftmaxCrossEntropy()(y, [0, -100])[0] == value, "and -100 needs no mask"


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("ignore_index", [-100, -1, 0, 2, 99])
def test_ignore_index_is_that_of_pytorch(reduction, ignore_index):
    torch = pytest.importorskip("torch")
    y, target, ignored = _case()
    target[ignored] = ignore_index
    value, dy = SoftmaxCrossEntropy(reduction, ignore_index)(y, target)
    yt = torch.tensor(y.reshape(-1, V), requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(
        yt, torch.tensor(target.reshape(-1)), reduction=reduction, ignore_index=ignore_index
    )
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-13)
    np.testing.assert_allclose(dy.reshape(-1, V), yt.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_the_default_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    y, target, ignored = _case()
    target[ignored] = -100
    wanted = torch.nn.functional.cross_entropy(torch.tensor(y.reshape(-1, V)), torch.tensor(target.reshape(-1)))
    assert SoftmaxCrossEntropy()(y, target)[0] == pytest.approx(wanted.item(), rel=1e-13)
    assert SoftmaxCrossEntropy().ignore_index == -100


def test_all_ignored():
    """The sum is PyTorch's 0; where its mean is NaN, an error says that no row counts."""
    torch = pytest.importorskip("torch")
    y, target = np.zeros((3, V)), np.full(3, -100)
    for reduction in ("sum", "mean"):
        wanted = torch.nn.functional.cross_entropy(torch.tensor(y), torch.tensor(target), reduction=reduction).item()
        if reduction == "sum":
            value, dy = SoftmaxCrossEntropy("sum")(y, target)
            assert value == wanted == 0.0 and not dy.any() and dy.shape == y.shape
        else:
            assert math.isnan(wanted)
            with pytest.raises(ArgumentError) as caught:
                SoftmaxCrossEntropy()(y, target)
            assert str(caught.value) == "target: got no row that counts, expected at least one, for a mean"


def test_a_mask_and_ignored_classes_together():
    y, target, ignored = _case()
    mask = np.random.default_rng(1).random((T, N)) < 0.7
    expected = SoftmaxCrossEntropy()(y, target, mask & ~ignored)
    target[ignored] = -100
    value, dy = SoftmaxCrossEntropy()(y, target, mask)
    assert value == expected[0]
    np.testing.assert_array_equal(dy, expected[1])


def test_a_class_that_is_none_is_told_where_it_counts():
    y, target, _ = _case()
    target[3, 1] = 4
    with pytest.raises(ArgumentError) as caught:
        SoftmaxCrossEntropy()(y, target)
    assert str(caught.value) == (
        "target: got the class 4 at [3, 1], expected classes from 0 to 3, or -100 where a row does not count"
    )
    with pytest.raises(ArgumentTypeError, match="^ignore_index: got float 0.5, expected a whole number$"):
        SoftmaxCrossEntropy(ignore_index=0.5)


def _network():
    rnn = gated.LSTM(2, 5, dtype="float64", seed=1)
    return gated.Network({"rnn": rnn, "head": gated.Dense(5, V, dtype="float64", seed=2)})


def test_training_with_padding_of_minus_100():
    x = np.random.default_rng(3).standard_normal((T, N, 2))
    _, target, ignored = _case()
    masked, padded = _network(), _network()
    wanted = full_step(masked, SoftmaxCrossEntropy(), SGD(0.5), Sequences(x, target, mask=~ignored))
    target[ignored] = -100
    assert full_step(padded, SoftmaxCrossEntropy(), SGD(0.5), (x, target)) == wanted
    np.testing.assert_array_equal(padded.theta, masked.theta)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_online_learning_with_padding_of_minus_100(backend):
    x = np.random.default_rng(3).standard_normal((T, N, 2))
    _, target, ignored = _case()
    ignored[2] = True  # nothing is learnt at this step
    learners = [Online(_network(), loss=SoftmaxCrossEntropy(), batch=N, backend=backend) for _ in range(3)]
    learners[0].partial_fit(x, target, ~ignored)
    target[ignored] = -100
    learners[1].partial_fit(x, target)
    for t in range(T):
        learners[2].step(x[t], target[t])
    for learner in learners[1:]:
        np.testing.assert_array_equal(learner.network.theta, learners[0].network.theta)
        assert learner.optimizer.updates == learners[0].optimizer.updates == T - 1


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_online_learning_does_not_look_at_a_class_that_does_not_count(backend):
    learner = Online(_network(), loss=SoftmaxCrossEntropy(), batch=2, backend=backend)
    learner.step(np.zeros((2, 2)), [1, 77], mask=[True, False])
    with pytest.raises(
        ArgumentError, match=r"^target: got the class 77 at \[1\], expected classes from 0 to 3, or -100"
    ):
        learner.step(np.zeros((2, 2)), [1, 77])
