"""Writing a text with the language model of `benchmarks.language`: one sequence, a symbol after the other.

Each step takes the symbol before, and draws the next from softmax(logits / TEMPERATURE). The sides draw with their own
random numbers: what is compared beforehand are the probabilities along a given text.
"""

from __future__ import annotations

import numpy as np

from benchmarks import language
from benchmarks.problem import Array, Problem

TEMPERATURE = 0.8
FIRST = 0  # the symbol before the text
SEED = 0


def given_text(problem: Problem) -> list[int]:
    """As many symbols as are drawn."""
    ids, _ = language.batches(problem)[0]
    return [int(symbol) for symbol in ids[:, 0]]


def drawn(chances: Array, uniform: float) -> int:
    """The symbol at which the sum of the chances (V,), which need not sum to 1, passes this part of it all."""
    sums = np.cumsum(chances, dtype=np.float64)  # in float32 the product could round up to the last sum
    return int(np.searchsorted(sums, uniform * sums[-1], side="right"))
