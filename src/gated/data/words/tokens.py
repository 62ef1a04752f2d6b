"""A text in pieces: words, numbers, signs, spaces, Chinese characters.

A space before a word, a number or a sign belongs to it, so that a piece is about a word of English and the pieces of a
text put together are the text. Chinese, which has no spaces, is cut into characters, or into words by jieba.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from gated.errors import FileFormatError, describe, require_extra, wrong_type
from gated.number_checks import one_of

FORMS = "exact", "words", "words and signs"
CHINESE = "characters", "words"

# Chinese characters, the kana of Japanese among them, which stand without spaces as well
HAN = r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
_LETTER = rf"(?:(?!{HAN})[^\W\d_][\u0300-\u036f]*)"
_WORD = rf"{_LETTER}+(?:['\u2019]{_LETTER}+)*"  # don't is one word
_NUMBER = r"\d+(?:[.,]\d+)*"
_SIGN = r"[^\w\s]|_"
_SPACES = r"\n|[^\S\n]+(?=[ ]\S)|[^\S\n]+"  # the last space is the next word's
PIECE = re.compile(rf"{HAN}|[ ]?(?:{_WORD}|{_NUMBER}|(?!{HAN})(?:{_SIGN}))|{_SPACES}")
WORDS = re.compile(rf"{HAN}|{_WORD}|{_NUMBER}")
WORDS_AND_SIGNS = re.compile(rf"{HAN}|{_WORD}|{_NUMBER}|{_SIGN}")
_RUN = re.compile(rf"{HAN}+")
_WIDE = re.compile(rf"{HAN}|[\u3000-\u303f\uff00-\uff65]")  # what stands without a space beside it
_CLOSING, _OPENING = set(".,;:!?)]}%\u2019\u201d"), set("([{\u2018\u201c")


@dataclass(frozen=True)
class Tokenizer:
    """How a text is cut into pieces and made of them again.

    Args:
        form: "exact": nothing is lost, `join(split(text)) == text`. "words": in lower case, words and numbers alone, as
            captions are learned. "words and signs": with every sign of punctuation as a word of its own.
        chinese: "characters", or "words", for which jieba is needed.

    Raises:
        ArgumentError: another word for one of the two.
    """

    form: str = "words"
    chinese: str = "characters"

    def __post_init__(self) -> None:
        one_of("form", self.form, *FORMS)
        one_of("chinese", self.chinese, *CHINESE)

    def split(self, text: str) -> list[str]:
        """The pieces of a text, in order.

        Raises:
            ArgumentTypeError: no text.
            MissingExtraError: Chinese is to be cut into words, and jieba is not installed.
        """
        check_text(text)
        if self.form != "exact":
            text = unicodedata.normalize("NFC", text).lower()
        pattern = {"exact": PIECE, "words": WORDS, "words and signs": WORDS_AND_SIGNS}[self.form]
        if self.chinese == "characters" or not _RUN.search(text):
            return pattern.findall(text)
        return list(_with_chinese_words(text, pattern))

    def join(self, pieces: Iterable[str]) -> str:
        """The text of pieces. Of those that are not exact, with spaces as they are usual."""
        return "".join(pieces) if self.form == "exact" else "".join(_spaced(pieces))

    def to_json(self) -> dict[str, str]:
        """A dict for the JSON header of a model file."""
        return {"form": self.form, "chinese": self.chinese}

    @classmethod
    def from_json(cls, data: Any) -> Tokenizer:
        """The inverse of `to_json`.

        Raises:
            FileFormatError: the data is anything else than what `to_json` gives.
        """
        known = isinstance(data, dict) and data.keys() == {"form", "chinese"}
        if not known or data["form"] not in FORMS or data["chinese"] not in CHINESE:
            raise FileFormatError("tokenizer: got something damaged, expected how a text is cut into words")
        return cls(**data)


def count_words(text: str) -> int:
    """Words, numbers and Chinese characters in a text, whatever a model takes for a word."""
    return sum(1 for _ in WORDS.finditer(check_text(text)))


def check_text(text: Any, name: str = "text") -> str:
    """`text`. Raises ArgumentTypeError if it is none."""
    if not isinstance(text, str):
        raise wrong_type(name, describe(text), "a text")
    return text


def _with_chinese_words(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    end = 0
    for run in _RUN.finditer(text):
        yield from pattern.findall(text[end : run.start()])
        yield from _jieba().lcut(run[0])
        end = run.end()
    yield from pattern.findall(text[end:])


@cache
def _jieba() -> Any:
    """jieba, with its dictionary read: it neither logs nor warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources, and of escapes in its source files
        jieba = require_extra("jieba", "chinese")
        jieba.setLogLevel(logging.WARNING)
        jieba.initialize()
    return jieba


def _spaced(pieces: Iterable[str]) -> Iterator[str]:
    before = ""
    for piece in pieces:
        beside = before and not (_WIDE.match(piece) or _WIDE.match(before[-1]))
        if beside and piece not in _CLOSING and before not in _OPENING:
            yield " "
        yield piece
        before = piece or before
