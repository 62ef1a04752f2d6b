"""One update by backpropagation through time, full or truncated.

T time steps, N sequences side by side, V outputs. Both functions do forward, loss, backward, clip,
update, and change the network's parameters in place. They differ in what happens at the edges:

* :func:`full_step`: each sequence is whole. It starts from the zero state, the gradient reaches its
  first step, nothing is carried on (Werbos, 1990).
* :func:`truncated_step`: a window of a longer stream. It starts from the state that the window
  before ended in, which counts as a constant: the value flows on, the gradient stops at the edge
  (Williams & Peng, 1990, with the window as both of their two lengths).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gated.errors import GatedError
from gated.learning.clipping import clip_by_global_norm, global_norm
from gated.learning.optimizers import Optimizer


class Sequences(NamedTuple):
    """N independent sequences side by side, padded to the longest.

    x: (T, N, ...); target: (T, N, ...), as the loss takes it; lengths: (N,), the steps of each, or
    None if all have T; mask: (T, N), True where the loss counts, or None for all steps within lengths.
    """

    x: np.ndarray
    target: np.ndarray
    lengths: np.ndarray | None = None
    mask: np.ndarray | None = None


def full_step(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    batch: Sequences,
    *,
    clip: float | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[float, float]:
    """Full backpropagation through time over independent sequences.

    ``clip``: bound on the gradient's global norm. ``rng``: draws the dropout masks; without it no
    dropout. Returns (loss, norm of the gradient before clipping), both from before the update.
    Raises GatedError, with the parameters untouched, if one of the two is not finite.
    """
    x, target, lengths, mask = batch
    if mask is None and lengths is not None:
        mask = np.arange(len(x))[:, None] < np.asarray(lengths)
    y, _, tape = network.forward(x, None, lengths, rng=rng)
    value, norm = _learn(network, loss(y, target, mask), tape, optimizer, clip)
    return value, norm


def truncated_step(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    window: tuple[np.ndarray, np.ndarray],
    state: Any,
    *,
    clip: float | None = None,
    rng: np.random.Generator | None = None,
    lengths: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> tuple[float, Any, float]:
    """Truncated backpropagation through time over one window (x, target) of a stream, each (T, N, ...).

    ``state``: what the call for the window before returned, None at the beginning of the stream.
    Windows must come in order of time: a shuffled one would start from another place's state.
    ``lengths`` (N,): steps of each sequence that lie in this window, 0 where one has ended before.
    ``mask`` (T, N): where the loss counts; None: at all steps within lengths.
    Returns (loss, state at the end, norm); the rest is as in :func:`full_step`.
    """
    x, target = window
    if mask is None and lengths is not None:
        mask = np.arange(len(x))[:, None] < np.asarray(lengths)
    y, state, tape = network.forward(x, state, lengths, rng=rng)
    value, norm = _learn(network, loss(y, target, mask), tape, optimizer, clip)
    return value, state, norm


def _learn(
    network: Any, result: tuple[float, np.ndarray], tape: Any, optimizer: Optimizer, clip: float | None
) -> tuple[float, float]:
    value, dy = result
    _, _, grads = network.backward(tape, dy)
    norm = global_norm(grads.vector) if clip is None else clip_by_global_norm(grads.vector, clip)
    for name, number in (("loss", value), ("gradient norm", norm)):
        if not math.isfinite(number):
            raise GatedError(
                f"{name}: got {number} at update {optimizer.updates}, expected a finite number; "
                "a smaller learning rate or a smaller clip may help"
            )
    optimizer.update(network.theta, grads.vector)
    return float(value), norm
