"""From what was measured to what a network takes: gaps filled, numbers of one size; and the way back, for answers.

R steps of all sequences, D channels, G of them with gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.errors import FileFormatError, wrong
from gated.models.estimators.panel import Panel

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and spread of every channel, as they were in what was learned from.

    Attributes:
        mean: (D,).
        spread: (D,), standard deviations, 1 for a channel that never changes.
        gapped: (G,), which channels get an input beside: 1 where the number is there, 0 where it is missing.
    """

    mean: Array
    spread: Array
    gapped: Array

    @classmethod
    def of(cls, values: Array, scale: bool = True, mask: bool = False) -> Scaling:
        """That of numbers (R, D); without `scale` 0 and 1, with `mask` the channels that have NaN are known as such."""
        there = ~np.isnan(values)
        count = np.maximum(there.sum(axis=0), 1)
        mean, spread = np.zeros(values.shape[1]), np.ones(values.shape[1])
        if scale:
            known = np.where(there, values, 0.0)
            with np.errstate(over="ignore", invalid="ignore"):
                mean = known.sum(axis=0) / count
                spread = np.sqrt((np.where(there, values - mean, 0.0) ** 2).sum(axis=0) / count)
            small = 10 * np.finfo(np.float64).eps * np.abs(mean)  # what rounding makes of a constant
            spread = np.where((spread > small) & np.isfinite(spread), spread, 1.0)
        return cls(mean, spread, np.flatnonzero(~there.all(axis=0)) if mask else np.zeros(0, np.int64))

    @property
    def inputs(self) -> int:
        """D + G."""
        return len(self.mean) + len(self.gapped)

    def apply(self, panel: Panel, dtype: Any) -> Array:
        """(R, D + G): a missing number is the one before it in its sequence, at the beginning the mean.

        Raises:
            ArgumentError: a number that the dtype does not hold when it is scaled.
        """
        missing = np.isnan(panel.values)
        values = self.scaled(_carried_forward(panel, missing, self.mean) if missing.any() else panel.values)
        beside = ~missing[:, self.gapped]
        with np.errstate(over="ignore"):
            found = np.concatenate([values, beside], axis=1, dtype=np.float64).astype(dtype)
        bad = ~np.isfinite(found).all(axis=1)
        if bad.any():
            place = panel.place(int(np.argmax(bad)))
            raise wrong("X", f"a number in {place} that {np.dtype(dtype)} does not hold", "smaller ones")
        return found

    def scaled(self, values: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray((values - self.mean) / self.spread)

    def unscaled(self, values: Array) -> Array:
        """The way back, (..., D) float64."""
        return np.asarray(values.astype(np.float64) * self.spread + self.mean)

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "spread": self.spread.tolist(), "gapped": self.gapped.tolist()}

    @classmethod
    def from_json(cls, saved: Any) -> Scaling:
        """Raises FileFormatError for anything that `to_json` does not write."""
        try:
            numbers = [np.array(saved[name], np.float64) for name in ("mean", "spread")]
            gapped = np.array(saved["gapped"], np.int64)
        except (LookupError, TypeError, ValueError, OverflowError):
            raise FileFormatError("scaling: got something damaged, expected mean, spread and gapped") from None
        mean, spread = numbers
        fits = mean.ndim == 1 and mean.shape == spread.shape and gapped.ndim == 1 and len(mean)
        if not fits or not np.isfinite(numbers).all() or (spread <= 0).any():
            raise FileFormatError("scaling: got numbers that cannot be, expected D finite means and spreads above 0")
        if len(gapped) and (gapped.min() < 0 or gapped.max() >= len(mean) or len(set(gapped.tolist())) != len(gapped)):
            raise FileFormatError(f"scaling: got gaps in channels {gapped.tolist()[:5]}, expected some of {len(mean)}")
        return cls(mean, spread, gapped)


def _carried_forward(panel: Panel, missing: Array, first: Array) -> Array:
    """Each gap filled with what stood there last in its sequence, before anything was measured with `first`, (D,)."""
    rows = np.arange(len(missing))[:, None]
    latest = np.maximum.accumulate(np.where(missing, -1, rows), axis=0)  # the last row that has a number
    begin = np.repeat(panel.starts, panel.lengths)[:, None]
    found = np.take_along_axis(panel.values, np.maximum(latest, 0), axis=0)
    return np.where(latest >= begin, found, first)
