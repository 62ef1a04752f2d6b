"""A whole step of training in one call of the backend, where everything that takes part is gated's own.

T steps, N sequences, R rows of running sequences.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gated.backends import backend_of
from gated.backends.made import for_chain
from gated.backends.whole_step import Batch, TableLink, Trained, Update
from gated.data.sequences import Sequences
from gated.errors import GatedError, as_array
from gated.learning.rules.optimizers import Optimizer
from gated.nn.chance import draw, new_key
from gated.nn.linked import Linked
from gated.nn.losses import Loss, has_own_call
from gated.nn.network import Network
from gated.nn.network_checks import batch_first, running
from gated.nn.packing import Packing, packing_of
from gated.nn.recurrent import dropout_mask
from gated.nn.whole_pass import by_link, by_name

Array = np.ndarray[Any, Any]


def why_not(network: Any, loss: Any, optimizer: Any = None) -> str | None:
    """Why steps are made part by part; None if they are made in one call, as far as the three decide it."""
    if not isinstance(network, Network):
        return "the network is no gated.Network"
    if isinstance(network.linked, str):
        return network.linked
    if not isinstance(loss, Loss) or has_own_call(loss) or type(loss)._evaluate is not Loss._evaluate:
        return "the loss says itself what it computes"
    if optimizer is not None and not (isinstance(optimizer, Optimizer) and optimizer.has_rule):
        return "the optimizer says itself what it does"
    return None


class WholeStep(NamedTuple):
    """What came of a step, as the layers would give it.

    Attributes:
        last: the last states, by the layers' names.
        first: the adjoints of the initial states, likewise; and
        dx: that of the batch's x: where they were asked for, and x are no ids.
    """

    trained: Trained
    last: Any
    first: Any = None
    dx: Any = None


def train_in_one_call(
    network: Any,
    loss: Any,
    optimizer: Any,
    batch: Sequences,
    state: Any,
    limit: float = math.inf,
    rng: np.random.Generator | None = None,
    inwards: bool = False,
) -> WholeStep | None:
    """What came of the step; without an optimizer theta is left as it is.

    None if the parts are to be called one by one: as `why_not` says, or since something is wrong with the batch, which
    they will tell. Nothing has been changed then, the generator neither.
    """
    if why_not(network, loss, optimizer) is not None or not isinstance(rng, (np.random.Generator, type(None))):
        return None
    before = None if rng is None else rng.bit_generator.state
    try:
        prepared = _prepared(network, loss, batch, state, rng)
        if prepared is not None:
            given, packing = prepared[0]._replace(inwards=inwards), prepared[1]
            update, buffers = None, {}
            if optimizer is not None:
                rule, buffers, numbers = optimizer.next_update(network.theta)
                update = Update(rule, buffers, numbers, limit)
            chain, theta = network.linked.chain, network.memory
            chain = chain if rng is None else chain.drawn
            found = for_chain(backend_of(network), chain).train(chain, loss._schedule, theta, given, update)
            if found is not None:
                if found.updated:
                    optimizer.made(buffers)
                last, first = (_states(network, packing, own) for own in (found.last, found.first))
                return WholeStep(found, last, first, _unpacked(network, packing, found.dx))
    except GatedError:
        pass  # the parts find it too, and say where
    if rng is not None and before is not None:
        rng.bit_generator.state = before
    return None


def _states(network: Network, packing: Packing, found: Any) -> Any:
    """By the layers' names, in the caller's order."""
    if found is None:
        return None
    assert isinstance(network.linked, Linked)
    return by_name(network.linked, {k: [packing.unsort(array, 1) for array in own] for k, own in found.items()})


def _unpacked(network: Network, packing: Packing, rows: Array | None) -> Array | None:
    if rows is None:
        return None
    whole = packing.unpack(rows)
    return whole.swapaxes(0, 1) if batch_first(network) else whole


def _prepared(network: Network, loss: Loss, batch: Sequences, state: Any, rng: Any) -> tuple[Batch, Packing] | None:
    """The batch as a backend takes it, and how it is packed; None if it is not of the usual form."""
    found = network.linked
    assert isinstance(found, Linked)
    links, turned = found.chain.links, batch_first(network)
    x = as_array("x", batch.x)
    first = links[0][0]
    ids = isinstance(first, TableLink)
    if isinstance(first, TableLink):
        if x.dtype.kind not in "iu" or x.ndim != 2:
            return None
    elif x.ndim != 3 or x.dtype != network.dtype or x.shape[2] != first.input_size:
        return None
    steps, sequences = x.shape[1::-1] if turned else x.shape[:2]
    packing = packing_of(steps, sequences, batch.lengths)
    like = np.broadcast_to(np.zeros((), network.dtype), (*x.shape[:2], links[-1][0].size))
    mask = batch.mask
    if packing.order is not None:
        inside = running(packing.lengths, steps, turned)
        if mask is None:
            mask = inside
        elif np.shape(mask) != inside.shape or np.asarray(mask)[~inside].any():  # what counts is no output of a step
            return None
    target, weights = loss._counted(like, batch.target, mask)
    if weights.dtype != network.dtype:
        return None
    x, target, weights = (packing.pack(a.swapaxes(0, 1) if turned else a) for a in (x, target, weights))
    x = x.astype(np.int64, copy=False) if ids else x
    mirror = packing.mirror() if found.chain.turned else None
    states = None
    if state is not None:
        network._check_state(state)
        states = by_link(network, found, state, sequences, lambda array: packing.sort(array, 1))
    masks, draws = _by_chance(network, found, packing, rng)
    weights = weights.reshape(-1, 1)
    return Batch(x, packing.counts, sequences, mirror, states, masks, target, weights, draws=draws), packing


def _by_chance(
    network: Network, found: Linked, packing: Packing, rng: Any
) -> tuple[dict[int, Array], dict[int, list[Array]]]:
    """The masks of dropout and the draws of cells, drawn as the layers would, one after the other."""
    masks: dict[int, Array] = {}
    draws: dict[int, list[Array]] = {}
    if rng is None:
        return masks, draws
    backend, key, rows = backend_of(network), 0, int(packing.counts.sum())
    for k, link in found.chain.drawn.scans.items():
        if link.draws_size and link.layer == 0:
            key = new_key(rng)
        if link.dropout:
            shape = packing.steps, packing.sequences, link.input_size
            masks[k] = packing.pack(dropout_mask(rng, shape, link.dropout, network.dtype))
        if link.draws_size:
            draws[k] = [backend.empty((rows, link.draws_size), network.dtype) for _ in link.starts]
            for direction, own in enumerate(draws[k]):
                draw(link.schedule.graph, own, key, (link.layer, direction), link.sizes, packing, backend)
    return masks, draws
