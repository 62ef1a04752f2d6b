"""Estimators in scikit-learn: pipelines, searches with groups and weights, joblib on threads, processes and Dask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import gated.models
from gated.models import SequenceClassifier, SequenceRegressor

sys.path.insert(0, str(Path(__file__).parent))
from estimator_cases import QUICK, sums, waves  # noqa: E402


def doubled(X: Any) -> Any:
    return [2 * each for each in X]


def test_pipelines() -> None:
    X, y = waves(30)
    lists = make_pipeline(FunctionTransformer(doubled), SequenceClassifier(**QUICK)).fit(X, y)
    plain = SequenceClassifier(**QUICK).fit(doubled(X), y)
    np.testing.assert_array_equal(lists.predict_proba(X), plain.predict_proba(doubled(X)))
    table = np.random.default_rng(0).standard_normal((40, 6))
    classes = (table.sum(axis=1) > 0).astype(int)
    scaled = make_pipeline(StandardScaler(), SequenceClassifier(random_state=0, epochs=60)).fit(table, classes)
    assert scaled.score(table, classes) > 0.95


def test_a_search_with_groups_and_class_weights() -> None:
    X, y = waves(48)
    groups = np.arange(48) // 4
    grid = {"hidden_size": [4, 8], "class_weight": [None, "balanced", {"up": 3.0}], "cell": ["gru"]}
    search = GridSearchCV(SequenceClassifier(epochs=4, random_state=0), grid, cv=GroupKFold(3), error_score="raise")
    search.fit(X, y, groups=groups)
    assert len(search.cv_results_["params"]) == 6 and search.best_estimator_.predict(X).shape == (48,)
    weighted = {
        own["class_weight"] if isinstance(own["class_weight"], str) else str(own["class_weight"])
        for own in search.cv_results_["params"]
    }
    assert weighted == {"None", "balanced", "{'up': 3.0}"}


def test_metadata_is_routed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups and weights reach `fit`, each fold its own."""
    from gated.models.estimators import base

    given: list[Any] = []
    kept = base.kept_apart
    monkeypatch.setattr(base, "kept_apart", lambda *all_: given.append(all_) or kept(*all_))
    X, y = waves(48)
    groups, weights = np.arange(48) // 4, np.linspace(1, 2, 48)
    with sklearn.config_context(enable_metadata_routing=True):
        kind = SequenceClassifier(**QUICK, early_stopping=True).set_fit_request(groups=True, sample_weight=True)
        kind.set_score_request(sample_weight=True)
        search = GridSearchCV(kind, {"hidden_size": [4]}, cv=GroupKFold(3), error_score="raise")
        search.fit(X, y, groups=groups, sample_weight=weights)
    assert [len(all_[3]) for all_ in given] == [32, 32, 32, 48]
    assert all(len(set(all_[3])) in (8, 12) for all_ in given)


def test_cross_validation_of_lists_and_of_steps() -> None:
    X, y = waves(40)
    scores = cross_val_score(SequenceClassifier(random_state=0, epochs=25), X, y, cv=StratifiedKFold(4))
    assert scores.mean() > 0.9
    assert cross_val_predict(SequenceClassifier(**QUICK), X, y, cv=3, method="predict_proba").shape == (40, 2)
    steps = [np.repeat(label, len(each)) for each, label in zip(X, y, strict=True)]
    scores = cross_val_score(SequenceClassifier(pooling=None, random_state=0, epochs=25), X, steps, cv=KFold(3))
    assert scores.mean() > 0.7
    numbers, means = sums(40)
    assert cross_val_score(SequenceRegressor(**QUICK), numbers, means, cv=3).shape == (3,)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib(backend: str) -> None:
    X, y = waves(30)
    alone = cross_val_score(SequenceClassifier(**QUICK), X, y, cv=4, error_score="raise")
    with joblib.parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(cross_val_score(SequenceClassifier(**QUICK), X, y, cv=4), alone)


ON_DASK = """
import numpy as np, joblib
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV
from gated.models import SequenceClassifier

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = [rng.standard_normal((int(rng.integers(3, 8)), 2)) + label for label in y]
    search = GridSearchCV(SequenceClassifier(epochs=5, random_state=0), {"hidden_size": [4, 8, 16]}, cv=3, n_jobs=-1)
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        with joblib.parallel_config("dask"):
            found = search.fit(X, y)
        workers = len(client.scheduler_info()["workers"])
    print(workers, np.array_equal(found.cv_results_["mean_test_score"], alone), found.best_score_ > 0.7)
"""


@pytest.mark.slow
def test_dask_with_two_workers(tmp_path: Path) -> None:
    script = tmp_path / "on_dask.py"
    script.write_text(ON_DASK)
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert found.stdout.split() == ["2", "True", "True"], found.stderr[-2000:]


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """`gated.models` is there; the estimators say what to install."""
    code = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "import gated.models\n"
        "from gated.errors import MissingExtraError\n"
        "assert 'SequenceClassifier' in dir(gated.models)\n"
        "try:\n"
        "    gated.models.SequenceClassifier\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "sklearn is needed for this; install it with: pip install 'gated[sklearn]'\n"
    fresh = "import sys, gated.models; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True).stdout == "False\n"
    assert gated.models.SequenceClassifier.__module__ == "gated.models"
