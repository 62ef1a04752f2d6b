"""Two processes that learn together, each from its half of every batch: what a test starts in each of them."""

from __future__ import annotations

from multiprocessing.connection import Connection

import numpy as np

import gated
from gated.learning import Adam, Optimizer, clip_by_global_norm, gradients
from gated.losses import SquaredError
from gated.nn import Dense, Network, Recurrent

UPDATES, CLIP = 4, 0.05


def network() -> Network:
    layers = {"r": Recurrent(gated.cells.lstm, 3, 7, dtype="float64", seed=1)}
    return Network({**layers, "d": Dense(7, 2, dtype="float64", seed=2)})


def optimizer() -> Optimizer:
    return Adam(0.01)


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((5, 6, 3)), rng.standard_normal((5, 6, 2))) for _ in range(UPDATES)]


def learn(half: int, other: Connection, results: Connection) -> None:
    """All updates, then the parameters into `results`. `other`: leads to the process with the other half."""
    net, rule = network(), optimizer()
    for x, target in batches():
        mine = slice(3 * half, 3 * half + 3)
        found = gradients(net, SquaredError(), (x[:, mine], target[:, mine]))
        if half == 0:
            other.send_bytes(found.grads.vector)
            theirs = other.recv_bytes()
        else:
            theirs = other.recv_bytes()
            other.send_bytes(found.grads.vector)
        found.grads.vector = (found.grads.vector + np.frombuffer(theirs)) / 2
        clip_by_global_norm(found.grads, CLIP)
        rule.update(net.theta, found.grads.vector)
    results.send_bytes(net.theta)
