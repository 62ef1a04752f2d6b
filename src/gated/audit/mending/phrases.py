"""The right formula in their words: every quantity in it that an expression of theirs is worth, by that expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from gated.audit.diagnosis.roads import ALL, Operation, Road
from gated.audit.mending.sought import Sought
from gated.audit.mending.syntax import ATOM, POWER, PRODUCT, SIGN, SUM
from gated.audit.mending.words import Word
from gated.language.functions import FUNCTIONS
from gated.language.graph import Matrix, Node, is_constant, is_elementwise

Said = tuple[str, int]  # text, and how strongly it binds


class Phrases:
    """What can be said at one statement."""

    def __init__(self, words: dict[str, Word], sought: Sought) -> None:
        self.sought = sought
        self.by_worth: dict[str, Word] = {}
        for word in sorted(words.values(), key=lambda w: (-w.binds, len(w.text))):
            for name in word.worth:
                self.by_worth.setdefault(name, word)
        self.module = next((name for name in ("np", "numpy", "torch") if self._uses(words, name)), "np")

    def _uses(self, words: dict[str, Word], name: str) -> bool:
        return any(f"{name}." in text for text in words)

    # factors

    @cached_property
    def _factors(self) -> list[tuple[Said, tuple[int, ...]]]:
        """The factors of the right terms that have to be composed, or are there as they are."""
        found: dict[Said, tuple[int, ...]] = {}
        for road in self.sought.missing:
            for operation in (*road.operations, *([road.operand] if road.operand is not None else [])):
                if isinstance(operation, Node) and (said := self.node(operation)):
                    found[said] = self._shape(operation)
        return list(found.items())

    def needed(self, shape: tuple[int, ...] | None = None) -> list[Said]:
        return [said for said, own in self._factors if shape is None or own == shape]

    def _shape(self, node: Node) -> tuple[int, ...]:
        word = self.by_worth.get(self.sought.value(node)) or next(
            (w for arg in node.args if (w := self.by_worth.get(self.sought.value(arg))) and w.shape), None
        )
        return word.shape if word else ()

    def node(self, node: Node) -> Said | None:
        """A value."""
        if is_constant(node):
            return (f"{node.attr:g}", ATOM)
        word = self.by_worth.get(self.sought.value(node))
        if word is not None:
            return word.text, word.binds
        node = self.sought.definitions.get(node, node)
        if not is_elementwise(node):
            return None
        parts = [self.node(arg) for arg in node.args]
        if any(part is None for part in parts):
            return None
        return self._elementwise(node, [part for part in parts if part is not None])

    def _elementwise(self, node: Node, parts: list[Said]) -> Said | None:
        operation = node.operation
        if operation.multiplies:
            if parts[0] == parts[1]:
                return f"{_bound(parts[0], ATOM)}**2", POWER
            return f"{_bound(parts[0], PRODUCT)} * {_bound(parts[1], PRODUCT + 1)}", PRODUCT
        if operation.signs in ((1, -1), (1, 1)):
            sign = "-" if operation.signs == (1, -1) else "+"
            return f"{_bound(parts[0], SUM)} {sign} {_bound(parts[1], SUM + 1)}", SUM
        if operation.signs == (-1,):
            return "-" + _bound(parts[0], PRODUCT), SIGN
        function = FUNCTIONS[node.attr].numpy if node.attr in FUNCTIONS else None
        if not isinstance(function, np.ufunc) or len(parts) != 1:
            return None
        return f"{self.module}.{function.__name__}({parts[0][0]})", ATOM

    # roads

    def road(self, road: Road) -> Said | None:
        """A right term without its sign; None where something in it has no word, or it is an outer product."""
        if road.operand is not None:
            return None
        said: Said | None = None
        shape: tuple[int, ...] = ()
        start = 0
        for count in range(len(road.operations), -1, -1):
            part = replace(road, operations=road.operations[:count], coefficient=1.0, mask=ALL, later=0)
            word = self.by_worth.get(self.sought.product(part) if count else f"adjoint {road.source}")
            if word is not None:
                said, shape, start = (word.text, word.binds), word.shape, count
                break
        parts = self.sought.expanded(road) if said is None else []
        if parts:
            return self.total(parts)
        for operation in road.operations[start:]:
            said = said and self._applied(said, shape, operation)
        return said

    def _applied(self, said: Said, shape: tuple[int, ...], operation: Operation) -> Said | None:
        if isinstance(operation, Matrix):
            return self._product(said, operation, row=len(shape) == 2 and shape[0] == 1)
        factor = self.node(operation) if isinstance(operation, Node) else None
        return factor and (f"{_bound(said, PRODUCT)} * {_bound(factor, PRODUCT + 1)}", PRODUCT)

    def _product(self, said: Said, matrix: Matrix, row: bool) -> Said | None:
        """M v, or v Mᵀ where sequences are rows."""
        for suffix in ("", ".T"):
            word = self.by_worth.get(f"matrix {matrix.name}{suffix}")
            if word is not None and len(word.shape) == 2:
                is_turned = (suffix == ".T") == matrix.transposed  # whether the word is M itself
                text = _bound((word.text, word.binds), ATOM)
                turned = text[:-2] if text.endswith(".T") else f"{text}.T"
                if row:
                    return f"{_bound(said, PRODUCT)} @ {turned if is_turned else text}", PRODUCT
                return f"{text if is_turned else turned} @ {_bound(said, PRODUCT + 1)}", PRODUCT
        return None

    # terms

    def missing(self) -> Iterator[str]:
        """ " + a - b": what is missing, each by itself, and all together."""
        terms = [term for road in self.sought.missing if (term := self._term(road))]
        yield from terms
        if len(terms) > 1:
            yield "".join(terms)
            owners = [road.later for road in self.sought.missing if self._term(road)]
            for later in sorted(set(owners)) if len(set(owners)) > 1 else ():
                yield "".join(term for term, at in zip(terms, owners, strict=True) if at == later)

    def _term(self, road: Road) -> str | None:
        said = self.road(road)
        return said and f" {'-' if road.coefficient < 0 else '+'} {_bound(said, SUM + 1)}"

    def rights(self) -> Iterator[Said | None]:
        for road in self.sought.missing:
            yield self.total([road])

    def total(self, roads: Sequence[Road], arriving: str = "") -> Said | None:
        """A sum of right terms, behind what arrives from the step after."""
        terms = [self._term(road) for road in roads]
        if arriving:
            word = self.by_worth.get(arriving)
            terms.insert(0, f" + {_bound((word.text, word.binds), SUM)}" if word else None)
        if not terms or any(term is None for term in terms):
            return None
        text = "".join(term for term in terms if term)
        text = text[3:] if text.startswith(" +") else "-" + text[3:]
        return text, SUM if len(terms) > 1 else PRODUCT if roads[0].coefficient > 0 else SIGN


def _bound(said: Said, needed: int) -> str:
    return said[0] if said[1] >= needed else f"({said[0]})"
