"""Texts in pieces: nothing is lost where nothing is to be lost, captions are what a person would write down."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.data import python_topics
from gated.data.scenes import scene_captions
from gated.data.words import Tokenizer, count_words
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, MissingExtraError

EXACT, WORDS, SIGNS = Tokenizer("exact"), Tokenizer(), Tokenizer("words and signs")
MIXED = st.text(st.one_of(st.characters(), st.sampled_from(" \n\tabZé'’.,_12中文かÅ\u0301\u3000，。😀\ud800")))


@given(MIXED)
def test_pieces_put_together_are_the_text(text: str) -> None:
    pieces = EXACT.split(text)
    assert "".join(pieces) == EXACT.join(pieces) == text and all(pieces)


@given(MIXED)
def test_pieces_of_a_text_do_not_depend_on_what_stands_after_its_lines(text: str) -> None:
    assert EXACT.split(text + "\n" + text) == [*EXACT.split(text + "\n"), *EXACT.split(text)]


def test_exact_pieces_of_english() -> None:
    text = "Don't stop,  the    1,000.5 x_y\n\n    return (a)"
    wanted = "Don't| stop|,| | the|   | 1,000.5| x|_|y|\n|\n|   | return| (|a|)"
    assert EXACT.split(text) == wanted.split("|")


def test_exact_pieces_of_chinese_are_characters() -> None:
    assert EXACT.split("我们 walk在路上。") == ["我", "们", " walk", "在", "路", "上", "。"]
    assert EXACT.split("a 中") == ["a", " ", "中"]


def test_a_whole_reference_comes_back() -> None:
    text = python_topics()
    pieces = EXACT.split(text)
    assert "".join(pieces) == text
    assert 2.5 < len(text) / len(pieces) < 6, "about a word of English each"


def test_captions() -> None:
    text = "Two dogs, one of them BIG, don't run at 3.5 km/h!"
    assert WORDS.split(text) == ["two", "dogs", "one", "of", "them", "big", "don't", "run", "at", "3.5", "km", "h"]
    assert SIGNS.split("A dog (big) runs.") == ["a", "dog", "(", "big", ")", "runs", "."]
    assert SIGNS.join(SIGNS.split("A dog (big), runs: 3% of it.")) == "a dog (big), runs: 3% of it."
    assert WORDS.split("两只狗，在跑。") == list("两只狗在跑")
    assert WORDS.split("cafe\u0301") == WORDS.split("Café") == ["café"], "an accent is one, however it is written"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_captions_with_signs_come_back_as_they_were(lang: str) -> None:
    for caption in scene_captions(200, rng=1, size=16, lang=lang).captions:
        assert SIGNS.join(SIGNS.split(caption)) == caption.lower()


def test_chinese_in_words_without_a_line_of_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture) -> None:
    pytest.importorskip("jieba")
    text = "我们在北京天安门广场 and 3 dogs，很好。"
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG, "jieba"):
        warnings.simplefilter("error")
        assert Tokenizer("words", "words").split(text)[:2] == ["我们", "在"]
    for form in ("exact", "words", "words and signs"):
        words, characters = Tokenizer(form, "words"), Tokenizer(form)
        assert words.join(words.split(text)) == characters.join(characters.split(text))
        assert len(words.split(text)) < len(characters.split(text))
    assert not caplog.records and capfd.readouterr() == ("", "")


def test_without_jieba_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.data.words import tokens

    tokens._jieba.cache_clear()
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(MissingExtraError, match=r"jieba is needed for this; install it with: pip install 'gated\[chi"):
        Tokenizer("words", "words").split("中文")
    assert Tokenizer("words", "words").split("no Chinese in it") == ["no", "chinese", "in", "it"]


def test_words_that_are_counted() -> None:
    assert count_words("") == count_words("... --- !") == 0
    assert count_words("It isn't 3.5, 我们 say.") == 6


def test_what_is_no_tokenizer_and_no_text() -> None:
    with pytest.raises(ArgumentError, match="^form: got 'loose', expected 'exact', 'words' or 'words and signs'$"):
        Tokenizer("loose")
    with pytest.raises(ArgumentError, match="^chinese: got 3, expected 'characters' or 'words'$"):
        Tokenizer("exact", 3)  # type: ignore[arg-type]
    for bad in (b"bytes", None, ["a"]):
        with pytest.raises(ArgumentTypeError, match="^text: got .*, expected a text$"):
            EXACT.split(bad)  # type: ignore[arg-type]
    for bad in (
        None,
        {},
        {"form": "exact"},
        {"form": "x", "chinese": "words"},
        {"form": ["exact"], "chinese": "words"},
    ):
        with pytest.raises(FileFormatError, match="^tokenizer: got something damaged"):
            Tokenizer.from_json(bad)
    assert Tokenizer.from_json(SIGNS.to_json()) == SIGNS
