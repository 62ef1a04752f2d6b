"""Candidates: edits of single expressions and statements, the likeliest first.

Nothing here decides anything: what an edit is worth, the run of the edited code says. Costs only order the candidates:
one is what everybody gets wrong in a line whose value is the wrong one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gated.audit.foreign.programs import Edit
from gated.audit.mending.phrases import Phrases
from gated.audit.mending.sought import Sought
from gated.audit.mending.statements import adds, moved_up, without
from gated.audit.mending.syntax import ATOM, POWER, PRODUCT, SIGN, SUM, Code, Place, Statement, bare, level
from gated.audit.mending.words import Word, Words

AWAY = (0.0, 0.4, 0.8, 2.0)  # costs of a place: worth the wrong term, a sum with it, in such a statement, anywhere
OTHER_LINE = 1.5


@dataclass(frozen=True)
class Candidate:
    """Edits, their cost, and the lines of the text that they are about."""

    cost: float
    edits: tuple[Edit, ...]
    lines: tuple[int, ...]


class Candidates:
    """All edits of a text for one fault."""

    def __init__(self, code: Code, words: Words, sought: Sought) -> None:
        self.code, self.words, self.sought = code, words, sought

    def ranked(self) -> list[Candidate]:
        found: dict[tuple[Edit, ...], Candidate] = {}
        for statement in self.code.statements:
            here = _Statement(self.code, statement, self.words.at(statement), self.sought)
            for candidate in here.candidates():
                if candidate.edits not in found or candidate.cost < found[candidate.edits].cost:
                    found[candidate.edits] = candidate
        return sorted(found.values(), key=lambda candidate: candidate.cost)


class _Statement:
    """The edits of one statement."""

    def __init__(self, code: Code, statement: Statement, words: dict[str, Word], sought: Sought) -> None:
        self.code, self.statement, self.words, self.sought = code, statement, words, sought
        self.phrases = Phrases(words, sought)
        self.near = {place: self._near(place) for place in statement.places}
        self.matched = min(self.near.values(), default=3) < 2
        self.operands = self._operands()

    def _near(self, place: Place) -> int:
        word = self.words.get(self._said(place))
        worth = word.worth if word else frozenset()
        return 0 if worth & self.sought.wrong else 1 if worth & self.sought.sums else 3

    def _said(self, place: Place) -> str:
        return self.code.text[place.start : place.end]

    def _operands(self) -> dict[tuple[int, ...], list[tuple[float, Word]]]:
        """Words by shape with their costs, one of each value, those that the right term needs first."""
        found: dict[tuple[int, ...], list[tuple[float, Word]]] = {}
        values: set[object] = set()
        for word in sorted(self.words.values(), key=lambda w: (-w.binds, len(w.text))):
            value = word.worth or word.text
            if value in values or not word.shape:
                continue
            values.add(value)
            cost = 0.0 if word.worth & self.sought.needed else 0.5 if word.binds == ATOM else 1.2
            found.setdefault(word.shape, []).append((cost, word))
        return found

    def _cost(self, place: Place | None, own: float) -> float:
        value = self.statement.places[0] if self.statement.places else None
        near = self.near[place] if place else min(2, self.near[value]) if value else 2
        if near > 1 and self.matched:
            near = 2
        depth, line = place.depth if place else 0, self.statement.line
        return own + AWAY[near] + OTHER_LINE * (not self.matched) + 0.02 * depth - 1e-5 * line

    def candidates(self) -> Iterator[Candidate]:
        for cost, edits in self._statement():
            yield self._made(self._cost(None, cost), edits)
        for place in self.statement.places:
            for cost, text in self._instead(place):
                if text is not None:
                    yield self._made(self._cost(place, cost), [self._edit(place, text)])
        for one, other in combinations(self._exchangeable(), 2):
            if self._said(one) != self._said(other) and (one.end <= other.start):
                edits = [self._edit(one, (self._said(other), ATOM)), self._edit(other, (self._said(one), ATOM))]
                yield self._made(self._cost(one, 1.3) - 3.0 * self.sought.targets.swapped, edits)

    def _made(self, cost: float, edits: list[Edit]) -> Candidate:
        lines = {n for s, e, _ in edits for n in range(self.code.line_of(s), self.code.line_of(max(s, e - 1)) + 1)}
        return Candidate(cost, tuple(edits), tuple(sorted(lines)))

    def _edit(self, place: Place, said: tuple[str, int]) -> Edit:
        text, binds = said
        start, end = place.start, place.end
        if binds >= ATOM:
            start, end = bare(self.code.text, start, end)
        elif binds < place.binds and bare(self.code.text, start, end) == (start, end):
            text = f"({text})"
        return start, end, text

    # statements

    def _statement(self) -> Iterator[tuple[float, list[Edit]]]:
        node, text = self.statement.node, self.code.text
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            end, start = self.code.span(node.targets[0])[1], self.code.span(node.value)[0]
            at = end + text[end:start].index("=")
            if isinstance(node.targets[0], (ast.Name, ast.Subscript, ast.Attribute)):
                yield 0.9, [(at, at, "+")]
        if isinstance(node, ast.AugAssign):
            end, start = self.code.span(node.target)[1], self.code.span(node.value)[0]
            at = end + text[end:start].index("=")
            for sign in "+-":
                if text[at - 1] != sign and text[at - 1] in "+-":
                    yield 0.9, [(at - 1, at, sign)]
            yield 1.2, [(at - 1, at, "")]
        if self.sought.too_early and isinstance(node, (ast.Assign, ast.AugAssign)):
            yield from ((-2.0 if adds(node) else 0.5, edits) for edits in moved_up(self.code, self.statement))
        if not self.statement.alone and isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.For, ast.If)):
            yield 1.5, [without(self.code, self.statement)]

    # expressions

    def _exchangeable(self) -> list[Place]:
        return [p for p in self.statement.places if isinstance(p.node, ast.Name)][:10]

    def _instead(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        yield from self._inner(place)
        yield from self._bounds(place)
        yield from self._signs(place)
        yield from self._calls(place)
        yield from self._exchanged(place)
        yield from self._multiplied(place)
        yield from self._more(place)
        yield from self._right(place)

    def _inner(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """One of its parts in its place: a factor, a term, a function, a case dropped."""
        node, parts = place.node, []
        if isinstance(node, ast.BinOp):
            parts = [node.left, node.right] if not isinstance(node.op, ast.Pow) else [node.left]
        elif isinstance(node, ast.UnaryOp):
            parts = [node.operand]
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.Call) and len(node.args) == 1:
            parts = [node.args[0]]
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            parts = [node.value]
        for part in parts:
            if not isinstance(part, ast.Starred):
                yield 1.0, (self.code.said(part), level(part))

    def _bounds(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """A loop that begins or ends one step elsewhere."""
        node = place.node
        if isinstance(self.statement.node, ast.For) and isinstance(node, ast.Constant) and isinstance(node.value, int):
            for value in (node.value - 1, node.value + 1):
                if value >= 0 or isinstance(place.parent, ast.Call):
                    yield 0.3, (str(value), ATOM)

    def _signs(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        node, text = place.node, self._said(place)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            left, right = (self._in(part, SUM + k) for k, part in enumerate((node.left, node.right)))
            yield 1.0, (f"{left} {'-' if isinstance(node.op, ast.Add) else '+'} {right}", SUM)
            if isinstance(node.op, ast.Sub):
                yield 1.0, (f"{self._in(node.right, SUM)} - {self._in(node.left, SUM + 1)}", SUM)
        elif not text.startswith("-") and not isinstance(place.parent, ast.UnaryOp) and not self._is_term(place):
            yield 1.2, ("-" + self._bound(text, level(node), PRODUCT), SIGN)

    def _is_term(self, place: Place) -> bool:
        """Whether its sign is the business of the sum that it stands in."""
        return isinstance(getattr(place.parent, "op", None), (ast.Add, ast.Sub))

    def _calls(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        node, text = place.node, self._said(place)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "mean":
            end = self.code.span(node.func)[1] - place.start
            yield 0.9, (f"{text[: end - 4]}sum{text[end:]}", ATOM)
        beside = isinstance(place.parent, (ast.Call, ast.BinOp)) and getattr(place.parent, "op", None) is not None
        if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)) and not text.endswith(".T"):
            if beside and isinstance(place.parent, ast.BinOp) and isinstance(place.parent.op, ast.MatMult):
                yield 1.0, (f"{text}.T", ATOM)
            elif isinstance(place.parent, ast.Call):
                yield 1.2, (f"{text}.T", ATOM)

    def _exchanged(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """Another value where one stands, of the same shape; where a number stands, any."""
        own, node = self.words.get(self._said(place)), place.node
        atom = isinstance(node, (ast.Name, ast.Subscript, ast.Attribute))
        if isinstance(node, ast.Constant):
            if isinstance(place.parent, ast.BinOp) and isinstance(place.parent.op, ast.Mult):
                yield from ((0.1, said) for said in self.phrases.needed())
                operands = [pair for held in self.operands.values() for pair in held if pair[1].binds == ATOM]
                yield from ((0.2 + cost, (word.text, word.binds)) for cost, word in operands)
            return
        if own is None:
            if isinstance(place.parent, ast.BinOp) and not atom:  # a factor or term that cannot be evaluated alone
                yield from ((1.5, said) for said in self.phrases.needed())
            return
        for cost, word in self.operands.get(own.shape, []):
            if word.text != own.text and (atom or cost == 0 or self.near[place] < 2):
                yield (1.0 + cost if cost else 0.4) + 0.2 * (not atom), (word.text, word.binds)
                if cost > 0:
                    yield from ((2.2, said) for said in _slopes(word))
        yield from ((0.8, said) for said in self.phrases.needed(own.shape))
        if atom and isinstance(place.parent, ast.BinOp) and not isinstance(place.parent.op, ast.Pow):
            yield 1.1, (f"{own.text}**2", POWER)

    def _multiplied(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """One factor more, behind a whole product."""
        own = self.words.get(self._said(place))
        is_matrix = own is None or sum(length > 1 for length in own.shape) != 1
        if own is None or is_matrix or isinstance(getattr(place.parent, "op", None), (ast.Mult, ast.Pow)):
            return
        text = self._bound(own.text, own.binds, PRODUCT)
        for said, binds in self.phrases.needed(own.shape):
            yield 1.0, (f"{text} * {self._bound(said, binds, PRODUCT + 1)}", PRODUCT)
        for cost, word in self.operands.get(own.shape, []):
            yield 1.1 + cost, (f"{text} * {self._bound(word.text, word.binds, PRODUCT + 1)}", PRODUCT)
            yield from (
                (2.0 + cost, (f"{text} * {self._bound(*slope, PRODUCT + 1)}", PRODUCT)) for slope in _slopes(word)
            )

    def _more(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """One term more, or all that are missing."""
        own = self.words.get(self._said(place))
        inner = isinstance(place.parent, ast.BinOp)
        if inner or (own is not None and not own.shape):
            return
        text = self._bound(self._said(place), level(place.node), SUM)
        for terms in self.phrases.missing():
            yield 1.1, (f"{text}{terms}", SUM)
        for cost, word in self.operands.get(own.shape, []) if own else ():
            yield 2.0 + cost, (f"{text} + {self._bound(word.text, word.binds, SUM)}", SUM)

    def _right(self, place: Place) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """The right term or the right sum, in their words."""
        own = self.words.get(self._said(place))
        if own is None:
            return
        if own.worth & self.sought.wrong:
            yield from ((1.5, said) for said in self.phrases.rights())
        for name in sorted(own.worth & self.sought.sums):
            there_is_none = not np.any(self.sought.quantities[name])
            yield 0.9 if there_is_none else 1.7, self.phrases.total(*self.sought.whole[name])

    def _in(self, node: ast.expr, binds: int) -> str:
        return self._bound(self.code.said(node), level(node), binds)

    def _bound(self, text: str, own: int, needed: int) -> str:
        return text if own >= needed else f"({text})"


def _slopes(word: Word) -> list[tuple[str, int]]:
    """What people make of a value: 1 - v, its derivatives as of tanh and sigmoid."""
    if word.binds < ATOM or len(word.text) > 24 or sum(length > 1 for length in word.shape) != 1:
        return []
    v = word.text
    return [(f"1 - {v}", SUM), (f"1 - {v}**2", SUM), (f"{v} * (1 - {v})", PRODUCT)]
