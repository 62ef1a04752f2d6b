"""The plans of functions without states, over rows: a forward and a backward pass, a loss. Legend: R rows.

The caller's arrays are used where they lie. Every row is computed in the same way whichever thread does it, and the
parameters' gradients are summed in the same order: no number depends on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.native.machine.programs import CompiledProgram, LossCode, MapCode
from gated.backends.native.memory.regions import Region, Spec
from gated.backends.native.passes.course import Course
from gated.backends.native.passes.kept_plan import KeptPlan
from gated.backends.native.passes.pass_plan import ROWS, PassPlan, Shapes
from gated.backends.native.passes.plan import JobPlan, Where
from gated.backends.native.passes.sealed_plan import GradientPlan, SealedPlan
from gated.backends.native.threads.groups import step_rows
from gated.backends.native.threads.pool import threads_for
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Node
from gated.program.lowering import Place
from gated.program.maps import MapPrograms
from gated.program.rows import SINGLE


def _tight(base: Hashable, place: Place, shapes: Shapes) -> Where:
    """A caller's array, row behind row."""
    size = shapes.sizes[place.dim]
    return base, Spec(0, size, shapes.rows, size)


def _touched(places: Mapping[Node, Place], loop: CompiledProgram) -> dict[Node, Place]:
    """Those that a program reads."""
    return {node: place for node, place in places.items() if place in loop.program.places}


class MapForwardPlan(SealedPlan):
    """Memory, tables and jobs of a forward pass.

    Attributes:
        tape: memory that the backward pass needs.
    """

    def __init__(self, code: MapCode, shapes: Shapes, parameters: Sequence[str], sealed: bool) -> None:
        self.code, self.lowered = code, code.lowered
        self.tape = Region("tape", shapes.dtype, shapes.width)
        graph = self.lowered.schedule.graph
        bases = ["tape", "work", *(("input", name) for name in graph.inputs), "y", "rows"]
        super().__init__(graph, shapes, bases, parameters, None, sealed)
        self._place_constants(_touched(self.lowered.single, code.forward), self.work)
        for name in graph.inputs:
            place = self.lowered.given[graph.input_leaf(name)]
            self.where[place] = _tight(("input", name), place, shapes)
        self.where[self.lowered.output] = _tight("y", self.lowered.output, shapes)
        for place in self.lowered.saved.values():
            self.where[place] = "tape", self.tape.add(place, shapes.rows, shapes.sizes[place.dim])
        self.forward = self._over_rows(code.forward)
        self._run_packing()
        self._run_rows(self.course, self.forward)
        self.course.close(self.sheet)


class MapInferencePlan(KeptPlan):
    """Memory, tables and courses of a forward pass without a tape."""

    def __init__(self, code: MapCode, shapes: Shapes) -> None:
        lowered = code.lowered
        super().__init__(lowered.schedule, shapes)
        self.code = code  # held: the code lives as long
        self._place_constants(_touched(lowered.single, code.forward), self.fixed)
        graph = lowered.schedule.graph
        x = lowered.given[graph.input_leaf(graph.inputs[0])]
        self.where[x] = _tight("x", x, shapes)
        self.where[lowered.output] = _tight("y", lowered.output, shapes)
        for place in lowered.saved.values():
            self.where[place] = "work", self.work.add(place, shapes.rows, shapes.sizes[place.dim])
        self.forward = self._over_rows(code.forward)
        self._close()

    def _run(self, course: Course) -> None:
        self._run_rows(course, self.forward)


