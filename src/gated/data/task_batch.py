"""What the tasks share: endless streams of batches, checks of their arguments, answers at the last step.

T steps (of the longest sequence in a batch), N sequences, D inputs, K outputs. Steps are counted from 0.

A task gives `Sequences` (see `gated.data.sequences`), with all of x, target, lengths and mask. Two kinds of steps
are not in the mask: the padding after a shorter sequence, and steps at which the task asks for no answer. x is zero in
the padding, target wherever the mask is False. Classes are one-hot, so that every loss takes them; `target.argmax(-1)`
gives their numbers. x and target are float32, lengths int64, mask booleans.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.sequences import Sequences, within
from gated.errors import describe, wrong, wrong_type


def endless(
    task: Callable[..., Sequences], count: int, rng: np.random.Generator | int, **options: Any
) -> Iterator[Sequences]:
    """An endless stream of batches, `task(count, rng, **options)` again and again from one generator.

    The errors of `task` come with the first batch; those of `rng` at the call.
    """
    generator = generator_of(rng)
    return (task(count, generator, **options) for _ in itertools.count())


def generator_of(rng: np.random.Generator | int) -> np.random.Generator:
    """The generator itself, or a new one from a seed; never an unseeded one.

    Raises:
        ArgumentError, ArgumentTypeError: a negative seed, anything else than a Generator or an integer.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        raise wrong_type("rng", describe(rng), "a numpy.random.Generator or an integer seed")
    at_least("rng", rng, 0)
    return np.random.default_rng(int(rng))


def at_least(name: str, value: object, least: int) -> None:
    """Raises ArgumentTypeError if `value` is no integer, ArgumentError if it is below `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise wrong_type(name, describe(value), "an integer")
    if value < least:
        raise wrong(name, str(value), f"at least {least}")


def interval(name: str, pair: Any) -> tuple[int, int]:
    """The pair (least, greatest) of positive integers that `pair` should be; the same errors as at_least."""
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise wrong_type(name, describe(pair), "a pair (least, greatest)") from None
    at_least(name, low, 1)
    at_least(name, high, int(low))
    return int(low), int(high)


def one_hot(numbers: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """(..., size) float32 from numbers (...), which lie between 0 and size - 1."""
    rows = np.zeros((*numbers.shape, size), dtype=np.float32)
    np.put_along_axis(rows, numbers[..., None], 1, axis=-1)
    return rows


def answer_at_end(x: NDArray[np.float32], answer: NDArray[Any], lengths: NDArray[np.int64]) -> Sequences:
    """The batch of a task with one answer for each sequence, (N, K), at its last step. Clears the padding of x."""
    last = (lengths - 1, np.arange(len(lengths)))
    target = np.zeros((*x.shape[:2], answer.shape[1]), dtype=np.float32)
    target[last] = answer
    mask = np.zeros(x.shape[:2], dtype=np.bool_)
    mask[last] = True
    x[~within(lengths)] = 0
    return Sequences(x, target, lengths, mask)
