"""What runs the steps of `gated.learning.Online`: a rule array by array, or the online rule in machine code.

Legend: T steps, N sequences, D inputs, V outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.backends import Backend
from gated.errors import ArgumentError, wrong
from gated.learning.realtime.chain import links_of
from gated.learning.realtime.links import Link
from gated.learning.realtime.rtrl import MEMORY_LIMIT, RealTime
from gated.learning.realtime.traces import Traces
from gated.learning.rules.clipping import clipped
from gated.learning.rules.optimizers import SGD, Optimizer, update_by
from gated.nn import Network
from gated.nn.losses import Loss, evaluate_by, has_own_call
from gated.nn.network_checks import flat_state
from gated.number_checks import one_of
from gated.schedule.online_step import CELL, HEAD, named, plan_step
from gated.schedule.traces import plan_traces

if TYPE_CHECKING:
    from gated.backends.native.passes.learner import NativeStep

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
        self, rule: Traces | RealTime, network: Network, optimizer: Optimizer, loss: Loss, clip: float | None
    ) -> None:
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
                update(self.network.theta, self.rule.gradient_vector, self.optimizer, self.clip, backend, t)
        return predictions


class NativeEngine:
    """The online rule for one recurrent layer, perhaps with a dense layer on it: one call runs many steps."""

    def __init__(
        self,
        native: NativeStep,
        link: Link,
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        clip: float | None,
        backend: Backend,
    ) -> None:
        self.network, self.optimizer, self.loss, self.clip = network, optimizer, loss, clip
        self.native, self.backend = native, backend
        self._arrays = self._named(link)
        self.all = np.full(native.batch, 1.0 / native.batch if loss.reduction == "mean" else 1.0, network.dtype)

    def _named(self, link: Link) -> dict[str, Array]:
        """What is carried on, by the names that `Traces` gives it."""
        states, names = link.graph.states, {named(CELL, name): name for name in link.spans}
        own = {f"{link.name}.state.{key}": array for key, array in zip(states, self.native.states, strict=True)}
        traces = self.native.traces.items()
        return own | {f"{link.name}.trace.{states[k]}.{names[one]}": array for (k, one), array in traces}

    def arrays(self) -> dict[str, Array]:
        """As those of `Traces`."""
        return self._arrays

    def step(self, x: Array, target: Array | None, known: Array | None) -> Array:
        """As that of ReferenceEngine; one call of machine code, and little else."""
        native = self.native
        native.x[0] = x
        if target is None:
            native.weights[0] = 0
            native.run(1, True, False)
        else:
            native.target[0] = target
            native.weights[0] = self.all if known is None else self._weights(known[None])
            self._learn_one(known is None or bool(known.any()))
        return native.y[0].copy()

    def _learn_one(self, learns: bool) -> None:
        native, optimizer = self.native, self.optimizer
        if not learns:
            native.run(1, True, False)
        elif self._plain():
            native.rates[0] = optimizer.rate
            if native.run(1, True):
                raise NotFinite(0)
            optimizer.updates += 1
        else:
            native.run(1, False)
            update(native.theta, native.gradient, optimizer, self.clip, self.backend)

    def run(self, x: Array, targets: Array | None, known: Array | None) -> Array:
        """As that of ReferenceEngine."""
        native = self.native
        if targets is not None and not self._plain():
            return self._one_by_one(x, targets, known)
        predictions = np.empty((len(x), *native.y.shape[1:]), native.theta.dtype)
        weights = np.zeros_like(self.all) if targets is None else self._weights(known)
        for start in range(0, len(x), native.most):
            part = slice(start, min(start + native.most, len(x)))
            count = part.stop - start
            native.x[:count] = x[part]
            native.weights[:count] = weights if known is None or targets is None else weights[part]
            if targets is not None:
                native.target[:count] = targets[part]
            self._advance(start, count)
            predictions[part] = native.y[:count]
        return predictions

    def _one_by_one(self, x: Array, targets: Array, known: Array | None) -> Array:
        y = np.empty((len(x), *self.native.y.shape[1:]), self.native.theta.dtype)
        for t, x_t in enumerate(x):
            try:
                y[t] = self.step(x_t, targets[t], None if known is None else known[t])
            except NotFinite:
                raise NotFinite(t) from None
        return y

    def _plain(self) -> bool:
        """Whether an update is θ -= rate · gradient and nothing else, which the machine code does itself."""
        own = self.optimizer
        return type(own) is SGD and not own.momentum and not own.weight_decay and self.clip is None

    def _weights(self, known: Array | None) -> Array:
        """The weight of every row in the loss of its step, (T, N), or (N,) for all steps."""
        if known is None:
            return self.all
        if self.loss.reduction == "sum":
            return known.astype(self.all.dtype)
        return (known / np.maximum(known.sum(axis=1, keepdims=True), 1)).astype(self.all.dtype)

    def _advance(self, start: int, count: int) -> None:
        native, optimizer = self.native, self.optimizer
        learnt = np.asarray(native.weights[:count].any(axis=1))
        self._rates(learnt)
        failed = native.run(count, True, learnt if learnt.any() else False)
        optimizer.updates += int(learnt[: failed - 1].sum() if failed else learnt.sum())
        if failed:
            raise NotFinite(start + failed - 1)

    def _rates(self, learnt: Array) -> None:
        rates, optimizer = self.native.rates, self.optimizer
        if isinstance(optimizer.lr, (int, float)):
            rates[: len(learnt)] = optimizer.lr
            return
        for t, number in enumerate((np.cumsum(learnt) - 1).tolist()):
            rates[t] = optimizer._rate_at(optimizer.updates + max(number, 0))


def update(
    theta: Array, gradient: Array, optimizer: Optimizer, clip: float | None, backend: Backend, step: int = 0
) -> None:
    """Clip the gradient and update.

    Raises:
        NotFinite: the gradient is not finite; nothing is changed.
    """
    if clip is not None:
        clipped(gradient, clip, backend)
    try:
        update_by(backend, optimizer, theta, gradient)
    except ArgumentError:
        if backend.all_finite(gradient):
            raise
        raise NotFinite(step) from None


def native_engine(
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    clip: float | None,
    batch: int,
    peepholes: bool,
    backend: Backend,
) -> NativeEngine | str:
    """Machine code for the online rule, or why there is none; the backend makes those updates that it does not.

    Raises:
        ArgumentError: the cell has no online rule at all.
    """
    links = links_of(network)
    if has_own_call(loss):
        return f"{type(loss).__name__}, a loss with a call of its own"
    if not isinstance(links[0], Link) or not links[0].graph.states:
        return "a network that begins with another layer than a recurrent one"
    own = [link for link in links if isinstance(link, Link)]
    if len(links) > 2 or len(own) < len(links) or any(link.graph.states for link in own[1:]):
        return "more layers than a recurrent one and a dense one"
    head = own[1] if len(own) == 2 else None
    plan = plan_step(plan_traces(own[0].graph, peepholes), None if head is None else head.graph, loss._schedule.graph)
    from gated.backends.native.passes.learner import NativeStep  # LLVM is not loaded before it is needed

    sizes, offsets = dict(own[0].sizes), {named(CELL, name): start for name, (start, _) in own[0].spans.items()}
    if head is not None:
        offsets |= {named(HEAD, name): start for name, (start, _) in head.spans.items()}
        sizes[plan.target.dim] = head.sizes[head.graph.outputs[0].dim]
    native = NativeStep(plan, sizes, network.theta, offsets, batch)
    return NativeEngine(native, own[0], network, optimizer, loss, clip, backend)