class MapBackwardPlan(GradientPlan):
    """Memory, tables and jobs of a backward pass."""

    def __init__(self, forward: MapForwardPlan, parameters: Sequence[str]) -> None:
        lowered, shapes = forward.lowered, forward.shapes
        graph = lowered.schedule.graph
        bases = ["tape", "work", *(("input", name) for name in graph.inputs), "y", "dy"]
        bases += [*(("adjoint", name) for name in graph.inputs), "rows"]
        super().__init__(lowered.schedule, lowered.groups, shapes, bases, parameters, forward.sealed)
        self.lowered, self.where = lowered, dict(forward.where)
        seed = lowered.given[lowered.schedule.seeds[0]]
        self.where[seed] = _tight("dy", seed, shapes)
        for name, place in zip(graph.inputs, lowered.inputs.values(), strict=True):
            self.where[place] = _tight(("adjoint", name), place, shapes)
        for place in lowered.made.values():
            self.where[place] = "work", self.work.add(place, shapes.rows, shapes.sizes[place.dim])
        self._place_constants(_touched(lowered.single, forward.code.backward), self.work)
        self.backward = self._over_rows(forward.code.backward)
        self._gradients()
        self._run_packing()
        self._run_rows(self.course, self.backward)
        self._run_gradients()
        self.course.close(self.sheet)

    def _find(self, node: Node) -> Where | None:
        return find_row(self.lowered, self.where, node)

    def _first_row(self, node: Node, group: int) -> int:
        return 0


def find_row(lowered: MapPrograms, where: Mapping[Place, Where], node: Node) -> Where | None:
    """Where a node of a map lies row by row; None if it has no rows."""
    if node is lowered.schedule.outputs[0]:
        return where[lowered.output]
    for places in (lowered.given, lowered.single, lowered.saved, lowered.inputs, lowered.made):
        if node in places:
            return None if places[node].rows == SINGLE else where[places[node]]
    return None


class LossPlan(PassPlan):
    """Memory, tables and jobs of a loss, with its derivative.

    Piece by piece: what passes from one block of the program to the next stays in the cache.

    Attributes:
        steps: the rows' numbers.
        target_bytes: of a row of the target.
    """

    told: tuple[str, ...] = (ROWS,)

    @classmethod
    def of(
        cls, code: LossCode, size: int, dtype: np.dtype[Any], rows: int, threads: int, varying: bool = False
    ) -> LossPlan:
        """For rows of so many outputs, and at most so many threads. `varying`: there may be fewer rows."""
        numbers = tuning_for()
        members = threads_for(rows * size * numbers.loss_work, min(threads, rows))
        most = min(numbers.loss_rows, max(1, numbers.loss_piece // (size * dtype.itemsize))) * members
        pieces = -(-rows // most)
        sizes = {code.lowered.y.dim: size}
        return cls(code, Shapes.of_rows(sizes, dtype, rows, members, -(-rows // pieces), varying))

    def __init__(self, code: LossCode, shapes: Shapes) -> None:
        super().__init__(shapes, ["work", "y", "target", "weights", "dy", "values", "sum", "steps"], ())
        lowered, sequences = code.lowered, shapes.sequences
        for base, place in (
            ("y", lowered.y),
            ("weights", lowered.weight),
            ("values", lowered.value),
            ("dy", lowered.dy),
        ):
            self.where[place] = _tight(base, place, shapes)
        self.where[lowered.target] = _tight("target", lowered.target, shapes)
        if lowered.target.one_hot:  # in numbers of the dtype
            self.where[lowered.target] = "target", Spec(0, 8 // shapes.dtype.itemsize, shapes.rows, 1)
        self.target_bytes = self.where[lowered.target][1].stride * shapes.dtype.itemsize
        loop = self._over_steps(code.loss)
        settle = JobPlan()
        size = shapes.sizes[lowered.y.dim]
        settle.add((0, "values"), (0, "weights"), self.count, (0, "dy"), size, (0, "sum"))
        settle.close(self.sheet)
        self.course = Course(shapes.cut.members)
        self.course.rows(loop, sequences)
        self.course.jobs(self.common.settle, settle)
        self.course.close(self.sheet)
        self.steps = self.row_numbers(shapes.rows)

    def row_numbers(self, rows: int) -> np.ndarray[Any, Any]:
        """Of so many rows, taken as many at once as the plan says."""
        at_once, steps = self.shapes.sequences, self.shapes.steps
        return step_rows(np.clip(rows - at_once * np.arange(steps), 0, at_once), at_once)
