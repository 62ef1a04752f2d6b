"""The derivation as a program: a Python function that needs NumPy only, printed from the same steps as the document."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gated.calculus.notation import break_lines, dimension_letters
from gated.calculus.numpy_names import NamedProgram
from gated.calculus.steps import Quantity, Steps
from gated.calculus.wording import Words
from gated.language.functions import FUNCTIONS
from gated.language.graph import ONE_DIM, Matrix, Node, is_constant, is_elementwise, is_reduction, topological
from gated.language.operations import ADD, ATOM
from gated.language.printing import drawn_as
from gated.language.reductions import JOINED, REDUCTIONS

WIDTH = 110
TERMS = 30  # of a sum without brackets


class _Program(NamedProgram):
    """Prints line by line."""

    def __init__(self, steps: Steps, words: Words) -> None:
        super().__init__(steps)
        self.words = words
        self.lines: list[str] = []

    def emit(self, line: str = "", indent: int = 1) -> None:
        self.lines.append(("    " * indent + line).rstrip())

    def comment(self, key: str, indent: int = 1) -> None:
        self.emit(f"# {self.words(key)}", indent)

    def assign(self, target: str, value: str, indent: int, operator: str = "=") -> None:
        line = f"{target} {operator} {value}"
        if len(line) + 4 * indent <= WIDTH:
            self.emit(line, indent)
            return
        self.emit(f"{target} {operator} (", indent)
        for part in break_lines(value, WIDTH - 4 * indent - 4):
            self.emit(part, indent + 1)
        self.emit(")", indent)

    def _names(self, opening: str, names: list[str], closing: str, line: str) -> None:
        """`line` in a loop; where it is too long, the names on lines of their own."""
        if len(line) + 8 <= WIDTH:
            self.emit(line, 2)
            return
        self.emit(opening, 2)
        for part in _chunks(names, WIDTH - 13):
            self.emit(f"{part},", 3)
        self.emit(closing, 2)

    def source(self) -> str:
        self._head()
        self._setup()
        self._forward()
        self._backward()
        self._through_matrices()
        dstates = _tuple(self.names[self.steps.received[name]] for name in self.graph.states)
        self.emit(f"return {self.y}, {self.final}, {self._all_dx}, {dstates}, {self.grads}")
        return "\n".join([*self._imports(), *self.lines]) + "\n"

    @property
    def _all_dx(self) -> str:
        return self.dx[0] if len(self.dx) == 1 else _tuple(self.dx)

    def _imports(self) -> list[str]:
        made = self.steps.made
        maps = [] if made is None else [*made.matrices.values(), *made.gradients.values()]
        nodes = topological([*self.definitions.values(), *self.backward, *maps])
        used = {node.attr for node in nodes if is_elementwise(node)}
        helpers = [row.helper for row in FUNCTIONS.values() if row.helper and row.name in used]
        reductions = [node for node in nodes if is_reduction(node)]
        helpers += [
            row.helper for row in REDUCTIONS.values() if row.helper and any(n.attr == row.name for n in reductions)
        ]
        if any(
            len(node.args) > 1 + REDUCTIONS[node.attr].numbers and not REDUCTIONS[node.attr].pairs
            for node in reductions
        ):
            helpers.append(JOINED)
        lines = ["import numpy as np", "", ""]
        for helper in helpers:
            lines += [*helper.rstrip().splitlines(), "", ""]
        return lines

    def _head(self) -> None:
        words, letters = self.words, dimension_letters(self.steps)
        arguments = [*self.arrays, *self.draws.values(), self.states, self.params, self.dy, self.dstates]
        arguments += [f"{name}={value!r}" for name, value in self.constants.items()]
        self.emit(f"def {self.function}({', '.join(arguments)}):", 0)
        self.emit(f'"""{words("np_doc", cell=self.graph.name)}')
        self.emit()
        dims = [letters[self.graph.dims[name]] for name in self.graph.states]
        sizes = [f"{name} (N, {dim})" for name, dim in zip(self.graph.states, dims, strict=True)]
        self.emit(f"{words('np_shapes')}")
        self.emit()
        for array, node in zip(self.arrays, self.inputs, strict=True):
            self.emit(f"{array}: (T, N, {letters[node.dim]}) {words('np_x')}")
        for node, array in self.draws.items():
            told = drawn_as(self.graph.draws[node.attr[1]], "text")
            self.emit(f"{array}: (T, N, {letters[node.dim]}) {words('np_draws')}, {array} {told}")
        self._listed(f"{self.states}: {words('np_states')}:", sizes)
        self.emit(f"{self.params}: {words('np_params')}:")
        by_shape: dict[str, list[str]] = {}
        for name, shape in self.graph.parameters.items():
            by_shape.setdefault(_tuple(letters[dim] for dim in shape), []).append(name)
        for text, members in by_shape.items():
            for part in _chunks(members, WIDTH - 20):
                self.emit(f"    {text}: {part}")
        self.emit(f"{self.dy}: (T, N, {dims[0]}) {words('np_dy', y=self.y)}")
        self._listed(f"{self.dstates}: {words('np_dstates')}:", sizes)
        self.emit()
        self.emit(words("np_returns", y=self.y, dx=self._all_dx))
        self.emit('"""')

    def _listed(self, head: str, sizes: list[str]) -> None:
        """A line of the docstring; where it is too long, the sizes below its head."""
        line = f"{head} {', '.join(sizes)}"
        if len(line) <= WIDTH:
            self.emit(line)
            return
        self.emit(head)
        for part in _chunks(sizes, WIDTH - 4):
            self.emit(f"    {part}")

    def _setup(self) -> None:
        families: dict[str, list[str]] = {}
        for name in self.graph.parameters:
            families.setdefault(name.split(".", 1)[0], []).append(name)
        if families:
            self.comment("np_parameters")
        for members in families.values():
            left = ", ".join(self.parameter[name] for name in members)
            right = ", ".join(f'{self.params}["{name}"]' for name in members)
            if len(left) + len(right) + 7 <= WIDTH:
                self.emit(f"{left} = {right}")
            else:
                for name in members:
                    self.emit(f'{self.parameter[name]} = {self.params}["{name}"]')
        for name, source in self.lengths.items():
            self.emit(f"{name} = {source}")
        if self.steps.matrices:
            self.comment("np_matrices")
        for node in self.steps.matrices:
            self.assign(self.names[node], self.printer.expression(node), 1)
        self.emitted: set[Node] = set()
        fixed = [q for q in self.written if q.fixed]
        if fixed or any(node.args[0] in self.fixed for node in self.shared):
            self.comment("np_fixed")
        for node in self.shared:
            if node.args[0] in self.vectors.values():
                self._shared_within([node], 1)
        for quantity in fixed:
            self._define(quantity, 1)
        self.emit()

    def _define(self, quantity: Quantity, indent: int) -> None:
        definition = self.definitions[quantity.symbol]
        self._shared_within(topological([definition]), indent)
        self.assign(self.names[quantity.symbol], self.printer.expression(definition), indent)
        if quantity.fixed:
            self._shared_within([node for node in self.shared if node.args[0] is quantity.symbol], indent)

    def _shared_within(self, nodes: Iterable[Node], indent: int) -> None:
        """Variables for the functions that occur both in these expressions and in the backward pass."""
        for node in nodes:
            if node in self.shared and node not in self.emitted:
                self.emitted.add(node)
                self.assign(self.names[node], self.printer.expression(node), indent)

    def _forward(self) -> None:
        previous = [self.names[node] for node in self.previous]
        self.comment("np_forward")
        self.emit(f"{self.T} = len({self.arrays[0]})")
        self.emit(f"{_targets(previous)} = {self.states}")
        self.emit(f"{self.y} = np.zeros(({self.T}, *{previous[0]}.shape), {self.arrays[0]}.dtype)")
        saved = self._saved()
        if saved:
            self.emit(f"{self.tape} = []")
        self.emit(f"for t in range({self.T}):")
        read = {node for q in self.written for node in topological([self.definitions[q.symbol]])}
        self._take_inputs(read | {*self.graph.outputs, *self.backward})
        for quantity in self.written:
            if not quantity.fixed:
                self._define(quantity, 2)
        new = [self._output(k) for k in range(len(previous))]
        self.emit(f"{self.y}[t] = {new[0]}", 2)
        if saved:
            self._names(f"{self.tape}.append((", saved, "))", f"{self.tape}.append({_tuple(saved)})")
        self.emit(f"{', '.join(previous)} = {', '.join(new)}", 2)
        self.emit(f"{self.final} = {_tuple(previous)}")
        self.emit()

    def _take_inputs(self, needed: Collection[Node]) -> None:
        for node, array in [*zip(self.inputs, self.arrays, strict=True), *self.draws.items()]:
            if node in needed:
                self.emit(f"{self.names[node]} = {array}[t]", 2)

    def _saved(self) -> list[str]:
        """The names of the values of a step that the backward pass needs, in the order in which they were made."""
        needed = {self.names[node] for node in self.backward if node in self.names}
        order = [*self.previous, *(q.symbol for q in self.written), *self.shared]
        return [
            self.names[node]
            for node in order
            if self.names[node] in needed and node not in self.fixed and not set(node.args) & self.fixed
        ]

    def _output(self, k: int) -> str:
        """The new state k; one that is the same for all sequences gets its rows here."""
        node = self.graph.outputs[k]
        symbol = next((q.symbol for q in self.steps.quantities if q.node is node), node)
        text = self.printer.term(symbol)
        whole = self.graph.dims[self.graph.states[k]]
        if symbol in self.fixed or is_constant(symbol) or node.dim == ONE_DIM != whole:
            return f"np.broadcast_to({text}, {self.names[self.previous[k]]}.shape)"
        return text

    def _backward(self) -> None:
        received = [self.names[self.steps.received[name]] for name in self.graph.states]
        self.comment("np_backward")
        self.emit(f"{_targets(received)} = {self.dstates}")
        for dx, array in zip(self.dx, self.arrays, strict=True):
            self.emit(f"{dx} = np.zeros_like({array})")
        held = [name for name in self.graph.parameters if name in self.graph.fixed]
        learned = f" if name not in {_tuple(map(repr, held))}" if held else ""
        self.assign(self.grads, f"{{name: np.zeros_like(value) for name, value in {self.params}.items(){learned}}}", 1)
        seeds = {} if self.steps.made is None else self.steps.made.seeds
        for name, seed in seeds.items():
            matrix = self.names[self.steps.made.matrices[name]]  # type: ignore[union-attr]
            self.emit(f"{self.names[seed]} = np.zeros_like({matrix})")
        self.emit(f"for t in reversed(range({self.T})):")
        self._take_inputs(self.backward)
        saved = self._saved()
        if saved:
            self._names("(", saved, f") = {self.tape}[t]", f"{_targets(saved)} = {self.tape}[t]")
        self.comment("np_adjoint", 2)
        for quantity in reversed(self.steps.quantities):
            total = self.totals[quantity.symbol]
            if not is_constant(total, 0.0):
                self.assign(self.names[quantity.adjoint], self._sum(total), 2)
        self._gradients()
        self._hand_on(received)

    def _gradients(self) -> None:
        lines: list[tuple[str, str]] = []
        for name, shape in self.graph.parameters.items():
            if name in self.graph.fixed:
                continue
            if len(shape) == 1:
                total = self.totals[self.vectors[name]]
                text = self._sum(total)
                atom = total in self.names
                terms = (
                    [] if is_constant(total, 0.0) else [f"{text}.sum(axis=0)" if atom else f"np.sum({text}, axis=0)"]
                )
            else:
                family, member = name.split(".", 1)
                pairs = self.steps.products.get(Matrix(family, member, shape[0], shape[1]), [])
                terms = [self._outer(delta, operand) for delta, operand in pairs]
            if terms:
                lines.append((f'{self.grads}["{name}"]', _grouped(terms)))
        made = {} if self.steps.made is None else self.steps.made.seeds
        for name, seed in made.items():
            pairs = self.steps.products.get(self.graph.made[name], [])
            if pairs:
                lines.append((self.names[seed], _grouped([self._outer(*pair) for pair in pairs])))
        if lines:
            self.comment("np_gradients", 2)
        for target, value in lines:
            self.assign(target, value, 2, "+=")

    def _through_matrices(self) -> None:
        """From the gradients of matrices that are made of parameters to those of these."""
        if self.steps.made is None or not self.steps.made.gradients:
            return
        self.comment("np_through")
        for name, node in self.steps.made.gradients.items():
            self.assign(f'{self.grads}["{name}"]', self.printer.term(node), 1, "+=")
        self.emit()

    def _sum(self, node: Node) -> str:
        """A sum, in brackets if it has so many terms that they would be too deep for Python."""
        terms: list[str] = []
        rest = node
        while rest not in self.names and rest.operation.signs in ((1, 1), (1, -1)):
            sign, binds = ("", ADD) if rest.operation.signs == (1, 1) else ("-", ADD + 1)
            terms.append(sign + self.printer.term(rest.args[1], binds))
            rest = rest.args[0]
        if len(terms) < TERMS:
            return self.printer.term(node)
        return _grouped([self.printer.term(rest, ADD), *reversed(terms)])

    def _outer(self, delta: Node, operand: Node) -> str:
        left, right = self.printer.term(delta, ATOM), self.printer.term(operand, ATOM)
        fixed = {*self.fixed, *self.vectors.values()}
        if delta in fixed:  # a matrix that is applied transposed
            return f"np.outer({left}, {right}.sum(axis=0))"
        if operand in fixed:
            return f"np.outer({left}.sum(axis=0), {right})"
        return f"{left}.T @ {right}"

    def _hand_on(self, received: list[str]) -> None:
        self.comment("np_handed", 2)
        for node, dx in zip(self.inputs, self.dx, strict=True):
            if not is_constant(self.totals[node], 0.0):
                self.assign(f"{dx}[t]", self._sum(self.totals[node]), 2)
        values = []
        for name, node in zip(received, self.previous, strict=True):
            total = self.totals[node]
            values.append(f"np.zeros_like({name})" if is_constant(total, 0.0) else self._sum(total))
        mixed = any(
            node in topological([self.totals[p]])
            for k, node in enumerate(self.steps.received.values())
            for p in self.previous[k + 1 :]
        )
        if mixed:  # a line must not change what a later line reads
            self.assign(", ".join(received), ", ".join(values), 2)
        else:
            for name, value in zip(received, values, strict=True):
                self.assign(name, value, 2)
        self.emit()


def numpy_program(steps: Steps, words: Words) -> str:
    """The source of a function `cell(x, states, params, dy, dstates) -> y, states, dx, dstates, grads`.

    x (T, N, D), dy (T, N, size of the first state), states and dstates tuples of (N, size); params and grads map
    "W.i" to arrays. Of several inputs each is an argument, and dx a tuple. The source imports nothing but numpy.
    """
    return _Program(steps, words).source()


def _grouped(terms: list[str]) -> str:
    """The sum of the terms."""
    if len(terms) <= TERMS:
        return " + ".join(terms)
    return " + ".join(f"({' + '.join(terms[k : k + TERMS])})" for k in range(0, len(terms), TERMS))


def _tuple(names: Iterable[str]) -> str:
    listed = list(names)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def _targets(names: list[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)


def _chunks(names: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += f", {name}"
        else:
            lines.append(name)
    return lines
