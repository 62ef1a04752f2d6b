"""The end of a network that is no chain, as far as it is one: layers of which a backend makes whole passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.nn.linked import Linked
from gated.nn.network import Network

Array = np.ndarray[Any, Any]


class Segment(Network):
    """Layers of another network that lie side by side in its vector: they stay that network's.

    Attributes:
        first: the name of the first one.
        span: where their parameters begin and end in the network's vector.
    """

    def __init__(self, network: Any, names: list[str]) -> None:
        self._layers = {name: network.layers[name] for name in names}
        self.dtype, self.first = network.dtype, names[0]
        spans = network._spans()
        self.span = spans[names[0]][0], spans[names[-1]][1]
        # views: whoever gives that network another vector makes new segments (`WiredNetwork._adopt`)
        self._params, (start, stop) = network.params, self.span
        self._theta, self._memory = network.theta[start:stop], network.memory[start:]

    @property  # type: ignore[misc]
    def theta(self) -> Array:
        return self._theta

    @property
    def memory(self) -> Array:
        return self._memory


def tail_of(network: Any) -> Segment | None:
    """The longest chain at a network's end of which there are whole passes.

    Each of its layers but the first reads the output of the one before and nobody else does; states that begin where
    others end come from before it.
    """
    wires, names = network.wiring.wires, list(network.layers)
    readers: dict[str, int] = {}
    for wire in wires.values():
        for source in wire.sources():
            readers[source.name] = readers.get(source.name, 0) + 1
    found: Segment | None = None
    own: list[str] = []
    for name in reversed(names):
        if own:
            sources = list(wires[own[0]].x)
            alone = len(sources) == 1 and sources[0].state is None and sources[0].name == name
            if not alone or readers[name] != 1:
                break
        own = [name, *own]
        if sum(layer is network.layers[name] for layer in network.layers.values()) > 1:
            break  # a tied layer lies elsewhere in the vector
        segment = Segment(network, own)
        if not isinstance(segment.linked, Linked):
            break
        found = segment
    return found
