"""FOUND 14: helpers narrower than what they help. One batch type, sequences of 0 steps, windows of a series."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

import gated
from gated.data import adding, continual_reber, shuffled_batches, stream_windows
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import SGD, Sequences, Training, full_step, truncated_step
from gated.losses import SoftmaxCrossEntropy, SquaredError


def _network(inputs, outputs, batch_first=False):
    rnn = gated.LSTM(inputs, 6, dtype="float64", seed=1, batch_first=batch_first)
    return gated.Network({"rnn": rnn, "head": gated.Dense(6, outputs, dtype="float64", seed=2)})


def _sequences(seed=0, shortest=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, 3)) for n in [shortest, 4, 2, shortest, 7, 1, 5]]


# one batch type


def test_all_batches_are_of_one_type():
    rng = np.random.default_rng(0)
    batch = next(shuffled_batches(_sequences(), 3, rng))
    task = adding(3, rng)
    window = next(continual_reber(2, rng, 5))
    for found in (batch, task, window):
        assert type(found) is Sequences is gated.data.Sequences
        assert found._fields == ("x", "target", "lengths", "mask")
        x, target, lengths, mask = found
        assert x is found.x and target is found.target and lengths is found.lengths and mask is found.mask
    assert sorted(batch.indices) != [] and task.indices is None


def test_shuffled_batches_are_what_training_takes():
    sequences = _sequences()
    rng = np.random.default_rng(1)
    targets = [rng.standard_normal((len(s), 2)) for s in sequences]
    one, other = _network(3, 2), _network(3, 2)
    batches = lambda epoch: shuffled_batches(sequences, 3, np.random.default_rng(epoch), targets=targets)  # noqa: E731
    training = Training(one, SquaredError(), SGD(0.1), batches, carry_state=False)
    order = [batch.indices for epoch in range(2) for batch in batches(epoch)]
    empty = [i for i, sequence in enumerate(sequences) if not len(sequence)]
    order = [indices for indices in order if not set(indices) <= set(empty)]
    assert len(order) == 5, "one of six batches has no steps at all, and makes no update"
    for indices, update in zip(order, training, strict=False):
        # the same by hand, one sequence after the other
        chosen = [(sequences[i], targets[i]) for i in indices]
        gradient, loss = np.zeros_like(other.theta), SquaredError("sum")
        steps, value = sum(len(x) for x, _ in chosen), 0.0
        for x, target in chosen:
            y, _, tape = other.forward(x[:, None])
            part, dy = loss(y, target[:, None])
            value, gradient = value + part, gradient + other.backward(tape, dy)[2].vector
        other.theta[:] -= 0.1 * gradient / steps
        assert update.loss == pytest.approx(value / steps) and update.predictions == steps
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-10, atol=1e-14)
    assert training.progress.epoch == 1


def test_the_tasks_are_what_training_takes():
    batch = adding(5, 0, 20)
    network, same = _network(2, 1), _network(2, 1)
    found = full_step(network, SquaredError(), SGD(0.1), batch)
    assert found == full_step(
        same, SquaredError(), SGD(0.1), Sequences(batch.x, batch.target, batch.lengths, batch.mask)
    )
    np.testing.assert_array_equal(network.theta, same.theta)
    windows = Training(_network(7, 7), SquaredError(), SGD(0.1), lambda _: continual_reber(2, 0, 5), carry_state=True)
    updates = list(itertools.islice(windows, 3))
    assert [update.predictions for update in updates] == [10, 10, 10]


def test_one_label_for_each_sequence():
    sequences, labels = _sequences(), np.array([5, 1, 2, 5, 0, 1, 2])
    seen = []
    for batch in shuffled_batches(sequences, 3, np.random.default_rng(2), labels=labels):
        assert batch.target.dtype == labels.dtype and batch.target.shape == batch.mask.shape
        for n, index in enumerate(batch.indices):
            steps = batch.lengths[n]
            assert steps == len(sequences[index])
            assert np.flatnonzero(batch.mask[:, n]).tolist() == ([steps - 1] if steps else [])
            if steps:
                assert batch.target[steps - 1, n] == labels[index]
        assert not batch.target[~batch.mask].any()
        seen += batch.indices.tolist()
    assert sorted(seen) == list(range(7))
    many = next(shuffled_batches(sequences, 7, np.random.default_rng(2), labels=np.ones((7, 4), "f4")))
    assert many.target.shape == (7, 7, 4) and many.target.dtype == np.float32


def test_batches_for_a_network_that_is_batch_first():
    sequences, rng = _sequences(), np.random.default_rng(3)
    targets = [rng.standard_normal((len(s), 2)) for s in sequences]
    found = []
    for batch_first in (False, True):
        network = _network(3, 2, batch_first)
        for batch in shuffled_batches(sequences, 3, np.random.default_rng(0), targets=targets, batch_first=batch_first):
            found.append(full_step(network, SquaredError(), SGD(0.1), batch))
        state = None
        for window in stream_windows(np.sin(np.arange(90.0).reshape(30, 3)), 2, 5, batch_first=batch_first):
            wide = _network(3, 3, batch_first)
            loss, state, norm = truncated_step(wide, SquaredError(), SGD(0.1), window, state)
            found.append((loss, norm))
    half = len(found) // 2
    np.testing.assert_allclose(found[:half], found[half:], rtol=1e-12)


def test_a_batch_can_be_pickled_and_changed():
    batch = next(shuffled_batches(_sequences(), 3, np.random.default_rng(0)))
    for protocol in range(2, 6):
        again = pickle.loads(pickle.dumps(batch, protocol))
        assert type(again) is Sequences
        for one, other in zip((*again, again.indices), (*batch, batch.indices), strict=True):
            np.testing.assert_array_equal(one, other)
    changed = batch._replace(target=batch.x)
    assert changed.target is batch.x and changed.indices is batch.indices and batch.target is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: Sequences(x, x, np.ones((5, 2), bool), np.array([5, 5])),  # the order that TaskBatch had
            ArgumentError,
            "lengths: got an array of shape (5, 2) and dtype bool, expected shape (N,) or None "
            "(the order is x, target, lengths, mask)",
        ),
        (
            lambda x: Sequences(x, x, None, [5, 5]),
            ArgumentError,
            "mask: got an array of shape (2,) and dtype int64, expected shape (T, N) or None (the order is x, target, "
            "lengths, mask)",
        ),
        (
            lambda x: full_step(_network(3, 3), SquaredError(), SGD(0.1), x),
            ArgumentTypeError,
            "batch: got an array of shape (5, 2, 3) and dtype float64, expected gated.learning.Sequences, or a tuple "
            "(x, target, lengths, mask)",
        ),
        (
            lambda x: full_step(_network(3, 3), SquaredError(), SGD(0.1), (x,)),
            ArgumentTypeError,
            "batch: got a tuple of 1, expected gated.learning.Sequences, or a tuple (x, target, lengths, mask)",
        ),
        (
            lambda x: full_step(_network(3, 3), SquaredError(), SGD(0.1), Sequences(x)),
            ArgumentTypeError,
            "target: got None, expected numbers: shuffled_batches(..., labels= or targets=)",
        ),
    ],
)
def test_what_is_no_batch_is_told(call, error, message):
    with pytest.raises(error) as caught:
        call(np.zeros((5, 2, 3)))
    assert str(caught.value) == message


# sequences of 0 steps


def test_sequences_of_no_steps_come_too():
    sequences = _sequences()
    network = _network(3, 2)
    for batch in shuffled_batches(sequences, 3, np.random.default_rng(0)):
        y, state, _ = network.forward(batch.x, lengths=batch.lengths)
        for n, index in enumerate(batch.indices):
            assert batch.lengths[n] == len(sequences[index]) == batch.mask[:, n].sum()
            assert np.array_equal(batch.x[: batch.lengths[n], n], sequences[index])
            if not len(sequences[index]):
                assert not state["rnn"][0][0, n].any(), "nothing was read: the state is the first one"


def test_lists_without_entries_and_batches_of_these_alone():
    x = next(shuffled_batches([[1, 2], [], [3]], 3, np.random.default_rng(0))).x
    assert x.dtype.kind == "i" and x.shape == (2, 3)
    batch = next(shuffled_batches([[], []], 2, np.random.default_rng(0)))
    assert batch.x.shape == batch.mask.shape == (0, 2) and batch.lengths.tolist() == [0, 0]
    batch = next(shuffled_batches([np.zeros((0, 4)), []], 2, np.random.default_rng(0), labels=[1, 2]))
    assert batch.x.shape == (0, 2, 4) and batch.target.shape == (0, 2)


def test_numbers_of_several_dtypes_lose_nothing():
    batch = next(shuffled_batches([[1, 2], [0.5]], 2, np.random.default_rng(0)))
    assert batch.x.dtype == np.float64 and 0.5 in batch.x


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": [[1]]}, "targets: got 1, expected 2, one for each sequence"),
        ({"targets": [[1], [1]]}, "targets[1]: got 1 steps, expected 2 as in x"),
        ({"targets": [[1], [[1], [2]]]}, "targets[1]: got steps of shape (1,), expected () as in the other sequences"),
        (
            {"labels": [1]},
            "labels: got an array of shape (1,) and dtype int64, expected 2 labels, one for each sequence",
        ),
        ({"labels": 1}, "labels: got an array of shape () and dtype int64, expected 2 labels, one for each sequence"),
        ({"labels": [1, 2], "targets": [[1], [1, 2]]}, "labels: got labels and targets, expected one of the two"),
    ],
)
def test_answers_that_do_not_fit(options, message):
    with pytest.raises(ArgumentError) as caught:
        shuffled_batches([[1], [2, 3]], 2, np.random.default_rng(0), **options)
    assert str(caught.value) == message


# a series of real numbers


@pytest.mark.parametrize("shape", [(103,), (103, 1), (103, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows_of_a_series(shape, dtype):
    series = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    pairs = list(stream_windows(series, 4, 7))
    inputs, targets = (np.concatenate(part) for part in zip(*pairs, strict=True))
    size = shape[1] if len(shape) == 2 else 1
    assert inputs.shape == targets.shape == (25, 4, size) and inputs.dtype == dtype
    assert all(x.flags.c_contiguous and t.flags.c_contiguous for x, t in pairs)
    whole = series.reshape(103, size)
    np.testing.assert_array_equal(inputs.swapaxes(0, 1).reshape(100, size), whole[:100])
    np.testing.assert_array_equal(targets.swapaxes(0, 1).reshape(100, size), whole[1:101])


def test_a_series_is_learned():
    series = np.sin(0.3 * np.arange(400.0))
    network, losses = _network(1, 1), []
    training = Training(
        network, SquaredError(), SGD(0.5), lambda _: stream_windows(series, 4, 20), carry_state=True, clip=1.0
    )
    losses = [update.loss for update in itertools.islice(training, 200)]
    assert np.mean(losses[-5:]) < 0.1 * losses[0]


def test_whole_numbers_in_two_dimensions_are_a_series():
    x, target = next(stream_windows(np.arange(20).reshape(10, 2), 1, 3))
    assert x.tolist() == [[[0, 1]], [[2, 3]], [[4, 5]]] and target.tolist() == [[[2, 3]], [[4, 5]], [[6, 7]]]


def test_ids_are_as_before():
    x, target = next(stream_windows(list(range(10)), 2, 3))
    assert x.tolist() == [[0, 4], [1, 5], [2, 6]] and target.tolist() == [[1, 5], [2, 6], [3, 7]]
    loss, _, _ = truncated_step(
        gated.Network({"embed": gated.Embedding(10, 3), "rnn": gated.LSTM(3, 4), "head": gated.Dense(4, 10)}),
        SoftmaxCrossEntropy(),
        SGD(0.1),
        (x, target),
        None,
    )
    assert np.isfinite(loss)
