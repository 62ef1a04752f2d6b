"""An online step as a program: blocks of one row, for one sequence after the other.

`learn`, for each step and sequence:

    forward               new states, prediction, what moves the traces
    errors, Mᵀ δ, ...     the error of the step, from the loss down             if it has a weight in the loss
    pushes                what the gradients are made of                        if it has one
    traces, gradients     the traces move on, the gradients grow                if it has one
    traces                the traces move on                                    if it has none
    states                the new ones become those before the next step
    check                 a gradient that is not finite ends the loop           at the last sequence of a step whose
                                                                                weights are to change
    update                weights -= rate * gradient; gradients = 0             if they are to by this rule
    call                  a course (of whole vectors) is run; gradients = 0     if they are to by another one

`clear`: gradients = 0.

A matrix lies as columns: row c holds the weights of all units on input c, and so do its traces and its gradient, so
that one vector instruction serves as many units as it has lanes. Parameters of one shape share their blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gated.language.graph import ONE_DIM, Node, constant, is_constant, is_leaf, leaf, topological
from gated.language.reductions import total
from gated.program.lowering import Block, Condition, Place, Program, lower
from gated.program.rows import CURRENT, ROW, SEQUENCE, WEIGHTS
from gated.schedule.online_parts import LearntParameter
from gated.schedule.online_step import StepPlan

Group = Sequence[LearntParameter]  # parameters of one shape that share their blocks
X, TARGET, Y = "x", "target", "y"
# one number for each step and sequence: its weight in the loss; the rate of its step; whether the weights change then,
# whether by the rate alone, or by what is called
WEIGHT, RATE, CHANGES, BY_RATE, CALLS = (
    Place(name, ROW, ONE_DIM) for name in ("weight", "rate", "changes", "by rate", "calls")
)
CHECK = Place("check", CURRENT, ONE_DIM)


@dataclass(frozen=True, eq=False)
class OnlinePrograms:
    """See the module.

    Attributes:
        programs: learn, clear.
        weights, gradients: parameter -> its columns.
        traces: (state, parameter) -> its columns, for each sequence.
        states: those before the step.
        outside: what comes from outside, and what goes there: name -> place. No program need look at all of it.
    """

    plan: StepPlan
    programs: dict[str, Program]
    outside: dict[str, Place]
    weights: dict[str, Place]
    gradients: dict[str, Place]
    traces: dict[tuple[int, str], Place]
    states: tuple[Place, ...]


def online_programs(plan: StepPlan, most: int) -> OnlinePrograms:
    """Lower a step.

    Args:
        most: rows that a block for several parameters may go through: values that columns share, traces, gradients.
    """
    return _Step(plan, most).programs()


class _Step:
    def __init__(self, plan: StepPlan, most: int) -> None:
        self.plan = plan
        self.states = tuple(Place(f"state {k}", SEQUENCE, node.dim) for k, node in enumerate(plan.states))
        self.weights = {one.name: Place(f"weights {one.name}", WEIGHTS, one.rows, over=one.cols) for one in plan.learnt}
        self.gradients = {
            one.name: Place(f"gradient {one.name}", WEIGHTS, one.rows, over=one.cols) for one in plan.learnt
        }
        self.traces = {
            (k, one.name): Place(f"trace {k} {one.name}", SEQUENCE, one.rows, over=one.cols)
            for one in plan.learnt
            for k in one.traces
        }
        dims = {X: plan.x.dim, TARGET: plan.target.dim, Y: plan.target.dim}
        self.outside = {name: Place(name, ROW, dim) for name, dim in dims.items()}
        self.outside |= {place.name: place for place in (WEIGHT, RATE, CHANGES, BY_RATE, CALLS)}
        self.places = self._given()
        self.groups = _grouped(plan.learnt, most)

    def programs(self) -> OnlinePrograms:
        forward, *errors, pushes = self._lowered()
        learns, rests, changes = Condition(WEIGHT), Condition(WEIGHT, False), Condition(CHANGES)
        down = [block for part, level in zip(errors, self.plan.backs, strict=True) for block in self._down(part, level)]
        clear = [self._cleared(group) for group in self.groups]
        parts: list[tuple[Sequence[Block], Condition | None]] = [
            (forward.blocks, None),
            ([*down, *pushes.blocks], learns),
            ([self._moving(group, learn=True) for group in self.groups], learns),
            ([self._moving(group, learn=False) for group in self.groups], rests),
            (self._carried_on(), None),
            (self._checks(), changes),
            ([self._updated(group) for group in self.groups], Condition(BY_RATE)),
            ([Block(0, ONE_DIM, call=True), *clear], Condition(CALLS)),
        ]
        blocks = [replace(block, condition=condition) for part, condition in parts for block in part if _does(block)]
        programs = {"learn": Program.of_single(blocks, self.weights), "clear": Program.of_single(clear, {})}
        return OnlinePrograms(self.plan, programs, self.outside, self.weights, self.gradients, self.traces, self.states)

    # values

    def _given(self) -> dict[Node, Place]:
        """The leaves: what exists before the step."""
        plan = self.plan
        places = dict(zip(plan.states, self.states, strict=True))
        places |= {plan.x: self.outside[X], plan.target: self.outside[TARGET], plan.weight: WEIGHT}
        for node in topological([*plan.forward, *plan.pushes]):
            if is_leaf(node, "vector"):
                places[node] = self.weights[node.attr[1]]
        return places

    def _lowered(self) -> list[Program]:
        """What is computed: forward, errors by level, pushes. Every value that another part looks at gets a place."""
        plan, places = self.plan, self.places
        outputs, backs = [plan.forward, *plan.errors, plan.pushes], [node for level in plan.backs for node in level]
        nodes: list[list[Node]] = []
        for wanted in outputs:
            nodes.append(_missing(wanted, {*places, *backs, *(node for part in nodes for node in part)}))
        places.update((node, Place(f"back {i}", CURRENT, node.dim)) for i, node in enumerate(backs))
        programs = []
        for i, part in enumerate(nodes):
            available = {node: (place,) for node, place in places.items()}
            later = {arg for other in nodes[i + 1 :] for node in other for arg in node.args}
            later |= {node for wanted in outputs for node in wanted}
            kept = [node for node in part if node in later]
            results = [(node, Place(f"value {i} {k}", CURRENT, node.dim)) for k, node in enumerate(kept)]
            places.update(results)
            if i == 0:
                results += [(node, _new(k, node.dim)) for k, node in enumerate(plan.new)]
                results.append((plan.y, self.outside[Y]))
            programs.append(lower(part, available, results, CURRENT))
        return programs

    def _down(self, errors: Program, level: Sequence[Node]) -> list[Block]:
        """The error through the matrices of a level."""
        return [*errors.blocks, *map(self._back, level)]

    def _back(self, node: Node) -> Block:
        """Mᵀ δ: for every column the sum of its weights times δ."""
        (matrix,), (delta,) = node.attr, node.args
        summed = total(delta)
        weights = self.weights[matrix.name]
        return Block(
            0,
            ONE_DIM,
            over=weights.over,
            reductions={summed: (self.places[delta],)},
            factors={summed: weights},
            stores=[(summed, self.places[node])],
        )

    def _carried_on(self) -> list[Block]:
        blocks: dict[str, Block] = {}
        for k, (node, state) in enumerate(zip(self.plan.states, self.states, strict=True)):
            block = blocks.setdefault(state.dim, Block(0, state.dim))
            new = leaf("input", f"new state {k}", state.dim)
            block.loads[new] = (_new(k, node.dim),)
            block.stores.append((new, state))
        return list(blocks.values())

    # parameters

    def _moving(self, group: Group, learn: bool) -> Block:
        """One pass over some parameters: their traces, and their gradients if there is an error."""
        block = _block_of(group)
        for one in group:
            operands = [None if push.operand is None else self._entry(block, push.operand) for push in one.pushes]
            pushes = list(zip(one.pushes, operands, strict=True))
            old = {k: self._column(block, self.traces[k, one.name]) for k in one.traces}
            new = {k: leaf("input", f"new trace {k} {one.name}", one.rows) for k in one.traces}
            for k in one.traces:
                terms = [(one.decay[k, j], old[j]) for j in one.traces if (k, j) in one.decay]
                grow = [(push.grow[k], v) for push, v in pushes if k in push.grow]
                self._sum(block, new[k], [*terms, *grow])
                block.stores.append((new[k], self.traces[k, one.name]))
            if learn:
                through = [(node, new[k]) for k, node in one.reach.items()]
                through += [(node, old[j]) for j, node in one.past.items()]
                direct = [(push.delta, v) for push, v in pushes if not is_constant(push.delta, 0.0)]
                grown = leaf("input", f"grown {one.name}", one.rows)
                self._sum(block, grown, [*through, *direct])
                gradient = self._column(block, self.gradients[one.name]) + grown
                block.operations.append(gradient)
                block.stores.append((gradient, self.gradients[one.name]))
        return block

    def _sum(self, block: Block, node: Node, terms: Sequence[tuple[Node, Node | None]]) -> None:
        """Σ a v, where all columns share a."""
        block.loads.update((a, (self.places[a],)) for a, _ in terms if not is_constant(a))
        block.sums[node] = tuple(terms)

    def _checks(self) -> list[Block]:
        """0 for every number of the gradients, but NaN for one that is not finite; all added up."""
        blocks, rests = [], {}
        for i, group in enumerate(self.groups):
            block, found = _block_of(group), None
            for one in group:
                gradient = self._column(block, self.gradients[one.name])
                rest = gradient - gradient
                found = rest if found is None else found + rest
                block.operations += dict.fromkeys([rest, found])
            assert found is not None
            rest, place = leaf("input", f"rest {i}", block.dim), Place(f"rest {i}", CURRENT, block.dim)
            rests[rest] = (place,)
            if block.over is None:
                block.stores.append((found, place))
            else:
                block.folds[found] = place
            blocks.append(block)
        by_dim: dict[str, Node] = {}
        for rest in rests:
            by_dim[rest.dim] = by_dim[rest.dim] + rest if rest.dim in by_dim else rest
        totals = list(map(total, by_dim.values()))
        if not totals:
            return []
        number = sum(totals[1:], start=totals[0])
        checks = lower(_missing([number], {*rests}), rests, [(number, CHECK)], CURRENT).blocks
        return [*blocks, *checks[:-1], replace(checks[-1], check=CHECK)]

    def _updated(self, group: Group) -> Block:
        block = _block_of(group)
        rate = leaf("input", "the rate", block.dim)
        block.loads[rate] = (RATE,)
        for one in group:
            weights, gradient = self.weights[one.name], self.gradients[one.name]
            step = self._column(block, gradient) * rate
            changed = self._column(block, weights) - step
            block.operations += [step, changed]
            block.stores += [(changed, weights), (constant(0.0), gradient)]
        return block

    def _cleared(self, group: Group) -> Block:
        return replace(_block_of(group), stores=[(constant(0.0), self.gradients[one.name]) for one in group])

    def _column(self, block: Block, place: Place) -> Node:
        """A value that has its own row for each column."""
        node = leaf("input", f"column of {place.name}", place.dim)
        block.loads[node] = (place,)
        return node

    def _entry(self, block: Block, node: Node) -> Node:
        """The number of a row that belongs to a column."""
        found = leaf("input", f"entry of {self.places[node].name}", block.dim)
        block.entries[found] = self.places[node]
        return found


def _grouped(learnt: Iterable[LearntParameter], most: int) -> Sequence[Group]:
    """Parameters of one shape together, as many as fit."""
    groups: dict[tuple[str, str | None], list[list[LearntParameter]]] = {}
    for one in learnt:
        of_shape = groups.setdefault((one.rows, one.cols), [[]])
        if of_shape[-1] and _rows_in([*of_shape[-1], one]) > most:
            of_shape.append([])
        of_shape[-1].append(one)
    return [group for of_shape in groups.values() for group in of_shape]


def _rows_in(group: Group) -> int:
    """Values that the columns share, and traces and gradients."""
    shared: set[Node] = set()
    for one in group:
        shared |= {*one.decay.values(), *one.reach.values(), *one.past.values()}
        for push in one.pushes:
            shared |= {push.delta, *push.grow.values()}
    return sum(not is_constant(node) for node in shared) + sum(len(one.traces) + 1 for one in group)


def _block_of(group: Group) -> Block:
    return Block(0, group[0].rows, over=group[0].cols)


def _new(k: int, dim: str) -> Place:
    """Where the k-th state after a step lies, until it is the one before the next."""
    return Place(f"new {k}", CURRENT, dim)


def _does(block: Block) -> bool:
    return bool(block.stores or block.folds or block.call)


def _missing(wanted: Iterable[Node], known: set[Node]) -> list[Node]:
    """What must be computed, each after its arguments; constants are no work."""
    order = topological(wanted, lambda node: () if node in known else node.args)
    return [node for node in order if node not in known and not is_constant(node)]
