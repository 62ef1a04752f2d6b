"""aeon's classifiers on one data set. Run by the Python of another environment, in which nothing of ours is.

Argument: a JSON object with "train" and "test" (`.ts` files), "method" (a name of METHODS) and "seeds". Printed: a line
of JSON for each seed. Everything has one thread, if the caller's environment says so.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

FCN_EPOCHS = 500  # aeon's own default is 2000
Made = tuple[Any, bool]  # a classifier, and whether it takes series of unequal length


def _rocket(seed: int) -> Made:
    from aeon.classification.convolution_based import RocketClassifier

    return RocketClassifier(random_state=seed), False


def _minirocket(seed: int) -> Made:
    from aeon.classification.convolution_based import MiniRocketClassifier

    return MiniRocketClassifier(random_state=seed), False


def _dtw(seed: int) -> Made:
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    return KNeighborsTimeSeriesClassifier(n_neighbors=1, distance="dtw"), True


def _time_cnn(seed: int) -> Made:
    from aeon.classification.deep_learning import TimeCNNClassifier

    return TimeCNNClassifier(random_state=seed), False


def _fcn(seed: int) -> Made:
    from aeon.classification.deep_learning import FCNClassifier

    return FCNClassifier(random_state=seed, n_epochs=FCN_EPOCHS), False


METHODS: dict[str, Callable[[int], Made]] = {
    "rocket": _rocket,
    "minirocket": _minirocket,
    "dtw": _dtw,
    "time_cnn": _time_cnn,
    "fcn": _fcn,
}


def padded(train: Any, test: Any) -> tuple[Any, Any]:
    """Zeros behind the shorter ones, to the length of the longest of both parts; equal lengths stay as they are."""
    if not isinstance(train, list) and not isinstance(test, list):
        return train, test
    from aeon.transformations.collection.unequal_length import Padder

    longest = max(own.shape[-1] for part in (train, test) for own in part)
    padder = Padder(padded_length=longest)
    return padder.fit_transform(train), padder.transform(test)


def measure(method: str, train: Any, test: Any, seed: int) -> dict[str, Any]:
    """Fit on (series, labels), judge on others."""
    classifier, unequal = METHODS[method](seed)
    x, held_out = (train[0], test[0]) if unequal else padded(train[0], test[0])
    begun = time.perf_counter()
    classifier.fit(x, train[1])
    fitted = time.perf_counter()
    right = float((classifier.predict(held_out) == test[1]).mean())
    return {
        "seed": seed,
        "accuracy": right,
        "fit_seconds": fitted - begun,
        "predict_seconds": time.perf_counter() - fitted,
        "padded": not unequal and isinstance(train[0], list),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    wanted = json.loads(sys.argv[1])
    with contextlib.redirect_stdout(sys.stderr):  # bars of others
        import aeon
        from aeon.datasets import load_from_ts_file

        parts = [load_from_ts_file(str(Path(wanted[part]))) for part in ("train", "test")]
        if wanted["method"] in ("rocket", "minirocket", "dtw"):  # numba compiles at the first call: not counted
            measure(wanted["method"], parts[0], tuple(part[:2] for part in parts[1]), 0)
    for seed in wanted["seeds"]:
        with contextlib.redirect_stdout(sys.stderr):
            found = measure(wanted["method"], *parts, seed)
        print(json.dumps({**found, "aeon": aeon.__version__}), flush=True)


if __name__ == "__main__":
    main()
