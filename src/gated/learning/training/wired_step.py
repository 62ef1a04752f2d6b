"""The gradient of a network that is no chain: layer by layer, and the chain at its end with the loss in one call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gated.backends import backend_of
from gated.data.sequences import Sequences
from gated.learning.training.one_call import train_in_one_call, why_not
from gated.nn.network_checks import has_state
from gated.nn.segment import Segment
from gated.nn.wired_flow import Adjoints, Flow
from gated.nn.wired_network import WiredNetwork, WiredTape

Array = np.ndarray[Any, Any]


def wired_gradients(
    network: WiredNetwork, loss: Any, batch: Sequences, state: Any, rng: Any
) -> tuple[float, Any, Any] | None:
    """The loss, the gradients (None if the loss is not finite), the last states.

    None if the end of the network is no chain of which a backend makes whole passes, if the loss says itself what it
    computes, or if something is wrong with the batch, which the layers will tell: the generator is as it was then.
    """
    tail = network.tail
    if tail is None or why_not(tail, loss) is not None:
        return None
    before = None if rng is None else rng.bit_generator.state
    network._check_state(state)
    flow = Flow(network, batch.x, batch.lengths)
    tape, last = WiredTape(network, flow), {}
    ahead = [name for name in network.layers if name not in tail.layers]
    for name in ahead:
        _, after = network._taped(name, flow, tape, state, rng)
        if after:
            last[name] = after
    x, joined = flow.joined(tail.first)
    stepless = joined.timed is None and not any(has_state(layer) for layer in tail.layers.values())
    lengths = flow.lengths_of(joined.timed)
    own = _one_step(x, batch) if stepless else Sequences(x, batch.target, lengths, batch.mask)
    begin = network.tail_state(tail, flow, state)
    found = train_in_one_call(tail, loss, None, own, begin, rng=rng, inwards=True)
    if found is None:
        if rng is not None:
            rng.bit_generator.state = before
        return None
    value = found.trained.loss
    last |= found.last
    if not math.isfinite(value):
        return value, None, last
    backend = backend_of(network)
    grads, adjoints = network.params.zeros(backend), Adjoints(network, flow.turned)
    start, stop = tail.span
    backend.add(found.trained.gradient, grads.vector[start:stop])
    adjoints.split(tail.first, found.dx[0] if stepless and found.dx is not None else found.dx, joined)
    for name in _wired(tail, state):
        adjoints.begin(name, found.first[name])
    for name in reversed(ahead):
        network._back(name, tape, adjoints, grads, {})
    return value, grads, last


def _one_step(x: Array, batch: Sequences) -> Sequences:
    """Rows without steps, (N, ...), as one step (1, N, ...)."""
    target, mask = (None if given is None else np.asarray(given)[None] for given in (batch.target, batch.mask))
    return Sequences(x[None], target, None, mask)


def _wired(tail: Segment, state: Any) -> list[str]:
    """Layers of the tail that begin where the wires say, if they say it."""
    return [name for name, layer in tail.layers.items() if has_state(layer) and (state or {}).get(name) is None]
