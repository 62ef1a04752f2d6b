"""The training loop: the order of the batches, the carried state, stopping and going on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import gated
from gated.data import shuffled_batches, stream_windows
from gated.errors import ArgumentError, FileFormatError
from gated.learning import SGD, Adam, Sequences, Training
from gated.learning.training.loop import epoch_generator
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Embedding, Network, Recurrent

V = 6


def _network(seed=0):
    return Network(
        {
            "embed": Embedding(V, 4, seed=seed),
            "rnn": Recurrent(gated.cells.lstm, 4, 8, 2, dropout=0.2, seed=seed + 1),
            "head": Dense(8, V, seed=seed + 2),
        }
    )


def _stream_training(seed=0):
    ids = np.random.default_rng(9).integers(0, V, 200)
    return Training(
        _network(seed),
        SoftmaxCrossEntropy(),
        Adam(0.01),
        lambda epoch: stream_windows(ids, 3, 10),
        carry_state=True,
        clip=1.0,
        seed=4,
    )


def _sequence_training(seed=0):
    rng = np.random.default_rng(9)
    sequences = [rng.integers(0, V, rng.integers(2, 9)) for _ in range(11)]

    def batches(epoch):
        for batch in shuffled_batches(sequences, 3, epoch_generator(5, epoch)):
            yield Sequences(batch.x, np.roll(batch.x, -1, axis=0), batch.lengths)

    return Training(_network(seed), SoftmaxCrossEntropy(), Adam(0.01), batches, carry_state=False, seed=4)


def _nested_training(seed=0):
    """States within states: a network in the network, and a layer that runs twice."""
    tied = Recurrent(gated.cells.gru, 5, 5, seed=seed + 4)
    inner = Network({"first": Recurrent(gated.cells.lstm, 4, 5, seed=seed), "second": tied, "third": tied})
    layers = {"embed": Embedding(V, 4, seed=seed), "inner": inner, "head": Dense(5, V, seed=seed + 2)}
    training = _stream_training(seed)
    training.network = Network(layers)
    return training


TRAININGS = {"stream": _stream_training, "sequences": _sequence_training, "nested": _nested_training}


def _losses(training, count):
    return [(update.step, update.epoch, update.loss, update.norm) for update in itertools.islice(training, count)]


@pytest.mark.parametrize("kind", TRAININGS)
@pytest.mark.parametrize("stop", [1, 5, 7, 8, 13])
def test_goes_on_to_the_bit_wherever_it_was_stopped(kind, stop):
    whole = TRAININGS[kind]()
    expected = _losses(whole, 20)
    first = TRAININGS[kind]()
    _losses(first, stop)
    arrays, values = first.state()
    second = TRAININGS[kind](seed=77)  # other parameters, which the state must replace
    second.load_state(arrays, values)
    assert _losses(second, 20 - stop) == expected[stop:]
    np.testing.assert_array_equal(second.network.theta, whole.network.theta)


def test_windows_run_in_order_from_the_state_of_the_one_before():
    training, seen = _stream_training(), []
    forward = training.network.forward

    def spy(x, state=None, lengths=None, *, rng=None):
        y, after, tape = forward(x, state, lengths, rng=rng)
        seen.append((x, state, after))
        return y, after, tape

    training.network.forward = spy
    updates = list(itertools.islice(training, 15))
    ids = np.random.default_rng(9).integers(0, V, 200)
    windows = [x for x, _ in stream_windows(ids, 3, 10)]
    assert len(windows) == 7
    for number, (x, state, _) in enumerate(seen):
        np.testing.assert_array_equal(x, windows[number % 7])
        if number % 7 == 0:
            assert state is None, "a pass begins at the zero state"
        else:
            assert state is seen[number - 1][2]
    assert [update.epoch for update in updates] == [0] * 7 + [1] * 7 + [2]
    assert [update.step for update in updates] == list(range(1, 16))
    assert sum(update.predictions for update in updates[:7]) == 3 * 66


def test_independent_sequences_are_shuffled_and_each_comes_once_a_pass():
    training, seen = _sequence_training(), []
    batches = training.batches
    training.batches = lambda epoch: (seen.append((epoch, b)) or b for b in batches(epoch))
    updates = list(itertools.islice(training, 8))
    lengths = [[n for epoch, b in seen if epoch == e for n in b.lengths] for e in (0, 1)]
    assert lengths[0] != lengths[1]
    assert sorted(lengths[0]) == sorted(lengths[1])
    assert sum(update.predictions for update in updates[:4]) == sum(lengths[0])
    assert training.carried is None


def test_it_learns():
    training = _stream_training()
    ids = np.tile(np.arange(V), 40)
    training.batches = lambda epoch: stream_windows(ids, 4, 10)
    losses = [loss for _, _, loss, _ in _losses(training, 150)]
    assert losses[0] > 1.5
    assert np.mean(losses[-10:]) < 0.3


def test_where_no_step_counts_only_the_state_goes_on():
    ids = np.random.default_rng(9).integers(0, V, 200)
    windows = list(stream_windows(ids, 3, 10))
    masks = [np.full(x.shape, k % 2 == 0) for k, (x, _) in enumerate(windows)]
    training = _stream_training()
    training.optimizer = SGD(1e-300)  # the weights stay
    training.network.layers["rnn"].dropout = 0.0
    training.batches = lambda epoch: [(x, y, None, mask) for (x, y), mask in zip(windows, masks, strict=True)]
    state, losses = None, []
    for (x, y), mask in zip(windows, masks, strict=True):
        out, state, _ = training.network.forward(x, state)
        losses += [SoftmaxCrossEntropy()(out, y)[0]] if mask.all() else []
    updates = list(itertools.islice(training, 5))
    np.testing.assert_allclose([update.loss for update in updates], [*losses, losses[0]], rtol=1e-6)
    assert [update.epoch for update in updates] == [0] * 4 + [1]
    assert [update.step for update in updates] == [1, 2, 3, 4, 5]


def test_batches_in_which_no_step_counts_are_an_error_and_not_an_endless_loop():
    training = _sequence_training()
    empty = np.zeros((0, 2), int)
    training.batches = lambda epoch: [Sequences(empty, empty, np.zeros(2, int))] * 3
    with pytest.raises(ArgumentError, match="batches: got 3 in which no step counts in pass 0, expected at least one"):
        next(iter(training))


def test_no_batches_is_an_error_and_not_an_endless_loop():
    training = _stream_training()
    training.batches = lambda epoch: []
    with pytest.raises(ArgumentError, match="batches: got none in pass 0, expected at least one"):
        next(iter(training))


def test_states_within_states_have_the_names_of_their_layers():
    training = _nested_training()
    _losses(training, 2)
    arrays, values = training.state()
    names = {f"state.inner.{name}" for name in ("first.0", "first.1", "second.0", "third.0")}
    assert {name for name in arrays if name.startswith("state.")} == names
    fresh = _nested_training()
    fresh.load_state(arrays, values)
    np.testing.assert_array_equal(fresh.carried["inner"]["third"][0], training.carried["inner"]["third"][0])
    assert [type(states) for states in fresh.carried["inner"].values()] == [tuple] * 3
    del arrays["state.inner.third.0"]
    with pytest.raises(FileFormatError, match="^state.inner.third.0: got none, expected state.inner.first.0, "):
        fresh.load_state(arrays, values)


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays, values: arrays.pop("theta"),
        lambda arrays, values: arrays.update(theta=np.zeros(3, "float32")),
        lambda arrays, values: arrays.update(theta=arrays["theta"].astype("float64")),
        lambda arrays, values: values.pop("progress"),
        lambda arrays, values: values.update(progress=[1]),
        lambda arrays, values: values["progress"].update(step=-1),
        lambda arrays, values: values["progress"].update(epoch="one"),
        lambda arrays, values: values["rng"].update(state=3),
        lambda arrays, values: values.update(rng={"bit_generator": "MT19937"}),
        lambda arrays, values: arrays.update({"state.rnn": np.zeros(3, "float32")}),
    ],
)
def test_a_damaged_state_is_refused(damage):
    training = _stream_training()
    _losses(training, 3)
    arrays, values = training.state()
    damage(arrays, values)
    fresh = _stream_training()
    before = fresh.network.theta.copy()
    with pytest.raises(FileFormatError, match="got .*, expected ") as caught:
        fresh.load_state(arrays, values)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(fresh.network.theta, before)
