"""The plan of a forward and a backward pass: memory, tables, jobs. Legend as in `interface`: T, N, R, D."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from gated.backends.interface import gradient_columns, input_columns, input_width
from gated.backends.native.machine.programs import TrainingCode
from gated.backends.native.memory.regions import Region
from gated.backends.native.passes.pass_plan import Between, Shapes
from gated.backends.native.passes.plan import LoopPlan, Where
from gated.backends.native.passes.sealed_plan import GradientPlan, SealedPlan
from gated.language.graph import ONE_DIM, Node
from gated.program.lowering import Place
from gated.program.rows import SINGLE


class ForwardPlan(SealedPlan):
    """Memory, tables and jobs of a forward pass.

    Attributes:
        tape: memory that the backward pass needs.
        x: where the inputs lie, and where in the caller's array. y: where the output lies.
        computed: nodes of the parameters alone, which NumPy computes.
    """

    reordered = "x", "dx"
    more_bases: Sequence[Hashable] = ()

    def __init__(self, programs: TrainingCode, shapes: Shapes, parameters: Sequence[str], sealed: bool = True) -> None:
        self.programs, self.layout = programs, programs.layout
        self.tape = Region("tape", shapes.dtype, shapes.width)
        bases = ["tape", "work", "steps", "rows", "x", "y", *self.more_bases]
        super().__init__(self.layout.schedule.graph, shapes, bases, parameters, self.tape, sealed)
        self._place_input()
        self._place_values()
        for k, place in enumerate(self.layout.previous):
            spec = self.tape.add(("state", k), shapes.sequences + shapes.rows, shapes.sizes[place.dim])
            self.where[place] = self.where[self.layout.new[k]] = "tape", spec
        self.y = self.where[self.layout.y] = self._rows_of("y", self.work, shapes.sizes[self.layout.y.dim], True)
        self.before = self._lay_before()
        self.forward = self._over_steps(programs.forward)
        self._set_course()

    def _lay_before(self) -> LoopPlan | None:
        return self._over_rows(self.programs.before)

    def _run_before(self) -> None:
        self._run_moves(self.course, self.x, "x", True)
        self._run_rows(self.course, self.before)

    def _set_course(self) -> None:
        self._run_packing()
        self._run_before()
        self._run_steps(self.course, self.forward)
        self._run_moves(self.course, self._between(self.y, "y"), "y", False)
        self.course.close(self.sheet)

    def _place_input(self) -> None:
        graph, sizes = self.layout.schedule.graph, self.shapes.sizes
        self.x: list[Between] = []
        width = input_width(graph, sizes)
        for name, columns in input_columns(graph, sizes).items():
            place = self.layout.values[graph.input_leaf(name)]
            # a copy, whatever the order: the caller may write to the array before the backward pass
            self.where[place] = "tape", self.tape.add(place, self.shapes.rows, sizes[place.dim])
            self.x.append((self.where[place], self._columns_of(columns, width)))

    def _place_values(self) -> None:
        layout, sizes = self.layout, self.shapes.sizes
        self._place_constants(layout.values, self.tape)
        made = [layout.values[node] for node in layout.before]
        self._columns(self.tape, made, self.shapes.rows, [sizes[place.dim] for place in made])
        for node in layout.saved:
            if layout.values[node] not in self.tape.specs and layout.values[node] not in layout.new:
                self.tape.add(layout.values[node], self.shapes.rows, sizes[node.dim])
        for key, spec in self.tape.specs.items():
            if isinstance(key, Place):
                self.where[key] = "tape", spec


def dx_comes_last(programs: TrainingCode) -> bool:
    """Whether dx is all that is made behind the backward loop, and nothing is made of it: it can be left out."""
    layout = programs.layout
    dx = set(layout.schedule.inputs)
    summed = {delta for pairs in programs.groups.values() for delta, _ in pairs}
    used = {*summed, *programs.groups, *layout.schedule.vectors.values()}
    return bool(layout.results) and set(layout.results) <= dx and not dx & used


class BackwardPlan(GradientPlan):
    """Memory, tables and jobs of a backward pass.

    Args:
        with_dx: False, if `dx_comes_last`: dx is not made.

    Attributes:
        dy: where the adjoint of the output lies.
        dx: where those of the inputs lie, and where in the caller's array.
        width: of a row of all inputs that have adjoints.
        alike: the inputs whose adjoint is no array but the same in every row: where it belongs in a row of all, and
            the node.
        gathered: whether the states before every row must be gathered, since sequences end.
    """

    reordered = "x", "dx"
    more_bases: Sequence[Hashable] = ()

    def __init__(self, forward: ForwardPlan, parameters: Sequence[str], with_dx: bool = True) -> None:
        shapes, programs = forward.shapes, forward.programs
        bases = ["tape", "work", "steps", "rows", "dy", "dx", *self.more_bases]
        super().__init__(programs.layout.schedule, programs.groups, shapes, bases, parameters, forward.sealed)
        self.forward, self.programs, self.layout = forward, programs, programs.layout
        self.gathered, self.with_dx = not shapes.equal, with_dx
        self.where = dict(forward.where)
        self._place_adjoints()
        self.backward = self._over_steps(programs.backward)
        self.after = self._lay_after()
        if shapes.rows:
            self._gradients()
        else:
            self.without_gradient = [name for name in parameters if name not in self.schedule.graph.fixed]
        self._set_course()

    def _set_course(self) -> None:
        self._run_packing()
        self._run_moves(self.course, self._between(self.dy, "dy"), "dy", True)
        self._run_steps(self.course, self.backward)
        self._run_after()
        self._run_gradients()
        self.course.close(self.sheet)

    def _lay_after(self) -> LoopPlan | None:
        return self._over_rows(self.programs.after) if self.with_dx else None

    def _run_after(self) -> None:
        self._run_rows(self.course, self.after)
        self._run_moves(self.course, self.dx, "dx", False)

    def _place_adjoints(self) -> None:
        layout, sizes, rows = self.layout, self.shapes.sizes, self.shapes.rows
        self.dy = self.where[layout.dy] = self._rows_of("dy", self.work, sizes[layout.dy.dim], True)
        # the adjoints of all gates that multiply one operand lie side by side
        deltas = dict.fromkeys(delta for pairs in self.programs.groups.values() for delta, _ in pairs)
        kept = [*(node for node in deltas if node in layout.kept), *(n for n in layout.kept if n not in deltas)]
        self.kept = [layout.kept[node] for node in kept]
        self._columns(self.work, self.kept, rows, [sizes[node.dim] for node in kept])
        for place in layout.kept.values():
            self.where[place] = "work", self.work.specs[place]
        own = layout.schedule.inputs
        only = own[0] if len(own) == 1 and own[0].dim != ONE_DIM else None
        for node, place in layout.results.items() if self.with_dx else ():
            if node is only:
                self.where[place] = self._place_dx(sizes[place.dim])
            else:
                self.where[place] = "work", self.work.add(place, rows, sizes[place.dim])
        sequences = self.shapes.sequences + self.shapes.groups.apart
        for k, place in enumerate(layout.running):
            self.where[place] = "work", self.work.add(("running", k), sequences, sizes[place.dim])
            if self.gathered:
                self.where[layout.packed[k]] = "work", self.work.add(("packed", k), rows, sizes[place.dim])
            else:
                self.where[layout.packed[k]] = self.where[layout.previous[k]]
        self._find_dx()

    def _find_dx(self) -> None:
        graph, sizes = self.layout.schedule.graph, self.shapes.sizes
        self.dx: list[Between] = []
        self.alike: list[tuple[slice, Node]] = []
        found = gradient_columns(graph, sizes)
        self.width = width = max([columns.stop for columns in found.values()], default=0)
        if not self.with_dx:
            return
        for columns, node in zip(found.values(), self.layout.schedule.inputs, strict=True):
            where = self._find(node)
            if where is None:
                self.alike.append((columns, node))
            elif node.dim == ONE_DIM:  # one number for all
                each = [slice(column, column + 1) for column in range(columns.start, columns.stop)]
                self.dx += [(where, self._columns_of(column, width)) for column in each]
            elif where[0] != "dx":
                self.dx.append((where, self._columns_of(columns, width)))

    def _place_dx(self, size: int) -> Where:
        return self._rows_of("dx", self.work, size, True)

    def _find(self, node: Node) -> Where | None:
        """Where a node lies row by row; None if it has no rows."""
        layout = self.layout
        if node in layout.leaves:
            return self.where[layout.packed[layout.leaves.index(node)]]
        place = layout.kept.get(node) or layout.results.get(node) or layout.values.get(node)
        return None if place is None or place.rows == SINGLE else self.where[place]

    def _factors(self, node: Node) -> tuple[Node, ...]:
        return self.layout.factors.get(node, (node,))

    def _first_row(self, node: Node, group: int) -> int:
        """Where a group's rows of a node begin."""
        groups = self.shapes.groups
        if node in self.layout.leaves:
            return 0 if self.gathered else groups.state_row(group)
        place = self.layout.values.get(node)
        return groups.new_row(group) if place in self.layout.new else groups.row(group)
