"""Warnings when the gradient explodes or vanishes."""

from __future__ import annotations

import statistics
from typing import Any

from gated.errors import ArgumentError
from gated.learning.runs.callbacks import Callback
from gated.learning.training.loop import Update
from gated.number_checks import above_zero, not_negative, real

WINDOW = 100  # updates that are compared with, and between two warnings of one kind
FEWEST = 20  # before the first warning


class GradientWatch(Callback):
    """Warns if a gradient is far longer than those before it, or next to nothing.

    Norms are those before clipping, which are in the metrics too: `gradient_norm`, `gradient_norm_max` and, with a
    bound, `clipped`, the share of updates in which it held.

    Args:
        explodes: times the median norm of the last 100 updates, from which there is a warning.
        vanishes: norm at and below which there is one.

    Attributes:
        norms: the last 100.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """

    def __init__(self, explodes: float = 100.0, vanishes: float = 1e-8) -> None:
        self.explodes, self.vanishes = above_zero("explodes", explodes), not_negative("vanishes", vanishes)
        self.norms: list[float] = []
        self._warned: dict[str, int] = {}

    def on_update(self, run: Any, update: Update) -> None:
        if len(self.norms) >= FEWEST:
            usual = statistics.median(self.norms)
            if update.norm > self.explodes * usual > 0.0:
                text = f"the gradient explodes at update {update.step}: its norm is {update.norm:.3g}"
                self._warn(run, "explodes", update.step, f"{text}, the median of those before {usual:.3g}")
        if update.norm <= self.vanishes:
            text = f"the gradient vanishes at update {update.step}: its norm is {update.norm:.3g}"
            self._warn(run, "vanishes", update.step, text)
        self.norms = [*self.norms[1 - WINDOW :], update.norm]

    def _warn(self, run: Any, kind: str, step: int, text: str) -> None:
        if step - self._warned.get(kind, -WINDOW) >= WINDOW:
            self._warned[kind] = step
            run.warn(text)

    def state(self) -> dict[str, Any]:
        return {"norms": self.norms, "warned": self._warned}

    def load_state(self, state: Any) -> None:
        norms, warned = state["norms"], state["warned"]
        if not isinstance(norms, list) or len(norms) > WINDOW or not isinstance(warned, dict):
            raise ArgumentError("norms: got something else, expected a list of numbers")
        self.norms = [not_negative("norms", norm) for norm in norms]
        self._warned = {str(kind): int(real("warned", step)) for kind, step in warned.items()}
