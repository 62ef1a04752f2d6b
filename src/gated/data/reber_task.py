"""Reber strings as a task: read a symbol, foretell which may follow; and the test of who has learned the grammar.

T steps (symbols that are read), N strings side by side, 7 symbols in the order of REBER_SYMBOLS. The sources are in
reber.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.reber import REBER_SYMBOLS, is_embedded_reber, legal_successors, random_moves, random_string
from gated.data.sequences import Sequences, within
from gated.data.task_batch import at_least, generator_of
from gated.errors import as_array, describe, wrong, wrong_type
from gated.number_checks import told

_T_OR_P = np.array([symbol in "TP" for symbol in REBER_SYMBOLS])


def reber_sequence(string: str, grammar: str = "embedded") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x (T, 7), the symbols one-hot, and target (T, 7), 1 for each legal successor; float32, T = len(string) - 1.

    The last symbol of a string is what the last step should foretell, and is not read.

    Raises:
        ArgumentError, ArgumentTypeError: as legal_successors; fewer than two symbols.
    """
    successors = legal_successors(string, grammar)
    if len(string) < 2:
        raise wrong("string", told(string), "at least two symbols")
    return _multi_hot(string[:-1]), _multi_hot(successors[:-1])


def reber_task(count: int, rng: np.random.Generator | int, grammar: str = "embedded") -> Sequences:
    """`count` random strings side by side, of the grammar "embedded" or "reber"; they may repeat.

    x (T, N, 7) one-hot; target (T, N, 7), 1 for each legal successor, as reber_sequence gives them; the mask is True
    up to each string's last step. The papers' networks have seven outputs σ(·): SigmoidSquaredError.

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, another grammar.
    """
    at_least("count", count, 1)
    generator = generator_of(rng)
    return reber_batch([random_string(generator, grammar) for _ in range(count)], grammar)


def reber_batch(strings: Sequence[str], grammar: str = "embedded") -> Sequences:
    """The Sequences of reber_task from strings that there are already, such as a training set.

    Raises:
        ArgumentError, ArgumentTypeError: no strings, or as reber_sequence.
    """
    if isinstance(strings, str) or not isinstance(strings, Sequence):
        raise wrong_type("strings", describe(strings), "a sequence of texts")
    if len(strings) == 0:
        raise wrong("strings", "none", "at least one")
    pairs = [reber_sequence(string, grammar) for string in strings]
    lengths = np.array([len(x) for x, _ in pairs], dtype=np.int64)
    mask = within(lengths)
    x, target = np.zeros((2, *mask.shape, 7), dtype=np.float32)
    for n, (symbols, successors) in enumerate(pairs):
        x[: lengths[n], n], target[: lengths[n], n] = symbols, successors
    return Sequences(x, target, lengths, mask)


def continual_reber(streams: int, rng: np.random.Generator | int, window: int) -> Iterator[Sequences]:
    """Endless streams of embedded strings side by side, cut into windows (Gers et al., 2000).

    Column n of a batch continues column n of the batch before: the state has to be carried over, and nothing tells the
    network where a string ends. x (T, N, 7), target (T, N, 7) as in reber_task, where the successor of a final E is B;
    every step counts.

    Args:
        streams: N.
        rng: a generator, or a seed.
        window: T.

    Raises:
        ArgumentError, ArgumentTypeError: at the call: streams or window below 1.
    """
    at_least("streams", streams, 1)
    at_least("window", window, 1)
    generator = generator_of(rng)
    # seeds instead of Generator.spawn, which NumPy has since 1.25
    sources = [continual_reber_steps(np.random.default_rng(generator.integers(0, 2**63, 4))) for _ in range(streams)]
    return (_window(sources, window) for _ in itertools.count())


