"""From a Python function to an expression graph: run it once on symbols, watch its local names, infer the lengths."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from gated.errors import CellError
from gated.language import graph as g
from gated.language.functions import FUNCTIONS
from gated.language.symbols import Family, Length, Member, Symbol, lift


@dataclass
class _Trace:
    """What one run of the function left behind."""

    where: str
    variables: dict[str, Symbol]
    states: tuple[str, ...]
    families: dict[str, Family]
    bindings: list[tuple[str, Symbol]]
    outputs: list[Symbol]

    def members(self) -> list[Member]:
        return [member for family in self.families.values() for member in family._members.values()]


def trace_cell(function: Callable[..., Any]) -> g.Graph:
    """The graph of a cell: function(x, *states, *, families) -> the new states, in the same order.

    Raises:
        CellError: the function is not a cell; the message names file and line and says what to write.
    """
    where = _where(function)
    variables, families = _signature(function, where)
    if len(variables) < 2:
        raise CellError(
            f"{where}: the cell {function.__name__} has no state; write def cell(x, h, *, W, ...): the first "
            "positional argument is the input, the others are the states of the step before"
        )
    trace = _run(function, where, variables, families, states=tuple(variables[1:]))
    _check_returned_states(function, trace)
    return _build(function, trace, output_names=trace.states)


def trace_map(function: Callable[..., Any], output: str = "y") -> g.Graph:
    """The graph of a function without states: function(*inputs, *, families) -> one output (dense layers, losses)."""
    where = _where(function)
    variables, families = _signature(function, where)
    return _build(function, _run(function, where, variables, families, states=()), output_names=(output,))


def _where(function: Callable[..., Any]) -> str:
    if not inspect.isfunction(function):
        raise CellError(
            f"cell: got {type(function).__name__}, expected a plain Python function: write @gated.cell above a def"
        )
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        raise CellError(
            f"cell: got {function.__name__} with async or yield, expected a plain def that returns the states"
        )
    return f"{Path(function.__code__.co_filename).name}:{function.__code__.co_firstlineno}"


def _signature(function: Callable[..., Any], where: str) -> tuple[list[str], list[str]]:
    variables: list[str] = []
    families: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise CellError(
                f"{where}: the argument *{name} of a cell; every state and every parameter family has a name: "
                "write def cell(x, h, *, W, U, b)"
            )
        if parameter.default is not parameter.empty:
            raise CellError(
                f"{where}: the argument {name} has a default value; inputs, states and parameters are given "
                "by the layer: write the name alone, and plain numbers into the equations"
            )
        (families if parameter.kind is parameter.KEYWORD_ONLY else variables).append(name)
    if not variables:
        raise CellError(f"{where}: the cell has no positional argument; the first one is the input x")
    return variables, families


def _run(
    function: Callable[..., Any], where: str, names: Sequence[str], families: Sequence[str], states: tuple[str, ...]
) -> _Trace:
    variables = {name: Symbol("leaf", ("state" if name in states else "input", name), Length(name)) for name in names}
    family_symbols = {name: Family(name) for name in families}
    bindings: list[tuple[str, Symbol]] = []
    try:
        result = _watch(function, list(variables.values()), family_symbols, bindings)
    except CellError:
        raise
    except NameError as error:
        raise CellError(f"{_where_raised(function, error, where)}: {error}{_import_hint(error)}") from error
    except Exception as error:
        message = " ".join(str(error).split())
        raise CellError(
            f"{_where_raised(function, error, where)}: tracing the equations raised {type(error).__name__}: {message}"
        ) from error
    values = list(result) if isinstance(result, (tuple, list)) else [result]
    outputs = [_output(value, where) for value in values]
    return _Trace(where, variables, states, family_symbols, bindings, outputs)


def _where_raised(function: Callable[..., Any], error: BaseException, where: str) -> str:
    """The line of the function that raised, for an error that is not ours."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is function.__code__:
            return f"{Path(function.__code__.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where


def _import_hint(error: NameError) -> str:
    name = getattr(error, "name", None)
    row = FUNCTIONS.get(name) if name else None
    return f"; write: from gated import {name}" if row is not None and row.public else ""


def _output(value: Any, where: str) -> Symbol:
    if isinstance(value, bool) or not isinstance(value, (Symbol, Member, int, float, np.floating, np.integer)):
        what = (
            "None"
            if value is None
            else f"a {'parameter family' if isinstance(value, Family) else type(value).__name__}"
        )
        raise CellError(
            f"{where}: the cell returns {what}; write return h, c with the new states in the order of the arguments"
        )
    return lift(value)


