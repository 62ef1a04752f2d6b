"""Writing expressions as equations: Unicode text, LaTeX, NumPy source. One printer, three styles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from gated.errors import wrong
from gated.language.chance import BERNOULLI, STEP, Draw
from gated.language.functions import FUNCTIONS
from gated.language.graph import (
    ONE_DIM,
    Graph,
    Matrix,
    Node,
    is_constant,
    is_elementwise,
    is_leaf,
    is_product,
    is_reduction,
    topological,
)
from gated.language.matrices import is_matrix, is_transposed, transposed
from gated.language.naming import auxiliaries
from gated.language.operations import ADD, ATOM, COMPARE, MULTIPLY, POWER, PRODUCT, Elementwise
from gated.language.over_units import Reduction
from gated.language.reductions import REDUCTIONS


@dataclass(frozen=True)
class Style:
    """How the atoms of one notation look."""

    name: str
    now: Callable[[str], str]  # a quantity at step t
    before: Callable[[str], str]  # a state at step t-1
    input: Callable[[str], str]
    parameter: Callable[[str, str], str]  # family, member
    matrix: Callable[[Matrix], str]
    transpose: str
    apply: Callable[[str, str], str]  # matrix, operand
    square: str
    scale: str  # a number times a vector
    number: Callable[[float], str]
    template: Callable[[Elementwise | Reduction], str]


def _text_number(value: float) -> str:
    return _plain_number(value).replace("-", "−")


def _plain_number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e9 else repr(value)


def fraction(value: float) -> tuple[int, int] | None:
    """p and q where p / q is this very number, is shorter than its digits, and 1 < q <= 1000."""
    if len(repr(value)) < 10 or not 1e-3 <= abs(value) <= 1e3:
        return None
    ratio = Fraction(value).limit_denominator(1000)
    p, q = ratio.numerator, ratio.denominator
    return (p, q) if q > 1 and p / q == value else None


_ACCENTS = {"tilde": "tilde", "hat": "hat", "bar": "bar", "dot": "dot"}
_COMBINING = {
    "\u0303": "tilde",
    "\u0302": "hat",
    "\u0304": "bar",
    "\u0307": "dot",
    "\u0301": "acute",
    "\u0300": "grave",
}


def latex_symbol(name: str, *indices: str, mark: str = "") -> str:
    """A name as a mathematical symbol: m_new is m with the index new, c_tilde and c̃ carry an accent, α is a command.

    Args:
        indices: further indices, behind those that the name has.
        mark: superscript.
    """
    base, *parts = [part for part in name.split("_") if part] or ["x"]
    if parts and parts[0] in _ACCENTS:
        base, parts = base + {v: k for k, v in _COMBINING.items()}[parts[0]], parts[1:]
    letter, digits = re.fullmatch(r"(.*?)(\d*)", base, re.DOTALL).groups()  # type: ignore[union-attr]
    if not letter:
        letter, digits = digits, ""
    index = [_latex_letters(part) for part in ([digits] if digits else []) + parts]
    index += [part for part in indices if part]
    lower = f"_{{{','.join(index)}}}" if index else ""
    return _latex_letters(letter) + (f"^{{{mark}}}" if mark else "") + lower


def _latex_letters(text: str) -> str:
    """One letter in italics, a word upright, with accents and Greek letters as commands."""
    result: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        name = unicodedata.name(character, "")
        if character in _COMBINING and result:
            result[-1] = rf"\{_COMBINING[character]}{{{result[-1]}}}"
        elif name.startswith("GREEK SMALL LETTER ") and name.split()[3].lower() in _GREEK and len(name.split()) == 4:
            result.append(rf"\{name.split()[3].lower()}".replace("lamda", "lambda"))
        elif name.startswith("GREEK CAPITAL LETTER ") and name.split()[3].lower() in _GREEK_CAPITALS:
            result.append(rf"\{name.split()[3].capitalize()}".replace("Lamda", "Lambda"))
        else:
            result.append(character)
    letters = "".join(result)
    if len(result) == 1 or letters.isdigit():
        return letters
    return rf"\mathrm{{{letters}}}" if letters.isascii() else rf"\text{{{letters}}}"


_GREEK_CAPITALS = frozenset({"gamma", "delta", "theta", "lamda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"})
_GREEK = _GREEK_CAPITALS | {"alpha", "beta", "epsilon", "zeta", "eta", "iota", "kappa", "mu", "nu", "rho", "tau", "chi"}


def _latex_parameter(family: str, member: str) -> str:
    return latex_symbol(family, *(_latex_letters(part) for part in member.split("_") if part))


TEXT = Style(
    "text",
    now=lambda n: f"{n}ₜ",
    before=lambda n: f"{n}ₜ₋₁",
    input=lambda n: f"{n}ₜ",
    parameter=lambda f, m: f"{f}_{m}",
    matrix=lambda m: f"{m.family}_{m.member}{'ᵀ' if m.transposed else ''}",
    transpose="{0}ᵀ",
    apply=lambda m, v: f"{m} {v}",
    square="{0}²",
    scale="{0} · {1}",
    number=_text_number,
    template=lambda row: row.text,
)
LATEX = Style(
    "latex",
    now=lambda n: latex_symbol(n, "t"),
    before=lambda n: latex_symbol(n, "t-1"),
    input=lambda n: latex_symbol(n, "t"),
    parameter=_latex_parameter,
    matrix=lambda m: _latex_parameter(m.family, m.member) + (r"^{\top}" if m.transposed else ""),
    transpose=r"{0}^{{\top}}",
    apply=lambda m, v: f"{m} {v}",
    square="{0}^{{2}}",
    scale=r"{0} \cdot {1}",
    number=_plain_number,
    template=lambda row: row.latex,
)
NUMPY = Style(
    "numpy",
    now=lambda n: n,
    before=lambda n: f"{n}_prev",
    input=lambda n: f"{n}_t",
    parameter=lambda f, m: f"{f}_{m}",
    matrix=lambda m: f"{m.family}_{m.member}{'' if m.transposed else '.T'}",
    transpose="{0}.T",
    apply=lambda m, v: f"{v} @ {m}",
    square="{0} * {0}",
    scale="{0} * {1}",
    number=repr,
    template=lambda row: row.source,
)

_BINDS = {ATOM: 0, COMPARE: ADD, ADD: ADD, MULTIPLY: MULTIPLY, POWER: ATOM}  # how strongly the arguments must bind
_RAISED = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

STYLES = {style.name: style for style in (TEXT, LATEX, NUMPY)}


class Printer:
    """Prints expressions in one style; `names` (node -> rendered text) says what is not to be written out."""

    def __init__(self, style: Style, names: Mapping[Node, str]) -> None:
        self.style, self.names = style, names
        self._written: dict[Node, tuple[str, int]] = {}

    def expression(self, node: Node) -> str:
        """The expression of the node itself, written out one level even if it has a name."""
        return self._write(node)[0]

    def term(self, node: Node, binds: int = 0) -> str:
        """The node as part of something that binds so strongly: its name, or its expression, in brackets if needed."""
        text, precedence = (self.names[node], ATOM) if node in self.names else self._write(node)
        if precedence >= binds:
            return text
        return rf"\left({text}\right)" if self.style.name == "latex" else f"({text})"

    def matrix(self, matrix: Matrix) -> str:
        """A matrix as what applies it needs it: in NumPy, transposed."""
        if matrix.of is None:
            return self.style.matrix(matrix)
        turned = matrix.transposed != (self.style.name == "numpy")
        return self.term(transposed(matrix.of) if turned else matrix.of, ATOM)

    def _write(self, node: Node) -> tuple[str, int]:
        """The text of a node and how strongly it binds; without recursion, for expressions may be deep."""

        def below(part: Node) -> list[Node]:
            return [arg for arg in part.args if arg not in self.names and arg not in self._written]

        for part in topological([node], below):
            if part not in self._written:
                self._written[part] = self._one(part)
        return self._written[node]

    def _one(self, node: Node) -> tuple[str, int]:
        """The same for a node whose arguments are written already."""
        if is_leaf(node):
            return self._leaf(*node.attr), ATOM
        if is_constant(node):
            return self._number(node.attr)
        if is_product(node):
            terms = [
                self.style.apply(self.matrix(m), self.term(v, POWER)) for m, v in zip(node.attr, node.args, strict=True)
            ]
            return " + ".join(terms), PRODUCT if len(terms) == 1 else ADD
        if is_transposed(node):
            return self.style.transpose.format(self.term(node.args[0], ATOM)), ATOM
        if is_reduction(node):
            return self._reduction(node)
        return self._call(node)

    def _reduction(self, node: Node) -> tuple[str, int]:
        row, numpy = REDUCTIONS[node.attr], self.style.name == "numpy"
        template = "np.sum({0})" if numpy and is_matrix(node.args[-1]) else self.style.template(row)  # over both axes
        numbers, vectors = node.args[: row.numbers], node.args[row.numbers :]
        if row.pairs:  # NumPy sums up the product
            parts = [self.term(arg, MULTIPLY if numpy else 0) for arg in vectors]
            joint = " * " if numpy else ", "
            sums = [template.format(f"{a}{joint}{b}") for a, b in zip(parts[::2], parts[1::2], strict=True)]
            return " + ".join(sums), ATOM if len(sums) == 1 else ADD
        whole = ", ".join(map(self.term, vectors))
        if numpy and len(vectors) > 1:
            whole = f"joined({whole})"
        return template.format(whole, *(self.term(arg, ADD) for arg in numbers)), ATOM

    def _number(self, value: float) -> tuple[str, int]:
        ratio = fraction(value)
        if ratio is not None:  # a derivative by a / 3 is 1 / 3, not 0.3333333333333333
            p, q = (self.style.number(float(n)) if self.style.name != "numpy" else str(n) for n in ratio)
            return (rf"\frac{{{p}}}{{{q}}}", ATOM) if self.style.name == "latex" else (f"{p} / {q}", ADD)
        return self.style.number(value), ATOM if value >= 0 else ADD

    def _leaf(self, kind: str, name: str) -> str:
        if kind in ("vector", "matrix"):
            return self.style.parameter(*name.split(".", 1))
        if kind in ("length", "ones"):
            return {"length": "{0}", "ones": "ones({0})"}[kind].format(name)
        if kind == "draw":
            return self.style.input(name)
        if kind == "constant":
            return latex_symbol(name) if self.style.name == "latex" else name
        return {"input": self.style.input, "state": self.style.before, "seed": self.style.now}[kind](name)

    def _call(self, node: Node) -> tuple[str, int]:
        row = FUNCTIONS[node.attr]
        if node.attr == "mul" and node.args[0] is node.args[1]:
            precedence = MULTIPLY if self.style.name == "numpy" else POWER
            return self.style.square.format(self.term(node.args[0], ATOM)), precedence
        if node.attr == "power" and is_constant(node.args[1]):
            return self._power(*node.args)
        if node.attr == "_kept" and self.style.name != "numpy":  # equal for all numbers that are finite
            term = node.args[1]
            return (self.names[term], ATOM) if term in self.names else self._written[term]
        template = self.style.template(row)
        if node.attr == "mul" and any(arg.dim == ONE_DIM for arg in node.args):
            template = self.style.scale  # a number times a vector is no elementwise product
        binds = (_BINDS[row.precedence],) * 2
        if node.attr in ("sub", "div") or (self.style.name == "numpy" and node.attr == "mul" and _scales(node.args[1])):
            binds = (binds[0], binds[1] + 1)
        if node.attr == "neg":
            binds = (PRODUCT, PRODUCT)
        if node.attr == "div" and self.style.name == "latex":
            binds = (0, 0)
        last = binds[1]
        strengths = [binds[0], *[last] * (row.arity - 1)]
        return template.format(*map(self.term, node.args, strengths)), row.precedence

    def _power(self, base: Node, exponent: Node) -> tuple[str, int]:
        text, number = self.term(base, ATOM), exponent.attr
        if self.style.name == "text" and number == int(number):
            return text + _text_number(number).translate(_RAISED), POWER
        written = self.term(exponent, ATOM if self.style.name != "latex" else 0)
        if self.style.name == "numpy" and number == int(number):
            written = str(int(number))
        return self.style.template(FUNCTIONS["power"]).format(text, written), POWER


def _scales(node: Node) -> bool:
    """v / w or a number times v: 1e300 * (v / 1e300) is a program's way to stay finite."""
    return is_elementwise(node) and (
        node.attr == "div" or (node.attr == "mul" and any(is_constant(arg) for arg in node.args))
    )


