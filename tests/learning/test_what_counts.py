"""Which rows a training and a learner in real time learn from, what is fixed, and what their pickles name."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.learning import SGD, Adam, Online, Sequences, Training, compare_gradients, truncated_step
from gated.losses import SoftmaxCrossEntropy, SquaredError

SOURCE = Path(__file__).resolve().parents[2] / "src"


def classifier(seed=0, **options):
    rnn = gated.GRU(2, 3, dtype="float64", seed=seed, **options)
    return gated.Network({"rnn": rnn, "head": gated.Dense(3, 4, dtype="float64", seed=seed)})


def regressor(seed=0, backend="native", inner=False):
    rnn = gated.LSTM(2, 3, dtype="float64", seed=seed)
    layers = {"rnn": rnn, "head": gated.Dense(3, 1, dtype="float64", seed=seed)}
    return gated.Network({"encoder": gated.Network({"rnn": rnn}), "head": layers["head"]} if inner else layers)


# the loss says which rows count


def batches_with_one_that_is_ignored(epoch):
    rng = np.random.default_rng(3)
    x, classes = rng.normal(size=(3, 5, 2, 2)), rng.integers(0, 4, size=(3, 5, 2))
    classes[1] = -100
    classes[2, 1:] = -100
    return list(zip(x, classes, strict=True))


@pytest.mark.parametrize("carry_state", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_whose_targets_are_all_ignored_makes_no_update(carry_state, reduction):
    """It ended the training with "no row that counts"; predictions counted ignored rows."""
    training = Training(
        classifier(), SoftmaxCrossEntropy(reduction), SGD(0.1), batches_with_one_that_is_ignored,
        carry_state=carry_state,
    )  # fmt: skip
    updates = iter(training)
    first, second, third = (next(updates) for _ in range(3))
    assert [u.predictions for u in (first, second, third)] == [10, 2, 10]
    assert [u.epoch for u in (first, second, third)] == [0, 0, 1] and third.step == 3
    other = classifier()
    batches, optimizer, state = batches_with_one_that_is_ignored(0), SGD(0.1), None
    _, state, _ = truncated_step(other, SoftmaxCrossEntropy(reduction), optimizer, batches[0], None)
    state = other.forward(batches[1][0], state)[1] if carry_state else None
    loss, _, _ = truncated_step(other, SoftmaxCrossEntropy(reduction), optimizer, batches[2], state)
    assert second.loss == loss


def test_ignored_rows_with_lengths_masks_and_the_other_order_of_axes():
    x, classes = np.zeros((4, 3, 2)), np.zeros((4, 3), int)
    classes[0, 0] = classes[3, 2] = -1
    loss, lengths = SoftmaxCrossEntropy(ignore_index=-1), np.array([4, 2, 0])
    mask = np.zeros((4, 3), bool)
    mask[0, :2] = True
    for batch, count in (
        (Sequences(x, classes), 10),
        (Sequences(x, classes, lengths), 5),
        (Sequences(x, classes, lengths, mask), 1),
        (Sequences(x, np.ones((4, 3, 4)) / 4, lengths), 6),
    ):
        for batch_first in (False, True):
            given = batch
            if batch_first:
                turned = {k: v.swapaxes(0, 1) for k, v in batch._asdict().items() if v is not None and k != "lengths"}
                given = batch._replace(**turned)
            network = classifier(batch_first=batch_first)
            training = Training(network, loss, SGD(0.1), lambda epoch, b=given: [b], carry_state=False)
            assert next(iter(training)).predictions == count


def test_when_every_batch_is_ignored_the_pass_has_nothing():
    x, classes = np.zeros((4, 3, 2)), np.full((4, 3), -100)
    loss = SoftmaxCrossEntropy()
    training = Training(classifier(), loss, SGD(0.1), lambda epoch: [(x, classes)], carry_state=False)
    with pytest.raises(
        ArgumentError, match="^batches: got 1 in which no step counts in pass 0, expected at least one$"
    ):
        next(iter(training))


# rows that a mask leaves out


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize(
    ("algorithm", "backend"), [("online", "native"), ("online", "reference"), ("rtrl", "reference")]
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_stands_in_a_row_that_the_mask_leaves_out_is_not_learnt_from(algorithm, backend, bad, inner):
    """Machine code went on, Traces and RealTime multiplied 0 with NaN and refused the step."""
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(6, 2, 2)), rng.normal(size=(6, 2, 1))
    mask = np.ones((6, 2), bool)
    mask[3:, 1] = False  # the second sequence has ended: what stands behind it may be anything
    learned = []
    for fill in (0.0, bad):
        x[3:, 1] = fill
        network = regressor(inner=inner and backend == "reference")
        learner = Online(network, algorithm, SGD(0.1), SquaredError(), batch=2, backend=backend)
        for x_t, target_t, mask_t in zip(x, target, mask, strict=True):
            learner.step(x_t, target_t, mask_t)
        learned.append(network.theta.copy())
    np.testing.assert_array_equal(learned[0], learned[1])
    assert not np.array_equal(learned[0], regressor().theta)


def test_an_embedding_below_learns_from_the_rows_that_count():
    layers = {
        "embed": gated.Embedding(5, 2, dtype="float64"), "low": gated.RNN(2, 2, dtype="float64"),
        "top": gated.RNN(2, 2, dtype="float64"),
    }  # fmt: skip
    for algorithm in ("online", "rtrl"):
        network = gated.Network({name: pickle.loads(pickle.dumps(layer)) for name, layer in layers.items()})
        learner = Online(network, algorithm, SGD(0.1), SquaredError(), batch=2, backend="reference")
        learner.reset({"low": (np.array([[[0.1, 0.2], [np.nan, np.nan]]]),)})
        before = network.params["embed.W"].copy()
        learner.step(np.array([1, 3]), np.ones((2, 2)), np.array([True, False]))
        changed = (network.params["embed.W"] != before).any(axis=1)
        assert changed.tolist() == [False, True, False, False, False]


# what is fixed


@pytest.mark.parametrize("name", ["optimizer", "loss", "clip", "network", "batch", "algorithm", "peepholes"])
def test_what_a_learner_was_made_with_stays(name):
    """Another optimizer did nothing, yet copies and files had it."""
    learner = Online(regressor(), "online", SGD(0.1), clip=1.0)
    kept = getattr(learner, name)
    with pytest.raises(ArgumentError) as caught:
        setattr(learner, name, Adam(0.5))
    assert str(caught.value).startswith(f"{name}: got Adam ") and str(caught.value).isprintable()
    assert str(caught.value).endswith(
        "for one that is made, expected no other than it was made with: make a new learner with this network, which "
        "has learnt what this one has"
    )
    assert getattr(learner, name) is kept
    again = pickle.loads(pickle.dumps(learner))
    assert again.clip == 1.0 and again.optimizer.lr == 0.1
    learner.optimizer.lr = 0.5  # the rate of the one it has may change
    before = learner.network.theta.copy()
    learner.step(np.ones(2), np.ones(1))
    assert not np.array_equal(before, learner.network.theta)


# pickles

TRAINED = """
import pickle, pickletools, sys
import numpy as np
{imports}
from gated.learning import SGD, Sequences, Training
from gated.losses import SquaredError
import gated

