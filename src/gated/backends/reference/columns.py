"""What the backward loop keeps, laid out so that the large products behind it need no copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gated.backends.interface import Array
from gated.language.graph import Node
from gated.schedule import CellSchedule


class Columns:
    """The kept values of the backward loop, side by side in one (R, Σ dim) array: so that the adjoints of all gates
    are one operand of one product."""

    def __init__(
        self, schedule: CellSchedule, sizes: Mapping[str, int], rows: int, dtype: np.dtype[np.generic]
    ) -> None:
        ordered = dict.fromkeys(delta for pairs in schedule.products.values() for delta, _ in pairs)
        kept = set(schedule.kept)
        nodes = [node for node in ordered if node in kept] + [node for node in schedule.kept if node not in ordered]
        self.spans: dict[Node, tuple[int, int]] = {}
        width = 0
        for node in nodes:
            self.spans[node] = (width, width + sizes[node.dim])
            width += sizes[node.dim]
        self.array = np.empty((rows, width), dtype)
        self.rows = self.array

    def move_to(self, rows: slice) -> dict[Node, Array]:
        """Look at the rows of one step; returns where its kept values go."""
        self.rows = self.array[rows]
        return self.views()

    def views(self) -> dict[Node, Array]:
        return {node: self.rows[:, a:b] for node, (a, b) in self.spans.items()}

    def whole(self) -> dict[Node, Array]:
        return self.move_to(slice(None))

    def position(self, node: Node) -> int:
        return self.spans.get(node, (self.array.shape[1], 0))[0]

    def adjacent(self, nodes: Sequence[Node]) -> Array | None:
        """One view of several neighbours, or None if they are not."""
        spans = [self.spans.get(node) for node in nodes]
        if any(span is None for span in spans):
            return None
        if any(a[1] != b[0] for a, b in zip(spans, spans[1:], strict=False)):  # type: ignore[index]
            return None
        return self.rows[:, spans[0][0] : spans[-1][1]]  # type: ignore[index]
