"""The steps of `gated.learning.Online` in machine code: the online rule, for chains of cells and maps.

One call makes many steps, updates and all: θ -= rate · gradient inside the step's own program, other rules of
`gated.learning` as a pass over whole vectors behind it. An optimizer of somebody's own gets the gradient of each step.

Legend: T steps, N sequences, V outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.backends import Backend, get_backend
from gated.language.graph import ONE_DIM
from gated.learning.realtime.chain import ChainLink, links_of
from gated.learning.realtime.engines import NotFinite, update
from gated.learning.realtime.links import Link
from gated.learning.rules.optimizers import OPTIMIZERS, SGD, Optimizer
from gated.nn import Network
from gated.nn.losses import Loss, has_own_call
from gated.schedule.online_parts import named, part_names
from gated.schedule.online_step import plan_step
from gated.schedule.traces import plan_traces

if TYPE_CHECKING:
    from gated.backends.native.passes.learner import NativeStep

Array = np.ndarray[Any, Any]


class NativeEngine:
    """See the module; an engine as `realtime.engines.ReferenceEngine` is one."""

    def __init__(
        self,
        native: NativeStep,
        links: Sequence[Link],
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        clip: float | None,
        backend: Backend,
    ) -> None:
        self.network, self.optimizer, self.loss, self.clip = network, optimizer, loss, clip
        self.native, self.backend = native, backend
        self._arrays = self._named(links)
        self._fresh: dict[str, Array] = {}  # buffers that the optimizer does not have before its first update
        self.all = np.full(native.batch, 1.0 / native.batch if loss.reduction == "mean" else 1.0, network.dtype)

    def _named(self, links: Sequence[Link]) -> dict[str, Array]:
        """What is carried on, by the names that `Traces` gives it."""
        found: dict[str, Array] = {}
        own_states = iter(self.native.states)
        for link, part in zip(links, names_of(links), strict=True):
            states, names = link.graph.states, {named(part, name): name for name in link.spans}
            found |= {f"{link.name}.state.{key}": next(own_states) for key in states}
            own = {key: array for key, array in self.native.traces.items() if key[1] in names}
            found |= {f"{link.name}.trace.{states[k]}.{names[one]}": array for (k, one), array in own.items()}
        return found

    @property
    def fallback(self) -> str | None:
        """What is not done in machine code, and why."""
        if self._how() != "gradient":
            return None
        if self.network.frozen:
            return "the updates, which go around what is frozen"
        if type(self.optimizer) in OPTIMIZERS.values() and "update" not in vars(self.optimizer):
            return "the updates, which are made by the network's backend 'reference'"
        return f"the updates of {type(self.optimizer).__name__}, which is none of the optimizers of gated.learning"

    def arrays(self) -> dict[str, Array]:
        """As those of `Traces`."""
        return self._arrays

    def step(self, x: Array, target: Array | None, known: Array | None) -> Array:
        """As that of ReferenceEngine; one call of machine code, and little else."""
        native = self.native
        native.x[0] = x
        if target is None or not (known is None or known.any()):
            native.weights[0] = 0
            native.run(1, "gradient", False)
        else:
            native.target[0] = target
            native.weights[0] = self.all if known is None else self._weights(known[None])
            self._learn_one()
        return native.y[0].copy()

    def _learn_one(self) -> None:
        native, optimizer, how = self.native, self.optimizer, self._how()
        if how == "gradient":
            native.run(1, how)
            update(self.network, native.gradient, optimizer, self.clip, self.backend)
            return
        if how == "rate":
            native.rates[0] = optimizer.rate
        else:
            self._numbers([optimizer.rate])
        if native.run(1, how):
            raise NotFinite(0)
        self._updated(1)

    def run(self, x: Array, targets: Array | None, known: Array | None) -> Array:
        """As that of ReferenceEngine."""
        native, how = self.native, self._how()
        if targets is not None and how == "gradient":
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
            self._advance(start, count, how)
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

    def _how(self) -> str:
        """How an update is made: see `NativeStep.run`."""
        own = self.optimizer
        if self.network.frozen:
            return "gradient"
        if type(own) is SGD and not own.momentum and not own.weight_decay and self.clip is None:
            return "rate"
        # what belongs to no layer is made by the network's backend
        mine = type(own) in OPTIMIZERS.values() and "update" not in vars(own) and self.backend is get_backend("native")
        return "rule" if mine else "gradient"

    def _weights(self, known: Array | None) -> Array:
        """The weight of every row in the loss of its step, (T, N), or (N,) for all steps."""
        if known is None:
            return self.all
        if self.loss.reduction == "sum":
            return known.astype(self.all.dtype)
        return (known / np.maximum(known.sum(axis=1, keepdims=True), 1)).astype(self.all.dtype)

    def _advance(self, start: int, count: int, how: str) -> None:
        native = self.native
        learnt = np.asarray(native.weights[:count].any(axis=1))
        updates = int(learnt.sum())
        rates = self._rates(updates)
        if how == "rate":
            native.rates[:count][learnt] = np.array(rates, native.rates.dtype)[:, None]
        elif updates:
            self._numbers(rates)
        failed = native.run(count, how, learnt if updates else False)
        self._updated(int(learnt[: failed - 1].sum()) if failed else updates)
        if failed:
            raise NotFinite(start + failed - 1)

    def _rates(self, updates: int) -> list[float]:
        """Of the next so many updates."""
        own = self.optimizer
        if isinstance(own.lr, (int, float)):
            return [float(own.lr)] * updates
        return [own._rate_at(own.updates + k) for k in range(updates)]

    def _numbers(self, rates: Sequence[float]) -> None:
        """Have the machine code make the next updates by the optimizer's own rule, in its own buffers."""
        own = self.optimizer
        given = [own._numbers(rate, own.updates + k) for k, rate in enumerate(rates, 1)]
        assert own._rule is not None  # it is one of OPTIMIZERS
        self.native.prepare(own._rule, given, self._buffers(), self.clip)

    def _buffers(self) -> dict[str, Array]:
        """The optimizer's, or those that it is to have after its first update."""
        own = self.optimizer
        own._check(self.native.theta, self.native.gradient)
        if own.buffers and not own._buffers and self._fresh.keys() != set(own.buffers):
            self._fresh = {name: self.native.zeros() for name in own.buffers}
        return own._buffers or self._fresh

    def _updated(self, updates: int) -> None:
        own = self.optimizer
        if updates and self._fresh:
            own._buffers = own._buffers or self._fresh
            self._fresh = {}
        own.updates += updates


