"""The learning algorithms of the contest behind one call: learn from a batch of sequences, each from its beginning.

T steps, N sequences. All take the same network, loss and optimizer. They differ in how far a gradient reaches back, and
in how often the weights change: once for a batch (full), once for a window (truncated), at every step that has a target
(online, rtrl).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gated.data import Sequences
from gated.learning import Adam, Online, Optimizer, full_step, truncated_step
from gated.nn.losses import Loss

CLIP = 1.0  # bound on the norm of each update's gradient, the same for all
Learn = Callable[[Sequences], None]


def full(network: Any, loss: Loss, optimizer: Optimizer, batch: int, window: int) -> Learn:
    """Full backpropagation through time: the gradient reaches the first step."""

    def learn(data: Sequences) -> None:
        full_step(network, loss, optimizer, data, clip=CLIP)

    return learn


def truncated(network: Any, loss: Loss, optimizer: Optimizer, batch: int, window: int) -> Learn:
    """Truncated: windows of `window` steps; the state goes on from one to the next, the gradient does not."""

    def learn(data: Sequences) -> None:
        state = None
        for start in range(0, len(data.x), window):
            x, target, mask = (array[start : start + window] for array in (data.x, data.target, data.mask))
            lengths = np.clip(data.lengths - start, 0, len(x))
            if mask.any():
                pair = (x, target)
                _, state, _ = truncated_step(
                    network, loss, optimizer, pair, state, clip=CLIP, lengths=lengths, mask=mask
                )
            else:  # nothing is asked for in this window: only the state goes on
                _, state, _ = network.forward(x, state, lengths)

    return learn


def online(network: Any, loss: Loss, optimizer: Optimizer, batch: int, window: int) -> Learn:
    """Traces, the recurrent matrices cut; the weights change at every step."""
    return _in_real_time("online", network, loss, optimizer, batch)


def rtrl(network: Any, loss: Loss, optimizer: Optimizer, batch: int, window: int) -> Learn:
    """The exact gradient of every step's loss by real-time recurrent learning; the weights change at every step."""
    return _in_real_time("rtrl", network, loss, optimizer, batch)


def _in_real_time(algorithm: str, network: Any, loss: Loss, optimizer: Optimizer, batch: int) -> Learn:
    learner = Online(network, algorithm, optimizer, loss, batch=batch, clip=CLIP)

    def learn(data: Sequences) -> None:
        learner.reset()
        learner.partial_fit(data.x, data.target, data.mask)

    return learn


ALGORITHMS: dict[str, Callable[[Any, Loss, Optimizer, int, int], Learn]] = {
    "online": online,
    "truncated": truncated,
    "full": full,
    "rtrl": rtrl,
}


def optimizer_of(lr: float) -> Optimizer:
    """The optimizer of all trials."""
    return Adam(lr)
