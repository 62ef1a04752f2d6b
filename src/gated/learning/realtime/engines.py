"""What runs the steps of `gated.learning.Online`: a rule array by array (`realtime.compiled` has machine code).

Legend: T steps, N sequences, D inputs, V outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends import Backend
from gated.errors import ArgumentError, wrong
from gated.learning.realtime.rtrl import MEMORY_LIMIT, RealTime
from gated.learning.realtime.traces import Traces
from gated.learning.rules.clipping import clipped
from gated.learning.rules.frozen import clear, frozen_spans, held
from gated.learning.rules.optimizers import Optimizer, update_by
from gated.nn import Network
from gated.nn.losses import Loss, evaluate_by
from gated.nn.network_checks import flat_state
from gated.number_checks import one_of

Array = np.ndarray[Any, Any]


class NotFinite(Exception):
    """The gradient of a step was not finite; nothing has been changed by it. `step`: of those of the call, from 0."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def rule_of(
    network: Any,
    algorithm: str,
    batch: int,
    peepholes: bool = True,
    memory_limit: int = MEMORY_LIMIT,
    backend: Backend | None = None,
) -> Traces | RealTime:
    """The algorithm of this name, array by array; by the network's own backend if none is given."""
    if one_of("algorithm", algorithm, "online", "rtrl") == "online":
        return Traces(network, batch, peepholes, backend)
    if not peepholes:
        raise wrong("peepholes", "False with algorithm 'rtrl'", "True: the exact gradient leaves nothing out")
    return RealTime(network, batch, memory_limit, backend)


def begin(arrays: Mapping[str, Array], network: Network, state: Any = None, rows: Array | None = None) -> None:
    """Set what a rule carries on to 0, or its states to those of the network's layers; for the sequences in `rows`."""
    if state is None and rows is None:
        for array in arrays.values():
            array.fill(0)
        return
    chosen = slice(None) if rows is None else rows
    batch = len(next(iter(arrays.values()), ()))
    network._check_state(state)
    given: dict[str, Array] = {}
    states = flat_state(state)
    for name, layer, _ in network.parts():
        if name in states:
            own = layer.checked_state("state", states[name], batch)
            for parts, array in zip(layer.state_names(), own, strict=True):
                given |= {f"{name}.{part}": array[k] for k, part in enumerate(parts)}
    for name, array in arrays.items():
        array[chosen] = given[name][chosen] if name in given else 0


class ReferenceEngine:
    """Any rule, any optimizer, step after step."""

    def __init__(
        self,
        rule: Traces | RealTime,
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        clip: float | None,
        fallback: str,
    ) -> None:
        self.fallback: str | None = fallback  # why there is no machine code
        self.rule, self.network, self.optimizer, self.loss, self.clip = rule, network, optimizer, loss, clip
        self.outputs = int(list(network.layers.values())[-1].output_size)

    def arrays(self) -> dict[str, Array]:
        """What is carried on, by name; writable."""
        return self.rule.arrays()

    def step(self, x: Array, target: Array | None, known: Array | None) -> Array:
        """One step of `run`, without the axis T: (N, V)."""
        return self.run(x[None], None if target is None else target[None], None if known is None else known[None])[0]

    def run(self, x: Array, targets: Array | None, known: Array | None) -> Array:
        """T steps; NotFinite if one of them has such a gradient: those behind it are not run.

        Args:
            x: (T, N, D), or ids (T, N).
            targets: (T, N, V), of the network's dtype; None: nothing is learnt.
            known: (T, N) booleans, where there is a target; None: everywhere.

        Returns:
            (T, N, V), the predictions.
        """
        predictions = np.empty((*x.shape[:2], self.outputs), self.network.dtype)
        for t, x_t in enumerate(x):
            predictions[t] = self.rule.forward(x_t)
            if targets is not None and (known is None or known[t].any()):
                backend, mask = self.rule.backend, None if known is None else known[t]
                _, dy = evaluate_by(backend, self.loss, predictions[t], targets[t], mask)
                self.rule.gradient(dy)
                update(self.network, self.rule.gradient_vector, self.optimizer, self.clip, backend, t)
        return predictions


def update(
    network: Network, gradient: Array, optimizer: Optimizer, clip: float | None, backend: Backend, step: int = 0
) -> None:
    """Clip the gradient and update; what is frozen stays.

    Raises:
        NotFinite: the gradient is not finite; nothing is changed.
    """
    clear(gradient, frozen_spans(network))
    if clip is not None:
        clipped(gradient, clip, backend)
    try:
        with held(network):
            update_by(backend, optimizer, network.theta, gradient)
    except ArgumentError:
        if backend.all_finite(gradient):
            raise
        raise NotFinite(step) from None
