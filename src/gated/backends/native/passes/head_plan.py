"""The plan of the last map of a network with the loss behind it, forward and backward: a piece of the rows at a time.

Its output, and the loss's derivative by it, are never in memory for all rows: of V outputs for R rows there may be many
more numbers than in all the rest. Piece by piece the map runs, then the loss, then the map's way back; the parameters'
gradients are added up in the same order as for all rows at once.

Legend: R rows, V outputs, D inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from gated.backends.native.machine.programs import MapCode
from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Spec
from gated.backends.native.passes.map_plan import LossPlan, find_row
from gated.backends.native.passes.pass_plan import ROWS, Shapes
from gated.backends.native.passes.plan import JobPlan, Where
from gated.backends.native.passes.sealed_plan import GradientPlan
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Node
from gated.program.lowering import Place

Array = np.ndarray[Any, Any]


class HeadPlan(GradientPlan):
    """Memory, tables and jobs of all pieces.

    Bases: "work"; "x", "dx" (R, D), "target", "weights" (R,), the caller's; "sums", float64, for the loss of each
    piece; row numbers.

    Args:
        losses: how many rows -> the plan of the loss of so many.

    Attributes:
        pieces: how many there are.
        piece: rows of each but the last.
    """

    def __init__(
        self, code: MapCode, losses: Callable[[int], LossPlan], shapes: Shapes, parameters: Sequence[str]
    ) -> None:
        self.code, self.lowered = code, code.lowered
        lowered, outputs = code.lowered, shapes.sizes[code.lowered.output.dim]
        self.piece = _piece_rows(shapes, outputs)
        edges = [*range(0, shapes.rows, self.piece), shapes.rows]
        self.pieces = len(edges) - 1
        self.varying = shapes.varying
        counts = [self.piece] if shapes.varying else [self.piece, shapes.rows - edges[-2]]
        self.losses = {count: losses(count) for count in counts}
        # which row numbers: by a piece's length, or by its place if its length is not known
        which = range(self.pieces) if shapes.varying else counts
        bases = ["work", "x", "dx", "target", "weights", "sums", *(("rows", k) for k in which)]
        bases += [*(("steps", k) for k in which), *(("count", k) for k in which if shapes.varying)]
        super().__init__(lowered.schedule, lowered.groups, shapes, bases, parameters, sealed=False)
        self._place_constants(lowered.single, self.work)
        self._place_own()
        vectors = lowered.schedule.vectors if self.pieces > 1 else {}
        self.partial = {
            name: self.work.add(("partial", name), self.pieces, shapes.sizes[node.dim])
            for name, node in vectors.items()
        }
        phases = [self._piece_of(k, *edge) for k, edge in enumerate(pairwise(edges))]
        self._run_packing()
        for run in itertools.chain(*phases):
            run()
        self._add_partial()
        self.course.close(self.sheet)

    def _place_own(self) -> None:
        """What lies in memory for one piece."""
        lowered, itemsize = self.lowered, self.shapes.dtype.itemsize

        def place(size: int, rows: int = self.piece) -> Spec:
            return Spec(self.work.place(rows * size * itemsize), size, rows, size)

        size = self.shapes.sizes[lowered.output.dim]
        self.y, self.dy, self.values = place(size), place(size), place(1)
        self.loss_work = self.work.place(max(plan.work.bytes for plan in self.losses.values()))
        self.where[lowered.output] = "work", self.y
        self.where[lowered.given[lowered.schedule.seeds[0]]] = "work", self.dy
        for places in (lowered.saved, lowered.made):
            for own in places.values():
                self.where[own] = "work", self.work.add(own, self.piece, self.shapes.sizes[own.dim])

    def _piece_of(self, number: int, first: int, stop: int) -> list[Callable[[], object]]:
        """The tables of a piece, and what makes its phases."""
        lowered, course, sizes, count = self.lowered, self.course, self.shapes.sizes, stop - first
        graph = lowered.schedule.graph
        x, (dx,) = lowered.given[graph.input_leaf(graph.inputs[0])], lowered.inputs.values()
        for base, place in (("x", x), ("dx", dx)):
            size = sizes[place.dim]
            self.where[place] = base, Spec(first * size * self.shapes.dtype.itemsize, size, count, size)
        which = number if self.varying else count
        forward = self._loop(self.code.forward, ("rows", which), 1, self.piece, 1)
        backward = self._loop(self.code.backward, ("rows", which), 1, self.piece, 1)
        loss = self.losses[self.piece if self.varying else count]
        start = self.sheet.include(loss.sheet, self._loss_bases(loss, number, first, which))
        matrices, vectors = JobPlan(), JobPlan()
        rows: int | tuple[int, Hashable] = (0, ("count", number)) if self.varying else count
        self._matrix_jobs(matrices, 0, rows, again=number > 0)
        for name, node in self.schedule.vectors.items():
            size = sizes[graph.parameters[name][0]]
            target = self._part(name, number) if self.partial else (0, ("gradient", name))
            vectors.add(*self._from(self._row_by_row(node, size), 0), 0, 0, rows, size, target)
        matrices.close(self.sheet)
        vectors.close(self.sheet)
        return [
            partial(course.rows, forward, count),
            partial(course.include, loss.course, start),
            partial(course.rows, backward, count),
            partial(course.jobs, self.common.matrix_gradients, matrices),
            partial(course.jobs, self.common.vector_gradients, vectors),
        ]

    def row_numbers(self, rows: int) -> dict[Hashable, Array]:
        """What the bases of row numbers stand for if there are so many rows."""
        found: dict[Hashable, Array] = {}
        for k in range(self.pieces):
            count = min(max(rows - k * self.piece, 0), self.piece)
            which = k if self.varying else count
            found["rows", which] = step_rows(np.array([count]), count)
            found["steps", which] = self.losses[self.piece if self.varying else count].row_numbers(count)
        return found

    def counts(self, rows: int) -> list[int]:
        """Rows of each piece."""
        return [min(max(rows - k * self.piece, 0), self.piece) for k in range(self.pieces)]

    def _scratch(self, base: Hashable, place: Place, rows: int) -> Spec:
        assert isinstance(base, tuple)  # all pieces use the same memory
        return super()._scratch(base[0], place, rows)

    def _loss_bases(self, loss: LossPlan, number: int, first: int, which: int) -> dict[Hashable, tuple[int, Hashable]]:
        itemsize = self.shapes.dtype.itemsize
        found: dict[Hashable, tuple[int, Hashable]] = {
            "team": (0, "team"),
            "work": (self.loss_work, "work"),
            "y": (self.y.offset, "work"),
            "dy": (self.dy.offset, "work"),
            "values": (self.values.offset, "work"),
            "target": (first * loss.target_bytes, "target"),
            "weights": (first * itemsize, "weights"),
            "sum": (8 * number, "sums"),
            "steps": (0, ("steps", which)),
        }
        return found | ({ROWS: (0, ("count", number))} if self.varying else {})

    def _part(self, name: str, number: int) -> tuple[int, Hashable]:
        spec = self.partial[name]
        return spec.offset + number * spec.stride * self.shapes.dtype.itemsize, "work"

    def _add_partial(self) -> None:
        jobs = JobPlan()
        for name, spec in self.partial.items():
            jobs.add(self._part(name, 0), spec.stride, 0, 0, self.pieces, spec.size, (0, ("gradient", name)))
        jobs.close(self.sheet)
        self.course.jobs(self.common.vector_gradients, jobs)

    def _find(self, node: Node) -> Where | None:
        return find_row(self.lowered, self.where, node)

    def _first_row(self, node: Node, group: int) -> int:
        return 0


def _piece_rows(shapes: Shapes, size: int) -> int:
    """Rows of a piece: whole pieces of a matrix gradient, so that its sums are those of all rows."""
    numbers = tuning_for(host().machine)
    fitting = numbers.head_piece // (size * shapes.dtype.itemsize * numbers.piece)
    return min(shapes.rows, max(1, fitting) * numbers.piece)
