"""What a task gives: sequences side by side with their answers, for a layer, or one after the other, step by step.

T steps (of the longest sequence in a batch), N sequences, D inputs, K outputs. Steps are counted from 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.errors import describe, wrong, wrong_type

Step = tuple[NDArray[np.float32], "NDArray[np.float32] | None"]  # x_t (D,), target (K,) or None


class TaskBatch(NamedTuple):
    """Sequences side by side with what the network should answer; `loss(y, batch.target, batch.mask)` fits.

    Two kinds of steps are not in the mask: the padding after a shorter sequence, and steps at which the task asks
    for no answer. x is zero in the padding, target wherever the mask is False. Classes are one-hot, so that every
    loss takes them; `target.argmax(-1)` gives their numbers.
    """

    x: NDArray[np.float32]  # (T, N, D)
    target: NDArray[np.float32]  # (T, N, K)
    mask: NDArray[np.bool_]  # (T, N): True where an answer is asked for; never beyond `lengths`
    lengths: NDArray[np.int64]  # (N,): steps of each sequence

    def sequences(self) -> Iterator[list[Step]]:
        """Each sequence as its steps (x_t, target), views, for a learner that takes them one by one.

        x_t is (D,), target (K,), or None where the task asks for no answer. The padding is left out.
        """
        for n, length in enumerate(self.lengths):
            yield [(self.x[t, n], self.target[t, n] if self.mask[t, n] else None) for t in range(length)]


def endless(
    task: Callable[..., TaskBatch], count: int, rng: np.random.Generator | int, **options: Any
) -> Iterator[TaskBatch]:
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


def within(lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(T, N): True where a sequence has not ended. T is the greatest of the lengths (N,)."""
    return np.arange(int(lengths.max()))[:, None] < lengths


def one_hot(numbers: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """(..., size) float32 from numbers (...), which lie between 0 and size - 1."""
    rows = np.zeros((*numbers.shape, size), dtype=np.float32)
    np.put_along_axis(rows, numbers[..., None], 1, axis=-1)
    return rows


def answer_at_end(x: NDArray[np.float32], answer: NDArray[Any], lengths: NDArray[np.int64]) -> TaskBatch:
    """The batch of a task with one answer for each sequence, (N, K), at its last step. Clears the padding of x."""
    last = (lengths - 1, np.arange(len(lengths)))
    target = np.zeros((*x.shape[:2], answer.shape[1]), dtype=np.float32)
    target[last] = answer
    mask = np.zeros(x.shape[:2], dtype=np.bool_)
    mask[last] = True
    x[~within(lengths)] = 0
    return TaskBatch(x, target, mask, lengths)
