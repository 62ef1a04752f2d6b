"""Candidates and references as every score takes them, and the words of a caption."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gated.errors import describe, wrong, wrong_type
from gated.number_checks import one_of, told

# a Chinese character by itself; letters and digits together, also across an apostrophe
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][^\W_\u3400-\u9fff]+)*")


def caption_words(text: str) -> list[str]:
    """The words of a caption in small letters, without punctuation; of Chinese each character.

    >>> caption_words("A dog's ball, 两个红球。")
    ['a', "dog's", 'ball', '两', '个', '红', '球']

    Raises:
        ArgumentTypeError: no text.
    """
    if not isinstance(text, str):
        raise wrong_type("text", told(text), "a text")
    return _WORD.findall(text.lower())


def check_corpus(candidates: object, references: object) -> tuple[list[str], list[list[str]]]:
    """N candidates and, for each, its references: one or more, not the same number everywhere.

    Raises:
        ArgumentError: no candidates, another number of lists of references, a list without any.
        ArgumentTypeError: a text in place of a list, anything else than texts.
    """
    given, lists = _sequence("candidates", candidates), _sequence("references", references, "a list of texts for each")
    if not len(given):
        raise wrong("candidates", "none", "at least one")
    if len(lists) != len(given):
        raise wrong("references", f"{len(lists)} lists", f"one for each of {len(given)} candidates")
    texts = [_text(f"candidates[{n}]", each) for n, each in enumerate(given)]
    several = []
    for n, each in enumerate(lists):
        name = f"references[{n}]"
        if not len(_sequence(name, each)):
            raise wrong(name, "none", "at least one text")
        several.append([_text(f"{name}[{k}]", reference) for k, reference in enumerate(each)])
    return texts, several


def language(lang: str) -> str:
    """ "en" or "zh"; ArgumentError for others."""
    return one_of("lang", lang, "en", "zh")


def _sequence(name: str, value: Any, expected: str = "a list of texts") -> Sequence[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise wrong_type(name, describe(value), expected)
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type(name, describe(value), "a text")
    return value
