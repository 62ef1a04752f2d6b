"""Each task's batches against its definition, worked out from the inputs alone, one sequence at a time."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from gated import LSTM, Dense, Network
from gated.data import (
    ORDER_SYMBOLS,
    Sequences,
    adding,
    copy_memory,
    endless,
    generating_timed_spikes,
    long_lag,
    measuring_spike_distances,
    reber_task,
    temporal_order,
    triggered_lag,
)
from gated.errors import ArgumentError, ArgumentTypeError
from gated.losses import SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError

TASKS = {
    "adding 1997": (adding, {"steps": 20}),
    "adding 2015": (adding, {"steps": 7, "variant": "2015"}),
    "temporal order 6a": (temporal_order, {}),
    "temporal order 6b": (temporal_order, {"relevant": 3}),
    "copy": (copy_memory, {"lag": 5, "symbols": 3}),
    "long lag 2a": (long_lag, {"lag": 9}),
    "long lag 2b": (long_lag, {"lag": 9, "noise": True}),
    "triggered lag": (triggered_lag, {"lag": 4, "distractors": 3}),
    "measuring": (measuring_spike_distances, {"spikes": 3}),
    "generating": (generating_timed_spikes, {"delays": (0, 3)}),
    "reber": (reber_task, {"grammar": "reber"}),
    "embedded reber": (reber_task, {}),
}


def numbers(rows):
    """The numbers of one-hot rows (T, size)."""
    assert np.array_equal(rows == 1, rows != 0) and (rows.sum(-1) == 1).all()
    return rows.argmax(-1).tolist()


def sequence(batch, n):
    """x, target and mask of one sequence, without its padding."""
    length = batch.lengths[n]
    return batch.x[:length, n], batch.target[:length, n], batch.mask[:length, n]


def is_even(counts):
    """Whether things of equal chances came about equally often: each within 4.5 standard deviations."""
    counts = np.asarray(counts)
    expected = counts.sum() / counts.size
    return bool((abs(counts - expected) < 4.5 * np.sqrt(expected)).all())


# what all tasks promise ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 13])
@pytest.mark.parametrize("name", TASKS)
def test_shapes_dtypes_padding(name, count):
    task, options = TASKS[name]
    batch = task(count, 0, **options)
    steps = batch.lengths.max()
    assert batch.x.shape[:2] == batch.target.shape[:2] == batch.mask.shape == (steps, count)
    assert batch.x.ndim == batch.target.ndim == 3 and batch.lengths.shape == (count,)
    assert (batch.x.dtype, batch.target.dtype) == (np.float32, np.float32)
    assert (batch.mask.dtype, batch.lengths.dtype) == (np.bool_, np.int64)
    for n, length in enumerate(batch.lengths):
        assert not batch.x[length:, n].any() and not batch.mask[length:, n].any()
        assert batch.mask[length - 1, n], "the last step of a sequence has an answer"
    assert not batch.target[~batch.mask].any()


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_is_a_batch_and_a_generator_goes_on(name):
    task, options = TASKS[name]

    def same(one, other):
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    batch = task(9, 4, **options)
    assert same(batch, task(9, 4, **options))
    assert same(batch, task(9, np.int64(4), **options))
    assert not same(batch, task(9, 5, **options))
    rng = np.random.default_rng(4)
    assert same(batch, task(9, rng, **options)) and not same(batch, task(9, rng, **options))


@pytest.mark.parametrize("name", TASKS)
def test_sequences_are_the_columns_without_padding(name):
    task, options = TASKS[name]
    batch = task(4, 1, **options)
    sequences = list(batch.sequences())
    assert [len(steps) for steps in sequences] == batch.lengths.tolist()
    for n, steps in enumerate(sequences):
        for t, (x_t, target) in enumerate(steps):
            assert np.array_equal(x_t, batch.x[t, n])
            assert (target is not None) == batch.mask[t, n]
            assert target is None or np.array_equal(target, batch.target[t, n])


@pytest.mark.parametrize("loss", [SquaredError(), SigmoidSquaredError(), SoftmaxCrossEntropy()])
@pytest.mark.parametrize("name", TASKS)
def test_a_network_learns_from_a_batch_as_it_is(name, loss):
    task, options = TASKS[name]
    batch = task(3, 2, **options)
    inputs, outputs = batch.x.shape[-1], batch.target.shape[-1]
    network = Network({"rnn": LSTM(inputs, 4), "head": Dense(4, outputs)})
    y, _, tape = network.forward(batch.x, lengths=batch.lengths)
    value, dy = loss(y, batch.target, batch.mask)
    _, _, gradients = network.backward(tape, dy)
    assert np.isfinite(value) and np.isfinite(gradients.vector).all()
    assert not dy[~batch.mask].any()


def test_an_endless_stream_draws_from_one_generator():
    rng = np.random.default_rng(3)
    stream = endless(adding, 2, 3, steps=20)
    for batch in itertools.islice(stream, 4):
        wanted = adding(2, rng, steps=20)
        assert all(np.array_equal(a, b) for a, b in zip(batch, wanted, strict=True))


# adding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [20, 21, 100])
def test_adding_1997(steps):
    batch = adding(3000, 1, steps=steps)
    first_marks, late_marks, one_mark = [], [], 0
    for n in range(3000):
        x, target, mask = sequence(batch, n)
        values, markers = x[:, 0].astype(float), x[:, 1]
        assert abs(values).max() <= 1
        assert markers[0] == markers[-1] == -1 and set(markers[1:-1]) <= {0, 1}
        marked = np.flatnonzero(markers == 1)
        if len(marked) == 1:  # the other mark fell on the first pair, whose value is then zero
            assert values[0] == 0
            one_mark += 1
        else:
            assert len(marked) == 2 and values[0] != 0
            first_marks.append(marked[0])
            late_marks.append(marked[1])
        # one mark in the first ten, the other among the first T/2 - 1 that were left
        assert len(marked) == 1 or marked[0] < 10
        assert marked[-1] <= max(steps // 2 - 1, 9)
        assert mask.nonzero()[0].tolist() == [len(x) - 1]
        assert target[-1, 0] == pytest.approx(0.5 + values[marked].sum() / 4, abs=1e-6)
    assert set(batch.lengths) == set(range(steps, steps + steps // 10 + 1))
    assert set(first_marks) >= set(range(1, 9)) and max(late_marks) == max(steps // 2 - 1, 9)
    values = batch.x[1:steps, :, 0]
    assert values.min() < -0.999 and values.max() > 0.999 and abs(values.mean()) < 0.01
    assert 0 < one_mark < 3000


def test_adding_1997_marks_are_drawn_as_the_paper_says():
    # p(first pair marked) = 1/10 by the first mark, and by the second 9/10 of one in T/2 - 1
    batch = adding(20000, 2, steps=40)
    chance = 0.1 + 0.9 / 19
    assert abs((batch.x[..., 1] == 1).sum(0).tolist().count(1) - 20000 * chance) < 4 * np.sqrt(20000 * chance)


@pytest.mark.parametrize("steps", [2, 3, 50])
def test_adding_2015(steps):
    batch = adding(2000, 1, steps=steps, variant="2015")
    assert set(batch.lengths) == {steps}
    seen = np.zeros(steps)
    for n in range(2000):
        x, target, mask = sequence(batch, n)
        marked = np.flatnonzero(x[:, 1])
        assert set(x[:, 1]) <= {0, 1} and len(marked) == 2
        assert marked[0] < steps // 2 <= marked[1]
        assert target[-1, 0] == pytest.approx(float(x[marked, 0].sum()), abs=1e-6)
        assert mask.nonzero()[0].tolist() == [steps - 1]
        seen[marked] += 1
    assert is_even(seen[: steps // 2]) and is_even(seen[steps // 2 :])
    assert batch.x[..., 0].min() >= 0 and batch.x[..., 0].max() <= 1
    squares = (batch.target[-1] - 1) ** 2
    assert squares.mean() == pytest.approx(1 / 6, abs=4 * squares.std() / np.sqrt(2000))


# temporal order -----------------------------------------------------------------------------------------

CLASSES = {
    2: {"XX": 0, "XY": 1, "YX": 2, "YY": 3},
    3: {"XXX": 0, "XXY": 1, "XYX": 2, "XYY": 3, "YXX": 4, "YXY": 5, "YYX": 6, "YYY": 7},
}


def check_order(batch, relevant, lengths, positions):
    """Every sequence by its symbols; returns how often each class came."""
    came = [0] * 2**relevant
    places = [set() for _ in positions]
    assert batch.target.shape[-1] == 2**relevant
    for n in range(len(batch.lengths)):
        x, target, mask = sequence(batch, n)
        string = "".join(ORDER_SYMBOLS[number] for number in numbers(x))
        assert re.fullmatch("E[abcdXY]*B", string)
        where = [match.start() for match in re.finditer("[XY]", string)]
        assert len(where) == relevant
        for place, seen in zip(where, places, strict=True):
            seen.add(place)
        label = CLASSES[relevant]["".join(string[place] for place in where)]
        assert numbers(target[-1:]) == [label] and mask.nonzero()[0].tolist() == [len(x) - 1]
        came[label] += 1
    assert set(batch.lengths) == set(range(lengths[0], lengths[1] + 1))
    assert places == [set(range(first, last + 1)) for first, last in positions]
    return came


@pytest.mark.parametrize(("relevant", "positions"), [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])])
def test_temporal_order_of_the_paper(relevant, positions):
    batch = temporal_order(1000, 1, relevant=relevant)
    assert is_even(check_order(batch, relevant, (100, 110), positions))
    fillers = batch.x[1:10, :, 2:6].sum((0, 1))
    assert fillers.sum() == 9000 and is_even(fillers)


def test_temporal_order_of_other_lengths():
    batch = temporal_order(300, 1, length=(5, 7), positions=[(1, 1), (2, 3)])
    check_order(batch, 2, (5, 7), [(1, 1), (2, 3)])
    shortest = temporal_order(20, 0, length=(4, 4), positions=[(1, 1), (2, 2)])
    assert shortest.x.shape == (4, 20, 8)
    check_order(shortest, 2, (4, 4), [(1, 1), (2, 2)])


# copying and lags ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lag", "symbols"), [(100, 10), (1, 1), (3, 4)])
def test_copy_memory(lag, symbols):
    batch = copy_memory(200, 1, lag=lag, symbols=symbols)
    assert batch.x.shape == (lag + 2 * symbols, 200, 10) and batch.target.shape == (lag + 2 * symbols, 200, 9)
    assert batch.mask.all()
    drawn = []
    for n in range(200):
        x, target, _ = sequence(batch, n)
        string = numbers(x[:symbols])
        assert numbers(x) == string + (lag - 1) * [8] + [9] + symbols * [8]
        assert numbers(target) == (lag + symbols) * [8] + string
        drawn += string
    assert is_even(np.bincount(drawn, minlength=8)) and max(drawn) == 7


def test_copy_memory_the_loss_of_who_forgets():
    batch = copy_memory(50, 0, lag=20, symbols=10)
    logits = np.zeros(batch.target.shape)
    logits[:-10, :, 8] = 100  # blanks are sure
    logits[-10:, :, 8] = -100  # and a symbol is any of the eight
    value, _ = SoftmaxCrossEntropy()(logits, batch.target, batch.mask)
    assert value == pytest.approx(10 * np.log(8) / 40, rel=1e-6)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("lag", [2, 5, 40])
def test_long_lag(lag, noise):
    batch = long_lag(300, 1, lag=lag, noise=noise)
    assert batch.x.shape == batch.target.shape == (lag, 300, lag + 1) and batch.mask.all()
    firsts, middles = [], []
    for n in range(300):
        x, target, _ = sequence(batch, n)
        whole = numbers(x[:1]) + numbers(target)
        assert numbers(x) == whole[:-1]
        assert whole[0] == whole[-1] >= lag - 1, "x or y, and the same at the end"
        firsts.append(whole[0] - (lag - 1))
        middles.append(whole[1:-1])
    if noise and lag > 2:
        chance = (1 / (lag - 1)) ** 2  # of two symbols side by side
        in_order = sum(middle[0] == 0 and middle[1] == 1 for middle in middles)
        assert abs(in_order - 300 * chance) < 4 * np.sqrt(300 * chance)
    else:
        assert middles == 300 * [list(range(lag - 1))]
    assert is_even(np.bincount(firsts, minlength=2))
    assert is_even(np.bincount(np.ravel(middles), minlength=lag - 1))


@pytest.mark.parametrize(("lag", "distractors"), [(50, 50), (1, 1), (7, 4)])
def test_triggered_lag(lag, distractors):
    count = 2000
    e, b, x_symbol, y_symbol = range(distractors, distractors + 4)
    batch = triggered_lag(count, 1, lag=lag, distractors=distractors)
    assert batch.x.shape[-1] == distractors + 4 and batch.target.shape[-1] == 2
    drawn, answers = [], []
    for n in range(count):
        x, target, mask = sequence(batch, n)
        symbols = numbers(x)
        assert symbols[0] == b and symbols[1] in (x_symbol, y_symbol) and symbols[-1] == e
        between = symbols[2:-1]
        assert len(between) >= lag and max(between) < distractors
        assert mask.nonzero()[0].tolist() == [len(x) - 1]
        assert numbers(target[-1:]) == [symbols[1] - x_symbol]
        drawn += between
        answers.append(symbols[1] - x_symbol)
    assert is_even(np.bincount(answers)) and is_even(np.bincount(drawn, minlength=distractors))
    extra = batch.lengths - lag - 3  # k, geometric: 9 on average, 0 with probability 1/10
    assert abs(extra.mean() - 9) < 4 * np.sqrt(90 / count)
    assert abs((extra == 0).sum() - count / 10) < 4 * np.sqrt(count / 10)


# errors -------------------------------------------------------------------------------------------------

INTEGER = "an integer"
SEED = "a numpy.random.Generator or an integer seed"
ERRORS = [
    (lambda: adding(0, 0), "count: got 0, expected at least 1"),
    (lambda: adding(True, 0), f"count: got bool True, expected {INTEGER}"),
    (lambda: adding(1, 0, steps=19), "steps: got 19, expected at least 20"),
    (lambda: adding(1, 0, steps=1, variant="2015"), "steps: got 1, expected at least 2"),
    (lambda: adding(1, 0, steps=20.0), f"steps: got float 20.0, expected {INTEGER}"),
    (lambda: adding(1, 0, variant=1997), "variant: got 1997, expected '1997' or '2015'"),
    (lambda: adding(1, None), f"rng: got None, expected {SEED}"),
    (lambda: adding(1, 1.5), f"rng: got float 1.5, expected {SEED}"),
    (lambda: adding(1, False), f"rng: got bool False, expected {SEED}"),
    (lambda: adding(1, -3), "rng: got -3, expected at least 0"),
    (lambda: endless(adding, 1, None), f"rng: got None, expected {SEED}"),
    (lambda: next(endless(adding, 0, 0)), "count: got 0, expected at least 1"),
    (lambda: temporal_order(0, 0), "count: got 0, expected at least 1"),
    (lambda: temporal_order(1, 0, relevant=4), "relevant: got 4, expected 2 or 3"),
    (lambda: temporal_order(1, 0, relevant=1), "relevant: got 1, expected at least 2"),
    (lambda: temporal_order(1, 0, relevant=[2]), f"relevant: got list [2], expected {INTEGER}"),
    (lambda: temporal_order(1, 0, length=100), "length: got int 100, expected a pair (least, greatest)"),
    (lambda: temporal_order(1, 0, length=(110, 100)), "length: got 100, expected at least 110"),
    (lambda: temporal_order(1, 0, length=(0, 100)), "length: got 0, expected at least 1"),
    (
        lambda: temporal_order(1, 0, length=(61, 70)),
        "positions: got [(10, 20), (50, 60)], expected 2 intervals, each after the one before, from 1 to 59",
    ),
    (
        lambda: temporal_order(1, 0, positions=[(10, 20), (20, 30)]),
        "positions: got [(10, 20), (20, 30)], expected 2 intervals, each after the one before, from 1 to 98",
    ),
    (
        lambda: temporal_order(1, 0, positions=[(10, 20)]),
        "positions: got [(10, 20)], expected 2 intervals, each after the one before, from 1 to 98",
    ),
    (
        lambda: temporal_order(1, 0, positions=[]),
        "positions: got [], expected 2 intervals, each after the one before, from 1 to 98",
    ),
    (lambda: temporal_order(1, 0, positions=[10, 20]), "positions: got int 10, expected a pair (least, greatest)"),
    (lambda: temporal_order(1, 0, positions=[(0, 9), (10, 20)]), "positions: got 0, expected at least 1"),
    (lambda: temporal_order(1, 0, positions=5), "positions: got int 5, expected a sequence of pairs (first, last)"),
    (lambda: copy_memory(0, 0), "count: got 0, expected at least 1"),
    (lambda: copy_memory(1, 0, lag=0), "lag: got 0, expected at least 1"),
    (lambda: copy_memory(1, 0, symbols=0), "symbols: got 0, expected at least 1"),
    (lambda: long_lag(0, 0), "count: got 0, expected at least 1"),
    (lambda: long_lag(1, 0, lag=1), "lag: got 1, expected at least 2"),
    (lambda: triggered_lag(0, 0), "count: got 0, expected at least 1"),
    (lambda: triggered_lag(1, 0, lag=0), "lag: got 0, expected at least 1"),
    (lambda: triggered_lag(1, 0, distractors=0), "distractors: got 0, expected at least 1"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
    of_type = re.search("got (None|bool|int|float|list) ?", message)
    assert isinstance(error.value, ArgumentTypeError if of_type else ArgumentError)


def test_what_does_not_fit_a_batch_is_told() -> None:
    x, target = np.zeros((3, 2, 1)), np.zeros((3, 2, 1))
    for lengths, mask, words in (
        ([3, 4], None, r"^lengths: got .*, expected \(2,\) lengths of at most 3, the steps of x"),
        ([3, 2, 1], None, r"^lengths: got .*, expected \(2,\) lengths"),
        (None, np.ones((2, 3)), r"^mask: got .*, expected shape \(3, 2\), that of x's steps and sequences"),
    ):
        with pytest.raises(ArgumentError, match=words) as caught:
            list(Sequences(x, target, lengths, mask).sequences())
        assert "\n" not in str(caught.value)
    with pytest.raises(ArgumentError, match="^mask: got a ragged sequence"):
        Sequences(x, target, None, [[1, 1], [1]])
    # lists are arrays
    steps = list(Sequences(x, target, [3, 1], [[1, 1], [0, 1], [1, 0]]).sequences())
    assert [[answer is not None for _, answer in sequence] for sequence in steps] == [[True, False, True], [True]]
