"""Series that are learned within a second."""

from __future__ import annotations

import numpy as np

from gated.models import Forecaster

SMALL = {"horizon": 3, "hidden_size": 4, "members": 2, "epochs": 3, "random_state": 0}


def small(**options):
    return Forecaster(**{**SMALL, **options})


def wave(steps=90, season=12, noise=0.3, seed=0, trend=0.05):
    """A season of 12, a trend and noise."""
    t, rng = np.arange(steps), np.random.default_rng(seed)
    return 10 + trend * t + 3 * np.sin(2 * np.pi * t / season) + noise * rng.standard_normal(steps)
