"""From what a traced function left behind to its graph: lengths are inferred, values get their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from gated.errors import CellError
from gated.language import graph as g
from gated.language.chance import expected, named_draws
from gated.language.families import Chain, Family, Joined, Member, members_of
from gated.language.limits import MAX_DOC, MAX_NAME, MAX_NODES, is_name, is_plain
from gated.language.matrices import matrix_of, parameters_of
from gated.language.matrix_shapes import unify_matrices
from gated.language.members import node_of
from gated.language.signature import Signature
from gated.language.symbols import Length, Symbol


@dataclass
class Trace:
    """What one run of the function left behind."""

    where: str
    variables: dict[str, Symbol]
    signature: Signature
    families: dict[str, Family]
    bindings: list[tuple[str, Symbol | Chain | Joined]]
    outputs: list[Symbol]

    @property
    def states(self) -> tuple[str, ...]:
        return self.signature.states

    def members(self) -> list[Member]:
        """All that the equations use; t of t[0], t[1] is none by itself."""
        found = [member for family in self.families.values() for member in members_of(family).values()]
        return [member for member in found if member._is_used or not member._indexed]

    def named(self) -> list[tuple[str, Symbol]]:
        """The bindings, but for products of matrices, and what is made of them, that were never used as a vector."""
        pairs = [(name, value if isinstance(value, Symbol) else value._symbol) for name, value in self.bindings]
        return [(name, symbol) for name, symbol in pairs if symbol is not None]


def build(function: Callable[..., Any], trace: Trace, output_names: tuple[str, ...]) -> g.Graph:
    """The graph of a traced function.

    Raises:
        CellError: shapes do not fit, something is not used, or the equations are too many.
    """
    for state, symbol in zip(trace.states, trace.outputs, strict=False):
        own = trace.variables[state]._length
        if symbol._length is not None:
            if own is None:
                raise CellError(
                    f"{symbol._place}: the state {state} is annotated as number, but its new value is a vector; "
                    "annotate nothing, or make one number of it"
                )
            own.unify(symbol._length)
    unify_matrices(trace.members(), trace.states)
    dims = _name_lengths(trace)

    def dim_of(symbol: Symbol) -> str:
        return g.ONE_DIM if symbol._length is None else dims[id(symbol._length.root())]

    parameters, places = _parameters(trace, dim_of)
    symbols = g.topological(trace.outputs, attrgetter("_args"))
    calls = {id(s): s for s in symbols if s._op == "leaf" and s._attr[0] == "draw"}
    taken = {*trace.variables, *trace.families, *trace.signature.constants, *output_names}
    draws = named_draws(calls, trace.named(), taken)
    nodes = _converted(trace.outputs, parameters, dim_of, {key: name for key, (name, _) in draws.items()})
    outputs = tuple(nodes[id(symbol)] for symbol in trace.outputs)
    graph = g.Graph(
        name=function.__name__.strip("<>"),  # a lambda's name is no word
        doc="".join(c if is_plain(c) else c.encode("unicode_escape").decode() for c in inspect.getdoc(function) or ""),
        inputs=tuple(n for n in trace.variables if n not in trace.states),
        states=trace.states,
        outputs=outputs,
        output_names=output_names,
        names=_names(trace, nodes, outputs, output_names),
        parameters=parameters,
        dims={name: dim_of(symbol) for name, symbol in trace.variables.items()},
        places=places,
        constants=dict(trace.signature.constants),
        draws=dict(draws.values()),
        fixed=frozenset(name for name in parameters if name.split(".")[0] in trace.signature.fixed),
        counts=dict(trace.signature.counts),
    )
    _check_all_used(graph, trace)
    _check_constants(graph, trace)
    _check_limits(graph, trace)
    return graph


def _converted(
    outputs: list[Symbol],
    shapes: dict[str, tuple[str, ...]],
    dim_of: Callable[[Symbol], str],
    draws: Mapping[int, str],
) -> dict[int, g.Node]:
    """id of a symbol -> its node, for all that the outputs need. Iterative, for a cell may be a long chain."""
    nodes: dict[int, g.Node] = {}
    for symbol in g.topological(outputs, attrgetter("_args")):
        if id(symbol) in draws:
            nodes[id(symbol)] = g.leaf("draw", draws[id(symbol)], dim_of(symbol))
        else:
            nodes[id(symbol)] = _convert(symbol, [nodes[id(arg)] for arg in symbol._args], shapes, dim_of)
    return nodes


def _convert(
    symbol: Symbol, args: list[g.Node], shapes: dict[str, tuple[str, ...]], dim_of: Callable[[Symbol], str]
) -> g.Node:
    if symbol._op == "constant":
        return g.constant(symbol._attr)
    if symbol._op == "leaf":
        kind, name = symbol._attr
        return g.leaf(kind, name, dim_of(symbol))
    if symbol._op == "product":
        matrix = node_of(symbol._attr, lambda member: _two(shapes[member.matrix_name()]))
        try:
            return g.product([matrix_of(matrix)], args)
        except CellError as error:
            raise CellError(f"{symbol._place}: {error}") from None
    if symbol._op == "reduce":
        return g.reduce(symbol._attr, *args)
    return g.call(symbol._attr, *args)


# lengths


def _name_lengths(trace: Trace) -> dict[int, str]:
    """A name of its own for every length: "input", "hidden" (where all states share one), a state's, an inner one."""
    roots: dict[int, Length] = {}
    for symbol in [*trace.variables.values(), *_all_symbols(trace)]:
        if symbol._length is not None:
            roots.setdefault(id(symbol._length.root()), symbol._length.root())
    inputs = [name for name in trace.variables if name not in trace.states]
    lengths = [trace.variables[name]._length for name in trace.states]
    state_roots = {id(length.root()) for length in lengths if length is not None}
    names: dict[int, str] = {}
    taken = {"input"}  # that of the first input, whatever a state may be called

    def take(key: int, wish: str) -> None:
        while wish in taken:
            wish += "_"
        taken.add(wish)
        names[key] = wish

    for key, root in roots.items():
        states = [name for name in trace.states if name in root.anchors]
        own = [name for name in inputs if name in root.anchors]
        if inputs[0] in root.anchors:
            names[key] = "input"
        elif own:  # what stands elementwise with an input is as long as that
            take(key, own[0])
        elif states:
            take(key, "hidden" if len(state_roots) == 1 else states[0])
        elif root.anchors:
            take(key, next(iter(root.anchors)))
    for name, symbol in trace.named():
        if symbol._length is not None and id(symbol._length.root()) not in names and name not in taken:
            take(id(symbol._length.root()), name)
    unnamed = sorted((key for key in roots if key not in names), key=lambda k: roots[k].serial)
    for number, key in enumerate(unnamed, 1):
        take(key, f"inner{number}")
    return names


