"""Tasks that ask a network to remember: adding, temporal order, copying, long lags. Made from random numbers.

Every task: `task(count, rng, ...)` draws `count` independent sequences into a Sequences; `endless` draws on and on.
`rng` is a numpy Generator, which is advanced, or an integer seed. Nothing is drawn from anywhere else.

T steps (of the longest sequence in a batch), N = count sequences, D inputs, K outputs. Steps are counted from 0.
"Hochreiter & Schmidhuber (1997)" is Long short-term memory, Neural Computation 9 (8). The timing tasks are in
timing.py, the grammars in reber.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gated.data.sequences import Sequences, within
from gated.data.task_batch import answer_at_end, at_least, generator_of, interval, one_hot
from gated.errors import describe, wrong, wrong_type
from gated.number_checks import one_of


def adding(count: int, rng: np.random.Generator | int, steps: int = 100, variant: str = "1997") -> Sequences:
    """The adding problem: at the end, the sum of the two marked values among many. D = 2: value, marker; K = 1.

    variant "1997" (Hochreiter & Schmidhuber, sec. 5.4): the length is any of `steps`, ..., `steps` + `steps` // 10.
    Values are uniform in [-1, 1). One of the first ten pairs is marked with 1, then one of the first `steps` // 2 - 1
    that are still unmarked; the first and the last marker are -1, all others 0. target 0.5 + (X1 + X2) / 4, counted as
    right there if it is met to 0.04. The paper sets X1 to zero "in the rare case where the first pair gets marked";
    here, then, the marker of that pair stays -1 and its value is 0, whichever of the two marks fell on it.

    variant "2015" (Le, Jaitly & Hinton, A simple way to initialize recurrent networks of rectified linear units, 2015):
    every length is `steps`, values are uniform in [0, 1), markers 0 or 1, target X1 + X2. One mark is in each half, as
    Arjovsky, Shah & Bengio (2016) place them. Always to answer 1 has a mean of squares (y - target)² of 1/6.

    x (T, N, 2), target (T, N, 1); the mask is True at each sequence's last step only.

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, steps below 20 ("1997") or 2 ("2015"), an unknown variant.
    """
    at_least("count", count, 1)
    generator = generator_of(rng)
    task = {"1997": _adding_1997, "2015": _adding_2015}[one_of("variant", variant, "1997", "2015")]
    return task(count, generator, steps)


def _adding_1997(count: int, generator: np.random.Generator, steps: int) -> Sequences:
    at_least("steps", steps, 20)  # fewer, and a mark could fall on the last pair
    column = np.arange(count)
    lengths = generator.integers(steps, steps + steps // 10 + 1, count)
    x = np.zeros((int(lengths.max()), count, 2), dtype=np.float32)
    x[..., 0] = generator.uniform(-1, 1, x.shape[:2])
    first = generator.integers(0, 10, count)
    second = generator.integers(0, steps // 2 - 1, count)
    second += second >= first  # among the pairs that are still unmarked: count on past the marked one
    x[first, column, 1] = x[second, column, 1] = 1
    x[0, x[0, :, 1] == 1, 0] = 0
    x[0, :, 1] = x[lengths - 1, column, 1] = -1
    answer = 0.5 + (x[first, column, :1] + x[second, column, :1]) / 4
    return answer_at_end(x, answer, lengths)


def _adding_2015(count: int, generator: np.random.Generator, steps: int) -> Sequences:
    at_least("steps", steps, 2)
    column = np.arange(count)
    x = np.zeros((steps, count, 2), dtype=np.float32)
    x[..., 0] = generator.random((steps, count))
    first = generator.integers(0, steps // 2, count)
    second = generator.integers(steps // 2, steps, count)
    x[first, column, 1] = x[second, column, 1] = 1
    answer = x[first, column, :1] + x[second, column, :1]
    return answer_at_end(x, answer, np.full(count, steps, dtype=np.int64))


ORDER_SYMBOLS = "EBabcdXY"
_ORDER_POSITIONS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}


def temporal_order(
    count: int,
    rng: np.random.Generator | int,
    relevant: int = 2,
    length: tuple[int, int] = (100, 110),
    positions: Sequence[tuple[int, int]] | None = None,
) -> Sequences:
    """In which order did the Xs and Ys come? Tasks 6a and 6b of Hochreiter & Schmidhuber (1997), sec. 5.6.

    A sequence begins with E, ends with B, and is filled with a, b, c, d by chance, except for the relevant symbols X or
    Y at the steps t1, t2 (, t3). The class is asked for at the end: X is 0, Y is 1, the first is the highest binary
    digit, so 4 classes Q R S U (XX XY YX YY) or 8 Q R S U V A B C, in the paper's order.

    Args:
        count: N.
        rng: a generator, or a seed.
        relevant: 2 (6a) or 3 (6b).
        length: the least and the greatest length, (100, 110) in the paper.
        positions: of each relevant symbol the first and the last step it may have, in the paper 10-20 and 50-60, or
            10-20, 33-43 and 66-76. The ends are included. The paper does not say from where positions count; here E is
            at 0.

    Returns:
        x (T, N, 8) one-hot in the order EBabcdXY; target (T, N, 4 or 8) one-hot; the mask is True at the last steps
            only.

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, relevant neither 2 nor 3, positions that do not rise or do not
            leave room for E and B.
    """
    at_least("count", count, 1)
    generator = generator_of(rng)
    at_least("relevant", relevant, 2)
    if relevant not in _ORDER_POSITIONS:
        raise wrong("relevant", str(relevant), "2 or 3")
    low, high = interval("length", length)
    spans = _spans(_ORDER_POSITIONS[relevant] if positions is None else positions, relevant, low - 2)
    lengths = generator.integers(low, high + 1, count)
    column = np.arange(count)
    symbols = generator.integers(2, 6, (int(lengths.max()), count))
    symbols[0] = 0
    symbols[lengths - 1, column] = 1
    classes = np.zeros(count, dtype=np.int64)
    for first, last in spans:
        is_y = generator.integers(0, 2, count)
        symbols[generator.integers(first, last + 1, count), column] = 6 + is_y
        classes = 2 * classes + is_y
    return answer_at_end(one_hot(symbols, 8), one_hot(classes, 2**relevant), lengths)


def _spans(positions: Sequence[tuple[int, int]], relevant: int, last: int) -> list[tuple[int, int]]:
    """The positions as `relevant` intervals, each after the one before, from step 1 to step `last`."""
    if not isinstance(positions, Sequence):
        raise wrong_type("positions", describe(positions), "a sequence of pairs (first, last)")
    spans = [interval("positions", span) for span in positions]
    rising = all(a[1] < b[0] for a, b in zip(spans, spans[1:], strict=False))
    if len(spans) != relevant or not rising or spans[-1][1] > last:
        raise wrong("positions", str(spans), f"{relevant} intervals, each after the one before, from 1 to {last}")
    return spans


def copy_memory(count: int, rng: np.random.Generator | int, lag: int = 100, symbols: int = 10) -> Sequences:
    """Repeat a string after a long pause: the copying memory problem of Arjovsky, Shah & Bengio, Unitary evolution
    recurrent neural networks, 2016, sec. 5.1.

    Categories a0 ... a9. The input has `lag` + 20 steps for `symbols` = 10: that many of a0 ... a7 by chance, `lag` - 1
    blanks a8, one delimiter a9, `symbols` blanks. The target is a8 for `lag` + `symbols` steps, then the string. Blanks
    and guesses give the cross entropy symbols · log 8 / (lag + 2 · symbols).

    x (T, N, 10) one-hot; target (T, N, 9) one-hot, because a9 is never asked for; the mask is True everywhere.

    Raises:
        ArgumentError, ArgumentTypeError: count, lag or symbols below 1.
    """
    for name, value in (("count", count), ("lag", lag), ("symbols", symbols)):
        at_least(name, value, 1)
    string = generator_of(rng).integers(0, 8, (symbols, count))
    categories = np.full((lag + 2 * symbols, count), 8, dtype=np.int64)
    target = categories.copy()
    categories[:symbols] = target[-symbols:] = string
    categories[symbols + lag - 1] = 9
    lengths = np.full(count, len(target), dtype=np.int64)
    return Sequences(one_hot(categories, 10), one_hot(target, 9), lengths, within(lengths))


def long_lag(count: int, rng: np.random.Generator | int, lag: int = 100, noise: bool = False) -> Sequences:
    """The first symbol comes back at the end: tasks 2a and 2b of Hochreiter & Schmidhuber (1997), sec. 5.2.

    p = `lag`. The symbols are a1, ..., a(p-1), x, y, numbered from 0 in this order. Task 2a: each sequence is
    (y, a1, ..., a(p-1), y) or (x, a1, ..., a(p-1), x), with equal chance. Task 2b (`noise`): the p - 1 symbols between
    are drawn from a1, ..., a(p-1) with equal chances, and nothing but the last can be foretold. At every step the next
    symbol is asked for, as in the paper; the last is never an input, so T = p, and the hard step is T - 1.

    x (p, N, p + 1) and target (p, N, p + 1) one-hot; the mask is True everywhere.

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, lag below 2.
    """
    at_least("count", count, 1)
    at_least("lag", lag, 2)
    generator = generator_of(rng)
    sequence = np.empty((lag + 1, count), dtype=np.int64)
    sequence[0] = sequence[-1] = generator.integers(lag - 1, lag + 1, count)
    sequence[1:-1] = generator.integers(0, lag - 1, (lag - 1, count)) if noise else np.arange(lag - 1)[:, None]
    lengths = np.full(count, lag, dtype=np.int64)
    return Sequences(one_hot(sequence[:-1], lag + 1), one_hot(sequence[1:], lag + 1), lengths, within(lengths))


def triggered_lag(count: int, rng: np.random.Generator | int, lag: int = 50, distractors: int = 50) -> Sequences:
    """The second symbol comes back after a trigger that nobody can foresee: task 2c of Hochreiter & Schmidhuber (1997).

    q = `lag`, p = `distractors`. A sequence is (b, x or y, q + k distractors, e) and then the second symbol again. The
    distractors are drawn from a1, ..., ap with equal chances; after q of them each next one is instead the trigger e
    with probability 1/10, so k is 9 on average. The answer is asked for at e only. The paper takes q from 50 to 1000,
    and counts 10000 sequences in a row with both outputs within 0.2 as solved.

    x (T, N, p + 4) one-hot in the order a1, ..., ap, e, b, x, y; target (T, N, 2) one-hot: x, y. The answer is never
    an input, so a length is q + k + 3.

    Raises:
        ArgumentError, ArgumentTypeError: count, lag or distractors below 1.
    """
    for name, value in (("count", count), ("lag", lag), ("distractors", distractors)):
        at_least(name, value, 1)
    generator = generator_of(rng)
    lengths = lag + 2 + generator.geometric(0.1, count)  # geometric counts e among the draws
    answer = generator.integers(0, 2, count)
    symbols = generator.integers(0, distractors, (int(lengths.max()), count))
    symbols[0] = distractors + 1
    symbols[1] = distractors + 2 + answer
    symbols[lengths - 1, np.arange(count)] = distractors
    return answer_at_end(one_hot(symbols, distractors + 4), one_hot(answer, 2), lengths)
