"""Running numbers of a run, which its metrics and its early stopping need and a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gated.errors import FileFormatError

ONCE = {"nats": "loss", "characters": "predictions"}  # what older checkpoints call them
LATER = {"best_step", "waited", "norm_max", "clipped", "updates"}  # what older checkpoints have not
SIGNED = {"loss", "best", "latest"}
REAL = {"norm_max", "seconds"}


@dataclass
class Records:
    """Of the updates since the last line of metrics: `loss`, `predictions`, `norm_max`, `clipped`, `updates`.

    Attributes:
        loss: sum of the losses, each as often as it has predictions.
        predictions: their number.
        norm_max: the longest gradient.
        clipped: updates whose gradient was longer than the bound.
        updates: their number.
        seconds: of training and evaluation so far, over all sessions.
        best: the best value of the validation so far; None before the first.
        best_step: the update after which it was.
        latest: the last one.
        waited: evaluations since the best one.
    """

    loss: float = 0.0
    predictions: int = 0
    norm_max: float = 0.0
    clipped: int = 0
    updates: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int | None = None
    latest: float | None = None
    waited: int = 0

    def add(self, loss: float, predictions: int, norm: float, clip: float | None) -> None:
        """One more update."""
        self.loss += loss * predictions
        self.predictions += predictions
        self.norm_max = max(self.norm_max, norm)
        self.clipped += clip is not None and norm > clip
        self.updates += 1

    def mean_loss(self) -> float:
        return self.loss / max(self.predictions, 1)

    def begin_line(self) -> None:
        """A line is written: the next one is about what comes now."""
        self.loss, self.predictions, self.norm_max, self.clipped, self.updates = 0.0, 0, 0.0, 0, 0


def records_from(saved: Any) -> Records:
    """Those of a checkpoint. Raises FileFormatError if they are damaged."""
    names = {field.name: field.default for field in fields(Records)}
    known: dict[str, Any] = {}
    if isinstance(saved, dict):
        known = {str(ONCE.get(name, name)): value for name, value in saved.items()}
    whole = set(names) - LATER <= set(known) <= set(names) and len(known) == len(saved)
    # what is None at first may be None; what is whole at first is whole
    if not whole or not all(_fits(k, known[k], first) for k, first in names.items() if k in known):
        raise FileFormatError("records: got something damaged in the checkpoint, expected running numbers")
    return Records(**known)


def _fits(name: str, value: Any, first: Any) -> bool:
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return value is None and first is None
    if name in SIGNED:
        return -1e300 < value < 1e300
    return 0 <= value < 2**53 and (name in REAL or isinstance(value, int))
