"""The adapter for sktime: its own checks, its containers, unequal lengths; aeon's arrays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sktime.utils.estimator_checks import check_estimator

from gated.models import SequenceClassifier
from gated.models.estimators.sktime_adapter import SktimeClassifier, SktimeRegressor, steps_first

sys.path.insert(0, str(Path(__file__).parent))
from estimator_cases import QUICK, waves  # noqa: E402


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", [SktimeClassifier, SktimeRegressor])
def test_the_checks_of_sktime(kind: Any) -> None:
    doctest = "test_class_has_doctest_example"  # the example is on the page, and run there
    found = check_estimator(kind, raise_exceptions=False, verbose=False, tests_to_exclude=doctest)
    failed = {name: result for name, result in found.items() if result != "PASSED"}
    assert len(found) > 20 and not failed


def test_containers() -> None:
    X, y = waves(20, least=6, most=6)
    whole = np.stack(X)
    plain = SequenceClassifier(**QUICK).fit(whole, y)
    own = SktimeClassifier(SequenceClassifier(**QUICK))
    proba = own.fit(whole.swapaxes(1, 2), y).predict_proba(whole.swapaxes(1, 2))
    np.testing.assert_array_equal(proba, plain.predict_proba(whole))
    assert own.predict(whole.swapaxes(1, 2)).tolist() == plain.predict(whole).tolist()
    ragged, labels = waves(20)
    frames = [pd.DataFrame(each, columns=["a", "b"]) for each in ragged]
    assert own.fit(frames, labels).predict(frames).shape == (20,)
    np.testing.assert_array_equal(steps_first(whole.swapaxes(1, 2)), whole)
    assert [each.shape for each in steps_first([each.T for each in ragged])] == [each.shape for each in ragged]
