"""Words and their numbers; captions as arrays; bytes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.data import ByteVocabulary
from gated.data.words import SPECIALS, Tokenizer, WordVocabulary, caption_ids, caption_texts
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError

EXACT = Tokenizer("exact")
CAPTIONS = ["A dog runs.", "A dog sits on a mat!", "The cat sits.", "两只狗"]


def test_special_words_have_the_numbers_of_the_assignment() -> None:
    vocabulary = WordVocabulary(CAPTIONS)
    assert vocabulary.words[:4] == ("<NULL>", "<START>", "<END>", "<UNK>") == SPECIALS
    assert [vocabulary.word_to_idx[word] for word in SPECIALS] == [0, 1, 2, 3]
    assert vocabulary.words[4:8] == ("a", "dog", "sits", "cat"), "by falling count, then in order"
    counts = Counter(word for caption in CAPTIONS for word in vocabulary.tokenizer.split(caption))
    assert set(vocabulary.words[4:]) == set(counts)


def test_a_minimum_count_and_a_maximal_size() -> None:
    assert WordVocabulary(CAPTIONS, 2).words[4:] == ("a", "dog", "sits")
    assert WordVocabulary(CAPTIONS, maximum_size=6).words[4:] == ("a", "dog")
    assert len(WordVocabulary(CAPTIONS, maximum_size=4)) == 4
    with pytest.raises(ArgumentError, match="^maximum_size: got 3, expected at least 4"):
        WordVocabulary(CAPTIONS, maximum_size=3)


def test_unknown_words() -> None:
    vocabulary = WordVocabulary(CAPTIONS, 2)
    ids, unknown = vocabulary.encode_all("A dog barks, a cow sits")
    assert ids.dtype == np.int32 and ids.tolist() == [4, 5, 3, 4, 3, 6] and unknown == 2
    assert vocabulary.decode(ids) == "a dog <UNK> a <UNK> sits"
    without = WordVocabulary(CAPTIONS, specials=())
    assert without.unknown is None and without.encode("dog a").tolist() == [1, 0]
    with pytest.raises(ArgumentError, match="^text: got 'cow', expected one of the 11 words of the vocabulary$"):
        without.encode("a cow")


def test_what_is_written_like_a_special_word_is_none() -> None:
    vocabulary = WordVocabulary(["<NULL> a <UNK>"] * 2, tokenizer=EXACT)
    assert vocabulary.decode(vocabulary.encode("<NULL> a <UNK>")) == "<NULL> a <UNK>"


TEXT = st.text(st.sampled_from("ab c\n'.é中文1"), min_size=1)


@given(TEXT, TEXT, st.integers(1, 3))
def test_exact_texts_of_known_characters_come_back(text: str, other: str, least: int) -> None:
    """Words that are too rare, or were never seen, are spelled."""
    vocabulary = WordVocabulary(text, least, specials=("<UNK>",), tokenizer=EXACT, alphabet=other)
    for each in (text, other, text + other):
        ids, unknown = vocabulary.encode_all(each)
        assert unknown == 0 and vocabulary.decode(ids) == each
    again = WordVocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and again.encode(other).tolist() == vocabulary.encode(other).tolist()


def test_a_character_that_was_never_seen_shows() -> None:
    vocabulary = WordVocabulary("a cat", specials=("<UNK>",), tokenizer=EXACT)
    ids, unknown = vocabulary.encode_all("a caz")
    assert unknown == 1 and vocabulary.decode(ids) == "a ca\ufffd"


def test_words_that_are_numbered_already() -> None:
    words = [*SPECIALS, "dog", "a"]
    vocabulary = WordVocabulary.from_words(words)
    assert vocabulary.words == tuple(words) and vocabulary.encode("A dog").tolist() == [5, 4]
    assert "dog" in vocabulary and "cat" not in vocabulary and 4 not in vocabulary
    for bad, message in (
        (["a", "b"], r"^words: got a, b, expected <NULL>, <START>, <END>, <UNK> first"),
        ([*SPECIALS, "a", "a"], "^words: got 'a' twice, expected different words"),
        ([*SPECIALS, ""], "^words: got '', expected different words"),
        ([], "^words: got none, expected different words"),
        ("abc", "^words: got str 'abc', expected a sequence of texts"),
        ([*SPECIALS, 3], "^words: got .*, expected a sequence of texts"),
        (7, "^words: got int 7, expected a sequence of texts"),
    ):
        with pytest.raises(GatedError, match=message):
            WordVocabulary.from_words(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "^texts: got no words, expected at least one"),
        (("...",), "^texts: got no words"),
        ((3,), "^texts: got int 3, expected a text or several"),
        ((["a", 3],), r"^texts\[1\]: got int 3, expected a text"),
        ((b"a",), "^texts: got bytes b'a', expected"),
        (("a", 0), "^minimum_count: got 0"),
        (("a", 1.5), "^minimum_count: got 1.5"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(GatedError, match=words):
        WordVocabulary(*arguments)


def test_more_bad_arguments() -> None:
    for options, words in (
        ({"specials": "<UNK>"}, "^specials: got '<UNK>', expected several words"),
        ({"specials": ("a", "a")}, "^specials: got 'a' twice"),
        ({"tokenizer": "exact"}, "^tokenizer: got str 'exact', expected a Tokenizer of gated.data.words"),
        ({"alphabet": "xyz"}, "^alphabet: got 'xyz', expected none"),
        ({"maximum_size": 0}, "^maximum_size: got 0"),
    ):
        with pytest.raises(GatedError, match=words):
            WordVocabulary("a b", **options)
    with pytest.raises(ArgumentError, match="^ids: got 6 at position 0, expected 0 to 5$"):
        WordVocabulary("a b").decode([6])


@pytest.mark.parametrize(
    "change",
    [
        {"words": None}, {"words": "ab"}, {"words": [1]}, {"words": ["a", "a"]}, {"words": []}, {"words": [""]},
        {"specials": 9}, {"specials": -1}, {"specials": True}, {"specials": None}, {"tokenizer": None},
        {"tokenizer": {"form": "exact", "chinese": 3}},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_json(change: dict[str, Any]) -> None:
    whole = WordVocabulary("a b", specials=("<UNK>",)).to_json()
    with pytest.raises(FileFormatError) as caught:
        WordVocabulary.from_json({**whole, **change})
    assert "\n" not in str(caught.value)
    for bad in (None, [], "x", {}):
        with pytest.raises(FileFormatError):
            WordVocabulary.from_json(bad)


def test_captions_as_one_array() -> None:
    vocabulary = WordVocabulary(CAPTIONS)
    ids = caption_ids(CAPTIONS, vocabulary)
    assert ids.dtype == np.int32 and ids.shape == (4, 8)
    for row, caption in zip(ids, CAPTIONS, strict=True):
        words = vocabulary.tokenizer.split(caption)
        wanted = ["<START>", *words, "<END>", *["<NULL>"] * (6 - len(words))]
        assert [vocabulary.words[number] for number in row] == wanted
    assert caption_texts(ids, vocabulary) == ["a dog runs", "a dog sits on a mat", "the cat sits", "两只狗"]
    assert caption_texts(ids[:, 1:], vocabulary) == caption_texts(ids, vocabulary), "as a model writes them"
    assert caption_texts(ids[1], vocabulary) == ["a dog sits on a mat"]
    short = caption_ids(CAPTIONS, vocabulary, 5)
    assert short.shape == (4, 5) and caption_texts(short, vocabulary)[1] == "a dog sits"
    assert (short == 2).sum(axis=1).tolist() == [1] * 4
    assert caption_ids([], vocabulary).shape == (0, 3)
    assert caption_ids([""], vocabulary, 4).tolist() == [[1, 2, 0, 0]]


def test_refusals_of_captions() -> None:
    vocabulary = WordVocabulary(CAPTIONS)
    for arguments, words in (
        (("a dog", vocabulary), "^captions: got str 'a dog', expected several texts"),
        ((3, vocabulary), "^captions: got int 3"),
        (([3], vocabulary), "^text: got int 3"),
        ((CAPTIONS, vocabulary, 2), "^length: got 2, expected a whole number of at least 3"),
        ((CAPTIONS, {"a": 1}), "^vocabulary: got dict .*, expected a WordVocabulary"),
        ((CAPTIONS, WordVocabulary("a", specials=("<UNK>",))), "^vocabulary: got one without <NULL>, expected"),
    ):
        with pytest.raises(GatedError, match=words):
            caption_ids(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^ids: got shape \(1, 1, 1\), expected \(N, T\) or \(T,\)"):
        caption_texts([[[1]]], vocabulary)
    with pytest.raises(ArgumentError, match="^ids: got 99 at position 1"):
        caption_texts([[1, 99]], vocabulary)
    with pytest.raises(ArgumentTypeError, match="^ids: got an array of float64"):
        caption_texts([[0.5]], vocabulary)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_are_those_of_utf8(text: str) -> None:
    vocabulary = ByteVocabulary()
    ids, unknown = vocabulary.encode_all(text)
    assert ids.dtype == np.int32 and bytes(ids.tolist()) == text.encode() and unknown == 0
    assert vocabulary.decode(ids) == text


def test_bytes_that_are_no_text() -> None:
    vocabulary = ByteVocabulary()
    assert len(vocabulary) == 256 and 255 in vocabulary and 256 not in vocabulary
    assert vocabulary.decode([0xE4, 0xB8, 97]) == "\ufffda"
    with pytest.raises(ArgumentError, match="^text: got half of a surrogate pair at position 1, expected"):
        vocabulary.encode("a\ud800")
    with pytest.raises(ArgumentTypeError, match="^text: got None, expected a text$"):
        vocabulary.encode(None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="^ids: got 256 at position 0, expected 0 to 255$"):
        vocabulary.decode([256])
    assert ByteVocabulary.from_json(vocabulary.to_json()) == vocabulary
    for bad in (None, {}, {"bytes": 256}):
        with pytest.raises(FileFormatError, match='^vocabulary: got something else than "utf-8"'):
            ByteVocabulary.from_json(bad)
