"""A network's input, states and output as a backend takes them that runs all of it in one call, without a tape.

T steps, N sequences, R rows of running sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gated.backends import backend_of
from gated.backends.made import for_chain
from gated.backends.whole_step import Given, TableLink
from gated.errors import as_array
from gated.nn import checks
from gated.nn.linked import Linked
from gated.nn.network_checks import batch_first, flat_state, ids_inside, nested_state, running
from gated.nn.packing import packing_of

Array = np.ndarray[Any, Any]
States = dict[str, Any]


def infer(network: Any, found: Linked, x: Any, state: Any, lengths: Any) -> tuple[Array, States] | None:
    """See `Network.infer`. None if the input is not of the usual form: then the layers are called one by one.

    Raises:
        GatedError: something does not fit.
    """
    turned = batch_first(network)
    first = found.chain.links[0][0]
    x = as_array("x", ids_inside(network, x, lengths))
    ids = isinstance(first, TableLink)
    if x.ndim != (2 if ids else 3) or 0 in x.shape:
        return None
    if isinstance(first, TableLink):
        if x.dtype.kind not in "iu" or x.min() < 0 or x.max() >= first.count:
            return None
        x = x.astype(np.int64, copy=False)
    else:
        x = checks.array("x", x, ("N", "T", found.chain.input_size), network.dtype)
    x = x.swapaxes(0, 1) if turned else x
    steps, sequences = x.shape[:2]
    packing = packing_of(steps, sequences, lengths if found.scans else None)
    states = by_link(network, found, state, sequences, lambda array: packing.sort(array, 1))
    counts = None if packing.order is None else packing.counts
    given = Given(packing.pack(x), steps, sequences, counts, states)
    rows, last = for_chain(backend_of(network), found.chain).infer_chain(found.chain, network.memory, given)
    y = packing.unpack(rows)
    if packing.order is not None:
        _fill(network, found, y, running(packing.lengths, steps, False))
        last = {k: [packing.unsort(array, 1) for array in own] for k, own in last.items()}
    return y.swapaxes(0, 1) if turned else y, by_name(found, last)


def _fill(network: Any, found: Linked, y: Array, inside: Array) -> None:
    """Beyond the lengths: what the layers behind the last time loop make of its zeros."""
    behind, value = False, np.zeros((1, 1), y.dtype)
    for name, layer, _ in network.parts():
        if name in found.scans:
            behind, value = name == list(found.scans)[-1], np.zeros((1, layer.output_size), y.dtype)
        elif behind:
            value = layer.infer(value)[0]
    y[~inside] = value


def by_link(
    network: Any, found: Linked, state: Any, batch: int, order: Callable[[Array], Array] = lambda array: array
) -> dict[int, list[Array]]:
    """A state by layer -> by time loop, (directions, N, size) for each of its own; zeros where there is none."""
    given, states = flat_state(state), {}
    layers = {name: layer for name, layer, _ in network.parts()}
    for name, links in found.scans.items():
        own = layers[name].checked_state(f"state[{name!r}]", given.get(name), batch)
        directions = len(own[0]) // len(links)
        for level, link in enumerate(links):
            which = slice(level * directions, (level + 1) * directions)
            states[link] = [order(array[which]) for array in own]
    return states


def by_name(found: Linked, last: Mapping[int, list[Array]]) -> States:
    """The inverse, as `Network.forward` gives states."""
    states = {}
    for name, links in found.scans.items():
        parts = [last[link] for link in links]
        states[name] = tuple(parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True)))
    return nested_state(states)