def _watch(
    function: Callable[..., Any], args: list[Symbol], families: dict[str, Family], bindings: list[tuple[str, Symbol]]
) -> Any:
    """Call the function and record every (name, symbol) that its local names are bound to, in order."""
    code = function.__code__
    seen: dict[str, Any] = {}

    def compare(frame: FrameType) -> None:
        for name, value in frame.f_locals.items():
            if isinstance(value, Symbol) and seen.get(name) is not value:
                seen[name] = value
                bindings.append((name, value))

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        compare(frame)
        return local

    def start(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        seen.update(frame.f_locals)  # the arguments are no equations
        return local

    before = sys.gettrace()
    sys.settrace(start)
    try:
        return function(*args, **families)
    finally:
        sys.settrace(before)


def _check_returned_states(function: Callable[..., Any], trace: _Trace) -> None:
    states, returned = trace.states, trace.outputs
    order = ", ".join(states)
    if len(returned) != len(states):
        raise CellError(
            f"{trace.where}: the cell {function.__name__} returns {len(returned)} value(s) but has {len(states)} "
            f"state(s) ({order}); write return {order}"
        )
    last = {id(symbol): name for name, symbol in trace.bindings}
    for position, (state, symbol) in enumerate(zip(states, returned, strict=True)):
        name = last.get(id(symbol), state)
        if name != state and name in states and last.get(id(returned[states.index(name)])) != name:
            raise CellError(
                f"{trace.where}: the cell {function.__name__} returns {name} at place {position + 1}, where the "
                f"state {state} belongs; write return {order}"
            )


def _build(function: Callable[..., Any], trace: _Trace, output_names: tuple[str, ...]) -> g.Graph:
    for state, symbol in zip(trace.states, trace.outputs, strict=False):
        if symbol.length is not None:
            trace.variables[state].length.unify(symbol.length)  # type: ignore[union-attr]
    _unify_matrices(trace)
    dims = _name_lengths(trace)

    def dim_of(symbol: Symbol) -> str:
        return g.ONE_DIM if symbol.length is None else dims[id(symbol.length.root())]

    parameters, matrices, places = _parameters(trace, dim_of)
    nodes: dict[int, g.Node] = {}

    def convert(symbol: Symbol) -> g.Node:
        # iterative, for a cell may be a long chain
        stack = [symbol]
        while stack:
            current = stack[-1]
            missing = [arg for arg in current.args if id(arg) not in nodes]
            if missing:
                stack += missing
            else:
                nodes[id(stack.pop())] = _convert(current, [nodes[id(arg)] for arg in current.args], matrices, dim_of)
        return nodes[id(symbol)]

    outputs = tuple(convert(symbol) for symbol in trace.outputs)
    graph = g.Graph(
        name=function.__name__.strip("<>"),  # a lambda's name is no word
        doc=inspect.getdoc(function) or "",
        inputs=tuple(n for n in trace.variables if n not in trace.states),
        states=trace.states,
        outputs=outputs,
        output_names=output_names,
        names=_names(trace, nodes, outputs, output_names),
        parameters=parameters,
        dims={name: dim_of(symbol) for name, symbol in trace.variables.items()},
        places=places,
    )
    _check_all_used(graph, trace)
    return graph


def _convert(
    symbol: Symbol, args: list[g.Node], matrices: dict[str, g.Matrix], dim_of: Callable[[Symbol], str]
) -> g.Node:
    if symbol.op == "constant":
        return g.constant(symbol.attr)
    if symbol.op == "leaf":
        kind, name = symbol.attr
        return g.leaf(kind, name, dim_of(symbol))
    if symbol.op == "product":
        return g.product([matrices[symbol.attr.name]], args)
    if symbol.op == "reduce":
        return g.reduce(symbol.attr, args[0])
    return g.call(symbol.attr, *args)


def _unify_matrices(trace: _Trace) -> None:
    """A matrix has one shape. Conflicts are found only now, when all elementwise equations have been seen."""
    for member in trace.members():
        if not member.products:
            continue
        first = member.products[0]
        if first.args[0].length is None:
            raise CellError(f"{first.place}: {member.name} is applied to a plain number; a matrix needs a vector")
        for other in member.products[1:]:
            for mine, yours, role in ((first.args[0], other.args[0], "applied to"), (first, other, "giving")):
                a, b = mine.length.root(), yours.length.root()  # type: ignore[union-attr]
                if a is not b and a.anchors and b.anchors:
                    raise CellError(
                        f"{other.place}: the matrix {member.name} is used with two shapes: {role} a vector as long as "
                        f"{'/'.join(b.anchors)} here and as long as {'/'.join(a.anchors)} at {first.place}; "
                        "give each its own member name"
                    )
                a.unify(b)


def _name_lengths(trace: _Trace) -> dict[int, str]:
    """A name for every length: "input", "hidden" (where all states share one), a state's name, or an inner name."""
    roots: dict[int, Length] = {}
    for symbol in [*trace.variables.values(), *_all_symbols(trace)]:
        if symbol.length is not None:
            roots.setdefault(id(symbol.length.root()), symbol.length.root())
    inputs = [name for name in trace.variables if name not in trace.states]
    state_roots = {id(trace.variables[name].length.root()) for name in trace.states}  # type: ignore[union-attr]
    names: dict[int, str] = {}
    for key, root in roots.items():
        states = [name for name in trace.states if name in root.anchors]
        if inputs[0] in root.anchors:
            names[key] = "input"
        elif states:
            names[key] = "hidden" if len(state_roots) == 1 else states[0]
        elif root.anchors:
            names[key] = next(iter(root.anchors))
    for name, symbol in trace.bindings:
        if symbol.length is not None and id(symbol.length.root()) not in names and name not in names.values():
            names[id(symbol.length.root())] = name
    for key in sorted(roots, key=lambda k: roots[k].serial):
        if key not in names:
            names[key] = f"inner{sum(n.startswith('inner') for n in names.values()) + 1}"
    return names


def _all_symbols(trace: _Trace) -> list[Symbol]:
    found: dict[int, Symbol] = {}
    stack = [*trace.outputs, *(symbol for _, symbol in trace.bindings)]
    for member in trace.members():
        stack += member.products + ([member.vector] if member.vector is not None else [])
    while stack:
        symbol = stack.pop()
        if id(symbol) not in found:
            found[id(symbol)] = symbol
            stack += symbol.args
    return list(found.values())


def _parameters(
    trace: _Trace, dim_of: Callable[[Symbol], str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, g.Matrix], dict[str, str]]:
    shapes: dict[str, tuple[str, ...]] = {}
    matrices: dict[str, g.Matrix] = {}
    places: dict[str, str] = {}
    for member in trace.members():
        if member.products:
            rows, cols = dim_of(member.products[0]), dim_of(member.products[0].args[0])
            matrices[member.name] = g.Matrix(member.family, member.member, rows, cols)
            shapes[member.name] = (rows, cols)
        elif member.vector is not None:
            shapes[member.name] = (dim_of(member.vector),)
        places[member.name] = member.place
    return shapes, matrices, places


def _names(
    trace: _Trace, nodes: dict[int, g.Node], outputs: tuple[g.Node, ...], output_names: tuple[str, ...]
) -> dict[g.Node, str]:
    """Node -> local name. An output has the name of its state; of several bindings of a name the last one holds."""
    names: dict[g.Node, str] = {}
    last = {name: symbol for name, symbol in trace.bindings}
    own = {
        node: name
        for name, node in reversed(list(zip(output_names, outputs, strict=True)))
        if node.op not in ("leaf", "constant")
    }
    for name, symbol in trace.bindings:
        node = nodes.get(id(symbol))
        if node is None or node.op in ("leaf", "constant") or node in names:
            continue
        if node in own:
            names[node] = own[node]
        elif last[name] is symbol and name not in output_names and name not in trace.variables:
            names[node] = name
    for node, name in own.items():
        names.setdefault(node, name)
    return _in_order(names, outputs)


def _in_order(names: dict[g.Node, str], outputs: tuple[g.Node, ...]) -> dict[g.Node, str]:
    """The order in which the equations were written, unless a nameless output is needed before its turn."""
    position = {node: i for i, node in enumerate(names)}
    for node in names:
        if any(position.get(below, -1) > position[node] for below in g.topological([node])):
            order = {node: i for i, node in enumerate(g.topological(outputs))}
            return dict(sorted(names.items(), key=lambda item: order[item[0]]))
    return names


def _check_all_used(graph: g.Graph, trace: _Trace) -> None:
    reached = {m.name for node in graph.order if node.op == "product" for m in node.attr}
    reached |= {node.attr[1] for node in graph.order if g.is_leaf(node, "vector")}
    for name, family in trace.families.items():
        if not family._members:
            raise CellError(
                f"{trace.where}: the parameter family {name} is never used; use a member of it ({name}.i) or "
                f"remove it from the signature"
            )
        for member in family._members.values():
            if member.name not in reached:
                raise CellError(
                    f"{member.place}: {member.name} is never used: it does not reach any of the returned "
                    f"values ({', '.join(graph.output_names)}); use it or remove it"
                )
