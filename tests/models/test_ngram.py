from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.models.ngram import KneserNey


class SlowKneserNey:
    """The same model from its definition, with dictionaries and recursion: an independent oracle."""

    def __init__(self, ids, order, size):
        self.order, self.size = order, size
        grams = [Counter(tuple(ids[t : t + k]) for t in range(len(ids) - k + 1)) for k in range(order + 2)]
        self.a = {order: grams[order]}
        for k in range(1, order):
            before = defaultdict(set)
            for gram in grams[k + 1]:
                before[gram[1:]].add(gram[0])
            self.a[k] = Counter({gram: len(symbols) for gram, symbols in before.items()})
        self.discounts = {k: self.estimate(a) for k, a in self.a.items()}

    @staticmethod
    def estimate(a):
        n = Counter(a.values())
        y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
        if not all(n[i] for i in (1, 2, 3, 4)):
            return [0, y, y, y]
        return [0] + [max(y, i - (i + 1) * y * n[i + 1] / n[i]) for i in (1, 2, 3)]

    def p(self, symbol, context):
        context = tuple(context[max(0, len(context) - self.order + 1) :])
        k = len(context) + 1
        shorter = self.p(symbol, context[1:]) if context else 1 / self.size
        a, d = self.a[k], self.discounts[k]
        counts = [a[(*context, s)] for s in range(self.size)]
        if not sum(counts):
            return shorter
        left = sum(d[min(c, 3)] for c in counts)
        own = counts[symbol]
        return (own - d[min(own, 3)] + left * shorter) / sum(counts)


def zipf_stream(rng, length, size):
    """Repeats itself enough that all of D1, D2, D3 are estimated, as text does."""
    weights = 1 / np.arange(1, size + 1)
    words = [rng.integers(size, size=3) for _ in range(size)]
    return np.concatenate([words[i] for i in rng.choice(size, size=length // 3, p=weights / weights.sum())])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_agrees_with_the_definition(order):
    rng = np.random.default_rng(order)
    train, test = zipf_stream(rng, 900, 9), rng.integers(9, size=60)
    model, slow = KneserNey(order).fit(train, 9), SlowKneserNey(train.tolist(), order, 9)
    expected = [slow.p(test[t], test[:t].tolist()) for t in range(len(test))]
    np.testing.assert_allclose(2 ** model.log2_probabilities(test), expected, rtol=1e-12)
    assert model.bits_per_symbol(test) == pytest.approx(-np.mean(np.log2(expected)), rel=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.lists(st.integers(0, 4), max_size=8),
    st.integers(1, 6),
)
def test_every_distribution_sums_to_one_and_excludes_nothing(train, context, order):
    p = KneserNey(order).fit(train, 5).distribution(context)
    assert p.shape == (5,)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert (p > 0).all()


def test_distribution_and_probabilities_along_a_text_are_the_same():
    rng = np.random.default_rng(3)
    model = KneserNey(4).fit(zipf_stream(rng, 600, 7), 7)
    test = rng.integers(7, size=40)
    along = 2 ** model.log2_probabilities(test)
    np.testing.assert_allclose(along, [model.distribution(test[:t])[test[t]] for t in range(40)], rtol=1e-12)


def test_a_longer_context_helps_where_there_is_something_to_remember():
    """The symbol three places back decides: only orders of 4 and more can know it."""
    rng = np.random.default_rng(0)
    ids = rng.integers(4, size=8000)
    for t in range(3, len(ids)):
        if t % 4 == 3:
            ids[t] = ids[t - 3]
    bits = [KneserNey(order).fit(ids[:6000], 4).bits_per_symbol(ids[6000:]) for order in (3, 4)]
    assert bits[0] > 1.95
    assert bits[1] < 1.95
    assert KneserNey(1).fit(ids, 4).bits_per_symbol(ids) == pytest.approx(2, abs=0.01)


def test_fit_forgets_what_it_counted_before():
    model = KneserNey(2).fit([0, 1, 0, 1, 0, 1], 2)
    model.fit([0, 0, 0, 0, 0, 1], 3)
    np.testing.assert_array_equal(model.distribution([0]), KneserNey(2).fit([0, 0, 0, 0, 0, 1], 3).distribution([0]))


def test_high_orders_do_not_overflow():
    ids = np.random.default_rng(1).integers(1000, size=500)
    model = KneserNey(30).fit(np.tile(ids, 2), 1000)
    assert model.bits_per_symbol(ids) < 5
    assert model.distribution(ids[:100]).sum() == pytest.approx(1, abs=1e-12)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match="order: got 0"):
        KneserNey(0)
    with pytest.raises(ArgumentTypeError, match="order: got 2.5"):
        KneserNey(2.5)
    with pytest.raises(GatedError, match="fit"):
        KneserNey().bits_per_symbol([0])
    with pytest.raises(ArgumentError, match="ids: got none"):
        KneserNey().fit([], 3)
    with pytest.raises(ArgumentError, match="ids: got 3 at position 1, expected 0 to 2"):
        KneserNey().fit([0, 3], 3)
    with pytest.raises(ArgumentTypeError, match="float64"):
        KneserNey().fit([0.5], 3)
    with pytest.raises(ArgumentError, match="ids: got none"):
        KneserNey().fit([0], 3).bits_per_symbol([])
    with pytest.raises(ArgumentError, match="got -1 at position 0"):
        KneserNey().fit([0], 3).distribution([-1])
