"""The classifiers of this environment: ours, and scikit-learn's on flat pixels."""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Split(NamedTuple):
    """What is learned from, and what is judged by; x are lists of (T, D) arrays."""

    x: Any
    y: Any
    held_out_x: Any
    held_out_y: Any


def load(data: str, folder: Path | None) -> Split:
    """A data set by its name in `methods`."""
    if data == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        half = len(found.images) // 2  # as in scikit-learn's own example: other people wrote the second half
        return Split(found.images[:half], found.target[:half], found.images[half:], found.target[half:])
    from gated.data.series import aeon_sequences

    train, test = aeon_sequences(data, folder)
    return Split(train.x, train.y, test.x, test.y)


def classifier(method: str, seed: int) -> Any:
    """By the name of the method."""
    if method in ("default", "both"):
        from gated.models import SequenceClassifier

        return SequenceClassifier(bidirectional=method == "both", random_state=seed)
    if method == "svc":
        from sklearn.svm import SVC

        return SVC(gamma=0.001)
    if method == "forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(random_state=seed)
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier()


def measure(method: str, split: Split, seed: int) -> tuple[float, float, float]:
    """(accuracy, seconds of fit, seconds of predict)."""
    made = classifier(method, seed)
    x, held_out = split.x, split.held_out_x
    if method not in ("default", "both"):
        x, held_out = (own.reshape(len(own), -1) for own in (x, held_out))
    begun = time.perf_counter()
    made.fit(x, split.y)
    fitted = time.perf_counter()
    right = float(np.mean(made.predict(held_out) == split.held_out_y))
    return right, fitted - begun, time.perf_counter() - fitted


def versions(side: str) -> dict[str, str]:
    """Of the package that is measured."""
    package = {"gated": "gated", "scikit": "scikit-learn"}[side]
    if package == "gated":
        from gated import __version__

        return {package: __version__}
    return {package: importlib.metadata.version(package)}
