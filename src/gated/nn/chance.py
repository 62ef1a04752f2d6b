"""The draws of a cell in one forward pass: arrays that stand beside its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.draws import Place
from gated.backends.interface import Arithmetic, input_width
from gated.language import chance
from gated.language.graph import Graph
from gated.nn.packing import Packing
from gated.schedule import CellSchedule, schedule

Array = np.ndarray[Any, Any]


def new_key(rng: np.random.Generator) -> int:
    """Of one forward pass."""
    return int(rng.integers(0, 2**64, dtype=np.uint64))


class Draws:
    """Of the cell of a layer.

    Attributes:
        schedule: of the graph in which the draws are inputs, behind the cell's own.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = chance.drawn(graph)
        self.schedule: CellSchedule = schedule(self._graph)

    def beside(
        self,
        x: Array,
        key: int,
        place: tuple[int, int],
        sizes: Mapping[str, int],
        packing: Packing,
        backend: Arithmetic,
    ) -> Array:
        """The inputs (T, N, D) and the draws of a layer and direction side by side, packed: (R, width). See `draw`."""
        rows = packing.pack(x, bool(place[1]))
        size = rows.shape[1]
        joined = backend.empty((len(rows), input_width(self._graph, sizes)), x.dtype)
        joined[:, :size] = rows
        draw(self._graph, joined[:, size:], key, place, sizes, packing, backend)
        return joined


def draw(
    graph: Graph,
    into: Array,
    key: int,
    place: tuple[int, int],
    sizes: Mapping[str, int],
    packing: Packing,
    backend: Arithmetic,
) -> None:
    """The draws of a graph in which they are inputs, side by side into packed rows (R, width).

    Args:
        key: of the forward pass.
        place: which layer of a stack, and which direction.
    """
    steps, sequences = packing.places(bool(place[1]))
    start = 0
    for number, (name, law) in enumerate(graph.draws.items()):
        own = None if law.per == chance.SEQUENCE else steps
        columns = into[:, start : (start := start + sizes[graph.dims[name]])]
        backend.draw_rows(key, Place(*place, number).word, law.kind, law.value, own, sequences, columns)
