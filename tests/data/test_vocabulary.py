from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.data import Vocabulary
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError

ANY_TEXT = st.text(st.characters(), min_size=1)  # surrogates and characters beyond 16 bits too


@given(ANY_TEXT)
def test_text_comes_back_through_ids_and_json(text):
    vocabulary = Vocabulary(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == text
    assert [vocabulary.characters[i] for i in ids] == list(text)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_numbers_are_in_the_order_of_code_points():
    vocabulary = Vocabulary("zebra\n😀")
    assert vocabulary.characters == "\naberz😀"
    assert len(vocabulary) == 7
    assert "z" in vocabulary and "y" not in vocabulary and "" not in vocabulary and "ab" not in vocabulary


def test_empty_text_has_no_ids():
    vocabulary = Vocabulary("ab")
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.decode([]) == ""


def test_an_unknown_character_is_named_with_its_position():
    with pytest.raises(ArgumentError, match="got 'x' at position 2"):
        Vocabulary("abc").encode("abxaz")
    with pytest.raises(ArgumentError, match="got 'A' at position 0"):
        Vocabulary("abc").encode("A")


def test_a_stand_in_replaces_unknown_characters():
    vocabulary = Vocabulary("abc ")
    assert vocabulary.decode(vocabulary.encode("abxaAz😀c", unknown=" ")) == "ab a   c"
    with pytest.raises(ArgumentError, match="unknown: got '\\?'"):
        vocabulary.encode("ab", unknown="?")


def test_decode_refuses_what_is_no_number_of_a_character():
    vocabulary = Vocabulary("abc")
    with pytest.raises(ArgumentError, match="got 3 at position 1, expected 0 to 2"):
        vocabulary.decode([0, 3])
    with pytest.raises(ArgumentError, match="got -1"):
        vocabulary.decode([-1])
    with pytest.raises(ArgumentTypeError, match="float64"):
        vocabulary.decode([0.5])


def test_a_vocabulary_needs_characters():
    with pytest.raises(ArgumentError, match="no characters"):
        Vocabulary("")
    with pytest.raises(ArgumentError, match="several characters"):
        Vocabulary(["ab", "c"])


@pytest.mark.parametrize(
    "data", [None, [], {}, {"characters": 3}, {"characters": ""}, {"characters": "ba"}, {"characters": "aab"}]
)
def test_from_json_refuses_anything_else(data):
    with pytest.raises(FileFormatError, match="vocabulary: got"):
        Vocabulary.from_json(data)


def test_characters_that_are_unknown_are_counted():
    vocabulary = Vocabulary("abc\n ")
    ids, unknown = vocabulary.encode_all("ab€c😀")
    assert unknown == 2 and vocabulary.decode(ids) == "ab c "
    assert Vocabulary("ab\n").encode_all("x")[0].tolist() == [0]
    assert vocabulary.encode_all("cab")[1] == 0
