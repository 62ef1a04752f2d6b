"""A small training with everything that a run has to keep: dropout, carried states, patience, callbacks with a state.

As a program it is what the tests kill: `python small_run.py FOLDER PAUSE`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

import gated
from gated.data import stream_windows
from gated.learning import Adam, Callback, GateWatch, History, Update, fit
from gated.learning.runs import run as runs
from gated.losses import SoftmaxCrossEntropy

V = 5
IDS = np.random.default_rng(7).integers(0, V, 173)
LEARN, JUDGE = IDS[:131], IDS[131:]


class Sums(Callback):
    """Its state depends on every update; it writes it into the metrics."""

    def __init__(self) -> None:
        self.total = 0.0

    def on_update(self, run: Any, update: Update) -> None:
        self.total = 0.9 * self.total + update.loss
        if update.step % 4 == 0:
            run.log({"sum": self.total})

    def state(self) -> Any:
        return self.total

    def load_state(self, state: Any) -> None:
        self.total = float(state)


class Pause(Callback):
    """Makes an update last so long that a kill meets all parts of it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_update(self, run: Any, update: Update) -> None:
        time.sleep(self.seconds)


def network(dtype: str = "float32") -> gated.Network:
    layers = {
        "embed": gated.Embedding(V, 3, seed=1, dtype=dtype),
        "rnn": gated.LSTM(3, 5, num_layers=2, dropout=0.3, seed=2, dtype=dtype),
        "head": gated.Dense(5, V, seed=3, dtype=dtype),
    }
    return gated.Network(layers)


def judged(net: gated.Network) -> dict[str, float]:
    (x, target), *_ = stream_windows(JUDGE, 2, 50)
    y = net.infer(x)[0]
    return {"held_out": SoftmaxCrossEntropy()(y, target)[0], "right": float(np.mean(y.argmax(-1) == target))}


def train(net: gated.Network, **options: Any) -> History:
    watch = GateWatch(next(iter(stream_windows(JUDGE, 2, 50)))[0], every=5)
    usual: dict[str, Any] = {
        "updates": 60,
        "validate": lambda: judged(net),
        "patience": 6,
        "evaluate_every": 4,
        "log_every": 3,
        "clip": 0.5,
        "carry_state": True,
        "seed": 11,
        "progress": False,
        "callbacks": [Sums(), watch],
    }
    batches = lambda epoch: stream_windows(LEARN, 3, 7)  # noqa: E731
    return fit(net, SoftmaxCrossEntropy(), Adam(0.05), batches, **{**usual, **options})


def without_times(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    times = ("seconds", "predictions_per_second")
    return [{name: value for name, value in line.items() if name not in times} for line in metrics]


if __name__ == "__main__":
    runs.draw_run = lambda *given: None  # pictures take longer than the training here
    watch = GateWatch(next(iter(stream_windows(JUDGE, 2, 50)))[0], every=5)
    extra = [Sums(), watch, Pause(float(sys.argv[2]))]
    train(network(), folder=sys.argv[1], resume=True, checkpoint_seconds=1e-6, callbacks=extra)
