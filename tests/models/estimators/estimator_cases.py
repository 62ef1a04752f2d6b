"""Small sequences to learn from, for the tests of the estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
QUICK = {"hidden_size": 8, "epochs": 3, "random_state": 0}


def waves(count: int = 40, seed: int = 0, least: int = 4, most: int = 12) -> tuple[list[Array], Array]:
    """Lists of (T_n, 2): half of them rise, half of them fall; the labels are "down" and "up"."""
    rng = np.random.default_rng(seed)
    labels = np.array(["down", "up"])[np.arange(count) % 2]
    found = []
    for label in labels:
        steps = int(rng.integers(least, most + 1))
        slope = (1.0 if label == "up" else -1.0) * np.linspace(-1, 1, steps)[:, None]
        found.append(3.0 + slope + 0.3 * rng.standard_normal((steps, 2)))
    return found, labels


def sums(count: int = 60, seed: int = 0) -> tuple[list[Array], Array]:
    """Lists of (T_n, 2), and the mean of the first channel."""
    rng = np.random.default_rng(seed)
    found = [rng.standard_normal((int(rng.integers(3, 9)), 2)) for _ in range(count)]
    return found, np.array([each[:, 0].mean() for each in found])