def continual_reber_steps(
    rng: np.random.Generator | int,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """One endless stream of embedded strings, step by step: pairs (x_t (7,), target (7,)) as in continual_reber."""
    moves = random_moves(generator_of(rng), "continual")
    return ((_multi_hot([symbol])[0], _multi_hot([legal])[0]) for symbol, legal in moves)


class ReberScore(NamedTuple):
    """How much of a test set was predicted correctly, as fractions from 0 to 1."""

    steps: float  # of all steps of all strings
    sequences: float  # of strings with no wrong step
    hard_steps: float  # of those where the second symbol has to come back, the last but one; NaN if there are none
    solved: bool  # every step of every string


def reber_success(
    predict: Callable[[NDArray[np.float32]], Any], test_set: Sequence[str], threshold: float | None = None
) -> ReberScore:
    """The success test of the embedded Reber grammar: all legal successors, and no other, at every step.

    Args:
        predict: x (T, 7) -> outputs (T, 7), of a network that starts from its initial state and does not learn from
            what it reads. It is called once for each string; whether its weights stay as they are is not checked.
        test_set: embedded Reber strings; see reber_test_set.
        threshold: see reber_score, which judges.

    Raises:
        ArgumentError, ArgumentTypeError: no strings, one that is no embedded Reber string, outputs of another shape.
    """
    if len(test_set) == 0:
        raise wrong("test_set", "no strings", "at least one")
    for index, string in enumerate(test_set):
        if not is_embedded_reber(string):
            raise wrong(f"test_set[{index}]", told(string), "a string of the embedded Reber grammar")
    batch = reber_batch(test_set)
    outputs = np.zeros(batch.x.shape)
    for n, length in enumerate(batch.lengths):
        rows = as_array("predict", predict(batch.x[:length, n]))
        if rows.shape != (length, 7) or rows.dtype.kind not in "fiu":
            raise wrong("predict", describe(rows), f"outputs of shape ({length}, 7), real numbers")
        outputs[:length, n] = rows
    return reber_score(outputs, batch, threshold)


def reber_score(outputs: Any, batch: Sequences, threshold: float | None = None) -> ReberScore:
    """Judges outputs (T, N, 7) for a batch of Reber strings, or for a window of a continual stream.

    A step with k legal successors is correct if they have the k highest outputs: the least of theirs is greater than
    the greatest of the others. This is the criterion of Hochreiter & Schmidhuber (1997). With `threshold` it is instead
    correct if exactly the legal successors have outputs above the threshold: 0.5, for example, where the outputs are
    probabilities. A tie, and a NaN, is wrong.

    Raises:
        ArgumentError, ArgumentTypeError: outputs of another shape than batch.target or no real numbers, a threshold
            that is no number.
    """
    if threshold is not None and not isinstance(threshold, (int, float, np.number)):
        raise wrong_type("threshold", describe(threshold), "a number, or None")
    values = as_array("outputs", outputs)
    if values.shape != batch.target.shape or values.dtype.kind not in "fiu":
        raise wrong("outputs", describe(values), f"real numbers of shape {batch.target.shape}")
    legal = batch.target == 1
    correct = _correct_steps(values, legal, threshold)
    # T alone or P alone is legal nowhere else than where the second symbol has to come back; nothing is in the padding
    hard = correct[(legal.sum(axis=-1) == 1) & legal[..., _T_OR_P].any(axis=-1)]
    whole = (correct | ~batch.mask).all(axis=0)
    return ReberScore(
        steps=float(correct[batch.mask].mean()),
        sequences=float(whole.mean()),
        hard_steps=float(hard.mean()) if hard.size else float("nan"),
        solved=bool(whole.all()),
    )


def _correct_steps(outputs: NDArray[Any], legal: NDArray[np.bool_], threshold: float | None) -> NDArray[np.bool_]:
    """(...): whether the outputs (..., 7) single out the legal (..., 7)."""
    if threshold is not None:
        singled_out = np.all((outputs > threshold) == legal, axis=-1)
        return np.asarray(singled_out & ~np.isnan(outputs).any(axis=-1))
    least = np.where(legal, outputs, np.inf).min(axis=-1)
    greatest = np.where(legal, -np.inf, outputs).max(axis=-1)
    return np.asarray(least > greatest)


def _multi_hot(texts: Sequence[str]) -> NDArray[np.float32]:
    """(len(texts), 7): 1 for each symbol that a text has."""
    return np.array([[symbol in text for symbol in REBER_SYMBOLS] for text in texts], dtype=np.float32)


def _window(sources: Sequence[Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]], window: int) -> Sequences:
    columns = [list(itertools.islice(source, window)) for source in sources]
    pairs = np.array(columns, dtype=np.float32).transpose(2, 1, 0, 3)  # from (N, T, 2, 7)
    x, target = np.ascontiguousarray(pairs)
    lengths = np.full(len(sources), window, dtype=np.int64)
    return Sequences(x, target, lengths, within(lengths))
