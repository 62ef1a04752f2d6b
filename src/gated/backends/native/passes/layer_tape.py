"""What a layer's pass leaves in its tape, for who looks inside. Legend as in `interface`: N, R."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array, Pass, Scan
from gated.backends.native.memory import leases as memory
from gated.backends.native.passes.training_plan import ForwardPlan
from gated.language.graph import Node, is_constant
from gated.program.rows import SINGLE
from gated.schedule import CellSchedule


class TapeValues(Mapping[Node, "Array | float"]):
    """Node -> its value, (R, dim) or (dim,): made from the tape when asked for."""

    def __init__(self, plan: ForwardPlan, tape: memory.Lease, states: TapeStates) -> None:
        self.plan, self.tape, self.states, self.rows = plan, tape, states, states.rows

    def __getitem__(self, node: Node) -> Array | float:
        if is_constant(node):
            return float(node.attr)
        if node in self.plan.layout.passing:
            raise KeyError(node)
        place = self.plan.layout.values[node]
        if place in self.plan.layout.new:
            k = self.plan.layout.new.index(place)
            return np.asarray(self.states[k][self.states.sequences :])
        view = self.plan.tape.view(self.tape, place)
        return view[0] if place.rows == SINGLE else self.plan.shapes.groups.rows(view[: self.rows])

    def __iter__(self) -> Iterator[Node]:
        return (node for node in self.plan.layout.values if node not in self.plan.layout.passing)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class TapeStates(Sequence[Array]):
    """The states of all steps, (N + R, size) each: made from the tape when asked for."""

    def __init__(self, plan: ForwardPlan, tape: memory.Lease, sequences: int, rows: int) -> None:
        self.plan, self.tape, self.sequences, self.rows = plan, tape, sequences, rows

    def __getitem__(self, index: Any) -> Any:
        own, shapes = self.whole(range(len(self))[index]), self.plan.shapes
        if shapes.sequences == self.sequences:
            return shapes.groups.states(own[: self.sequences + self.rows])
        return np.concatenate([own[: self.sequences], own[shapes.sequences :][: self.rows]])

    def whole(self, k: int) -> Array:
        """With the room that there is behind the initial states, and at the end."""
        return self.plan.tape.view(self.tape, ("state", k))

    def __len__(self) -> int:
        return len(self.plan.layout.new)


class LayerScan(Scan):
    """A forward pass, whose values and states are made from the tape when asked for.

    Attributes:
        given: what was run.
    """

    def __init__(self, given: Pass, y: Array, last: list[Array], own: tuple[Any, ...]) -> None:
        self.given, self.y, self.last, self.own = given, y, last, own

    @property
    def schedule(self) -> CellSchedule:  # type: ignore[override]
        return self.given.schedule

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        return self.given.sizes

    @property
    def parameters(self) -> Mapping[str, Array]:  # type: ignore[override]
        return self.given.parameters

    @property
    def counts(self) -> Array:  # type: ignore[override]
        return self.given.counts

    @property
    def rows(self) -> int:  # type: ignore[override]
        return len(self.y)

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        return self.y.dtype

    @property
    def states(self) -> TapeStates:  # type: ignore[override]
        return TapeStates(self.own[0].forward, self.own[1], len(self.last[0]), self.rows)

    @property
    def values(self) -> TapeValues:  # type: ignore[override]
        return TapeValues(self.own[0].forward, self.own[1], self.states)
