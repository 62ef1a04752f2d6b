"""SequenceRegressor: one number, several, or some at each step; scaled inside."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from gated.errors import ArgumentError, ArgumentTypeError
from gated.models import SequenceRegressor

sys.path.insert(0, str(Path(__file__).parent))
from estimator_cases import QUICK, sums  # noqa: E402


def test_it_learns_from_few() -> None:
    X, y = sums(80)
    other, values = sums(200, seed=1)
    found = SequenceRegressor(random_state=0).fit(X, 1e6 + 1e3 * y)  # whatever the numbers' size
    assert found.score(other, 1e6 + 1e3 * values) > 0.8
    assert found.predict(other).shape == (200,)


def test_several_numbers() -> None:
    X, y = sums(60)
    both = np.stack([y, -100 * y], axis=1)
    found = SequenceRegressor(random_state=0, epochs=60, hidden_size=16).fit(X, both)
    assert found.predict(X).shape == (60, 2) and found.n_outputs_ == 2
    assert found.score(X, both) > 0.9
    column = SequenceRegressor(**QUICK).fit(X, y[:, None])
    assert column.predict(X).shape == (60, 1)


def test_numbers_at_each_step() -> None:
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((int(rng.integers(1, 9)), 1)) for _ in range(60)]
    y = [np.cumsum(each[:, 0]) for each in X]
    found = SequenceRegressor(pooling=None, random_state=0, epochs=60, hidden_size=24).fit(X, y)
    assert found.score(X, y) > 0.9
    assert [len(each) for each in found.predict(X)] == [len(each) for each in X]
    pairs = [np.stack([own, 2 * own], axis=1) for own in y]
    two = SequenceRegressor(pooling=None, **QUICK).fit(X, pairs)
    assert two.predict(X)[3].shape == (len(X[3]), 2)
    whole = np.stack([each for each in X if len(each) == 5])
    answers = SequenceRegressor(pooling=None, **QUICK).fit(whole, np.cumsum(whole[:, :, 0], axis=1))
    assert answers.predict(whole).shape == whole.shape[:2]
    assert answers.score(whole, np.cumsum(whole[:, :, 0], axis=1), sample_weight=np.arange(len(whole))) < 1


def test_neither_order_nor_neighbours_change_an_answer() -> None:
    X, y = sums(30)
    found = SequenceRegressor(dtype="float64", **QUICK).fit(X, y)
    order = np.random.default_rng(0).permutation(30)
    np.testing.assert_allclose(found.predict([X[n] for n in order]), found.predict(X)[order], rtol=1e-12)
    np.testing.assert_allclose([found.predict([own])[0] for own in X], found.predict(X), rtol=1e-12)


def test_weights_groups_and_parts() -> None:
    X, y = sums(40)
    weights = np.linspace(0, 2, 40)
    one = SequenceRegressor(**QUICK, early_stopping=True).fit(X, y, sample_weight=weights, groups=np.arange(40) // 4)
    assert one.history_.column == "validation_loss"
    assert not np.array_equal(one.predict(X), clone(one).fit(X, y, groups=np.arange(40) // 4).predict(X))
    zero = np.where(np.arange(40) < 30, 1.0, 0.0)  # is as if it were not there
    without = SequenceRegressor(**QUICK).fit(X[:30], y[:30])
    wild = np.where(zero, y, 1e6)
    np.testing.assert_array_equal(SequenceRegressor(**QUICK).fit(X, wild, zero).predict(X), without.predict(X))
    found = SequenceRegressor(hidden_size=16, random_state=0)
    for _ in range(40):
        found.partial_fit(X, y)
    assert found.score(X, y) > 0.9
    same = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(same.partial_fit(X, y).predict(X), found.partial_fit(X, y).predict(X))
    with pytest.raises(ArgumentError, match="y: got 2 numbers of an answer, expected 1, as before"):
        found.partial_fit(X, np.stack([y, y], axis=1))


def test_messages() -> None:
    X, y = sums(10)
    with pytest.raises(ArgumentError, match=r"y: got an array of shape \(10, 1, 1\).*expected \(N,\) or \(N, K\)"):
        SequenceRegressor().fit(X, y[:, None, None])
    for texts, place in ((["a"] * 10, "'a' in row 0"), ([*range(9), "b"], "'b' in row 9")):
        with pytest.raises(ArgumentTypeError, match=f"^y: got {place}, expected numbers$"):
            SequenceRegressor(**QUICK).fit(X, np.array(texts, object))
        with pytest.raises(ArgumentTypeError, match=f"^y: got {place}, expected numbers$"):
            SequenceRegressor(**QUICK).fit(X, y).score(X, np.array(texts, object))
    with pytest.raises(ArgumentTypeError, match="^y: got 'a' in row 0, column 1, expected numbers$"):
        SequenceRegressor(**QUICK).fit(X, [[1, "a"]] * 10)
    for odd in (y * 1j, np.full(10, "2020-01-01", "datetime64[D]")):
        with pytest.raises(ArgumentError, match=r"^y: got an array of shape \(10,\).*expected \(N,\) or \(N, K\) real"):
            SequenceRegressor(**QUICK).fit(X, odd)
    with pytest.raises(ArgumentError, match="y: got answers of unequal length.*pooling=None takes one for each step"):
        SequenceRegressor(**QUICK).fit(X, [np.zeros(len(own)) for own in X])
    with pytest.raises(ArgumentError, match="y: got 9 answers, expected 10, one for each sequence of X"):
        SequenceRegressor().fit(X, y[:9])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        SequenceRegressor().fit(X, y * np.nan)
    steps = [np.full(len(each), np.nan) for each in X]
    with pytest.raises(ArgumentError, match="y: got NaN or inf, expected finite numbers"):
        SequenceRegressor(pooling=None).fit(X, steps)
    texts = [np.full(len(each), "a") for each in X]
    with pytest.raises(ArgumentError, match="y: got an array.*expected one number, or K numbers, at each step"):
        SequenceRegressor(pooling=None).fit(X, texts)
    uneven = [np.zeros((len(each), 1 + n % 2)) for n, each in enumerate(X)]
    with pytest.raises(ArgumentError, match=r"y\[1\]: got an array.*expected answers of shape \(1,\), as in y\[0\]"):
        SequenceRegressor(pooling=None).fit(X, uneven)
    found = SequenceRegressor(**QUICK).fit(X, y)
    with pytest.raises(ArgumentError, match="y: got numbers that float32 does not hold when they are scaled"):
        found.partial_fit(X, 1e60 * y)
