"""The random numbers of a cell's draws: a counter-based generator, so that a number hangs on nothing but its place.

Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw 2011, Parallel random numbers, SC):
one key a forward pass; the counter is (block of four units, sequence, step, layer and direction and draw) as the user
counts them. So the numbers are the same in every backend, for any number of threads, in whatever order sequences lie.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gated.language.chance import BERNOULLI

Array = np.ndarray[Any, Any]
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
ONCE = 0xFFFFFFFF  # in the place of the step, where a draw is made once a sequence
LOW = np.uint64(0xFFFFFFFF)


class Place(NamedTuple):
    """Which draw: its layer, direction and number in the cell."""

    layer: int
    direction: int
    draw: int

    @property
    def word(self) -> int:
        return self.layer << 16 | self.direction << 15 | self.draw


def philox(counters: tuple[Array, Array, Array, Array], key: int) -> tuple[Array, Array, Array, Array]:
    """Four uniform whole numbers below 2³² for every counter: four arrays (uint64) that fit each other's shapes."""
    words = [np.asarray(word, np.uint64) for word in counters]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    first, second = (np.uint64(number) for number in MULTIPLIERS)
    half = np.uint64(32)
    for _ in range(ROUNDS):
        one, other = words[0] * first, words[2] * second
        words = [
            (other >> half) ^ words[1] ^ np.uint64(k0),
            other & LOW,
            (one >> half) ^ words[3] ^ np.uint64(k1),
            one & LOW,
        ]
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return words[0], words[1], words[2], words[3]


def whole_numbers(key: int, word: int, steps: Array | None, sequences: Array, size: int) -> Array:
    """(R, size) uniform whole numbers below 2³² (uint64), of rows of these steps and sequences, (R,) each.

    Args:
        word: see `Place`.
        steps: None of a draw that is made once a sequence.
    """
    blocks = np.arange(-(-size // 4))
    steps = np.full(len(sequences), ONCE) if steps is None else steps
    words = np.broadcast_arrays(*philox((blocks, sequences[:, None], steps[:, None], np.array(word)), key))
    return np.stack(words, axis=-1).reshape(len(sequences), 4 * len(blocks))[:, :size]


def bernoulli(numbers: Array, probability: float, dtype: Any) -> Array:
    """1 where a whole number is below its part of 2³², to the bit; else 0."""
    return (numbers < np.uint64(threshold(probability))).astype(dtype)


def threshold(probability: float) -> int:
    """This part of 2³²."""
    return round(probability * 2.0**32)


def normal(numbers: Array, deviation: float, dtype: Any) -> Array:
    """Box and Muller (1958): of each two numbers, one behind the other, a cosine and a sine. The last axis is even."""
    uniform = (numbers.astype(np.float64) + 0.5) * 2.0**-32
    radius = deviation * np.sqrt(-2.0 * np.log(uniform[..., 0::2]))
    angle = 2.0 * np.pi * uniform[..., 1::2]
    found = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return found.reshape(numbers.shape).astype(dtype)


def drawn(
    key: int, word: int, kind: str, value: float, steps: Array | None, sequences: Array, size: int, dtype: Any
) -> Array:
    """A draw (R, size), see `whole_numbers`."""
    numbers = whole_numbers(key, word, steps, sequences, size + size % 2)
    return (bernoulli if kind == BERNOULLI else normal)(numbers, value, dtype)[:, :size]
