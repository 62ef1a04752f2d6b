"""The alphabet of edits: every road that differs from a right one by one mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice

from gated.audit.diagnosis.alphabet import Alphabet, is_complement, is_slope, rest_of_product, rest_of_sum, with_plus
from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.roads import Group, Mistake, Operation, Road, Shift
from gated.language.graph import ONE_DIM, Matrix, Node

# what a mistake costs: 1 is one that everybody makes; a letter of the alphabet costs more the more far-fetched it is
MISSING, INSTEAD, INSIDE = 1.0, 1.0, 1.3
WRONG_SIDE, WRONG_MATRIX, MISSING_MATRIX = 1.3, 1.2, 1.3
SLOPE_INSTEAD, OPERAND, DELTA, DELTA_MIDWAY = 1.1, 1.1, 1.21, 1.3
TURNED = 0.1  # beside INSTEAD: z for 1 - z
LIKELY = 1.25  # edits up to this cost may come twice on one road


class Edits:
    """The edits of one cell's roads."""

    def __init__(self, graph: BackwardGraph, alphabet: Alphabet) -> None:
        self.graph, self.alphabet = graph, alphabet
        self.letters = alphabet.letters
        self._parts: dict[Operation, dict[Operation, Mistake]] = {}

    def of(self, road: Road, sources: Sequence[str] = (), matrices: Iterable[Matrix] = ()) -> list[Road]:
        """All roads with one mistake more.

        Args:
            sources: adjoints that may stand where the road's own belongs.
            matrices: the same for matrices.
        """
        sizes, matrices = self._sizes(road), list(matrices)
        found: list[Road] = []
        for place, operation in enumerate(road.operations):
            if isinstance(operation, Matrix):
                found += self._matrix(road, place, operation, matrices)
            else:
                found += self._factor(road, place, sizes[place])
        found += (edit for group in road.groups for edit in self._slope(road, group, sizes[group.first]))
        found += self._one_too_many(road, sizes)
        found += self._delta(road, sources, sizes)
        found += self._operand(road)
        return found

    def shorter(self, road: Road) -> list[Road]:
        """Those of them in which factors are missing."""
        sizes, found = self._sizes(road), list[Road]()
        for place, own in enumerate(road.operations):
            found += self._without(road, place, own)
        for group in road.groups:
            found += islice(self._slope(road, group, sizes[group.first]), group.end - group.first > 1)
        return found

    def _without(self, road: Road, place: int, own: Operation) -> Iterator[Road]:
        if not isinstance(own, Matrix) or self.graph.size(own.rows) == self.graph.size(own.cols):
            mistake = Mistake("missing_factor", "factor_missing", (own,))
            yield _changed(road, place, (), mistake, MISSING_MATRIX if isinstance(own, Matrix) else MISSING)

    def second(self, road: Road) -> list[Road]:
        """One likely mistake more on a road whose first leaves fewer, more or other factors."""
        if road.cost > LIKELY or road.mistakes[0].kind not in ("missing_factor", "extra_factor", "wrong_derivative"):
            return []
        return [both for both in self._likely.of(road) if both.cost - road.cost <= LIKELY]

    @cached_property
    def _likely(self) -> Edits:
        """The same with the letters that may come twice."""
        edits = Edits(self.graph, self.alphabet)
        edits.letters = tuple(letter for letter in self.letters if INSTEAD + letter.cost <= LIKELY)
        return edits

    def _sizes(self, road: Road) -> list[str]:
        """The size of the product before each operation, and at the end."""
        sizes = [self.graph.size_of(road.source)]
        for op in road.operations:
            sizes.append(self.graph.size(op.output_dim) if isinstance(op, Matrix) else sizes[-1])
        return sizes

    def _fits(self, dim: str, size: str) -> bool:
        return self.graph.size(dim) in (size, ONE_DIM)

    def _factor(self, road: Road, place: int, size: str) -> Iterator[Road]:
        own = road.operations[place]
        slope = is_slope(own)  # type: ignore[arg-type]
        yield from self._without(road, place, own)
        for letter in self.letters:
            if letter.factor is not own and self._fits(letter.factor.dim, size):
                mistake = self._instead("wrong_derivative" if slope else "wrong_operand", letter.factor, own)
                cost = TURNED if _turned(letter.factor, own) else letter.cost
                yield _changed(road, place, (letter.factor,), mistake, INSTEAD + cost)
        if isinstance(own, Node) and own.args:
            if (turned := with_plus(own)) is not None:
                yield _changed(road, place, (turned,), Mistake("wrong_sign", "factor_instead", (turned, own)), INSTEAD)
            for factor in self.alphabet.with_another_value(own):
                kind = "wrong_derivative" if slope else "wrong_operand"
                yield _changed(road, place, (factor,), Mistake(kind, "factor_instead", (factor, own)), INSIDE)
        rest = road.operations[:place] + road.operations[place + 1 :]
        for j, matrix in enumerate(road.operations):
            if isinstance(matrix, Matrix):
                mistake = Mistake("wrong_operand", "factor_side", (own, matrix))
                yield _with(road, (*rest[:j], own, *rest[j:]), mistake, WRONG_SIDE)

    def _matrix(self, road: Road, place: int, own: Matrix, matrices: Iterable[Matrix]) -> Iterator[Road]:
        for matrix in matrices:
            if not self.graph.same_shape(matrix, own):
                continue
            for new in (matrix, matrix.T):
                if new != own and self.graph.size(new.output_dim) == self.graph.size(own.output_dim):
                    kind = "transposed" if new.name == own.name else "swapped_gates"
                    yield _changed(road, place, (new,), Mistake(kind, "factor_instead", (new, own)), WRONG_MATRIX)
        yield from self._without(road, place, own)

    def _slope(self, road: Road, group: Group, size: str) -> Iterator[Road]:
        before, after = road.operations[: group.first], road.operations[group.end :]
        if group.end - group.first > 1:
            mistake = Mistake("missing_factor", "slope_missing", (group.slope,))
            yield _with(road, before + after, mistake, MISSING)
        inside = road.operations[group.first : group.end]
        if len(inside) > 1 or any(is_slope(op) for op in inside):  # type: ignore[arg-type]
            for letter in self.letters:
                if letter.derivative and self._fits(letter.factor.dim, size):
                    mistake = Mistake("wrong_derivative", "slope_instead", (letter.factor, group.slope))
                    yield _with(road, (*before, letter.factor, *after), mistake, SLOPE_INSTEAD)

    def _one_too_many(self, road: Road, sizes: list[str]) -> Iterator[Road]:
        end = len(road.operations)
        places = [k for k in range(end + 1) if k == end or isinstance(road.operations[k], Matrix)]  # between matrices
        for letter in self.letters:
            mistake = Mistake("extra_factor", "factor_extra", (letter.factor,))
            for k in places:
                if self._fits(letter.factor.dim, sizes[k]):
                    operations = (*road.operations[:k], letter.factor, *road.operations[k:])
                    yield _with(road, operations, mistake, 1.0 + letter.cost)

    def _delta(self, road: Road, sources: Sequence[str], sizes: list[str]) -> Iterator[Road]:
        for source in sources:
            size = self.graph.size_of(source)
            if source != road.source and size == sizes[0]:
                mistake = Mistake("wrong_delta", "delta_instead", (source, road.source))
                yield _with(road, road.operations, mistake, DELTA, source)
            if road.operations and size == sizes[-1]:
                mistake = Mistake("wrong_delta", "delta_whole", (source,))
                yield replace(_with(road, (), mistake, DELTA), source=source, coefficient=1.0)
            for group in road.groups:
                if group.first and size == sizes[group.first]:
                    mistake = Mistake("wrong_delta", "delta_midway", (source,))
                    edit = _with(road, road.operations[group.first :], mistake, DELTA_MIDWAY)
                    yield replace(edit, source=source, coefficient=1.0)

    def _operand(self, road: Road) -> Iterator[Road]:
        own = road.operand
        if own is None:
            return
        for value in self.alphabet.values:
            if self.graph.size(value.dim) == self.graph.size(own.dim) and value is not own:
                mistake = self._instead("wrong_operand", value, own)
                yield replace(_with(road, road.operations, mistake, OPERAND), operand=value)
        if isinstance(own, Node):
            for before in (Shift(own, -1), Shift(own, -1, wraps=True)):
                mistake = Mistake("wrong_operand", "factor_instead", (before, own))
                yield replace(_with(road, road.operations, mistake, OPERAND), operand=before)

    def _instead(self, kind: str, value: Operation, own: Operation) -> Mistake:
        """`value` for `own`: a person who writes h for r h has left out a factor, and one who writes n for n - h a
        term."""
        if kind == "wrong_operand" and (left_out := self._left_out(own).get(value)) is not None:
            return left_out
        return Mistake(kind, "factor_instead", (value, own))

    def _left_out(self, own: Operation) -> dict[Operation, Mistake]:
        """What is missing where only a part of a product or a sum is written, by that part."""
        if own not in self._parts:
            known: dict[Operation, Mistake] = {}
            if isinstance(own, Node):
                whole = self.alphabet.spelled_out(own)
                for part in self.alphabet.values:
                    if (rest := rest_of_product(whole, part)) is not None:
                        known[part] = Mistake("missing_factor", "factor_missing", (rest,))
                    elif (rest := rest_of_sum(whole, part)) is not None:
                        known[part] = Mistake("missing_term", "part_missing", (rest, whole))
            self._parts[own] = known
        return self._parts[own]


def _turned(one: Operation, other: Operation) -> bool:
    """Whether one is 1 minus the other: z and 1 - z are taken for each other most easily."""
    return _rest(one) is other or _rest(other) is one


def _rest(factor: Operation) -> Node | None:
    """v of 1 - v."""
    return factor.args[1] if isinstance(factor, Node) and is_complement(factor) else None


def _with(
    road: Road, operations: tuple[Operation, ...], mistake: Mistake, cost: float, source: str | None = None
) -> Road:
    mistakes = (*road.mistakes, mistake)  # not `replace`: there are thousands
    return Road(
        source or road.source,
        operations,
        road.coefficient,
        road.later,
        road.operand,
        road.mask,
        mistakes,
        road.cost + cost,
    )


def _changed(road: Road, place: int, new: tuple[Operation, ...], mistake: Mistake, cost: float) -> Road:
    return _with(road, road.operations[:place] + new + road.operations[place + 1 :], mistake, cost)