def drawn_as(draw: Draw, style: str) -> str:
    """How a draw is distributed: ~ Bernoulli(0.9)."""
    value = draw.value if isinstance(draw.value, str) else _plain_number(draw.value)
    if style == "latex":
        value = latex_symbol(value) if isinstance(draw.value, str) else value
        own = rf"\mathrm{{Bernoulli}}({value})" if draw.kind == BERNOULLI else rf"\mathcal{{N}}(0, {value}^{{2}})"
        once = "" if draw.per == STEP else r"\ \text{(once a sequence)}"
        return rf"\sim {own}{once}"
    if style == "numpy":
        own = f"bernoulli({value})" if draw.kind == BERNOULLI else f"normal({value})"
        return f"= {own}" if draw.per == STEP else f"= {own[:-1]}, per='sequence')"
    own = f"Bernoulli({value})" if draw.kind == BERNOULLI else f"N(0, {value}²)"
    return f"~ {own}" + ("" if draw.per == STEP else " (once a sequence)")


def style_named(style: str) -> Style:
    if not isinstance(style, str) or style not in STYLES:
        raise wrong("style", repr(style), f"one of {', '.join(STYLES)}")
    return STYLES[style]


def equations(graph: Graph, style: str = "text") -> list[str]:
    """The equations of a graph, one line each, in the order in which they are computed."""
    notation = style_named(style)
    names = {node: notation.now(name) for node, name in {**auxiliaries(graph), **graph.names}.items()}
    printer = Printer(notation, names)
    order = topological([*graph.names, *graph.outputs])  # that of the names, each after what it needs
    lines = [f"{notation.input(name)} {drawn_as(draw, style)}" for name, draw in graph.draws.items()]
    lines += [f"{names[node]} = {printer.expression(node)}" for node in order if node in names]
    for name, node in zip(graph.output_names, graph.outputs, strict=True):
        if graph.names.get(node) != name:  # a state that is passed on, or another name of the same value
            lines.append(f"{notation.now(name)} = {printer.term(node)}")
    return lines
