"""Scores, splits and yardsticks against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gated.errors import ArgumentError
from gated.models.classification.scores import scores_of
from gated.models.classification.splitting import fold_rows, held_out_rows, possible_folds
from gated.models.classification.yardsticks import commonest, nearest, resampled

pytest.importorskip("sklearn")
Y = np.array(list("aaaaaaabbbbc"))


def test_scores_agree_with_scikit_learn_s():
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

    rng = np.random.default_rng(0)
    true, said = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    found = scores_of(true, said, np.arange(4))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(true, said))
    assert found.accuracy == pytest.approx(accuracy_score(true, said))
    assert found.balanced == pytest.approx(balanced_accuracy_score(true, said))


def test_scores_with_a_class_that_was_not_learned_and_one_that_does_not_occur():
    found = scores_of(np.array(["a", "x"]), np.array(["a", "b"]), np.array(["a", "b"]))
    assert found.classes.tolist() == ["a", "b", "x"]
    assert found.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert (found.accuracy, found.balanced) == (0.5, 0.5)


def test_bounds_of_the_accuracy_agree_with_scipy_s():
    from scipy.stats import binomtest

    for count, right in ((3, 1), (5, 5), (1, 0), (29, 20), (450, 438), (30, 0)):
        found = scores_of(np.ones(count, int), (np.arange(count) < right).astype(int), np.arange(2))
        wanted = binomtest(right, count).proportion_ci(0.95, "wilson")
        np.testing.assert_allclose(found.interval, wanted, atol=1e-4)
        assert 0.0 <= found.interval[0] <= found.accuracy <= found.interval[1] <= 1.0
        assert found.few == (count < 30)


def test_how_many_folds_there_could_be():
    y = np.array([0, 0, 0, 1, 1, 1, 1])
    assert possible_folds(y, None) == 3 and possible_folds(np.repeat([0, 1], 20), None) == 5
    assert possible_folds(y, np.array([1, 1, 1, 1, 2, 2, 2])) == 2
    assert possible_folds(np.array([0, 0, 1]), None) == 0 and possible_folds(y, np.zeros(7)) == 0


def test_a_share_of_each_class_is_held_out():
    keep, out = held_out_rows(Y, None, 0.25, 3)
    assert sorted([*keep, *out]) == list(range(12))
    assert sorted(Y[out]) == ["a", "a", "b"], "a quarter of each; of c, which occurs once, nothing"
    assert not np.array_equal(out, held_out_rows(Y, None, 0.25, 4)[1])
    assert np.array_equal(out, held_out_rows(Y, None, 0.25, 3)[1])
    assert len(held_out_rows(np.array(["a", "a", "b", "b"]), None, 0.99, 0)[0]) == 2, "one of each is learned from"


def test_no_group_is_split():
    groups = np.repeat([5, 6, 7, 8], 3)
    for keep, out in (held_out_rows(Y, groups, 0.25, 0), *fold_rows(Y, groups, 3, 0)):
        assert not set(groups[keep]) & set(groups[out])
    assert len(np.unique(groups[held_out_rows(Y, groups, 0.25, 0)[1]])) == 1


def test_in_folds_everything_is_judged_once():
    parts = list(fold_rows(Y[:11], None, 4, 0))
    assert sorted(np.concatenate([out for _, out in parts])) == list(range(11))
    assert all(set(Y[out]) == {"a", "b"} for _, out in parts)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: held_out_rows(Y, None, 1.0, 0), "held_out: got 1.0, expected a share above 0 and below 1"),
        (lambda: held_out_rows(Y[:3], None, 0.5, 0), "y: got the class 'a' alone, expected at least two classes"),
        (lambda: held_out_rows(np.arange(3), None, 0.5, 0), "held_out: got 3 sequences, each of a class of its own"),
        (lambda: held_out_rows(Y, np.zeros(12), 0.5, 0), "held_out: got 2 parts of 1 groups, expected no more parts"),
        (
            lambda: list(fold_rows(Y, None, 3, 0)),
            "folds: got 3 parts, and 1 sequences of the class 'c', expected no more",
        ),
        (lambda: list(fold_rows(Y, None, 1, 0)), "folds: got 1, expected a whole number of at least 2"),
        (lambda: list(fold_rows(Y, np.arange(12) % 2, 3, 0)), "folds: got 3 parts of 2 groups"),
    ],
)
def test_what_cannot_be_split(call, words):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert words in str(caught.value)


def test_yardsticks():
    assert commonest(Y, 3).tolist() == ["a"] * 3
    np.testing.assert_allclose(resampled(np.array([[0.0], [2.0]]), 3), [[0], [1], [2]])
    np.testing.assert_allclose(resampled(np.array([[np.nan, 1], [np.nan, np.nan], [np.nan, 3]]), 3)[:, 1], [1, 2, 3])
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((5, 2)) * [1, 1000] for _ in range(9)]
    y = np.arange(9)
    joined = np.concatenate(x)
    scaled = [(own - joined.mean(0)) / joined.std(0) for own in x]
    theirs = [rng.standard_normal((5, 2)) * [1, 1000] for _ in range(4)]
    far = [[((own - (other - joined.mean(0)) / joined.std(0)) ** 2).sum() for own in scaled] for other in theirs]
    assert nearest(x, y, theirs).tolist() == np.argmin(far, axis=1).tolist()
