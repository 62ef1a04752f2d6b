"""A whole step of online learning as one program: a chain of cells and maps, the loss, what traces and weights need.

    forward   new states, prediction y, and the decay and growth of the traces     at every step
    errors    from the loss down to what is multiplied with the transposed         at a step with a target
              matrices on the way, one level of these after the other
    pushes    ∂L/∂h' times the slopes: what traces and operands are multiplied     at a step with a target
              with to give the weights' gradients

Everything is an expression of values of one step. The parts of the chain, and what is derived from each of them, are in
`schedule.online_parts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gated.language.graph import Graph, Node, is_product, topological
from gated.schedule.online_parts import Cell, LearntParameter, Maps, part_names
from gated.schedule.traces import TracePlan


@dataclass(frozen=True, eq=False)
class StepPlan:
    """See the module.

    Attributes:
        states: leaves, the states before, of all cells in their order.
        x, target, weight: leaves; the weight of the row in the loss is one number.
        new: the new states.
        y: the prediction.
        backs: products with transposed matrices, level by level: those of a level hang on none but those before it.
        learnt: one per parameter, in the order of the chain.
        dims: of every part of the chain, what its lengths are called here.
    """

    states: tuple[Node, ...]
    x: Node
    target: Node
    weight: Node
    new: tuple[Node, ...]
    y: Node
    backs: tuple[tuple[Node, ...], ...]
    learnt: tuple[LearntParameter, ...]
    dims: tuple[dict[str, str], ...]

    @property
    def forward(self) -> list[Node]:
        """What the first program computes."""
        wanted = [*self.new, self.y]
        for one in self.learnt:
            wanted += one.decay.values()
            for push in one.pushes:
                wanted += [*push.grow.values(), *([] if push.operand is None else [push.operand])]
        return list(dict.fromkeys(wanted))

    @property
    def errors(self) -> list[list[Node]]:
        """What the second computes: of each level, what its matrices are applied to."""
        return [list(dict.fromkeys(node.args[0] for node in level)) for level in self.backs]

    @property
    def pushes(self) -> list[Node]:
        """What the third computes."""
        return _pushed(self.learnt)


def plan_step(parts: Sequence[TracePlan | Graph], loss: Graph) -> StepPlan:
    """The program of one step.

    Args:
        parts: the chain from the input on: cells, at least one, and maps.
        loss: a map of y and target to one number per row.
    """
    cells = [isinstance(part, TracePlan) for part in parts]
    names, last = part_names(cells), len(cells) - cells[::-1].index(True)
    below: list[Cell | Maps] = []
    for part, name in zip(parts[:last], names, strict=False):
        x = below[-1].output if below else None
        below.append(Cell(part, name, x) if isinstance(part, TracePlan) else Maps([part], [name], x))
    heads = [part for part in parts[last:] if isinstance(part, Graph)]
    above = Maps(heads, names[last:], below[-1].output, loss)
    learnt: list[LearntParameter] = []
    error = above.seed
    for one in (above, *reversed(below)):
        own, error = one.back(error)
        learnt = own + learnt
    return StepPlan(
        states=tuple(state for one in below for state in one.states),
        x=below[0].x,
        target=above.target,
        weight=above.seed,
        new=tuple(node for one in below for node in one.new),
        y=above.output,
        backs=_levels(_pushed(learnt)),
        learnt=tuple(learnt),
        dims=tuple(dims for one in (*below, above) for dims in one.dims),
    )


def _pushed(learnt: Iterable[LearntParameter]) -> list[Node]:
    """What is multiplied with traces and operands."""
    wanted = [push.delta for one in learnt for push in one.pushes]
    for one in learnt:
        wanted += [*one.reach.values(), *one.past.values()]
    return list(dict.fromkeys(wanted))


def _levels(wanted: Iterable[Node]) -> tuple[tuple[Node, ...], ...]:
    """The products with transposed matrices, by how many of them lie one upon the other."""
    depth: dict[Node, int] = {}
    levels: list[list[Node]] = []
    for node in topological(wanted):
        depth[node] = max((depth[arg] for arg in node.args), default=0)
        if is_product(node) and node.attr[0].transposed:
            levels += [[]] if depth[node] == len(levels) else []
            levels[depth[node]].append(node)
            depth[node] += 1
    return tuple(map(tuple, levels))
