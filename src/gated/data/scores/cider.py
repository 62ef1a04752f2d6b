"""CIDEr-D: which n-grams of a caption its references have too, the rare ones counting most.

R. Vedantam, C. L. Zitnick, D. Parikh: CIDEr: consensus-based image description evaluation. CVPR 2015.

g_n(s) holds, for each n-gram w of a text s, its count in s times log N / df(w), where df(w) is the number of the N
pictures that have w in some reference. For a candidate c and one of its references r,

    CIDEr-D_n(c, r) = 10 · exp(-(|c| - |r|)² / 2σ²) · min(g_n(c), g_n(r)) · g_n(r) / (‖g_n(c)‖ ‖g_n(r)‖)

A caption's score is the mean over its references and n = 1, ..., 4.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.scores.texts import check_corpus
from gated.errors import describe, wrong_type

ORDERS = (1, 2, 3, 4)
SIGMA = 6.0  # words

_Gram = tuple[str, ...]
_Weights = dict[_Gram, float]


class CiderD(NamedTuple):
    """CIDEr-D of N captions.

    Attributes:
        mean: of all captions, from 0 to 10.
        captions: (N,) float64, that of each.
    """

    mean: float
    captions: NDArray[np.float64]


def cider_d(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    words: Callable[[str], Sequence[str]] = str.split,
) -> CiderD:
    """CIDEr-D of a corpus; how rare an n-gram is, the corpus's own references tell.

    The texts are expected as pycocoevalcap expects them after its tokeniser: in small letters, without punctuation,
    words between spaces. `words=caption_words` takes English and Chinese as they are written.

    Of a corpus of one picture nothing is rare: its score is 0.

    Args:
        candidates: N texts.
        references: for each, a list of one or more texts that people wrote.
        words: the words of a text.

    Raises:
        ArgumentError, ArgumentTypeError: no candidates, another number of lists, an empty list, a text in place of a
            list, no function as `words` or one that returns no words.
    """
    texts, several = check_corpus(candidates, references)
    if not callable(words):
        raise wrong_type("words", describe(words), "a function from a text to its words")
    counts = [_counts(text, words) for text in texts]
    known = [[_counts(text, words) for text in each] for each in several]
    found = Counter(gram for each in known for gram in {gram for count in each for gram in count})
    rarity = {gram: math.log(len(texts) / pictures) for gram, pictures in found.items()}
    unknown = math.log(len(texts))
    captions = np.array(
        [
            np.mean([_similarity(count, other, rarity, unknown) for other in each])
            for count, each in zip(counts, known, strict=True)
        ]
    )
    return CiderD(float(captions.mean()), captions)


def _counts(text: str, words: Callable[[str], Sequence[str]]) -> Counter[_Gram]:
    split = words(text)
    if isinstance(split, str) or not isinstance(split, Sequence) or not all(isinstance(word, str) for word in split):
        raise wrong_type("words", describe(split), "a function that returns a list of texts")
    return Counter(tuple(split[at : at + n]) for n in ORDERS for at in range(len(split) - n + 1))


def _similarity(caption: Counter[_Gram], reference: Counter[_Gram], rarity: _Weights, unknown: float) -> float:
    """The mean of CIDEr-D_n over n."""
    total = 0.0
    apart = sum(count for gram, count in caption.items() if len(gram) == 1) - sum(
        count for gram, count in reference.items() if len(gram) == 1
    )
    for n in ORDERS:
        ours, theirs = (
            {gram: count * rarity.get(gram, unknown) for gram, count in each.items() if len(gram) == n}
            for each in (caption, reference)
        )
        norms = math.hypot(*ours.values()) * math.hypot(*theirs.values())
        if norms > 0.0:
            total += (
                sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in ours.items() if gram in theirs) / norms
            )
    return 10.0 * math.exp(-(apart**2) / (2.0 * SIGMA**2)) * total / len(ORDERS)
