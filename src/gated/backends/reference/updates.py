"""The update rules of the optimizers, as functions of NumPy arrays: the definition of what comes out.

Each takes theta and the gradient g, one-dimensional, the buffers that are kept from update to update by name, two
scratch arrays, and its numbers. theta and the buffers are changed in place; nothing is allocated. What the letters
stand for, and whose rules these are, is told by the optimizers (`gated.learning.rules.optimizers`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gated.backends.interface import Array

Buffers = Mapping[str, Array]
Scratch = tuple[Array, Array]


def sgd(
    theta: Array,
    g: Array,
    buffers: Buffers,
    scratch: Scratch,
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """v <- momentum v + g + weight_decay theta;  theta <- theta - lr v, or along g + momentum v."""
    direction, product = scratch
    direction[:] = g
    if weight_decay:
        direction += np.multiply(theta, weight_decay, out=product)
    if momentum:
        v = buffers["momentum"]  # zero at first, so v = g after the first update
        v *= momentum
        v += direction
        if nesterov:
            direction += np.multiply(v, momentum, out=product)
        else:
            direction[:] = v
    theta -= np.multiply(direction, lr, out=product)


def rmsprop(
    theta: Array,
    g: Array,
    buffers: Buffers,
    scratch: Scratch,
    *,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
) -> None:
    """s <- alpha s + (1 - alpha) g^2;  d = g / (sqrt(s) + eps), with momentum v <- momentum v + d;  theta -= lr d."""
    direction, product = scratch
    s = buffers["mean_square"]
    _decay_towards_square(s, alpha, g, product)
    np.sqrt(s, out=product)
    product += eps
    np.divide(g, product, out=direction)
    if momentum:
        v = buffers["momentum"]
        v *= momentum
        v += direction
        direction = v
    theta -= np.multiply(direction, lr, out=product)


def adam(
    theta: Array,
    g: Array,
    buffers: Buffers,
    scratch: Scratch,
    *,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    updates: int,
    decay: float = 1.0,
) -> None:
    """m <- b1 m + (1 - b1) g;  s <- b2 s + (1 - b2) g^2;  theta -= lr (m / (1 - b1^k)) / (sqrt(s / (1 - b2^k)) + eps).

    `updates`: k, this one counted. `decay`: theta is multiplied by it first.
    """
    step, product = scratch
    m, s = buffers["mean"], buffers["mean_square"]
    if decay != 1.0:
        theta *= decay
    m *= b1
    m += np.multiply(g, 1.0 - b1, out=product)
    _decay_towards_square(s, b2, g, product)
    np.sqrt(s, out=product)
    product /= math.sqrt(1.0 - b2**updates)
    product += eps
    np.divide(m, product, out=step)
    theta -= np.multiply(step, lr / (1.0 - b1**updates), out=step)


def _decay_towards_square(s: Array, keep: float, g: Array, scratch: Array) -> None:
    """s <- keep s + (1 - keep) g^2, in place."""
    s *= keep
    np.square(g, out=scratch)
    scratch *= 1.0 - keep
    s += scratch
