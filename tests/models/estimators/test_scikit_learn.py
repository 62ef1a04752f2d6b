"""Everything that scikit-learn asks of an estimator."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from gated.models import SequenceClassifier, SequenceRegressor

EXEMPT = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a sequence of weight 2 is one update's share, the same one twice may come in two: the order of updates "
        "differs, as for scikit-learn's own networks and SGDClassifier"
    ),
    "check_methods_subset_invariance": (
        "in float32 the last digits depend on how many sequences are computed together; it asks for seven digits. "
        "In float64 it passes, which test_subsets_in_double_precision holds"
    ),
}
BOTH = SequenceClassifier, SequenceRegressor


@parametrize_with_checks([each(random_state=0) for each in BOTH], expected_failed_checks=lambda each: EXEMPT)
def test_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("kind", BOTH)
def test_subsets_in_double_precision(kind: Any) -> None:
    from sklearn.utils.estimator_checks import check_methods_subset_invariance

    check_methods_subset_invariance(kind.__name__, kind(random_state=0, dtype="float64", epochs=5))


@pytest.mark.many
@pytest.mark.parametrize("kind", BOTH)
def test_the_whole_suite_by_one_call(kind: Any) -> None:
    """As a user would call it; and what is exempt does fail, so that nothing is exempt in vain."""
    found = check_estimator(kind(random_state=0), expected_failed_checks=EXEMPT, on_skip=None)
    assert {each["check_name"] for each in found if each["status"] == "xfail"} == set(EXEMPT)
    assert len(found) > 50
