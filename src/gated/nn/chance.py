"""The draws of a cell in one forward pass: arrays that stand beside its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.backends.draws import Place, drawn
from gated.language import chance
from gated.language.graph import Graph
from gated.schedule import CellSchedule, schedule

Array = np.ndarray[Any, Any]


class Draws:
    """Of the cell of a layer.

    Attributes:
        schedule: of the graph in which the draws are inputs, behind the cell's own.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = chance.drawn(graph)
        self.schedule: CellSchedule = schedule(self._graph)

    @staticmethod
    def key(rng: np.random.Generator) -> int:
        """Of one forward pass."""
        return int(rng.integers(0, 2**64, dtype=np.uint64))

    def beside(self, x: Array, key: int, layer: int, direction: int, sizes: dict[str, int]) -> Array:
        """The inputs (T, N, width) and the draws of a layer and direction side by side."""
        parts = [x]
        for number, (name, draw) in enumerate(self._graph.draws.items()):
            shape = (*x.shape[:2], sizes[self._graph.dims[name]])
            place = Place(layer, direction, number)
            parts.append(drawn(key, place, draw.kind, draw.value, shape, draw.per == chance.SEQUENCE, x.dtype))
        return np.concatenate(parts, axis=2)
