"""How the quantities of a derivation are written, in Unicode text and in LaTeX.

qₜ  value at step t       dqₜ  its adjoint ∂E/∂qₜ       δ_iₜ  adjoint of the argument of the function that gives i
dyₜ  what the loss at step t sends into the output      ds⁺ₜ  what step t+1 sends back into the state s
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from gated.calculus.steps import ARGUMENT, Quantity, Steps, Use
from gated.language.graph import ONE_DIM, Matrix, Node, is_constant, is_leaf, leaf
from gated.language.over_units import length
from gated.language.printing import LATEX, TEXT, Printer, Style, latex_symbol


class Notation:
    """Writes symbols, adjoints and expressions; `latex` chooses the notation."""

    def __init__(self, steps: Steps, latex: bool) -> None:
        self.steps, self.latex = steps, latex
        self.style: Style = replace(LATEX if latex else TEXT)
        variables = {*steps.graph.names.values(), *steps.graph.dims}
        # an adjoint must not look like a quantity of the cell
        self.adjoint_mark = "∇" if any(f"d{name}" in variables for name in variables) else "d"
        self.delta_mark = not any(name.startswith("δ") for name in variables)
        self.output = next(name for name in ("y", "out", "output", "yy") if name not in variables)
        self.names = self._names()
        self.printer = Printer(self.style, self.names)

    def _names(self) -> Mapping[Node, str]:
        names: dict[Node, str] = {}
        for quantity in self.steps.quantities:
            names[quantity.symbol] = names[quantity.definition] = self.value(quantity)
            names[quantity.adjoint] = self.adjoint_of(quantity)
        for node, name in self.steps.matrices.items():
            names[node] = self.symbol(name, "")
        if self.steps.made is not None:
            for name, seed in self.steps.made.seeds.items():
                names[seed] = self.adjoint(self.steps.matrices[self.steps.made.matrices[name]], "")
        letters = dimension_letters(self.steps)
        for dim, letter in letters.items():
            names[length(dim)] = latex_symbol(letter) if self.latex else letter
            names[leaf("ones", dim, dim)] = rf"\mathbf{{1}}_{{{latex_symbol(letter)}}}" if self.latex else f"1_{letter}"
        names[self.steps.direct] = self.adjoint(self.output)
        names.update((node, self.received(name)) for name, node in self.steps.received.items())
        return names

    # symbols

    def symbol(self, name: str, index: str = "t", mark: str = "") -> str:
        """A name with its time index "t", "t-1" or "" and, if wanted, a superscript."""
        if self.latex:
            return latex_symbol(name, index, mark=mark)
        return name + {"": "", "+": "⁺"}[mark] + {"": "", "t": "ₜ", "t-1": "ₜ₋₁", "T": "_T", "0": "₀"}[index]

    def value(self, quantity: Quantity) -> str:
        return self.symbol(quantity.name, "" if quantity.fixed else "t")

    def adjoint(self, name: str, index: str = "t", mark: str = "") -> str:
        if not self.latex:
            return self.adjoint_mark + self.symbol(name, index, mark)
        symbol = self.symbol(name, index, mark)
        space = r"\," if symbol.startswith((r"\mathrm", r"\text")) else ""  # d log, not dlog
        return {"d": r"\mathrm{d}", "∇": r"\nabla "}[self.adjoint_mark] + space + symbol

    def adjoint_of(self, quantity: Quantity) -> str:
        if quantity.kind == ARGUMENT and self.delta_mark:
            return self.symbol(f"δ_{quantity.owner}")
        return self.adjoint(quantity.name)

    def received(self, state: str, index: str = "t") -> str:
        return self.adjoint(state, index, "+")

    def leaf(self, node: Node) -> str:
        """A quantity, previous state, input or vector parameter."""
        return self.printer.term(node)

    def adjoint_of_leaf(self, node: Node) -> str:
        """What a step finds for a leaf: dqₜ, dxₜ, ds⁺ₜ₋₁."""
        quantity = next((q for q in self.steps.quantities if q.symbol is node), None)
        if quantity is not None:
            return self.adjoint_of(quantity)
        return self.received(node.attr[1], "t-1") if is_leaf(node, "state") else self.adjoint(node.attr[1])

    def loss_by(self, symbol: str) -> str:
        """∂E/∂(symbol)."""
        return rf"\frac{{\partial E}}{{\partial {symbol}}}" if self.latex else f"∂E/∂{symbol}"

    def parameter(self, name: str) -> str:
        return self.style.parameter(*name.split(".", 1))

    def matrix(self, matrix: Matrix) -> str:
        return self.printer.matrix(matrix)

    # expressions

    def definition(self, quantity: Quantity) -> str:
        return self.printer.expression(quantity.definition)

    def total(self, symbol: Node) -> str:
        return self.printer.term(self.steps.total(symbol))

    def partial(self, use: Use, symbol: Node) -> str:
        """∂P/∂q."""
        above, below = self.value(use.user), self.leaf(symbol)
        return rf"\frac{{\partial {above}}}{{\partial {below}}}" if self.latex else f"∂{above}/∂{below}"

    def chain_term(self, use: Use, symbol: Node) -> str:
        """dP ⊙ ∂P/∂q, or (∂P/∂q)ᵀ dP where a matrix is in between."""
        partial, adjoint = self.partial(use, symbol), self.adjoint_of(use.user)
        if not use.matrices and not use.summed:
            return rf"{adjoint} \odot {partial}" if self.latex else f"{adjoint} ⊙ {partial}"
        return rf"\left({partial}\right)^{{\top}} {adjoint}" if self.latex else f"({partial})ᵀ {adjoint}"

    def chain(self, symbol: Node) -> str:
        """The chain rule for one quantity: what arrives from outside, and one term per occurrence."""
        terms = [self.printer.term(node) for node in self.steps.arriving.get(symbol, [])]
        terms += [self.chain_term(use, symbol) for use in self.steps.uses.get(symbol, [])]
        return " + ".join(terms) or "0"

    def slope(self, use: Use) -> str:
        """∂P/∂q written out."""
        if not use.matrices:
            return self.printer.term(use.slope)
        text = ""
        for matrix, sign in use.matrices:
            minus = "-" if self.latex else "−"
            joint = (f" {minus} " if sign < 0 else " + ") if text else (minus if sign < 0 else "")
            text += joint + self.matrix(matrix)
        if not is_constant(use.slope, 0.0):
            slope = self.printer.term(use.slope)
            text += rf" + \mathrm{{diag}}({slope})" if self.latex else f" + diag({slope})"
        return text

    # sums over time

    def summed(self, terms: list[str]) -> str:
        body = " + ".join(terms)
        if len(terms) > 1 or _splits(body):
            body = rf"\left({body}\right)" if self.latex else f"({body})"
        return rf"\sum_{{t=1}}^{{T}} {body}" if self.latex else f"Σₜ {body}"

    def with_term(self, text: str, term: Node) -> str:
        """A sum with one term more."""
        more, minus = self.printer.term(term), "-" if self.latex else "−"
        if not text:
            return more
        return f"{text} {minus} {more[1:].lstrip()}" if more.startswith(minus) else f"{text} + {more}"

    def outer(self, delta: Node, operand: Node) -> str:
        """δ vᵀ, with brackets around anything that is more than a symbol."""
        left, right = self.printer.term(delta, 16), self.printer.term(operand, 100)
        return rf"{left}\, {right}^{{\top}}" if self.latex else f"{left} {right}ᵀ"


def dimension_letters(steps: Steps) -> dict[str, str]:
    """Dimension symbol of the graph -> letter: D inputs, H hidden, else H with the name of the state or quantity."""
    taken = {*steps.graph.names.values(), *steps.graph.dims, "T", "N", "E"}
    taken |= {name.split(".")[0] for name in steps.graph.parameters}
    letters = {ONE_DIM: "1", "input": next(c for c in ("D", "I", "F", "D_in") if c not in taken)}
    hidden = next(c for c in ("H", "K", "L", "H_") if c not in taken | set(letters.values()))
    dims = [*steps.graph.dims.values(), *(d for shape in steps.graph.parameters.values() for d in shape)]
    for dim in [*dims, *(q.node.dim for q in steps.quantities)]:
        own = letters["input"] if dim in steps.graph.input_dims.values() else hidden
        letters.setdefault(dim, hidden if dim == "hidden" else f"{own}_{dim}")
    return letters


def _splits(formula: str, inner: int = 0) -> list[int]:
    """Where a formula can be broken: the places of the + and - between the terms of its outermost sum, or of the sums
    within so many brackets."""
    places, depth, bars = [], 0, False
    for found in re.finditer(r"\\left|\\right|[(\[{)\]}|+−-]", formula):
        token, place = found[0], found.start()
        if token in ("\\left", "(", "[", "{"):
            depth += 1
        elif token in ("\\right", ")", "]", "}"):
            depth -= 1
        elif token == "|":
            bars = not bars  # |v|; in LaTeX \left and \right count as well
        elif depth <= inner and not bars and formula[place - 1 : place] == " " == formula[place + 1 : place + 2]:
            places.append(place)
    return places


def visible_length(formula: str) -> int:
    """About how many letters wide a formula is when set."""
    if "{" not in formula:
        return len(formula)
    return len(re.sub(r"[{}^_ ]", "", re.sub(r"\\[A-Za-z]+", "x", formula)))


def break_lines(formula: str, width: int) -> list[str]:
    """The formula in lines of at most about `width`, broken before a + or - of its outermost sum; where that is not
    enough, and no TeX, before those within brackets."""
    for inner in range(1 if "\\" in formula else 4):
        lines = _filled(formula, width, inner)
        if all(visible_length(line) <= width + 3 for line in lines):
            break
    return lines


def _filled(formula: str, width: int, inner: int) -> list[str]:
    places = [0, *_splits(formula, inner), len(formula)]
    lines: list[str] = []
    for begin, end in zip(places, places[1:], strict=False):
        piece = formula[begin:end].rstrip()
        if lines and visible_length(f"{lines[-1]} {piece}") <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return [line for line in lines if line] or [formula]
