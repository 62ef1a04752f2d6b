"""What may stand where a factor belongs, or be one too many: the values of a cell and what people make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import chain
from operator import add, mul

from gated.audit.diagnosis.backward_graph import BackwardGraph
from gated.audit.diagnosis.roads import Factor, Shift, split_slope
from gated.calculus.steps import AUXILIARY
from gated.language.graph import (
    Node,
    call,
    constant,
    is_atom,
    is_constant,
    is_elementwise,
    is_leaf,
    topological,
    with_args,
)
from gated.language.operations import Elementwise

VALUE, COMPLEMENT, SHIFTED = 0.2, 0.3, 0.3  # costs: how far-fetched a letter is
DERIVATIVE, FUNCTION = 0.4, 0.5
HABITS = ("sigmoid", "tanh")  # activations that people write where another value, or none, belongs


@dataclass(frozen=True)
class Letter:
    """A factor somebody may have written: its cost, and whether it looks like a derivative."""

    factor: Factor
    cost: float
    derivative: bool = False


class Alphabet:
    """Attributes:
    values: the named values, previous states, inputs and parts of slopes that are values of their own.
    letters: these, and 1 - v, v (1 - v), 1 - v², φ(v), -v, v² and values of the step before.
    """

    def __init__(self, graph: BackwardGraph) -> None:
        self.graph = graph
        self.values = list(dict.fromkeys(self._values()))
        letters: dict[Factor, Letter] = {}
        for letter in self._letters():
            letters.setdefault(letter.factor, letter)
        self.letters = tuple(letters.values())
        self._inside = lru_cache(maxsize=None)(self._exchanged)

    @cached_property
    def known(self) -> frozenset[Node]:
        return frozenset(self.values)

    def spelled_out(self, value: Node) -> Node:
        """What an auxiliary value stands for, r h; any other as it is."""
        return self._auxiliary.get(value, value)

    @cached_property
    def _auxiliary(self) -> dict[Node, Node]:
        return {q.symbol: q.definition for q in self.graph.steps.quantities if q.kind == AUXILIARY}

    def with_another_value(self, factor: Node) -> list[Node]:
        """The factor with one of the values in it exchanged for another, in one place."""
        inside = [node for node in topological([factor]) if node in self.known and node is not factor]
        return [node for value in inside for node in self._inside(factor, value)]

    def _exchanged(self, factor: Node, value: Node) -> list[Node]:
        size = self.graph.size
        if factor is value:
            return [node for node in self.values if size(node.dim) == size(value.dim) and node is not value]
        return [
            with_args(factor, (*factor.args[:place], node, *factor.args[place + 1 :]))
            for place, arg in enumerate(factor.args)
            if not is_constant(arg) and value in topological([arg])
            for node in self._inside(arg, value)
        ]

    def _values(self) -> Iterator[Node]:
        yield from (q.symbol for q in self.graph.steps.quantities)
        yield from self.graph.states.values()
        roads = chain(*self.graph.local.values(), *self.graph.gradients.values())
        factors = [op for road in roads for op in road.operations if isinstance(op, Node)]
        inner = topological(factors)
        yield from (n for n in inner if is_elementwise(n) and len(n.args) == 1 and n.operation.signs is None)
        yield from (n for n in inner if is_leaf(n) and not is_leaf(n, "vector"))
        yield from (n for n in inner if _is_difference(n) and not is_constant(n.args[0]))

    def _letters(self) -> Iterator[Letter]:
        one = constant(1.0)
        for v in self.values:
            yield Letter(v, VALUE)
        for v in self.values:
            yield Letter(one - v, COMPLEMENT)
        for v in self.values:
            yield from (Letter(d, DERIVATIVE, True) for d in (v * (one - v), one - v * v, *_slopes(v)))
        for v in self.values:
            yield from (Letter(f, FUNCTION) for f in (*(call(name, v) for name in HABITS), -v, v * v))
        for p in self.graph.vectors.values():
            yield Letter(p, DERIVATIVE)
            yield Letter(call(HABITS[0], p), DERIVATIVE)
            yield Letter(_slopes(p)[0], FUNCTION, True)
        moving = [q.symbol for q in self.graph.quantities.values()]
        yield from (Letter(Shift(v, -1), SHIFTED) for v in [*moving, *self.graph.states.values()])


def _slopes(value: Node) -> tuple[Node, Node]:
    """σ'(v) and tanh'(v)."""
    one, (sigmoid, tanh) = constant(1.0), (call(name, value) for name in HABITS)
    return sigmoid * (one - sigmoid), one - tanh * tanh


def is_slope(factor: Factor) -> bool:
    """Whether a factor by itself is the derivative of an activation: 1 - g g, but not 1 - z, which may be a gate."""
    if not isinstance(factor, Node) or not is_elementwise(factor):
        return False
    if _is_difference(factor) and is_constant(factor.args[0]):
        return not is_atom(factor.args[1])
    row = factor.operation
    return isinstance(row, Elementwise) and row.inner  # the derivative of another function


def is_complement(factor: Node) -> bool:
    """1 - v of any v."""
    return _is_difference(factor) and is_constant(factor.args[0])


def with_plus(factor: Node) -> Node | None:
    """1 + g g instead of 1 - g g."""
    return factor.args[0] + factor.args[1] if _is_difference(factor) else None


def rest_of_product(whole: Node, part: Node) -> Node | None:
    """What a product is without one of its factors, if that is one."""
    factors = list(split_slope(whole)[1])
    if len(factors) < 2 or part not in factors:
        return None
    factors.remove(part)
    return reduce(mul, factors)


def rest_of_sum(whole: Node, part: Node) -> Node | None:
    """What a sum is without one of its terms, if that is one; the 1 of 1 - v is no term of its own."""
    terms = _terms(whole)
    if len(terms) < 2 or part not in terms or any(map(is_constant, terms)):
        return None
    terms.remove(part)
    return reduce(add, terms)


def _terms(node: Node) -> list[Node]:
    """The terms of a sum; what is subtracted is a term with a minus."""
    if not is_elementwise(node) or node.operation.signs is None:
        return [node]
    return [t if sign > 0 else -t for sign, a in zip(node.operation.signs, node.args, strict=True) for t in _terms(a)]


def _is_difference(node: Node) -> bool:
    return is_elementwise(node) and node.operation.signs == (1, -1)
