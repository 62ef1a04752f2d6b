"""From a schedule to blocks: which matrix products and elementwise operations one pass over the rows does together.

A program (the body of the forward or of the backward time loop) is cut into stages. A product belongs to the first
stage in which its operand is complete, and so does a reduction over the units; an elementwise operation to the stage
of its latest argument. All operations of one stage and one dimension make a Block: the products end in registers, the
elementwise operations run on them there, and only what later stages, the backward pass or the next time step need is
stored.

A reduction ends a block and begins the next: each block of columns leaves its vector in the operand's row, and a block
over numbers (of length 1) puts them together, always in the same order. Threads that share the columns meet between
any two blocks, so it needs no meeting of its own, and it does not matter in which direction the columns were taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gated.language.graph import (
    ONE_DIM,
    Matrix,
    Node,
    is_atom,
    is_constant,
    is_elementwise,
    is_leaf,
    is_product,
    is_reduction,
    topological,
)
from gated.program.rows import ROW, SEQUENCE, RowKind
from gated.schedule.passes import divided_once, require_folded


@dataclass(frozen=True)
class Place:
    """A memory array of rows of one dimension.

    Attributes:
        name: says which array.
        rows: how its row is found.
        dim: the length of a row.
        scratch: whether the lowering made it up, for what passes from one block of a step to a later one: nobody
            outside the program knows it, so who runs the program finds memory for it.
        over: a dimension for each unit of which there is a row, one behind the other, where there is one otherwise: so
            lie the columns of a matrix.
        tight: whether a row ends with its last number: whole vectors would reach into the next row, or out of the
            array. So lie arrays of the caller.
        one_hot: whether there is a whole number (of 64 bits) in place of a row: of the unit that is 1, all others
            being 0.
    """

    name: str
    rows: RowKind
    dim: str
    scratch: bool = False
    over: str | None = None
    tight: bool = False
    one_hot: bool = False

    @property
    def readable(self) -> bool:
        """Whether a later block of the same step may read what an earlier one has stored there."""
        return self.scratch or self.rows.readable


@dataclass(frozen=True)
class Term:
    """A K loop: one operand, and the (matrix, accumulator) pairs that it feeds."""

    operand: Place
    pairs: tuple[tuple[Matrix, int], ...]

    @property
    def panel(self) -> tuple[Matrix, ...]:
        return tuple(matrix for matrix, _ in self.pairs)


@dataclass(frozen=True)
class Condition:
    """A block is run at the steps at which the number at a place is not 0; or, if not `given`, at the others."""

    place: Place
    given: bool = True


@dataclass
class Block:
    """One pass over the rows: accumulate or reduce, compute, store.

    Attributes:
        accumulators: product nodes, made of the terms.
        reductions: reduction node -> where the rows lie that it goes over. Only a block over numbers has some.
        loads: node -> places, several: their sum. One number is loaded for all units.

    What only blocks of programs with one sequence at a time have (`Program.single`):

    Attributes:
        over: the rows are not a sequence but the columns of a matrix, one for each unit of this dimension. What a place
            has one row of for all columns is the same in each; a block over numbers stores a number of that row in
            each.
        factors: reduction node -> a row that its operand is multiplied by, unit by unit, before.
        entries: node -> a row of which each column has a number of its own, for all units.
        sums: node -> pairs (a, v) whose products are added up in this order, each by one instruction; v may be None
            for 1. Made after the loads, before the operations.
        folds: node -> where its sum over all columns is stored.
        condition: when it is run.
        check: a number: if it is not finite when the block is done, the time loop ends, and the table tells the step.
        call: whether all that the block does is to run a course for one thread, which the table tells.
    """

    stage: int
    dim: str
    accumulators: list[Node] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    reductions: dict[Node, tuple[Place, ...]] = field(default_factory=dict)
    loads: dict[Node, tuple[Place, ...]] = field(default_factory=dict)
    operations: list[Node] = field(default_factory=list)
    stores: list[tuple[Node, Place]] = field(default_factory=list)
    over: str | None = None
    factors: dict[Node, Place] = field(default_factory=dict)
    entries: dict[Node, Place] = field(default_factory=dict)
    sums: dict[Node, tuple[tuple[Node, Node | None], ...]] = field(default_factory=dict)
    folds: dict[Node, Place] = field(default_factory=dict)
    condition: Condition | None = None
    check: Place | None = None
    call: bool = False


@dataclass
class Program:
    """The blocks of one time step in order, and every place they touch.

    Attributes:
        panels: for each term the matrices that are packed for it.
        long_operands: whether the operand of a product may be so long that it is better taken in pieces.
        single: whether a step has one sequence. Then matrices are not packed: they lie as `columns` says.
        columns: matrix's name -> its columns.
        by_rows: whether a step has so many rows that they are better taken through all blocks some at a time, so that
            what passes from block to block stays in the caches.
    """

    blocks: list[Block]
    places: list[Place]
    panels: list[tuple[Matrix, ...]]
    single: bool = False
    columns: dict[str, Place] = field(default_factory=dict)
    long_operands: bool = False
    by_rows: bool = False

    @property
    def in_pieces(self) -> list[int]:
        """The numbers of the blocks whose operand may be taken in pieces: it is the only one."""
        return [i for i, block in enumerate(self.blocks) if self.long_operands and len(block.terms) == 1]

    @staticmethod
    def of_single(blocks: Sequence[Block], columns: Mapping[str, Place]) -> Program:
        """A program with one sequence at a time."""
        return Program(list(blocks), list(dict.fromkeys([*_places(blocks), *columns.values()])), [], True, {**columns})


def lower(
    program: Sequence[Node],
    available: Mapping[Node, tuple[Place, ...]],
    results: Sequence[tuple[Node, Place]],
    scratch: RowKind = SEQUENCE,
) -> Program:
    """Cut a program into blocks.

    Args:
        program: the nodes to compute, each after its arguments.
        available: node -> where it lies before the step. Two places: the value is their sum.
        results: what must be stored where.
        scratch: the rows of what passes from one block to a later one.
    """
    require_folded(program)
    new = divided_once(program)
    made = [node for node in topological([new[node] for node in program], _below(available)) if node not in available]
    return _Lowering(
        [node for node in made if not is_atom(node)],
        available,
        [(new.get(node, node), place) for node, place in results],
        scratch,
    ).run()


def _below(available: Mapping[Node, tuple[Place, ...]]) -> Callable[[Node], tuple[Node, ...]]:
    return lambda node: () if node in available else node.args


class _Lowering:
    def __init__(
        self,
        program: Sequence[Node],
        available: Mapping[Node, tuple[Place, ...]],
        results: Sequence[tuple[Node, Place]],
        scratch: RowKind,
    ) -> None:
        self.program, self.scratch = list(program), scratch
        self.available = dict(available)
        self.stored: dict[Node, list[Place]] = {}
        for node, place in results:
            self.stored.setdefault(node, []).append(place)
        self.stage: dict[Node, int] = {}
        self.blocks: dict[tuple[int, str], Block] = {}
        self.scratches = 0

    def run(self) -> Program:
        self._assign_stages()
        self._put_off()
        self._find_crossings()
        for node in self.program:
            block = self._block(self.stage[node], node.dim)
            if is_product(node):
                block.accumulators.append(node)
            elif not is_reduction(node):
                block.operations.append(node)
        self._place_results()
        for node in filter(is_reduction, self.program):
            rows = tuple(self._memory(arg) for arg in node.args if arg.dim != ONE_DIM)
            self._block(self.stage[node], node.dim).reductions[node] = rows
        for block in self.blocks.values():
            self._fill(block)
        ordered = sorted(self.blocks.values(), key=lambda block: (block.stage, not block.operations, block.dim))
        return Program(ordered, _places(ordered), _panels(ordered))

    def _block(self, stage: int, dim: str) -> Block:
        return self.blocks.setdefault((stage, dim), Block(stage, dim))

    def _assign_stages(self) -> None:
        for node in self.program:
            if _reads_rows(node):
                self.stage[node] = max(self._after_operand(operand) for operand in node.args)
            else:
                self.stage[node] = max([self._stage_for(arg, node.dim) for arg in node.args] or [0])

    def _put_off(self) -> None:
        """An operation whose arguments lie in memory anyway is made where it is first looked at: it needs no place."""
        users: dict[Node, list[Node]] = {}
        for node in self.program:
            for arg in node.args:
                users.setdefault(arg, []).append(node)
        across = {arg for node in self.program if _reads_rows(node) for arg in node.args} | self._crossing(users)
        for node in reversed(self.program):
            wanted = users.get(node, [])
            known = [is_constant(arg) or self._lies_in_memory(arg, across) for arg in node.args]
            if is_elementwise(node) and wanted and node not in self.stored and all(known):
                latest = min(self.stage[user] - (_reads_rows(user) or user.dim != node.dim) for user in wanted)
                self.stage[node] = max(self.stage[node], latest)

    def _crossing(self, users: Mapping[Node, Sequence[Node]]) -> set[Node]:
        """Values that are looked at in later stages than their own."""
        return {
            node
            for node in self.program
            if any(self.stage[user] > self.stage[node] for user in users.get(node, ()) if not _reads_rows(user))
        }

    def _lies_in_memory(self, node: Node, across: Collection[Node]) -> bool:
        return node in across or (node in self.available and not self._must_be_copied(node) and node not in self.stage)

    def _stage_for(self, node: Node, dim: str) -> int:
        """The first stage in which a block over rows of this dimension has a value: a number comes out of another."""
        return self.stage.get(node, 0) + (node in self.stage and node.dim != dim)

    def _after_operand(self, operand: Node) -> int:
        """Who reads whole rows: what is computed in this step, or overwritten in it, must be complete before."""
        if operand in self.stage:
            return self.stage[operand] + 1
        return 1 if self._must_be_copied(operand) else 0

    def _must_be_copied(self, node: Node) -> bool:
        # a seed lies in a buffer that this step overwrites (and may be a sum of two), unless it has a row of every step
        return is_leaf(node, "seed") and any(place.rows is not ROW for place in self.available[node])

    def _find_crossings(self) -> None:
        """Values that a later stage, or who reads whole rows, takes from memory get a place there."""
        for node in self.program:
            for arg in node.args:
                if _reads_rows(node) or self.stage[node] > self.stage.get(arg, 0):
                    self._cross(arg)
        for node, places in list(self.stored.items()):
            if node in self.stage and any(place.dim != node.dim for place in places):
                self._cross(node)

    def _cross(self, node: Node) -> None:
        known = node in self.stage or self._must_be_copied(node)
        if known and not any(place.readable and place.dim == node.dim for place in self.stored.get(node, ())):
            place = Place(f"scratch{self.scratches}", self.scratch, node.dim, scratch=True)
            self.stored.setdefault(node, []).append(place)
            self.scratches += 1

    def _place_results(self) -> None:
        for node, places in self.stored.items():
            for place in places:
                self._block(self._stage_for(node, place.dim), place.dim).stores.append((node, place))

    def _memory(self, node: Node) -> Place:
        """Where a later stage reads a value."""
        if node in self.stage or self._must_be_copied(node):
            for place in self.stored.get(node, ()):
                if place.readable and place.dim == node.dim:
                    return place
        # known before: also if this step stores it (a state may be given on), for that may not have happened yet
        return self.available[node][0]

    def _fill(self, block: Block) -> None:
        self._fill_terms(block)
        here = {*block.accumulators, *block.reductions, *block.operations}
        wanted = [arg for node in block.operations for arg in node.args] + [node for node, _ in block.stores]
        wanted += [arg for node in block.reductions for arg in node.args if arg.dim == ONE_DIM]
        for node in wanted:
            if node in here or is_constant(node) or node in block.loads:
                continue
            in_memory = node in self.stage or (block.stage > 0 and self._must_be_copied(node))
            block.loads[node] = (self._memory(node),) if in_memory else self.available[node]

    def _fill_terms(self, block: Block) -> None:
        terms: dict[Node, list[tuple[Matrix, int]]] = {}
        for index, node in enumerate(block.accumulators):
            for matrix, operand in zip(node.attr, node.args, strict=True):
                terms.setdefault(operand, []).append((matrix, index))
        block.terms = [Term(self._memory(operand), tuple(pairs)) for operand, pairs in terms.items()]


def _reads_rows(node: Node) -> bool:
    """Whether an operation looks at other units than its own."""
    return is_product(node) or is_reduction(node)


def _places(blocks: Sequence[Block]) -> list[Place]:
    found: dict[Place, None] = {}
    for block in blocks:
        for term in block.terms:
            found[term.operand] = None
        for one_each in (block.factors, block.entries, block.folds):
            found.update(dict.fromkeys(one_each.values()))
        for places in [*block.reductions.values(), *block.loads.values()]:
            found.update(dict.fromkeys(places))
        for _, place in block.stores:
            found[place] = None
        if block.condition is not None:
            found[block.condition.place] = None
        if block.check is not None:
            found[block.check] = None
    return list(found)


def _panels(blocks: Sequence[Block]) -> list[tuple[Matrix, ...]]:
    return [term.panel for block in blocks for term in block.terms]
