"""Other settings of `gated.models.SequenceClassifier` beside its defaults, on what there is to learn from alone.

    python -m benchmarks.estimator_defaults --aeon FOLDER

FOLDER is where the data sets of the package aeon lie, see `gated.data.series.aeon_folder`; without it they are left
out. Of the sets that `benchmarks.real_data` judges by, only the part that is learned from is looked at: for each seed a
quarter of it, drawn anew, is held out; of the first half of scikit-learn's digits, which follow each other by writers,
a fifth in one piece, so that other writers are held out. Two more sets are generated. Every setting sees the same
splits and seeds, and is compared with the defaults pair by pair: the mean over the seeds of each set, then the mean of
these over the sets and its standard error. A setting is to become the default if it is better by two of them.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.generated import CLASSES

Array = np.ndarray[Any, Any]
RESULTS = Path(__file__).resolve().parent / "results" / "estimator_defaults.json"
DEFAULTS = "defaults"
AEON = "JapaneseVowels", "BasicMotions", "ItalyPowerDemand"
GENERATED = {"waves": 60, "order": 60}  # that are learned from; so many times as many are held out
TIMES = 20
HELD_OUT = 4, 5  # of the others one part of so many is held out; of the digits
SETTINGS: dict[str, dict[str, Any]] = {
    DEFAULTS: {},
    "orthogonal": {"init": "orthogonal"},
    'cell="gru"': {"cell": "gru"},
    "half the rate": {"learning_rate": 2.5e-3},
    "twice the rate": {"learning_rate": 1e-2},
    "no dropout": {"dropout": 0.0},
    "dropout 0.5": {"dropout": 0.5},
    "half the passes": {"passes": 0.5},
    "twice the passes": {"passes": 2.0},
    "pooling mean": {"pooling": "mean"},
    "one direction": {"bidirectional": False},
}


def data_sets(aeon: str | None) -> dict[str, tuple[Any, Array]]:
    """Name -> (X, y)."""
    from sklearn.datasets import load_digits

    from gated.data.series import aeon_sequences

    found: dict[str, tuple[Any, Array]] = {}
    for name in AEON if aeon else ():
        learned, _ = aeon_sequences(name, aeon)
        found[name] = learned.x, np.asarray(learned.y)
    X, y = load_digits(return_X_y=True)
    half = len(X) // 2  # `real_data` judges by the second
    found["digits"] = list(X[:half].reshape(-1, 8, 8)), y[:half]
    for name, count in GENERATED.items():
        found[name] = CLASSES[name]((1 + TIMES) * count, np.random.default_rng(0))
    return found


def split(name: str, y: Array, seed: int) -> tuple[Array, Array]:
    """What is learned from and what is held out, numbers of sequences."""
    from sklearn.model_selection import train_test_split

    places = np.arange(len(y))
    if name == "digits":
        parts = np.array_split(places, HELD_OUT[1])
        held = parts[seed % len(parts)]
        return np.setdiff1d(places, held), held
    size = GENERATED.get(name)
    learned, held = train_test_split(places, train_size=size or 1 - 1 / HELD_OUT[0], stratify=y, random_state=seed)
    return learned, held


def one(name: str, X: Any, y: Array, setting: str, seed: int) -> tuple[float, float]:
    """(accuracy, loss) on what is held out."""
    from sklearn.metrics import log_loss

    import gated.nn
    from gated.models import SequenceClassifier
    from gated.models.estimators.settings import Settings

    warnings.simplefilter("ignore")  # classes that few have not
    learned, held = split(name, y, seed)
    options = dict(SETTINGS[setting])
    init, passes = options.pop("init", "pytorch"), options.pop("passes", None)
    made = SequenceClassifier(random_state=seed, **options)
    if passes is not None:
        made.set_params(epochs=round(passes * Settings.of(made).sizes(len(learned))[1]))
    # the initial values are no argument of the estimator
    with mock.patch.object(gated.nn, "Recurrent", functools.partial(gated.nn.Recurrent, init=init)):
        made.fit([X[n] for n in learned], y[learned])
    proba = made.predict_proba([X[n] for n in held])
    right = made.classes_[proba.argmax(axis=1)] == y[held]
    return float(right.mean()), float(log_loss(y[held], proba, labels=made.classes_))


def compared(found: dict[str, dict[str, list[float]]], setting: str) -> tuple[float, float]:
    """(mean, standard error) over the sets of the difference to the defaults, itself a mean over seeds."""
    own = [np.mean(np.subtract(found[name][setting], found[name][DEFAULTS])) for name in found]
    return float(np.mean(own)), float(np.std(own, ddof=1) / np.sqrt(len(own)))


CHINESE = {
    DEFAULTS: "默认值",
    "orthogonal": "正交初始化",
    "half the rate": "学习率减半",
    "twice the rate": "学习率加倍",
    "no dropout": "不用 dropout",
    "dropout 0.5": "dropout 0.5",
    "half the passes": "遍数减半",
    "twice the passes": "遍数加倍",
    "waves": "波",
    "order": "次序",
    "digits": "手写数字",
}


def table(accuracy: dict[str, dict[str, list[float]]], lang: str = "en") -> str:
    """Markdown: a line a setting, a column a data set, in per cent; the last column is the difference."""
    names = CHINESE if lang == "zh" else {}
    head = ["准确率（%）", "平均", "与默认值之差"] if names else ["accuracy in %", "mean", "difference"]
    head[1:1] = [names.get(name, name) for name in accuracy]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for setting in next(iter(accuracy.values())):
        means = [100 * np.mean(own[setting]) for own in accuracy.values()]
        difference, error = compared(accuracy, setting)
        told = "" if setting == DEFAULTS else f"{100 * difference:+.1f} ± {100 * error:.1f}"
        cells = [f"{mean:.1f}" for mean in [*means, np.mean(means)]]
        lines.append("| " + " | ".join([names.get(setting, setting), *cells, told]) + " |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    from joblib import Parallel, delayed

    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimator_defaults")
    parser.add_argument("--aeon", help="the folder of aeon's data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: in benchmarks/results")
    parser.add_argument("--show", action="store_true", help="print the tables of what is kept, and end")
    given = parser.parse_args(words)
    kept = json.loads(given.output.read_text("utf-8")) if given.output.exists() else {"accuracy": {}, "loss": {}}
    if not given.show:
        sets = data_sets(given.aeon)
        jobs = [(name, setting, seed) for setting in given.settings for name in sets for seed in range(given.seeds)]
        with Parallel(n_jobs=given.jobs, return_as="generator") as parallel:
            results = parallel(delayed(one)(name, *sets[name], setting, seed) for name, setting, seed in jobs)
            for (name, setting, seed), both in zip(jobs, results, strict=True):
                for what, number in zip(("accuracy", "loss"), both, strict=True):
                    own = kept[what].setdefault(name, {})
                    own[setting] = [*(own.get(setting, []) if seed else []), round(number, 5)]
                if (name, seed) == (list(sets)[-1], given.seeds - 1):
                    print(setting, {name: float(np.mean(kept["accuracy"][name][setting])) for name in sets}, flush=True)
                    given.output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table(kept["accuracy"]))
    print()
    for setting in [own for own in next(iter(kept["loss"].values())) if own != DEFAULTS]:
        difference, error = compared(kept["loss"], setting)
        print(f"loss, {setting}: {difference:+.3f} ± {error:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
