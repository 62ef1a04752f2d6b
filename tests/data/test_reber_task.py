"""The arrays of the Reber tasks against the strings, and the success test by hand."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from gated.data import (
    REBER_SYMBOLS,
    continual_reber,
    continual_reber_steps,
    embedded_reber_string,
    is_embedded_reber,
    legal_successors,
    reber_batch,
    reber_score,
    reber_sequence,
    reber_string,
    reber_success,
    reber_task,
)
from gated.errors import ArgumentError, ArgumentTypeError

DRAW = {"reber": reber_string, "embedded": embedded_reber_string}


def text_of(x):
    """The symbols of one-hot rows (T, 7)."""
    assert np.array_equal(np.sort(x, axis=-1), np.tile([0, 0, 0, 0, 0, 0, 1], (len(x), 1)))
    return "".join(REBER_SYMBOLS[number] for number in x.argmax(-1))


def texts_of(rows):
    return ["".join(symbol for symbol, on in zip(REBER_SYMBOLS, row, strict=True) if on) for row in rows]


# arrays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grammar", ["reber", "embedded"])
def test_a_sequence_holds_the_string_and_its_successors(grammar):
    string = DRAW[grammar](7)
    x, target = reber_sequence(string, grammar)
    assert x.shape == target.shape == (len(string) - 1, 7)
    assert x.dtype == target.dtype == np.float32
    assert text_of(x) == string[:-1]
    assert texts_of(target) == legal_successors(string, grammar)[:-1]
    assert texts_of(target)[-1] == "E"


def test_the_shortest_beginning_is_one_step():
    x, target = reber_sequence("BT")
    assert text_of(x) == "B" and texts_of(target) == ["TP"]


@pytest.mark.parametrize("grammar", ["reber", "embedded"])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_batch_is_its_sequences_side_by_side(grammar, count):
    rng = np.random.default_rng(11)
    strings = [DRAW[grammar](rng) for _ in range(count)]
    batch = reber_task(count, 11, grammar)
    assert batch.lengths.tolist() == [len(string) - 1 for string in strings]
    assert batch.x.shape == batch.target.shape == (max(batch.lengths), count, 7)
    for n, string in enumerate(strings):
        x, target = reber_sequence(string, grammar)
        length = len(x)
        assert np.array_equal(batch.x[:length, n], x) and not batch.x[length:, n].any()
        assert np.array_equal(batch.target[:length, n], target) and not batch.target[length:, n].any()
        assert batch.mask[:length, n].all() and not batch.mask[length:, n].any()
    for one, other in zip(batch, reber_batch(strings, grammar), strict=True):
        assert np.array_equal(one, other)


# streams ------------------------------------------------------------------------------------------------


def test_windows_of_a_stream_join_to_whole_strings():
    windows = list(itertools.islice(continual_reber(3, 8, window=17), 20))
    for window in windows:
        assert window.x.shape == window.target.shape == (17, 3, 7)
        assert window.mask.all() and window.mask.shape == (17, 3)
        assert window.lengths.tolist() == [17, 17, 17]
    x = np.concatenate([window.x for window in windows])
    target = np.concatenate([window.target for window in windows])
    streams = [text_of(x[:, n]) for n in range(3)]
    assert len(set(streams)) == 3
    for n, stream in enumerate(streams):
        assert texts_of(target[:, n]) == legal_successors(stream, "continual")
        strings = re.findall("B[TP]B[TPSXV]+E[TP]E", stream)
        assert "".join(strings) == stream[: len("".join(strings))] and len(strings) > 20
        assert all(is_embedded_reber(string) for string in strings)


def test_streams_are_those_of_their_seed_whatever_the_window():
    def first(seed, window, streams=2):
        windows = itertools.islice(continual_reber(streams, seed, window), 60 // window)
        return np.concatenate([batch.x for batch in windows])

    assert np.array_equal(first(1, 20), first(1, 20))
    assert np.array_equal(first(1, 20), first(1, 1))
    assert not np.array_equal(first(1, 20), first(2, 20))


def test_a_stream_step_by_step():
    steps = list(itertools.islice(continual_reber_steps(4), 300))
    assert all(x.shape == target.shape == (7,) for x, target in steps)
    stream = text_of(np.array([x for x, _ in steps]))
    assert texts_of([target for _, target in steps]) == legal_successors(stream, "continual")
    assert "EB" in stream
    again = itertools.islice(continual_reber_steps(np.random.default_rng(4)), 300)
    assert text_of(np.array([x for x, _ in again])) == stream


# the success test ---------------------------------------------------------------------------------------

TEST_SET = ["BTBTXSETE", "BPBPVVEPE", "BTBPTVPSETE"]
STEPS = 8 + 8 + 10


def knows_the_grammar(x):
    """Outputs 1 for the legal successors, 0 for others: worked out from the symbols that were read."""
    successors = legal_successors(text_of(x))
    return np.array([[float(symbol in legal) for symbol in REBER_SYMBOLS] for legal in successors])


def changed(index, step, row):
    """A predict that is right but for one step (counted from 0 or from the end) of one string."""
    texts = [string[:-1] for string in TEST_SET]

    def predict(x):
        outputs = knows_the_grammar(x)
        if text_of(x) == texts[index]:
            outputs[step] = row(outputs[step])
        return outputs

    return predict


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_who_knows_the_grammar_passes(threshold):
    assert reber_success(knows_the_grammar, TEST_SET, threshold) == (1, 1, 1, True)
    assert reber_success(lambda x: knows_the_grammar(x).astype(int), TEST_SET, threshold).solved


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_one_wrong_easy_step_fails_and_is_counted(threshold):
    score = reber_success(changed(2, 3, lambda row: 1 - row), TEST_SET, threshold)
    assert score == (pytest.approx(1 - 1 / STEPS), pytest.approx(2 / 3), 1, False)


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_who_forgets_the_second_symbol_fails_at_the_hard_step_only(threshold):
    t, p = REBER_SYMBOLS.index("T"), REBER_SYMBOLS.index("P")

    def always_t(x):
        outputs = knows_the_grammar(x)
        outputs[-2, [t, p]] = 1, 0
        return outputs

    score = reber_success(always_t, TEST_SET, threshold)
    assert score == (pytest.approx(1 - 1 / STEPS), pytest.approx(2 / 3), pytest.approx(2 / 3), False)


def test_the_criterion_compares_and_the_threshold_measures():
    small = changed(0, 0, lambda row: row * 0.1)  # the right order, all below one half
    assert reber_success(small, TEST_SET).solved
    assert not reber_success(small, TEST_SET, threshold=0.5).solved
    assert reber_success(small, TEST_SET, threshold=0.05).solved
    high = changed(0, 0, lambda row: row * 0.1 + 0.8)  # all above
    assert reber_success(high, TEST_SET).solved and not reber_success(high, TEST_SET, threshold=0.5).solved


@pytest.mark.parametrize("threshold", [None, 0.5])
@pytest.mark.parametrize(
    "row",
    [
        lambda row: np.where(np.arange(7) == 0, 1.0, row),  # all legal successors, and B too
        lambda row: np.where(np.arange(7) == 1, 0.0, row),  # not all: T is missing
        lambda row: np.where(np.arange(7) == 0, np.nan, row),  # of an illegal symbol
        lambda row: np.where(np.arange(7) == 1, np.nan, row),  # of a legal one
        lambda row: row * np.nan,
        lambda row: row * 0 + 0.5,  # a tie
    ],
)
def test_nearly_right_is_wrong(row, threshold):
    score = reber_success(changed(0, 0, row), TEST_SET, threshold)
    assert score.steps == pytest.approx(1 - 1 / STEPS) and not score.solved


def test_strings_are_read_one_by_one_without_their_last_symbol():
    seen = []

    def predict(x):
        seen.append(text_of(x))
        return knows_the_grammar(x)

    reber_success(predict, TEST_SET)
    assert seen == [string[:-1] for string in TEST_SET]


def test_a_batch_is_judged_like_its_strings_and_padding_does_not_count():
    rng = np.random.default_rng(0)
    batch = reber_batch(TEST_SET)
    outputs = batch.target + rng.normal(0, 0.4, batch.target.shape)
    outputs[~batch.mask] = np.nan
    by_text = {string[:-1]: outputs[: len(string) - 1, n] for n, string in enumerate(TEST_SET)}
    score = reber_score(outputs, batch)
    assert score == reber_success(lambda x: by_text[text_of(x)], TEST_SET)
    assert 0 < score.steps < 1


def test_hard_steps_of_a_stream_and_of_a_grammar_without_them():
    batch = next(continual_reber(4, 0, 200))
    outputs = batch.target.copy()
    assert reber_score(outputs, batch) == (1, 1, 1, True)
    hard = [(t, n) for n in range(4) for t, text in enumerate(texts_of(batch.target[:, n])) if text in ("T", "P")]
    for t, n in hard[::2]:
        outputs[t, n] = 0
    score = reber_score(outputs, batch)
    assert score.hard_steps == pytest.approx(1 - len(hard[::2]) / len(hard))
    assert score.steps == pytest.approx(1 - len(hard[::2]) / 800)
    plain = reber_task(5, 0, "reber")
    assert np.isnan(reber_score(plain.target, plain).hard_steps)


# errors -------------------------------------------------------------------------------------------------

BATCH = reber_batch(TEST_SET)
ERRORS = [
    (lambda: reber_sequence("B"), "string: got 'B', expected at least two symbols"),
    (lambda: reber_sequence(""), "string: got '', expected at least two symbols"),
    (lambda: reber_task(0, 0), "count: got 0, expected at least 1"),
    (lambda: reber_task(2.0, 0), "count: got float 2.0, expected an integer"),
    (lambda: reber_task(2, 0, "continual"), "grammar: got 'continual', expected 'reber' or 'embedded'"),
    (lambda: reber_task(2, None), "rng: got None, expected a numpy.random.Generator or an integer seed"),
    (lambda: reber_batch([]), "strings: got none, expected at least one"),
    (lambda: reber_batch("BTBTXSETE"), "strings: got str 'BTBTXSETE', expected a sequence of texts"),
    (lambda: reber_batch(["BTBTXSETE", 3]), "string: got int 3, expected a text of the symbols BTPSXVE"),
    (lambda: continual_reber(0, 0, 5), "streams: got 0, expected at least 1"),
    (lambda: continual_reber(1, 0, 0), "window: got 0, expected at least 1"),
    (lambda: continual_reber(1, "a", 5), "rng: got str 'a', expected a numpy.random.Generator or an integer seed"),
    (lambda: continual_reber_steps(True), "rng: got bool True, expected a numpy.random.Generator or an integer seed"),
    (lambda: reber_success(knows_the_grammar, []), "test_set: got no strings, expected at least one"),
    (
        lambda: reber_success(knows_the_grammar, ["BTBTXSETE", "BTXSE"]),
        "test_set[1]: got 'BTXSE', expected a string of the embedded Reber grammar",
    ),
    (
        lambda: reber_success(lambda x: x[:, :6], TEST_SET),
        "predict: got an array of shape (8, 6) and dtype float32, expected outputs of shape (8, 7), real numbers",
    ),
    (
        lambda: reber_success(lambda x: x * 1j, TEST_SET),
        "predict: got an array of shape (8, 7) and dtype complex64, expected outputs of shape (8, 7), real numbers",
    ),
    (
        lambda: reber_score(BATCH.x[1:], BATCH),
        "outputs: got an array of shape (9, 3, 7) and dtype float32, expected real numbers of shape (10, 3, 7)",
    ),
    (lambda: reber_score(BATCH.x, BATCH, "half"), "threshold: got str 'half', expected a number, or None"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
    of_type = ("got None", "got str", "got int", "got float", "got bool")
    assert isinstance(error.value, ArgumentTypeError if any(word in message for word in of_type) else ArgumentError)
