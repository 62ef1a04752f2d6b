"""A language model by counting: the yardstick that a network has to beat.

V symbols, k the length of a gram (its context has k - 1 symbols).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.number_checks import told

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class KneserNey:
    """N-gram model with interpolated Kneser-Ney smoothing and three discounts for each order.

    The probability of w after the context c, with c' the context without its first symbol:

        p(w | c) = (a(c w) - D(a(c w))) / a(c) + g(c) p(w | c')
        g(c)     = (D1 N1(c) + D2 N2(c) + D3 N3(c)) / a(c)

    a(c w) is the number of occurrences at the highest order and, below it, the number of different symbols
    seen before c w; a(c) is its sum over w, Ni(c) the number of w with a(c w) = i (3: 3 or more). Below the
    shortest context is the uniform distribution over all V symbols, so every symbol has a probability above
    0 and every distribution sums to 1.

    Kneser & Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995; the three discounts and
    their estimates from counts of counts: Chen & Goodman, "An empirical study of smoothing techniques for
    language modeling", Computer Speech & Language 13, 1999, section 3 ("modified Kneser-Ney").
    """

    def __init__(self, order: int = 3) -> None:
        """Nothing is counted yet.

        Args:
            order: symbols in the longest gram; 3 predicts from the two symbols before.
        """
        if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
            raise ArgumentTypeError(f"order: got {told(order)}, expected an integer")
        if order < 1:
            raise ArgumentError(f"order: got {order}, expected at least 1")
        self.order = int(order)
        self.vocabulary_size = 0
        self._levels: list[_Level] = []

    def fit(self, ids: ArrayLike, vocabulary_size: int) -> KneserNey:
        """Count; what was counted before is forgotten.

        Args:
            ids: (length,) integers from 0 to vocabulary_size - 1.
            vocabulary_size: V.
        """
        stream = _check_ids(ids, vocabulary_size)
        if len(stream) == 0:
            raise ArgumentError("ids: got none, expected at least one")
        # rows[t]: the row, in the sorted list of distinct grams, of the one that ends at t; -1 if none does.
        # The list of length k needs only the rows of length k - 1, so no number outgrows length * V.
        rows = [np.zeros(len(stream), dtype=np.int64)]
        keys, firsts, occurrences = [], [], []
        for _ in range(self.order):
            codes = _codes(_contexts(rows[-1], len(rows)), stream, vocabulary_size)
            ends = np.flatnonzero(codes >= 0)
            unique, first, inverse, count = np.unique(
                codes[ends], return_index=True, return_inverse=True, return_counts=True
            )
            row = np.full(len(stream), -1, dtype=np.int64)
            row[ends] = inverse
            rows.append(row)
            keys.append(unique)
            firsts.append(ends[first])
            occurrences.append(count)
        self.vocabulary_size = int(vocabulary_size)
        self._levels = []
        for k in range(1, self.order + 1):
            number = len(keys[k - 1])
            # Each distinct gram of k + 1 symbols is one different symbol before the gram of k that ends it.
            a = occurrences[-1] if k == self.order else np.bincount(rows[k][firsts[k]], minlength=number)
            contexts = len(keys[k - 2]) if k > 1 else 1
            self._levels.append(_Level.from_counts(keys[k - 1], a, contexts, self.vocabulary_size))
        return self

    def log2_probabilities(self, ids: ArrayLike) -> Floats:
        """How likely each symbol was after those before it.

        The first symbols have fewer than order - 1 before them and are predicted from those.

        Args:
            ids: (length,) integers.

        Returns:
            (length,): log2 of the probability of each.
        """
        stream = _check_ids(ids, self._check_fitted())
        p = np.full(len(stream), 1.0 / self.vocabulary_size)
        row = np.zeros(len(stream), dtype=np.int64)
        for k, level in enumerate(self._levels, start=1):
            context = _contexts(row, k)
            gram = level.find(_codes(context, stream, self.vocabulary_size))
            p = level.interpolate(context, gram, p)
            row = gram
        return np.log2(p)

    def bits_per_symbol(self, ids: ArrayLike) -> float:
        """The cross entropy on `ids` in bits: the mean of -log2 p."""
        log2_p = self.log2_probabilities(ids)
        if len(log2_p) == 0:
            raise ArgumentError("ids: got none, expected at least one")
        return float(-log2_p.mean())

    def distribution(self, context: ArrayLike = ()) -> Floats:
        """The probability of every symbol.

        Args:
            context: what came before, (any length,) integers.

        Returns:
            (V,), with the sum 1.
        """
        size = self._check_fitted()
        before = _check_ids(context, size)
        symbols = np.arange(size)
        p = np.full(size, 1.0 / size)
        for k, level in enumerate(self._levels[: len(before) + 1], start=1):
            rows = np.full(size, self._row(before[len(before) - k + 1 :]))
            p = level.interpolate(rows, level.find(_codes(rows, symbols, size)), p)
        return p

    def _row(self, gram: Ints) -> int:
        """The row of a gram of at most order - 1 symbols, -1 if it was never seen."""
        row = np.zeros(1, dtype=np.int64)
        for level, symbol in zip(self._levels, gram, strict=False):
            row = level.find(_codes(row, symbol, self.vocabulary_size))
        return int(row[0])

    def _check_fitted(self) -> int:
        if not self._levels:
            raise GatedError("KneserNey: got no counts, expected a call of fit before this one")
        return self.vocabulary_size


@dataclass(frozen=True)
class _Level:
    """Grams of one length."""

    keys: Ints  # (grams,) sorted: row of the context * V + last symbol
    discounted: Floats  # (grams,) a - D(a)
    total: Floats  # (contexts,) a summed over the symbols that follow
    weight: Floats  # (contexts,) what the discounts leave for shorter contexts, as a fraction; 1 where total is 0

    @classmethod
    def from_counts(cls, keys: Ints, a: Ints, contexts: int, vocabulary_size: int) -> _Level:
        discount = _discounts(a)[np.minimum(a, 3)]
        context = keys // vocabulary_size
        total = np.bincount(context, a, minlength=contexts).astype(np.float64)
        taken = np.bincount(context, discount, minlength=contexts)
        # The last gram of the text may have nothing after it: then the shorter context alone decides.
        weight = np.divide(taken, total, out=np.ones(contexts), where=total > 0)
        return cls(keys, a - discount, total, weight)

    def find(self, codes: Ints) -> Ints:
        """Rows of these codes, -1 where there is none."""
        rows = np.minimum(np.searchsorted(self.keys, codes), len(self.keys) - 1)
        return np.where(self.keys[rows] == codes, rows, -1) if len(self.keys) else np.full(len(codes), -1)

    def interpolate(self, context: Ints, gram: Ints, shorter: Floats) -> Floats:
        """p(w | c) from the rows of c and c w and from p(w | c'), all (length,)."""
        usable = np.flatnonzero(context >= 0)
        usable = usable[self.total[context[usable]] > 0]
        rows, grams = context[usable], gram[usable]
        seen = np.zeros(len(usable))
        seen[grams >= 0] = self.discounted[grams[grams >= 0]]
        p = shorter.copy()
        p[usable] = seen / self.total[rows] + self.weight[rows] * shorter[usable]
        return p


def _discounts(a: Ints) -> Floats:
    """[0, D1, D2, D3] from the number of grams with a = 1, 2, 3, 4 (Chen & Goodman 1999, equation 26).

    A text too short to have all four gets one discount for all, n1 / (n1 + 2 n2), or a half without n1.
    D2 and D3 are kept from D1 up: with a discount of 0 an unseen symbol could get the probability 0.
    """
    n1, n2, n3, n4 = (float(np.count_nonzero(a == i)) for i in (1, 2, 3, 4))
    d1 = n1 / (n1 + 2 * n2) if n1 else 0.5
    if not (n1 and n2 and n3 and n4):
        return np.array([0.0, d1, d1, d1])
    d2, d3 = 2 - 3 * d1 * n3 / n2, 3 - 4 * d1 * n4 / n3
    return np.array([0.0, d1, max(d2, d1), max(d3, d1)])


def _contexts(rows: Ints, k: int) -> Ints:
    """From the rows of grams of k - 1 symbols ending at t to those ending at t - 1, the contexts at t."""
    if k == 1:
        return rows  # the empty context is everywhere
    return np.concatenate([np.full(min(1, len(rows)), -1, dtype=np.int64), rows[:-1]])


def _codes(contexts: Ints, symbols: Any, vocabulary_size: int) -> Ints:
    return np.where(contexts >= 0, contexts * vocabulary_size + symbols, -1)


def _check_ids(ids: ArrayLike, vocabulary_size: int) -> Ints:
    if isinstance(vocabulary_size, bool) or not isinstance(vocabulary_size, (int, np.integer)):
        raise ArgumentTypeError(f"vocabulary_size: got {told(vocabulary_size)}, expected an integer")
    if vocabulary_size < 1:
        raise ArgumentError(f"vocabulary_size: got {vocabulary_size}, expected at least 1")
    stream = np.asarray(ids)
    if stream.ndim != 1:
        raise ArgumentError(f"ids: got shape {stream.shape}, expected one dimension")
    if stream.size and stream.dtype.kind not in "iu":
        raise ArgumentTypeError(f"ids: got an array of {stream.dtype}, expected integers")
    wrong = (stream < 0) | (stream >= vocabulary_size)
    if wrong.any():
        position = int(np.argmax(wrong))
        raise ArgumentError(f"ids: got {stream[position]} at position {position}, expected 0 to {vocabulary_size - 1}")
    return stream.astype(np.int64)
