"""The derivation as a document: six sections, written from the steps of one cell."""

from __future__ import annotations

from gated.calculus.markup import Markup, Row
from gated.calculus.notation import Notation, dimension_letters
from gated.calculus.steps import ARGUMENT, AUXILIARY, NAMED, Steps
from gated.calculus.wording import Words
from gated.language.graph import Matrix, Node, is_constant, is_leaf, is_product, leaf, topological
from gated.language.matrices import shape_of
from gated.language.naming import auxiliaries
from gated.language.operations import BOOK, Legend
from gated.language.printing import Printer, drawn_as, latex_symbol


class Document:
    """Writes the sections into a markup."""

    def __init__(self, steps: Steps, markup: Markup, words: Words) -> None:
        self.steps, self.graph = steps, steps.graph
        self.markup, self.words = markup, words
        self.notation = Notation(steps, markup.latex_math)
        self.by_symbol = {q.symbol: q for q in steps.quantities}
        self.inputs = [self.graph.input_leaf(name) for name in self.graph.inputs]
        self.previous = [self.graph.state_leaf(name) for name in self.graph.states]
        self.learned = [name for name in self.graph.parameters if name not in self.graph.fixed]

    def write(self) -> str:
        self.markup.title(self.words("title", cell=self.markup.escape(self.graph.name)))
        self.cell()
        self.sought()
        self.backward()
        self.handed()
        if self.learned:
            self.parameters()
        self.remarks()
        return self.markup.text()

    def say(self, key: str, **pieces: str) -> None:
        """A sentence; its pieces are formulas."""
        self.markup.paragraph(self.words(key, **{name: self.markup.math(text) for name, text in pieces.items()}))

    def formulas(self, formulas: list[str]) -> str:
        return self.words.join([self.markup.math(formula) for formula in formulas])

    def either(self, latex: str, text: str) -> str:
        return latex if self.notation.latex else text

    # 1

    def cell(self) -> None:
        self.markup.section(self.words("cell"))
        if self.graph.doc.strip() and (author := self.words("author")):
            self.markup.paragraph(author)
        for paragraph in self.graph.doc.strip().split("\n\n"):
            if paragraph.strip():
                self.markup.paragraph(self.markup.escape(" ".join(paragraph.split())))
        states = self.formulas([self.notation.leaf(node) for node in self.previous])
        x = self.formulas([self.notation.leaf(node) for node in self.inputs])
        key = "forward" if len(self.inputs) == 1 else "forward_more"
        self.markup.paragraph(self.words(key, x=x, states=states))
        self.markup.equations(self._equations())
        self._auxiliary()
        self._legend()

    def _equations(self) -> list[Row]:
        """The equations as `print` writes them, without the other names that the derivation adds."""
        named = {*self.graph.names, *auxiliaries(self.graph)}
        values = {q.node: self.notation.value(q) for q in self.steps.quantities if q.node in named}
        printer = Printer(self.notation.style, values)
        rows = [(text, printer.expression(node)) for node, text in values.items()]
        for name, node in zip(self.graph.states, self.graph.outputs, strict=True):
            if self.graph.names.get(node) != name:  # handed on, or another name of the same value
                rows.append((self.notation.symbol(name), printer.term(node)))
        return rows

    def _auxiliary(self) -> None:
        """The equations once more, as they are differentiated, where names were added."""
        added = [q for q in self.steps.quantities if q.kind != NAMED]
        matrices = self.steps.matrices
        if not added and not matrices:
            return
        self.markup.paragraph(self.words("auxiliary"))
        symbols = {q.symbol for q in added}

        def is_other(node: Node) -> bool:
            return node in symbols or (is_product(node) and any(matrix.of in matrices for matrix in node.attr))

        rows = [(self.notation.leaf(node), self.notation.printer.expression(node)) for node in matrices]
        rows += [
            (self.notation.value(q), self.notation.definition(q))
            for q in self.steps.quantities
            if q in added or any(map(is_other, topological([q.definition])))
        ]
        self.markup.equations(rows)

    def _legend(self) -> None:
        self.markup.paragraph(self.words("symbols"))
        entries = [self.words("time", t=self.markup.math("t"), T=self.markup.math("T"))]
        entries.append(self.words("hadamard", sign=self.markup.math(self.either(r"\odot", "⊙"))))
        if any(is_leaf(node, "ones") for node in self._all_nodes()):
            entries.append(self.words("ones", one=self.markup.math(self.either(r"\mathbf{1}_{H}", "1_H"))))
        self.markup.items([*entries, *self._added(), *self._functions(), *self._sizes()])

    def _added(self) -> list[str]:
        """What the names are that the cell has not."""
        value, entries = self.notation.value, []
        named = {q.name: q for q in self.steps.quantities if q.kind == NAMED}
        arguments = [q for q in self.steps.quantities if q.kind == ARGUMENT]
        if arguments:
            owners = self._few([value(named[q.owner]) for q in arguments])
            entries.append(self.words("arguments", names=self._few([value(q) for q in arguments]), owners=owners))
        parts = [value(q) for q in self.steps.quantities if q.kind == AUXILIARY]
        if parts:
            entries.append(self.words("parts", names=self._few(parts)))
        if self.steps.matrices:
            entries.append(self.words("matrices", names=self._few([*map(self.notation.leaf, self.steps.matrices)])))
        return entries

    def _few(self, formulas: list[str], most: int = 12) -> str:
        dots = [self.either(r"\ldots", "…")] if len(formulas) > most else []
        return self.formulas([*formulas[: most - 1], *dots, formulas[-1]] if dots else formulas)

    def _functions(self) -> list[str]:
        """What the functions of this cell mean, with their derivatives; what has the same legend has one entry."""
        used = {node.operation.name for node in self._all_nodes()}
        by_sentence: dict[str, list[Legend]] = {}
        for row in BOOK.values():
            if row.name in used and row.legend.needed:
                by_sentence.setdefault(row.legend.group or row.name, []).append(row.legend)
        math, notation = self.markup.math, int(self.notation.latex)
        constants = [f"{self._constant(name)} = {value:g}" for name, value in self.graph.constants.items()]
        known = [self.words("constants", names=self.formulas(constants))] if constants else []
        style = self.notation.style
        drawn = [f"{style.input(name)} {drawn_as(draw, style.name)}" for name, draw in self.graph.draws.items()]
        known += [self.words("draws", names=self.formulas(drawn))] if drawn else []
        held = [self.notation.parameter(name) for name in self.graph.parameters if name in self.graph.fixed]
        known += [self.words("fixed", names=self.formulas(held))] if held else []
        return known + [
            self.words.said(
                (legends[0].english, legends[0].chinese),
                f=self.words.join([math(legend.formula[notation]) for legend in legends]),
                d=math(legends[0].slope[notation]),
                a=math("a"),
            )
            for legends in by_sentence.values()
        ]

    def _constant(self, name: str) -> str:
        return latex_symbol(name) if self.notation.latex else name

    def _all_nodes(self) -> list[Node]:
        totals = [self.steps.total(node) for node in self._targets()]
        made = self.steps.made
        maps = [] if made is None else [*made.matrices.values(), *made.gradients.values()]
        return topological([*self.graph.outputs, *totals, *maps])

    def _targets(self) -> list[Node]:
        vectors = [leaf("vector", n, shape[0]) for n, shape in self.graph.parameters.items() if len(shape) == 1]
        return [*self.by_symbol, *self.previous, *self.inputs, *vectors]

    def _sizes(self) -> list[str]:
        """Which size everything has, one entry per size."""
        dims = _dimension_symbols(self.steps, self.notation.latex)
        groups: dict[str, list[str]] = {}
        values = [(self.notation.leaf(node), node.dim) for node in [*self.inputs, *self.previous]]
        values += [(self.notation.value(q), q.node.dim) for q in self.steps.quantities]
        for symbol, dim in values:
            groups.setdefault(dims[dim], []).append(symbol)
        shapes = {self.notation.parameter(name): shape for name, shape in self.graph.parameters.items()}
        shapes |= {self.notation.leaf(node): shape_of(node) for node in self.steps.matrices}
        for name, shape in shapes.items():
            size = self.either(r" \times ", " × ").join(dims[dim] for dim in shape)
            groups.setdefault(size, []).append(name)
        return [
            self.words("size", names=self.formulas(list(dict.fromkeys(names))), size=self.markup.math(size))
            for size, names in groups.items()
        ]

    # 2

    def sought(self) -> None:
        n, first = self.notation, self.graph.states[0]
        self.markup.section(self.words("sought"))
        ends = f"{n.output}_{{1}}, \\ldots, {n.output}_{{T}}" if n.latex else f"{n.output}₁, …, {n.output}_T"
        self.say("goal" if self.learned else "goal_without", E="E", outputs=ends)
        self.say("adjoint", definition=f"{n.adjoint('q')} := {n.loss_by(n.symbol('q'))}")
        argument = next((q for q in self.steps.quantities if q.kind == ARGUMENT), None)
        if argument is not None and n.delta_mark:
            self.say("delta", definition=f"{n.adjoint_of(argument)} := {n.loss_by(n.value(argument))}")
        self.markup.paragraph(self.words("from_outside"))
        y = f"{n.symbol(n.output)} = {n.symbol(first)}"
        received = self.formulas([n.received(name) for name in self.graph.states])
        last = self.formulas([n.received(name, "T") for name in self.graph.states])
        states = self.formulas([n.symbol(name) for name in self.graph.states])
        math = self.markup.math
        self.markup.items(
            [
                self.words("direct", dy=math(n.adjoint(n.output)), y=math(y)),
                self.words("received", received=received, states=states, last=last),
            ]
        )
        self.markup.paragraph(self.words("together"))
        self.markup.equations(self._beginnings())
        self._passed()

    def _beginnings(self) -> list[Row]:
        rows: list[Row] = []
        for symbol, arriving in self.steps.arriving.items():
            if is_leaf(symbol) and symbol.attr[0] in ("quantity", "state", "input"):
                text = " + ".join(self.notation.printer.term(node) for node in arriving)
                more = self.either(r" + \ldots", " + …") if self.steps.uses.get(symbol) else ""
                rows.append((self.notation.adjoint_of_leaf(symbol), text + more))
        return rows

    def _passed(self) -> None:
        for name, node in zip(self.graph.states, self.graph.outputs, strict=True):
            if is_leaf(node):
                self.say("passed", state=self.notation.symbol(name), target=self.notation.leaf(node))

    # 3

    def backward(self) -> None:
        self.markup.section(self.words("backward"))
        above, below = self.notation.symbol("P", ""), self.notation.symbol("q", "")
        self.say("order", P=self.either(rf"\frac{{\partial {above}}}{{\partial {below}}}", f"∂{above}/∂{below}"))
        for quantity in reversed(self.steps.quantities):
            value = self.notation.value(quantity)
            owner = next((q for q in self.steps.quantities if q.name == quantity.owner and q.kind == NAMED), None)
            if quantity.kind == ARGUMENT and owner is not None:
                self.say("argument", q=self.notation.value(owner), a=value)
            else:
                self.markup.subsection(self.markup.math(value))
                self._occurrences(quantity.symbol)
            self._block(quantity.symbol)

    def _occurrences(self, symbol: Node) -> None:
        users = self.formulas([self.notation.value(use.user) for use in self.steps.uses.get(symbol, [])])
        arriving = self.steps.arriving.get(symbol, [])
        key = "occurs"
        if arriving:
            key = "occurs_output" if self.steps.direct in topological(arriving) else "occurs_state"
            key += "_and" if users else ""
        elif not users:
            read = any(symbol in topological([q.definition]) for q in self.steps.quantities)
            key = "occurs_held" if read else "occurs_nowhere"
        self.markup.paragraph(self.words(key, q=self.markup.math(self.notation.leaf(symbol)), users=users))

    def _block(self, symbol: Node) -> None:
        """Chain rule, local derivatives, result."""
        n = self.notation
        adjoint, chain, total = n.adjoint_of_leaf(symbol), n.chain(symbol), n.total(symbol)
        rows = [(adjoint, chain)]
        rows += [(n.partial(use, symbol), n.slope(use)) for use in self.steps.uses.get(symbol, [])]
        if chain != total:
            rows.append((adjoint, total))
        self.markup.equations(rows)

    # 4

    def handed(self) -> None:
        self.markup.section(self.words("handed"))
        self.markup.paragraph(self.words("handed_why"))
        for node in [*self.previous, *self.inputs]:
            self.markup.subsection(self.markup.math(self.notation.leaf(node)))
            self._occurrences(node)
            self._block(node)
        received = self.formulas([self.notation.received(name, "0") for name in self.graph.states])
        key = "handed_last" if len(self.previous) == 1 else "handed_last_more"
        self.markup.paragraph(self.words(key, received=received))

    # 5

    def parameters(self) -> None:
        self.markup.section(self.words("parameters"))
        if self.steps.products:
            self.say("parameters_why", product="a = M v", outer=self.either(r"\delta\, v^{\top}", "δ vᵀ"))
        else:
            self.markup.paragraph(self.words("parameters_why_vector"))
        made = self.steps.made
        if made is not None:
            self.markup.paragraph(self.words("made", names=self._few([*map(self.notation.leaf, self.steps.matrices)])))
            self.markup.equations([self._of_made(self.graph.made[name], seed) for name, seed in made.seeds.items()])
        self.markup.equations([self._gradient(name) for name in self.learned])

    def _of_made(self, matrix: Matrix, seed: Node) -> Row:
        """The gradient of a matrix that is made of parameters."""
        terms = [self.notation.outer(delta, v) for delta, v in self.steps.products.get(matrix, [])]
        return self.notation.printer.term(seed), self.notation.summed(terms) if terms else "0"

    def _gradient(self, name: str) -> Row:
        shape = self.graph.parameters[name]
        if len(shape) == 1:
            symbol = leaf("vector", name, shape[0])
            terms = [self.notation.printer.term(node) for node in self.steps.arriving.get(symbol, [])]
            terms += [self.notation.printer.term(use.term) for use in self.steps.uses.get(symbol, [])]
        else:
            family, member = name.split(".", 1)
            matrix = Matrix(family, member, shape[0], shape[1])
            terms = [self.notation.outer(delta, v) for delta, v in self.steps.products.get(matrix, [])]
        text = self.notation.summed(terms) if terms else ""
        through = None if self.steps.made is None else self.steps.made.gradients.get(name)
        if through is not None:  # from the gradients of the matrices that are made of it
            text = self.notation.with_term(text, through)
        return self.notation.loss_by(self.notation.parameter(name)), text or "0"

    # 6

    def remarks(self) -> None:
        n, first = self.notation, self.graph.states[0]
        self.markup.section(self.words("remarks"))
        entries: list[str] = []
        math = self.markup.math
        if self.learned:
            entries.append(self.words("sum_remark"))
        carrying = [name for name in self.graph.states if self._is_carried(name)]
        if first in carrying:
            entries.append(
                self.words(
                    "output_remark",
                    h=math(n.symbol(first)),
                    dy=math(n.adjoint(n.output)),
                    received=math(n.received(first)),
                )
            )
        others = [name for name in carrying if name != first]
        if others:
            states = self.formulas([n.symbol(name) for name in others])
            received = self.formulas([n.received(name) for name in others])
            key = "state_remark" if len(others) == 1 else "state_remark_more"
            entries.append(self.words(key, states=states, received=received))
        symbols = [*self.by_symbol, *self.previous, *self.inputs]
        many = [symbol for symbol in symbols if self._roads(symbol) > 1]
        if many:
            names = self.formulas([n.leaf(symbol) for symbol in many])
            entries.append(self.words("roads_remark", names=names))
        self.markup.items(entries)

    def _is_carried(self, state: str) -> bool:
        """Whether an adjoint comes back from step t+1 for this state."""
        return not is_constant(self.steps.total(self.graph.state_leaf(state)), 0.0)

    def _roads(self, symbol: Node) -> int:
        return len(self.steps.arriving.get(symbol, [])) + len(self.steps.uses.get(symbol, []))


def _dimension_symbols(steps: Steps, latex: bool) -> dict[str, str]:
    letters = dimension_letters(steps)
    return {dim: latex_symbol(letter) if latex else letter for dim, letter in letters.items()}