def names_of(links: Sequence[Link]) -> list[str]:
    """What the parts of a chain are called in the plan of a step."""
    return part_names(bool(link.graph.states) for link in links)


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
        ArgumentError: a cell has no online rule at all.
    """
    if has_own_call(loss):
        return f"{type(loss).__name__}, a loss with a call of its own"
    found = links_of(network)
    links = [link for link in found if isinstance(link, Link)]
    if reason := _reason(found, links):
        return reason
    parts = [plan_traces(link.graph, peepholes) if link.graph.states else link.graph for link in links]
    plan = plan_step(parts, loss._schedule.graph)
    from gated.backends.native.passes.learner import NativeStep  # LLVM is not loaded before it is needed

    sizes: dict[str, int] = {}
    offsets: dict[str, int] = {}
    for link, part, dims in zip(links, names_of(links), plan.dims, strict=True):
        sizes |= {dims[dim]: size for dim, size in link.sizes.items() if dim in dims}
        offsets |= {named(part, name): start for name, (start, _) in link.spans.items()}
    native = NativeStep(plan, sizes, network.theta, offsets, batch)
    return NativeEngine(native, links, network, optimizer, loss, clip, backend)


def _reason(chain: Sequence[ChainLink], links: Sequence[Link]) -> str:
    """Why there is no machine code for a chain; "" where there is."""
    if len(links) < len(chain):
        return "a network with an Embedding, a sum of branches, or a layer that tells no equations"
    if any(len(link.graph.inputs) > 1 or link.graph.fixed or _has_numbers(link) for link in links):
        return "a cell with several inputs, single numbers or fixed arrays"
    if not any(link.graph.states for link in links):
        return "a network without a recurrent layer"
    if any(link.made is not None for link in links):
        return "a cell with matrices that are made of parameters"
    spans = sorted(span for link in links for span in link.spans.values())
    if any(stop > start for (_, stop), (start, _) in zip(spans, spans[1:], strict=False)):
        return "a network in which layers share parameters"
    return ""


def _has_numbers(link: Link) -> bool:
    graph = link.graph
    return any(ONE_DIM in dims for dims in (graph.dims.values(), *graph.parameters.values()))
