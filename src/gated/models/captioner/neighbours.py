"""What a captioner has to beat: the caption of the picture that looks most alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.captions.rows import read_rows
from gated.models.captioner.caption_data import Part
from gated.models.captioner.eye import TOGETHER, Eye, Floats


def nearest(eye: Eye, train: Part, held_out: Part) -> NDArray[np.int64]:
    """Of each held-out picture the learned one whose features are nearest, by the cosine of what the network takes.

    Args:
        eye: brings features to what the network takes.
        train: pictures with captions; of HDF5, they are read a piece at a time.
        held_out: N pictures.

    Returns:
        (N,) numbers of pictures of `train`; of several that are as near, the first.
    """
    wanted = _directions(eye, held_out.features)
    likest, found = np.full(len(held_out), -np.inf), np.zeros(len(held_out), np.int64)
    captioned = np.unique(train.pairs.pictures)
    for start in range(0, len(captioned), TOGETHER):
        own = captioned[start : start + TOGETHER]
        likeness = wanted @ _directions(eye, read_rows(train.features, own)).T
        best = likeness.argmax(axis=1)
        value = likeness[np.arange(len(best)), best]
        better = value > likest
        likest[better], found[better] = value[better], own[best[better]]
    return found


def _directions(eye: Eye, features: Any) -> Floats:
    """(N, numbers): of length 1, the places of a picture side by side."""
    shown = eye.shown(features, np.float64)
    rows = shown.swapaxes(0, 1).reshape(len(features), -1) if shown.ndim == 3 else shown
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