def _all_symbols(trace: Trace) -> list[Symbol]:
    roots = [*trace.outputs, *(symbol for _, symbol in trace.named())]
    for member in trace.members():
        roots += [symbol for symbol, _ in member._products]
        roots += [member._vector] if member._vector is not None else []
    return g.topological(roots, attrgetter("_args"))


def _parameters(trace: Trace, dim_of: Callable[[Symbol], str]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The shape of every parameter, and the place of its first use."""
    shapes: dict[str, tuple[str, ...]] = {}
    places: dict[str, str] = {}
    for member in trace.members():
        name = member.matrix_name()
        if member._products:
            product, turned = member._products[0]
            both = dim_of(product), dim_of(product._args[0])
            shapes[name] = both[::-1] if turned else both
        elif member._is_number:
            shapes[name] = (g.ONE_DIM,)
        elif member._vector is not None:
            shapes[name] = (dim_of(member._vector),)
        places[name] = member._place
    return shapes, places


def _two(shape: tuple[str, ...]) -> tuple[str, str]:
    rows, cols = shape
    return rows, cols


# names


def _names(
    trace: Trace, nodes: dict[int, g.Node], outputs: tuple[g.Node, ...], output_names: tuple[str, ...]
) -> dict[g.Node, str]:
    """Node -> local name. An output has the name of its state; of several bindings of a name the last one holds."""
    names: dict[g.Node, str] = {}
    bindings = trace.named()
    last = dict(bindings)
    own = {node: name for name, node in reversed(list(zip(output_names, outputs, strict=True))) if not g.is_atom(node)}
    for name, symbol in bindings:
        node = nodes.get(id(symbol))
        if node is None or g.is_atom(node) or node in names:
            continue
        if node in own:
            names[node] = own[node]
        elif last[name] is symbol and name not in output_names and name not in trace.variables:
            names[node] = name
    for node, name in own.items():
        names.setdefault(node, name)
    return g.in_order(names, outputs)


# checks


def _check_all_used(graph: g.Graph, trace: Trace) -> None:
    reached = {name for node in graph.order for name in parameters_of(node)}
    constants = {node.attr[1] for node in graph.with_matrices if g.is_leaf(node, "constant")}
    constants |= {draw.value for draw in graph.draws.values() if isinstance(draw.value, str)}
    for name in graph.constants:
        if name not in constants:
            raise CellError(f"{trace.where}: the constant {name} is never used; use it or remove it from the signature")
    for name, family in trace.families.items():
        if not members_of(family):
            raise CellError(
                f"{trace.where}: the parameter family {name} is never used; use a member of it ({name}.i) or "
                f"remove it from the signature"
            )
        for member in members_of(family).values():
            if member.matrix_name() not in reached and (member._is_used or not member._indexed):
                raise CellError(
                    f"{member._place}: {member.matrix_name()} is never used: it does not reach any of the returned "
                    f"values ({', '.join(graph.output_names)}); use it or remove it"
                )


def _check_constants(graph: g.Graph, trace: Trace) -> None:
    """The equations may divide by a constant or by a draw's mean, or draw by a constant."""
    try:
        expected(graph)
    except CellError as error:
        raise CellError(f"{trace.where}: {error}") from None


def _check_limits(graph: g.Graph, trace: Trace) -> None:
    """What a file could not hold cannot be made either."""
    count = len(graph.with_matrices)
    if count > MAX_NODES:
        raise CellError(
            f"{trace.where}: the equations of {graph.name} have {count} values and operations, expected at "
            f"most {MAX_NODES}; a loop over time steps is no part of a cell, which is one step"
        )
    if len(graph.doc) > MAX_DOC:
        raise CellError(f"{trace.where}: the docstring has {len(graph.doc)} letters, expected at most {MAX_DOC}")
    parts = [part for name in graph.parameters for part in name.split(".")]
    for name in [graph.name, *graph.dims, *parts, *graph.names.values(), *graph.constants, *graph.counts]:
        if not is_name(name):
            raise CellError(f"{trace.where}: the name {name[:40]!r}, expected one word of at most {MAX_NAME} letters")
