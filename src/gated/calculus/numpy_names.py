"""What a derivation as a program needs beforehand: what is written out, what gets a variable, and every name."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Iterable
from dataclasses import replace

from gated.calculus.notation import dimension_letters
from gated.calculus.steps import ARGUMENT, Steps
from gated.language.functions import FUNCTIONS
from gated.language.graph import ONE_DIM, Node, is_elementwise, is_leaf, leaf, topological
from gated.language.over_units import is_size
from gated.language.printing import NUMPY, Printer


class _Identifiers:
    """Hands out Python names, each once; a name that is taken gets an underscore."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self.taken = set(reserved)

    def take(self, wish: str) -> str:
        while wish in self.taken or keyword.iskeyword(wish):
            wish += "_"
        self.taken.add(wish)
        return wish


class NamedProgram:
    """Names everything; who prints it line by line is `numpy_source`.

    Attributes:
        hidden: arguments of functions that only their function looks at: written where they stand.
        written: the quantities that are assigned to a variable.
        definitions: their symbols -> what is assigned.
        shared: functions of one variable that both passes look at: they get a variable too.
        totals: symbol -> its adjoint. `backward`: all that is visible in the backward pass.
        names, parameter: what a node, and a parameter, is called.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps, self.graph = steps, steps.graph
        self.inputs = [self.graph.input_leaf(name) for name in self.graph.inputs]
        self.previous = [self.graph.state_leaf(name) for name in self.graph.states]
        self.vectors = {n: leaf("vector", n, s[0]) for n, s in self.graph.parameters.items() if len(s) == 1}
        self.fixed = {q.symbol for q in steps.quantities if q.fixed} | set(self.vectors.values())
        self._plan()
        self._name()

    def _plan(self) -> None:
        """What the backward pass refers to, and what is therefore written out or given a variable."""
        steps = self.steps
        targets = [*(q.symbol for q in steps.quantities), *self.previous, *self.inputs, *self.vectors.values()]
        self.totals = {symbol: steps.total(symbol) for symbol in targets}
        pairs = [node for pair in steps.products.values() for both in pair for node in both]
        self.stops = {q.definition for q in steps.quantities}  # a saved value, not to be computed again
        backward = _visible([*self.totals.values(), *pairs], self.stops)
        self.hidden = {q.symbol: q for q in steps.quantities if q.kind == ARGUMENT and q.symbol not in backward}
        self.written = [q for q in steps.quantities if q.symbol not in self.hidden]
        self.definitions = {q.symbol: steps.definition(q, self.hidden) for q in self.written}
        forward = {n for q in self.written for n in topological([self.definitions[q.symbol]])}
        forward -= set(self.definitions.values())
        self.shared = [n for n in topological(backward) if n in backward and n in forward and _is_simple(n)]
        self.backward = _visible([*self.totals.values(), *pairs], self.stops | set(self.shared))

    def _name(self) -> None:
        graph, steps = self.graph, self.steps
        helpers = {row.name for row in FUNCTIONS.values() if row.helper}
        helpers |= {"inverse", "joined", "logsumexp"}
        take = _Identifiers({"np", "t", *helpers, *dir(builtins)} - {"input"}).take
        self.arrays = [take(name) for name in graph.inputs]
        drawn = {node.attr[1]: node for node in graph.order if is_leaf(node, "draw")}
        self.draws = {drawn[name]: take(name) for name in graph.draws}  # leaf -> the array that has them
        self.constants = {take(name): value for name, value in graph.constants.items()}
        leaves = [leaf("constant", name, ONE_DIM) for name in graph.constants]
        names: dict[Node, str] = dict(zip(leaves, self.constants, strict=True))
        names |= {q.symbol: take(q.name) for q in self.written}
        self.parameter = {name: take(name.replace(".", "_")) for name in graph.parameters}
        names.update((node, f"{take(node.attr[1] + '_prev')}") for node in self.previous)
        names.update((node, take(f"{node.attr[1]}_t")) for node in [*self.inputs, *self.draws])
        names.update(
            (node, take(f"{node.attr}_{names[node.args[0]]}")) for node in self.shared if node.args[0] in names
        )
        names.update((node, self.parameter[name]) for name, node in self.vectors.items())
        if steps.made is not None:
            names.update((node, self.parameter[name]) for name, node in steps.made.leaves.items())
            names.update((node, take(name)) for node, name in steps.matrices.items())
            seeds = {seed: steps.matrices[steps.made.matrices[name]] for name, seed in steps.made.seeds.items()}
            names.update((seed, take(f"d{name}")) for seed, name in seeds.items())
        for node in self.shared:
            names.setdefault(node, take(f"{node.attr}_{names[node.args[0]]}"))
        for q in steps.quantities:
            if q.symbol in names:
                names[q.definition] = names[q.symbol]
            label = f"delta_{q.owner}" if q.kind == ARGUMENT else f"d{q.name}"
            names[q.adjoint] = take(label)
        names.update((node, take(f"d{state}_next")) for state, node in steps.received.items())
        self.function = take(graph.name if graph.name.isidentifier() else "cell")
        words = ("states", "params", "dstates", "y", "dy", "grads", "tape", "T", "final_states")
        self.states, self.params, self.dstates, self.y, self.dy, self.grads, self.tape, self.T, self.final = map(
            take, words
        )
        self.dx = [take(f"d{name}") for name in graph.inputs]
        names[steps.direct] = f"{self.dy}[t]"
        self._name_lengths(names, take)
        style = replace(
            NUMPY,
            matrix=lambda m: self.parameter[m.name] + ("" if m.transposed else ".T"),
        )
        self.names, self.printer = names, Printer(style, names)

    def _name_lengths(self, names: dict[Node, str], take: Callable[[str], str]) -> None:
        """The lengths that derivatives know, by the letters of the shapes."""
        self.lengths: dict[str, str] = {}  # name -> where it is read off
        letters, sizes = dimension_letters(self.steps), dict.fromkeys(filter(is_size, topological(self.backward)))
        for dim in dict.fromkeys(node.attr[1] for node in sizes):
            name = take(letters[dim])
            self.lengths[name] = self._length(dim)
            names[leaf("length", dim, ONE_DIM)], names[leaf("ones", dim, dim)] = name, f"np.ones({name})"

    def _length(self, dim: str) -> str:
        """Where a length can be read off: an input, a state, a parameter."""
        found = [f"{array}.shape[-1]" for array, node in zip(self.arrays, self.inputs, strict=True) if node.dim == dim]
        found += [f"{self.states}[{k}].shape[-1]" for k, node in enumerate(self.previous) if node.dim == dim]
        for name, shape in self.graph.parameters.items():
            found += [f"{self.parameter[name]}.shape[{axis}]" for axis, own in enumerate(shape) if own == dim]
        return found[0]


def _visible(roots: Iterable[Node], stops: Iterable[Node]) -> dict[Node, None]:
    """All parts of the expressions, without those of a stop; in an order that is the same in every process."""
    stop = set(stops)
    return dict.fromkeys(topological(roots, lambda node: () if node in stop else node.args))


def _is_simple(node: Node) -> bool:
    """φ(v) of one variable v."""
    return (
        is_elementwise(node)
        and len(node.args) == 1
        and is_leaf(node.args[0])
        and node.operation.signs is None
        and node.args[0].attr[0] != "seed"
    )