def batches(epoch):
    return [(np.zeros((2, 1, 2)), np.zeros((2, 1, 3)))]

training = Training(gated.Network({{"rnn": gated.GRU(2, 3, dtype="float64")}}), SquaredError(), SGD(0.1), batches,
                    carry_state=True)
update = next(iter(training))
for value in (training, Sequences(np.zeros((2, 1, 2))), update):
    for protocol in range(2, 6):
        for _, argument, _ in pickletools.genops(pickle.dumps(value, protocol)):
            if isinstance(argument, str) and argument.split(".")[0].split(" ")[0] == "gated":
                print(argument.split(" ")[0])
"""


@pytest.mark.parametrize("imports", ["", "import gated.data"])
def test_pickles_name_public_modules_whatever_was_imported_before(imports):
    """Training held "gated.learning.loop"; the place of Sequences hung on whether gated.data had been imported."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", TRAINED.format(imports=imports)], env=environment, capture_output=True, text=True
    )
    assert not done.stderr
    public = {"gated", "gated.learning", "gated.losses", "gated.data", "gated.nn"}
    assert {"gated.learning", "gated.data"} <= set(done.stdout.split()) <= public


def test_a_loss_without_a_name_is_refused_in_one_line():
    training = Training(
        classifier(), lambda y, target, mask: (0.0, y), SGD(0.1), batches_with_one_that_is_ignored, carry_state=False
    )
    with pytest.raises(ArgumentTypeError) as caught:
        pickle.dumps(training)
    assert str(caught.value).startswith("loss: got the function test_a_loss_without_a_name") and "\n" not in str(
        caught.value
    )
    assert "which a pickle cannot name, expected a function at the top of a module" in str(caught.value)


def test_the_old_names_of_sequences_are_gone():
    """TaskBatch had its fields in another order: unpacking what has this name now would silently be wrong."""
    assert not hasattr(gated.data, "TaskBatch") and not hasattr(gated.data, "PaddedBatch")


# nested networks


def test_compare_gradients_without_a_family_of_a_nested_network():
    x, target = np.random.default_rng(0).normal(size=(2, 5, 1, 2))[..., :2], np.zeros((5, 1, 1))
    plain, nested = regressor(), regressor(inner=True)
    kept = nested.theta.copy()
    found = compare_gradients(nested, x[0], target, without=("U",))
    expected = compare_gradients(plain, x[0], target, without=("U",))
    assert [d[1:] for d in found] == [d[1:] for d in expected] and found[-1].relative_error < 1e-12
    np.testing.assert_array_equal(nested.theta, kept)
    with pytest.raises(ArgumentError, match="^without: got 'y', expected families of the cells: W, U, b$"):
        compare_gradients(nested, x[0], target, without=("y",))


def test_nan_in_the_state_of_a_nested_network_is_told():
    network, x = regressor(inner=True), np.zeros((3, 1, 2))
    state = {"encoder": {"rnn": (np.zeros((1, 1, 3)), np.array([[[0.0, np.nan, 0.0]]]))}}
    with pytest.raises(GatedError) as caught:
        truncated_step(network, SquaredError(), SGD(0.1), (x, np.zeros((3, 1, 1))), state)
    assert str(caught.value).endswith("state['encoder']['rnn'][1] holds NaN at [0, 0, 1]")
