"""Pictures with their captions, a batch at a time.

Legend: N captions of a batch, T words of the longest but one, P places, D numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Sequences
from gated.data.words import WordVocabulary, caption_ids
from gated.errors import as_array, describe, wrong, wrong_type

NULL = 0


class Pairs:
    """Pairs of a picture and a caption.

    Args:
        count: pictures.
        captions: for each a text, or several; or (pairs, T) ids of words, <START> ... <END> <NULL>.
        vocabulary: of the texts.
        of: with ids: (pairs,) which picture each is of, from 0 to count - 1; None: one of each.

    Attributes:
        ids: (pairs, T + 1) int32.
        pictures: (pairs,) which each is of.

    Raises:
        ArgumentError, ArgumentTypeError: other captions than these.
    """

    def __init__(self, count: int, captions: Any, vocabulary: WordVocabulary, of: Any = None) -> None:
        texts = all_texts(captions) if not isinstance(captions, np.ndarray) else None
        if texts is None:
            self.ids = _checked_ids(captions, len(vocabulary))
            self.pictures = np.arange(len(self.ids)) if of is None else _checked_pictures(of, len(self.ids), count)
            came = len(self.ids) if of is None else count
        else:
            self.pictures = np.repeat(np.arange(len(texts)), [len(own) for own in texts])
            self.ids = caption_ids([text for own in texts for text in own], vocabulary)
            came = len(texts)
        if came != count:
            raise wrong("captions", f"those of {came} pictures", f"{count}, one or several of each picture")

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, pictures: NDArray[Any]) -> Pairs:
        """The pairs of some pictures, which are numbered anew.

        Args:
            pictures: their numbers, rising.
        """
        own = np.isin(self.pictures, pictures)
        found = copy.copy(self)
        found.ids, found.pictures = self.ids[own], np.searchsorted(pictures, self.pictures[own])
        return found

    def batch(self, which: NDArray[Any], shown: Any) -> Sequences:
        """Some of the pairs.

        Args:
            shown: what the network takes of all their pictures, by their numbers.

        Returns:
            x: {"features", "captions"}, target (T, N), lengths, and as mask the weights with which a sum over words is
            one over words divided by the number of captions.
        """
        ids = self.ids[which].T
        lengths = np.count_nonzero(ids[1:] != NULL, axis=0)
        steps = int(lengths.max())
        words, target = ids[:steps], ids[1 : steps + 1]
        features = shown(self.pictures[which])
        weights = (target != NULL).astype(features.dtype) / features.dtype.type(len(which))
        x = {"features": features, "captions": np.ascontiguousarray(words)}
        return Sequences(x, np.ascontiguousarray(target), {"captions": lengths}, weights, which)

    def batches(self, size: int, rng: np.random.Generator | None, shown: Any) -> Iterator[Sequences]:
        """All pairs once, in random order if there is a generator."""
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        return (self.batch(order[n : n + size], shown) for n in range(0, len(order), size))


def all_texts(captions: Any) -> list[list[str]]:
    """For each picture its captions.

    Raises:
        ArgumentError, ArgumentTypeError: anything but texts, or lists of them; a picture without one.
    """
    if isinstance(captions, (str, bytes)) or not isinstance(captions, Sequence):
        raise wrong_type("captions", describe(captions), "a text, or a list of some, for each picture")
    found: list[list[str]] = []
    for k, own in enumerate(captions):
        several = [own] if isinstance(own, str) else own
        if isinstance(several, bytes) or not isinstance(several, Sequence):
            raise wrong_type(f"captions[{k}]", describe(own), "a text, or a list of some")
        if not several or not all(isinstance(text, str) for text in several):
            raise wrong(f"captions[{k}]", describe(own), "at least one text, and texts alone")
        found.append(list(several))
    if not found:
        raise wrong("captions", "none", "at least one")
    return found


def _checked_ids(captions: Any, words: int) -> NDArray[np.int32]:
    ids = as_array("captions", captions)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.shape[1] < 2 or not len(ids):
        raise wrong("captions", describe(ids), "texts, or ids (N, T) of at least two words")
    if ids.min() < 0 or ids.max() >= words:
        raise wrong("captions", f"ids from {ids.min()} to {ids.max()}", f"0 to {words - 1}")
    padded = ids[:, 1:] == NULL
    if (padded[:, :-1] & ~padded[:, 1:]).any() or padded[:, 0].any():
        raise wrong("captions", "<NULL> before other words", "<START>, words, <END>, and <NULL> behind it alone")
    return ids.astype(np.int32)


def _checked_pictures(of: Any, pairs: int, count: int) -> NDArray[np.int64]:
    pictures = as_array("of", of)
    if pictures.dtype.kind not in "iu" or pictures.shape != (pairs,):
        raise wrong("of", describe(pictures), f"whole numbers ({pairs},): of which picture each caption is")
    if pictures.min() < 0 or pictures.max() >= count:
        raise wrong("of", f"pictures from {pictures.min()} to {pictures.max()}", f"0 to {count - 1}")
    return pictures.astype(np.int64)
