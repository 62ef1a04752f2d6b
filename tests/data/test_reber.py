"""The Reber grammars against a regular expression and against chance."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from gated.data import (
    REBER_SYMBOLS,
    embedded_reber_string,
    is_embedded_reber,
    is_reber,
    legal_successors,
    reber_string,
    reber_test_set,
)
from gated.errors import ArgumentError, ArgumentTypeError

# The graph as its authors draw it, read as a language: the upper way TS*X and the lower way PT*V, which meet twice.
INNER = "B(?:(?:TS*X|PT*VP)(?:XT*VP)*(?:S|XT*VV)|PT*VV)E"
WHOLE = {"reber": re.compile(INNER), "embedded": re.compile(f"B(?:T{INNER}T|P{INNER}P)E")}
IS_WHOLE = {"reber": is_reber, "embedded": is_embedded_reber}
DRAW = {"reber": reber_string, "embedded": embedded_reber_string}


def all_strings(grammar, longest):
    """The whole language up to a length, by trying everything between the ends that are the same in all strings."""
    if grammar == "embedded":
        return [f"B{t}{inner}{t}E" for inner in all_strings("reber", longest - 4) for t in "TP"]
    middles = ("".join(middle) for size in range(longest - 1) for middle in itertools.product("TPSXV", repeat=size))
    return [f"B{middle}E" for middle in middles if WHOLE["reber"].fullmatch(f"B{middle}E")]


# strings ------------------------------------------------------------------------------------------------


def test_every_string_of_seven_symbols_is_judged_as_the_expression_does():
    for size in range(6):
        for letters in itertools.product(REBER_SYMBOLS, repeat=size):
            string = "".join(letters)
            assert is_reber(string) == bool(WHOLE["reber"].fullmatch(string)), string
            framed = f"B{string}E"
            assert is_reber(framed) == bool(WHOLE["reber"].fullmatch(framed)), framed


@pytest.mark.parametrize("inner", ["BTXSE", "BPVVE", "BTSSXXTVVE", "BPTVPXVPSE"])
def test_an_embedded_string_ends_with_its_second_symbol(inner):
    assert is_reber(inner) and not is_embedded_reber(inner)
    for first, last in itertools.product("BTPSXVE", repeat=2):
        assert is_embedded_reber(f"B{first}{inner}{last}E") == (first == last and first in "TP")


@pytest.mark.parametrize("what", [None, 7, b"BTXSE", ["B", "T", "X", "S", "E"]])
def test_what_is_no_text_is_no_string(what):
    assert not is_reber(what) and not is_embedded_reber(what)


@pytest.mark.parametrize(("grammar", "shortest", "average"), [("reber", 5, 8), ("embedded", 9, 12)])
def test_random_strings_are_of_the_grammar_and_as_long_as_stated(grammar, shortest, average):
    rng = np.random.default_rng(1)
    strings = [DRAW[grammar](rng) for _ in range(4000)]
    assert all(WHOLE[grammar].fullmatch(string) for string in strings)
    lengths = np.array([len(string) for string in strings])
    assert lengths.min() == shortest
    assert abs(lengths.mean() - average) < 4 * lengths.std() / np.sqrt(len(lengths))


def test_each_choice_is_a_fair_coin():
    rng = np.random.default_rng(2)
    count = 8000
    strings = [reber_string(rng) for _ in range(count)]
    # a string's probability: one half for each of its symbols that had an alternative
    for string, choices in {"BTXSE": 3, "BPVVE": 3, "BTSXSE": 4, "BPTVVE": 4, "BPVPSE": 4, "BTXXVVE": 5}.items():
        chance = 0.5**choices
        assert abs(strings.count(string) - count * chance) < 4 * np.sqrt(count * chance), string


@pytest.mark.parametrize("grammar", ["reber", "embedded"])
def test_legal_successors_are_the_symbols_that_some_string_goes_on_with(grammar):
    extra = 4 if grammar == "embedded" else 0
    language = all_strings(grammar, 9 + extra)
    for string in (s for s in language if len(s) <= 6 + extra):
        expected = []
        for end in range(1, len(string) + 1):
            following = {other[end] for other in language if other[:end] == string[:end] and len(other) > end}
            expected.append("".join(sorted(following, key=REBER_SYMBOLS.index)))
        assert legal_successors(string, grammar) == expected


def test_successors_of_the_start_of_a_string_and_of_none():
    assert legal_successors("BTBTX") == ["TP", "B", "TP", "SX", "SX"]
    assert legal_successors("") == []


def test_in_the_continual_grammar_a_string_follows_a_string():
    string = "BTBTXSETE"
    once = legal_successors(string)
    assert once[-1] == ""
    assert legal_successors(string + string, "continual") == 2 * [*once[:-1], "B"]


def test_a_seed_gives_a_string_and_a_generator_goes_on():
    for draw in DRAW.values():
        assert draw(5) == draw(5) == draw(np.random.default_rng(5))
        assert len({draw(seed) for seed in range(40)}) > 10
        rng = np.random.default_rng(5)
        assert len({draw(rng) for _ in range(40)}) > 10


# a test set ---------------------------------------------------------------------------------------------


def test_a_test_set_has_no_string_twice_and_none_that_was_trained_with():
    train = reber_test_set(100, 3)
    test = reber_test_set(256, 4, exclude=train)
    assert len(train) == len(set(train)) == 100
    assert len(test) == len(set(test)) == 256
    assert not set(test) & set(train)
    assert all(WHOLE["embedded"].fullmatch(string) for string in test)
    assert set(reber_test_set(256, 4)) & set(train), "without exclude there are common strings"
    assert reber_test_set(256, 4, exclude=train) == test


def test_a_test_set_of_the_plain_grammar_and_one_string_to_leave_out():
    assert all(WHOLE["reber"].fullmatch(string) for string in reber_test_set(50, 0, grammar="reber"))
    assert "BTXSE" in reber_test_set(50, 0, grammar="reber")
    assert "BTXSE" not in reber_test_set(50, 0, exclude="BTXSE", grammar="reber")


# errors -------------------------------------------------------------------------------------------------

ERRORS = [
    (lambda: legal_successors("BTX"), "string: got 'X' at position 2, expected B"),
    (lambda: legal_successors("BS"), "string: got 'S' at position 1, expected T or P"),
    (lambda: legal_successors("BTXSEB", "reber"), "string: got 'B' at position 5, expected the end"),
    (lambda: legal_successors("BT", "rebel"), "grammar: got 'rebel', expected 'reber', 'embedded' or 'continual'"),
    (lambda: legal_successors("BT", ["reber"]), "grammar: got ['reber'], expected 'reber', 'embedded' or 'continual'"),
    (lambda: legal_successors(None), "string: got None, expected a text of the symbols BTPSXVE"),
    (lambda: reber_string(-1), "rng: got -1, expected at least 0"),
    (lambda: reber_test_set(0, 0), "count: got 0, expected at least 1"),
    (lambda: reber_test_set(1, 0, grammar="continual"), "grammar: got 'continual', expected 'reber' or 'embedded'"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
    of_type = ("got None", "got str", "got int", "got float", "got bool")
    assert isinstance(error.value, ArgumentTypeError if any(word in message for word in of_type) else ArgumentError)
