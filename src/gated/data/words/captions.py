"""Captions as numbers of words, all of one length.

Legend: N captions, T words of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data.vocabulary import numbers_of
from gated.data.words.vocabulary import END, NULL, START, WordVocabulary
from gated.errors import as_array, describe, wrong, wrong_type
from gated.number_checks import whole


def caption_ids(captions: Iterable[str], vocabulary: WordVocabulary, length: int | None = None) -> NDArray[np.int32]:
    """Captions as the well-known course assignment has them: `<START>`, the words, `<END>`, then `<NULL>`.

    Args:
        captions: N texts.
        vocabulary: has these three special words.
        length: T, at least 3; what is longer is cut, so that `<END>` still stands behind it. None: as long as the
            longest.

    Returns:
        (N, T) int32.

    Raises:
        ArgumentError: a vocabulary without one of the three, a `length` below 3, a word that has no number.
        ArgumentTypeError: anything but texts.
    """
    null, start, end = _three(vocabulary)
    if isinstance(captions, (str, bytes)) or not isinstance(captions, Iterable):
        raise wrong_type("captions", describe(captions), "several texts")
    rows = [vocabulary.encode(caption) for caption in captions]
    if length is None:
        length = 2 + max([1, *map(len, rows)])
    ids = np.full((len(rows), whole("length", length, 3)), null, np.int32)
    ids[:, 0] = start
    for row, words in zip(ids, rows, strict=True):
        count = min(len(words), length - 2)
        row[1 : count + 1], row[count + 1] = words[:count], end
    return ids


def caption_texts(ids: ArrayLike, vocabulary: WordVocabulary) -> list[str]:
    """The texts of captions: of each what stands before the first `<END>`, without special words.

    Args:
        ids: (N, T), with or without `<START>`; (T,) is one caption.
        vocabulary: as for `caption_ids`.

    Returns:
        N texts.

    Raises:
        ArgumentError, ArgumentTypeError: other shapes, no numbers of words.
    """
    _, _, end = _three(vocabulary)
    array = as_array("ids", ids)
    if array.ndim not in (1, 2):
        raise wrong("ids", f"shape {array.shape}", "(N, T) or (T,)")
    numbers = numbers_of(array, len(vocabulary)).reshape(array.shape if array.ndim == 2 else (1, -1))
    before = np.cumsum(numbers == end, axis=1) == 0
    return [vocabulary.decode(row[own]) for row, own in zip(numbers, before, strict=True)]


def _three(vocabulary: Any) -> list[int]:
    if not isinstance(vocabulary, WordVocabulary):
        raise wrong_type("vocabulary", describe(vocabulary), "a WordVocabulary")
    special = vocabulary.words[: vocabulary.specials]
    missing = [word for word in (NULL, START, END) if word not in special]
    if missing:
        raise wrong("vocabulary", f"one without {missing[0]}", f"{NULL}, {START} and {END} among its special words")
    return [special.index(word) for word in (NULL, START, END)]
