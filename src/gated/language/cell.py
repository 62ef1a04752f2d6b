"""A cell: its expression graph and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, overload

from gated.errors import CellError, describe, wrong, wrong_type
from gated.language import printing, serial
from gated.language.constants import with_constants
from gated.language.first_values import WORDS, first_values
from gated.language.graph import Graph
from gated.language.nested import called, is_symbolic
from gated.language.omission import without_family
from gated.language.tracing import trace_cell


class Cell:
    """A recurrent cell, made from its equations by `@gated.cell`.

    Attributes:
        graph: the expression graph.
        name, doc: the name and the docstring of the function.
        inputs: names of what is given at every step.
        states: names of the states, in the order of the arguments; the first is the output y.
        parameters: "W.i" -> dimension symbols, ("hidden", "input") for a matrix, ("hidden",) for a vector.
    """

    def __init__(self, graph: Graph, function: Callable[..., Any] | None = None) -> None:
        self.graph = graph
        self.name = graph.name
        self.doc = self.__doc__ = graph.doc or None
        self.__name__ = graph.name
        self.__wrapped__ = function

    def __copy__(self) -> Cell:
        return Cell(self.graph, self.__wrapped__)  # a graph never changes

    def __deepcopy__(self, memo: object) -> Cell:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        """A cell is pickled as its equations: the function is not needed, and may be a lambda or a notebook's."""
        return self.to_json()

    def __setstate__(self, state: dict[str, Any]) -> None:
        Cell.__init__(self, serial.graph_from_json(state))

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.graph.inputs

    @property
    def states(self) -> tuple[str, ...]:
        return self.graph.states

    @property
    def parameters(self) -> dict[str, tuple[str, ...]]:
        return self.graph.parameters

    def to_json(self) -> dict[str, Any]:
        """The equations as JSON-able data (no code)."""
        return serial.graph_to_json(self.graph)

    @staticmethod
    def from_json(data: Any) -> Cell:
        """A cell from `to_json` data.

        Raises:
            FileFormatError: the data are not a cell.
        """
        return Cell(serial.graph_from_json(data))

    @property
    def constants(self) -> dict[str, float | int]:
        """The numbers that the cell knows by name, and whole ones that were known while its equations were read."""
        return {**self.graph.constants, **self.graph.counts}

    def with_constants(self, **values: Any) -> Cell:
        """The same cell with other values of some constants: `leaky.with_constants(leak=0.1)`.

        A whole number (`depth=3` in the signature) has the equations read again, which a cell from a file cannot.

        Raises:
            ArgumentError, ArgumentTypeError: there is no such constant, or it cannot have this value.
        """
        graph, counts = self.graph, {name: value for name, value in values.items() if name in self.graph.counts}
        for name, value in counts.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise wrong_type(name, describe(value), "a whole number, as it is in the signature")
        if any(graph.counts[name] != value for name, value in counts.items()):
            if self.__wrapped__ is None:
                name, own = next((n, graph.counts[n]) for n, value in counts.items() if graph.counts[n] != value)
                raise wrong(name, f"{counts[name]} for a cell without its function", f"{own}, as its equations have it")
            graph = trace_cell(self.__wrapped__, {**graph.counts, **counts})
            graph = replace(with_constants(graph, self.graph.constants), init=self._first_values(graph))
        others = {name: value for name, value in values.items() if name not in counts}
        return Cell(with_constants(graph, others), self.__wrapped__)

    def _first_values(self, graph: Graph) -> dict[str, str]:
        """Those of this cell for the same equations read with other whole numbers: R.t3 begins as R.t0 does."""
        by_word = {name.rstrip("0123456789"): rule for name, rule in self.graph.init.items()}
        return {n: by_word[n.rstrip("0123456789")] for n in graph.parameters if n.rstrip("0123456789") in by_word}

    def without(self, family: str) -> Cell:
        """The same cell with a family of parameters left out, as if they were 0: `lstm.without("b")` has no biases.

        Raises:
            ArgumentError: there is no such family, or the equations do not allow it to be 0.
        """
        return Cell(without_family(self.graph, family))

    def equations(self, style: str = "text") -> list[str]:
        """One line per equation, in "text" (Unicode), "latex" or "numpy" (plain Python)."""
        return printing.equations(self.graph, style)

    def derive(self, format: str = "text", lang: str = "en") -> str:
        """The derivation of the backward pass, as a person would write it.

        Args:
            format: "text", "markdown", "latex", or "numpy" (a self-contained Python function).
            lang: "en" or "zh".

        Raises:
            ArgumentError: an unknown format or language.
        """
        from gated.calculus.derivation import derive  # the document is written to the right of the language

        return derive(self.graph, format, lang)

    def __str__(self) -> str:
        head = self.doc.strip().splitlines()[0] if self.doc else ""
        lines = [*self.equations(), *(f"(the state {name} is never read)" for name in self.graph.unread_states)]
        return "\n".join([f"{self.name}: {head}" if head else self.name, *(f"    {line}" for line in lines)])

    def __repr__(self) -> str:
        inputs = f"{', '.join(self.inputs)}, /" if len(self.inputs) > 1 else self.inputs[0]
        return f"<gated cell {self.name}({inputs}, {', '.join(self.states)}; {', '.join(self.parameters)})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """In the equations of another cell: `h, c = lstm(x, h, c, W=A, U=B, b=d)` are these equations with its names.

        Raises:
            CellError: arguments are missing or wrong; or it is called outside of equations.
        """
        if is_symbolic(args, kwargs):
            return called(self.graph, args, kwargs)
        raise CellError(
            f"the cell {self.name} is not called itself; build a layer: "
            f"gated.Recurrent({self.name}, input_size=..., hidden_size=...)"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cell):
            return False
        mine, theirs = (
            (graph.outputs, graph.states, graph.constants, graph.draws, graph.fixed, graph.init)
            for graph in (self.graph, other.graph)
        )
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.graph.outputs, self.states))


_MISSING = object()


@overload
def cell(function: Callable[..., Any], /) -> Cell: ...


@overload
def cell(*, init: Mapping[str, str]) -> Callable[[Callable[..., Any]], Cell]: ...


def cell(function: Any = _MISSING, /, *, init: Any = None) -> Any:
    """Make a cell from a function of its equations: `f(x, *states, *, families)` returning the new states.

    With several inputs they stand before a `/`: `f(x, mask, dt, /, *states, *, families)`. What is annotated as
    `gated.number` is one number, not a vector.

    Args:
        init: how parameters begin, where the cell's sense hangs on it, whatever the layer's own `init` says:
            {"p.tau": "log_uniform(1, 1000)"}; "S.*" is every member of S. The rules are those of
            `gated.nn.initialisation`. Fixed arrays without one begin at ones.

    Raises:
        CellError: the equations are wrong; the message names the line and says what to write instead.
    """
    if function is _MISSING:
        return lambda function: _cell(function, {} if init is None else init)
    return _cell(function, {} if init is None else init)


def _cell(function: Callable[..., Any], init: Any) -> Cell:
    graph = trace_cell(function)
    if init or not isinstance(init, dict):
        graph = replace(graph, init=first_values(init, graph.parameters, f"the cell {graph.name}", WORDS))
    return Cell(graph, function)
