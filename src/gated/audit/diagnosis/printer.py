"""Roads as formulas, in the names of the cell and the notation of its derivation."""

from __future__ import annotations

from gated.audit.diagnosis.backward_graph import DY, BackwardGraph
from gated.audit.diagnosis.roads import ALL, AT_LOSS, BUT_FIRST, BUT_LAST, FIRST, LAST, MEAN, Part, Road, Shift
from gated.calculus.notation import Notation
from gated.calculus.steps import AUXILIARY
from gated.language.graph import Matrix, Node
from gated.language.operations import ATOM, MULTIPLY

_NEXT = {"ₜ₋₂": "ₜ₋₁", "ₜ₋₁": "ₜ", "ₜ": "ₜ₊₁"}
_PREVIOUS = {"ₜ₋₁": "ₜ₋₂", "ₜ": "ₜ₋₁"}
_START = {"ₜ₊₁": "₁", "ₜ₋₁": "₋₁", "ₜ": "₀"}
_SUMS = {
    LAST: "(t = T) ",
    FIRST: "(t = 1) ",
    MEAN: "1/T Σₜ ",
    BUT_LAST: "Σ (t < T) ",
    BUT_FIRST: "Σ (t > 1) ",
    AT_LOSS: "Σₜ Σ (s ≤ t) ",
}


class RoadPrinter:
    """Writes the parts of mistakes, roads, and whole adjoints as sums of roads; vectors are columns."""

    def __init__(self, graph: BackwardGraph) -> None:
        self.graph = graph
        self.notation = Notation(graph.steps, latex=False)

    def adjoint(self, name: str) -> str:
        """dhₜ, δ_iₜ."""
        if name == DY:
            return self.notation.adjoint(self.notation.output)
        return self.notation.adjoint_of(self.graph.quantities[name])

    def part(self, part: Part) -> str:
        if isinstance(part, str):
            return self.adjoint(part)
        if isinstance(part, Matrix):
            return self.notation.matrix(part)
        if isinstance(part, (Shift, Node)):
            return self._factor(part, 0)
        return f"{part:.4g}"

    def legend(self, text: str) -> tuple[str, ...]:
        """What the auxiliary values are that a text speaks of, u1ₜ = rₜ ⊙ hₜ₋₁; those in their definitions too."""
        found: dict[str, str] = {}
        for quantity in reversed(self.graph.steps.quantities):
            name = self.notation.value(quantity)
            held = " ".join([text, *found.values()])
            if quantity.kind == AUXILIARY and quantity.name in held:
                found[name] = f"{name} = {self.notation.definition(quantity)}"
        return tuple(reversed(found.values()))

    def formula(self, name: str, roads: list[Road]) -> str:
        """δ_iₜ = dcₜ ⊙ gₜ ⊙ iₜ ⊙ (1 − iₜ), of a node or a gradient."""
        written = [self.road(road) for road in roads if road.coefficient]
        total = written[0] if written else "0"
        for term in written[1:]:
            total += f" − {term[1:]}" if term.startswith("−") else f" + {term}"
        if name in self.graph.starts:
            return _moved(f"d{self.graph.starts[name]}ₜ = {total}", _START)
        if name == "x":
            return f"dxₜ = {total}"
        if name in self.graph.gradients:
            masks = {ALL if _at_last(road) else road.mask for road in roads if road.coefficient}
            sums = _SUMS.get(masks.pop(), "Σₜ ") if len(masks) == 1 else "Σₜ "
            brackets = len(written) > 1
            return f"d{self.notation.parameter(name)} = {sums}" + (f"({total})" if brackets else total)
        return f"{self.adjoint(name)} = {total}"

    def road(self, road: Road, source: str = "") -> str:
        """One product: factors behind, matrices in front, brackets where a matrix is applied to a product."""
        text, is_product = source or self.adjoint(road.source), False
        if road.mask == AT_LOSS and not _at_last(road):
            text = text.replace("ₜ", "ₛ")
        for operation in road.operations:
            if isinstance(operation, Matrix):
                text = f"{self.notation.matrix(operation)} " + (f"({text})" if is_product else text)
            else:
                text, is_product = f"{text} ⊙ {self._factor(operation, MULTIPLY + 1)}", True
        if road.operand is not None:
            left = f"({text})" if is_product else text
            right = self._factor(road.operand, ATOM)
            text = f"{left} {right.replace('ₜ', '_T') if _at_last(road) else right}ᵀ"
        for _ in range(road.later):
            text = _moved(text, _NEXT)
        return _coefficient(road.coefficient) + text

    def way(self, road: Road) -> str:
        """What a road does to the adjoint at its start, for which a dot stands: · ⊙ oₜ ⊙ (1 − tanh(cₜ)²), U_iᵀ ·."""
        sums = _SUMS.get(road.mask, "Σₜ ") if road.operand is not None else ""
        return sums + self.road(road, source="·")

    def _factor(self, factor: Node | Shift, binds: int) -> str:
        if not isinstance(factor, Shift):
            return self.notation.printer.term(factor, binds)
        text = self.notation.printer.term(factor.node, binds)
        return _moved(text, _PREVIOUS if factor.by < 0 else _NEXT)


def _at_last(road: Road) -> bool:
    """Whether the loss, whose step its operand is taken from, is that of the last step."""
    return any(mistake.sentence == "at_last" for mistake in road.mistakes)


def _coefficient(value: float) -> str:
    if abs(value) == 1:
        return "−" if value < 0 else ""
    return f"{value:.4g} ".replace("-", "−")


def _moved(text: str, places: dict[str, str]) -> str:
    """The time indices of a formula exchanged, all at once."""
    marks = {old: chr(0xE000 + k) for k, old in enumerate(places)}
    for old, mark in marks.items():
        text = text.replace(old, mark)
    for old, mark in marks.items():
        text = text.replace(mark, places[old])
    return text
