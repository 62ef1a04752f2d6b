"""A network as a chain: what the learners in real time walk over.

    Link        a graph with states, or without (`map_of` makes a map of it)
    Map         a table, or a layer that tells no equations
    Branches    chains side by side over the same input, whose outputs are added

Which of them a layer is, it says itself (`Layer.equations`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.backends import Backend, backend_of
from gated.errors import describe, wrong, wrong_type
from gated.learning.realtime.links import Link
from gated.learning.realtime.maps import GraphMap, LayerMap, Map, TableMap
from gated.learning.realtime.row import Row
from gated.nn import Network
from gated.nn.equations import LookUp, Part, Sum
from gated.nn.network_checks import has_state

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Branches:
    """y = Σ of what the chains make of x; a chain without links makes x itself."""

    chains: Sequence[Sequence[ChainLink]]
    backend: Backend


class SideBySide:
    """Chains of a learner's nodes, for `Branches`."""

    def __init__(self, chains: Sequence[Sequence[Any]], backend: Backend) -> None:
        self.chains, self.backend = chains, backend

    def total(self, found: Sequence[Array]) -> Array:
        """The sum of what the chains have made."""
        with np.errstate(all="ignore"):  # NaN in, NaN out
            return np.asarray(self.backend.sum_of_products([(0,), *((part,) for part in found)]))

    def arrays(self) -> dict[str, Array]:
        return {name: array for chain in self.chains for node in chain for name, array in node.arrays().items()}


ChainLink = Link | TableMap | LayerMap | Branches


def map_of(link: Link | TableMap | LayerMap) -> Map:
    """Of one without states."""
    return GraphMap(link) if isinstance(link, Link) else link


def flat(links: Sequence[ChainLink]) -> Iterator[Link | TableMap | LayerMap]:
    """All of them in order, branches taken apart."""
    for link in links:
        if isinstance(link, Branches):
            for chain in link.chains:
                yield from flat(chain)
        else:
            yield link


def links_of(network: Any, backend: Backend | None = None, row: Row | None = None) -> list[ChainLink]:
    """The chain of a network, from the input to the output.

    Args:
        backend: who computes; the network's own if None.
        row: where links find their further inputs at each step.

    Raises:
        ArgumentError, ArgumentTypeError: something that cannot learn in real time: a layer with a state that does not
            tell its equations, a bidirectional one, dropout, a dtype other than float32 and float64.
    """
    if not isinstance(network, Network):
        raise wrong_type("network", describe(network), "a gated.Network, such as Network({'rnn': ..., 'head': ...})")
    if not network.is_chain:
        raise wrong("network", "one that is no chain", "a gated.Network: in real time a chain learns")
    if network.dtype.kind != "f":
        raise wrong_type("network", f"dtype {network.dtype}", "'float32' or 'float64'")
    backend, further = backend or backend_of(network), {} if row is None else row.at_work
    return [link for name, layer, start in network.parts() for link in _of_layer(name, layer, start, backend, further)]


def _of_layer(name: str, layer: Any, start: int, backend: Backend, further: Mapping[str, Array]) -> list[ChainLink]:
    parts = layer.equations(name) if hasattr(layer, "equations") else None  # a user's own need not have it
    if parts is not None:
        return [_of_part(name, layer, start, backend, further, part) for part in parts]
    if has_state(layer):
        expected = "a Recurrent, a Dense, an Embedding, or a layer whose equations() tells what a step is"
        raise wrong_type(f"layers[{name!r}]", describe(layer), expected)
    return [LayerMap(layer, start, backend)]


def _of_part(
    name: str, layer: Any, start: int, backend: Backend, further: Mapping[str, Array], part: Part
) -> ChainLink:
    if isinstance(part, Sum):
        chains = [[_of_part(name, layer, start, backend, further, inner) for inner in chain] for chain in part.chains]
        return Branches(chains, backend)
    if isinstance(part, LookUp):
        return TableMap(layer.params[part.parameter], start + layer.params.span(part.parameter)[0], backend)
    return Link(name, part, layer.params, start, layer.dtype, backend, further)
