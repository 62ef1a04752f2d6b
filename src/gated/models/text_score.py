"""How well a language model foretells a text, in numbers that models of different units share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.words import count_words

EVALUATION_WINDOW = 128  # steps of a forward pass; bounds the memory, changes no number
LARGEST = 2**23  # logits at once: fewer steps where many words or streams would make more
UNKNOWN_BITS = math.log2(0x110000)  # to name any character of Unicode by its number


@dataclass(frozen=True)
class TextScore:
    """What a text costs a model: the fewer bits, the better it foretells.

    The bits are those of the whole text, from its first character on, which is foretold as after a line end. So they
    can be compared between models of characters, of words and of bytes, per character, per byte or per word of the
    same text. A model of words pays for a word that it lacks what it takes to spell it. A character that a model lacks
    costs what the model gives to the sign that stands for it, and 20.1 bits more, which name any character of Unicode.

    Attributes:
        bits: of the whole text.
        tokens: units of the model in it: characters, words with signs and spaces, or bytes.
        unknown: how many of them the model lacks.
        characters: in the text.
        bytes: of it in UTF-8.
        words: words, numbers and Chinese characters, whatever the model's units are.
    """

    bits: float
    tokens: int
    unknown: int
    characters: int
    bytes: int
    words: int

    @property
    def bits_per_character(self) -> float:
        """Bits over characters."""
        return self.bits / self.characters

    @property
    def bits_per_byte(self) -> float:
        """Bits over bytes of UTF-8."""
        return self.bits / self.bytes

    @property
    def bits_per_word(self) -> float:
        """Bits over words; NaN for a text without any."""
        return self.bits / self.words if self.words else math.nan

    @property
    def perplexity(self) -> float:
        """Of a unit of the model, 2 ** (bits / tokens): not to be compared between different units."""
        return _power_of_two(self.bits / self.tokens)

    @property
    def word_perplexity(self) -> float:
        """2 ** bits_per_word: comparable, whatever the units are."""
        return _power_of_two(self.bits_per_word)


def score_of(text: str, bits: float, tokens: int, unknown: int) -> TextScore:
    """The score of a text, given the bits of its tokens without those that name unknown ones."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return TextScore(bits + unknown * UNKNOWN_BITS, tokens, unknown, len(text), size, count_words(text))


def mean_bits(network: Any, text: NDArray[Any], size: int, streams: int) -> float:
    """Bits per unit of a text (length,) of ids: of each but the first, each but the first predicted once.

    Args:
        network: maps ids (T, N) to logits (T, N, `size`).
        text: at least two ids.
        size: V.
        streams: pieces of the text side by side, each from the zero state.
    """
    total, state = 0.0, None
    rows = LARGEST // (size * min(streams, len(text)))
    for x, target, mask in _masked_windows(text, streams, max(1, min(EVALUATION_WINDOW, rows))):
        y, state = network.infer(x, state)
        log2_p = log_softmax(y) / math.log(2.0)
        picked = np.take_along_axis(log2_p, target[..., None], axis=-1)[..., 0]
        total -= float(picked[mask].sum())
    return total / (len(text) - 1)


def _masked_windows(text: NDArray[Any], streams: int, window: int) -> Iterator[tuple[NDArray[Any], ...]]:
    """(x, target, mask), each (T, streams), that together predict each character but the first exactly once."""
    count = len(text) - 1
    length = -(-count // streams)  # rounded up: the last stream is padded
    places = np.arange(length * streams).reshape(streams, length).T
    mask = places < count
    places = np.minimum(places, count - 1)
    for t in range(0, length, window):
        part = places[t : t + window]
        yield text[part], text[part + 1], mask[t : t + window]


def log_softmax(y: NDArray[Any]) -> NDArray[np.float64]:
    """Natural logarithm of softmax over the last axis, in float64."""
    z = y.astype(np.float64)
    z -= z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _power_of_two(exponent: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp2(exponent))
