"""The draws of a cell in one forward pass: arrays that stand beside its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.draws import Place
from gated.backends.interface import Arithmetic, input_columns, input_width
from gated.language import chance
from gated.language.graph import Graph
from gated.nn.packing import Packing
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

    def beside(
        self,
        x: Array,
        key: int,
        place: tuple[int, int],
        sizes: Mapping[str, int],
        packing: Packing,
        backend: Arithmetic,
    ) -> Array:
        """The inputs (T, N, D) and the draws of a layer and direction side by side, packed: (R, width).

        Args:
            place: which layer and direction.
        """
        graph, reverse = self._graph, bool(place[1])
        rows = packing.pack(x, reverse)
        joined = backend.empty((len(rows), input_width(graph, sizes)), x.dtype)
        joined[:, : rows.shape[1]] = rows
        columns, (steps, sequences) = input_columns(graph, sizes), packing.places(reverse)
        for number, (name, draw) in enumerate(graph.draws.items()):
            own = None if draw.per == chance.SEQUENCE else steps
            word = Place(*place, number).word
            backend.draw_rows(key, word, draw.kind, draw.value, own, sequences, joined[:, columns[name]])
        return joined
