"""What the defaults of `gated.models.SequenceClassifier` were chosen by: cross-validation on what there is to learn
from, of small data sets; what they are judged by elsewhere is not looked at. (When they were chosen, the digits were
drawn from both halves; now they come from the first alone.)

    python -m benchmarks.estimator_defaults --aeon FOLDER

FOLDER is where the data sets of the package aeon lie, see `gated.data.series.aeon_folder`; without it they are left
out, and the digits of scikit-learn remain, row by row. A line is a setting, a column a data set: accuracy, and loss.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

AEON = "JapaneseVowels", "BasicMotions", "ItalyPowerDemand"
DIGITS = 90, 600
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "pooling mean": {"pooling": "mean"},
    "pooling last": {"pooling": "last"},
    "one direction": {"bidirectional": False},
    "no dropout": {"dropout": 0.0},
    "dropout 0.5": {"dropout": 0.5},
    "32 units": {"hidden_size": 32},
    "128 units": {"hidden_size": 128},
    "two layers": {"num_layers": 2},
    "half the rate": {"learning_rate": 2.5e-3},
    "twice the rate": {"learning_rate": 1e-2},
    "GRU": {"cell": "gru"},
}


def data_sets(aeon: str | None) -> dict[str, tuple[Any, Any]]:
    """Name -> (X, y)."""
    from gated.data.series import aeon_sequences

    found: dict[str, tuple[Any, Any]] = {}
    for name in AEON if aeon else ():
        learned, _ = aeon_sequences(name, aeon)
        found[name] = learned.x, np.asarray(learned.y)
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X) // 2)  # the first half: `real_data` judges by the second
    for count in DIGITS:
        found[f"digits, {count}"] = list(X[order[:count]].reshape(-1, 8, 8)), y[order[:count]]
    return found


def one(X: Any, y: Any, options: dict[str, Any], learned: Any, held: Any, seed: int) -> tuple[float, float, float]:
    """Accuracy, loss, seconds."""
    from gated.models import SequenceClassifier

    warnings.simplefilter("ignore")  # classes that a fold of few has not
    began = time.perf_counter()
    found = SequenceClassifier(random_state=seed, **options).fit([X[n] for n in learned], y[learned])
    seconds = time.perf_counter() - began
    proba = found.predict_proba([X[n] for n in held])
    right = found.classes_[proba.argmax(axis=1)] == y[held]
    return float(right.mean()), float(log_loss(y[held], proba, labels=found.classes_)), seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--aeon", help="the folder of aeon's data sets")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="settings whose name contains this")
    given = parser.parse_args()
    sets = data_sets(given.aeon)
    jobs = []
    for setting, options in SETTINGS.items():
        if given.only and given.only not in setting:
            continue
        for name, (X, y) in sets.items():
            for seed in range(given.seeds):
                split = StratifiedKFold(given.folds, shuffle=True, random_state=seed)
                jobs += [(setting, name, X, y, options, *own, seed) for own in split.split(np.zeros(len(y)), y)]
    results = Parallel(n_jobs=given.jobs)(delayed(one)(*job[2:]) for job in jobs)
    print(f"{'':<16}" + "".join(f"{name:>19}" for name in sets))
    for setting in dict.fromkeys(job[0] for job in jobs):
        cells = []
        for name in sets:
            own = [result for job, result in zip(jobs, results, strict=True) if job[:2] == (setting, name)]
            accuracy, loss, _ = np.mean(own, axis=0)
            cells.append(f"{accuracy:>11.3f} {loss:>7.3f}")
        print(f"{setting:<16}" + "".join(cells))


if __name__ == "__main__":
    main()
