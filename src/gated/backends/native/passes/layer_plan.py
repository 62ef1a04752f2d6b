"""The plans of a layer's own passes: states come from the caller's arrays and go there, whatever the lengths.

Legend as in `interface`: T, N, R. Where sequences end at different steps, T, N and R are told with every call: a plan
is made for so many rows and sequences as there is room for, and the row numbers of the steps lie where it is told.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

from gated.backends.native.machine.programs import TrainingCode
from gated.backends.native.passes.pass_plan import SEQUENCES, TOLD, Between, PassPlan, Shapes
from gated.backends.native.passes.plan import MovePlan, Where
from gated.backends.native.passes.training_plan import BackwardPlan, ForwardPlan


class _Carrying(PassPlan):
    """A pass between arrays (N, size), one for each state and end of the sequences: the bases ("in", k), ("out", k).

    Attributes:
        state_sizes: of each state.
    """

    told: tuple[str, ...] = TOLD
    state_sizes: tuple[int, ...]

    def _carry(
        self, plans: list[MovePlan], end: str, states: Sequence[Where], rows: Sequence[int], inwards: bool
    ) -> list[MovePlan]:
        """Add jobs to those of a phase of moves, for all states: a row for each sequence.

        Args:
            rows: where those of each group begin.
        """
        plans, shapes, itemsize = plans or [MovePlan()], self.shapes, self.shapes.dtype.itemsize
        for k, (base, spec) in enumerate(states):
            for group, (first, stop) in enumerate(pairwise(shapes.groups.edges)):
                count = (0, SEQUENCES) if shapes.varying else stop - first
                own = spec.offset + rows[group] * spec.stride * itemsize, base
                caller = first * spec.size * itemsize, (end, k)
                plan = plans[group % len(plans)]
                if inwards:
                    plan.rows(caller, own, (count, 1, spec.size), (spec.size, 0, spec.stride, 0))
                else:
                    plan.rows(own, caller, (count, 1, spec.size), (spec.stride, 0, spec.size, 0))
        return plans


class LayerForwardPlan(_Carrying, ForwardPlan):
    """A forward pass; of sequences that end at different steps, NumPy finds the last states."""

    def __init__(self, programs: TrainingCode, shapes: Shapes, parameters: Sequence[str]) -> None:
        self.more_bases = _ends(programs, out=not shapes.varying)
        self.state_sizes = tuple(shapes.sizes[place.dim] for place in programs.layout.new)
        super().__init__(programs, shapes, parameters)

    def _moves(self, between: Sequence[Between], name: str, inwards: bool) -> list[MovePlan]:
        plans, groups = super()._moves(between, name, inwards), self.shapes.groups
        states = [self.where[place] for place in self.layout.previous]
        if inwards:
            return self._carry(plans, "in", states, [groups.state_row(g) for g in range(len(groups))], inwards)
        if self.shapes.varying:
            return plans
        last = [groups.state_row(g + 1) - (groups.edges[g + 1] - groups.edges[g]) for g in range(len(groups))]
        return self._carry(plans, "out", states, last, inwards)


class LayerBackwardPlan(_Carrying, BackwardPlan):
    """A backward pass, from the adjoints of the last states to those of the first."""

    def __init__(self, forward: LayerForwardPlan, parameters: Sequence[str]) -> None:
        self.more_bases = _ends(forward.programs)
        self.state_sizes = forward.state_sizes
        super().__init__(forward, parameters)

    def _moves(self, between: Sequence[Between], name: str, inwards: bool) -> list[MovePlan]:
        plans, groups = super()._moves(between, name, inwards), self.shapes.groups
        running = [self.where[place] for place in self.layout.running]
        rows = [first + group * groups.gap for group, first in enumerate(groups.edges[:-1])]
        return self._carry(plans, "in" if inwards else "out", running, rows, inwards)


def _ends(programs: TrainingCode, out: bool = True) -> list[Hashable]:
    """The bases of the states at both ends."""
    states = range(len(programs.layout.new))
    return [*(("in", k) for k in states), *(("out", k) for k in states if out)]
