"""The graph of a cell as JSON-able data and back. Reading runs no code and trusts nothing: files may be hostile.

What is built while reading is bounded (`limits`), and so is what is said of it: pieces of the data are cut to 100
letters and their control characters escaped, a message has at most 300.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from gated.errors import CellError, FileFormatError, shown
from gated.language import graph as g
from gated.language.chance import BERNOULLI, NORMAL, SEQUENCE, STEP, Draw, bad_value, expected
from gated.language.first_values import is_rule
from gated.language.functions import FUNCTIONS
from gated.language.limits import MAX_DOC, MAX_NAME, MAX_NODES, is_name, is_plain
from gated.language.matrices import is_matrix, matrix_leaf, matrix_of, parameters_of, shape_of, transposed
from gated.language.reductions import REDUCTIONS

_LONGEST = 300  # letters of a message


def graph_to_json(graph: g.Graph) -> dict[str, Any]:
    order = graph.with_matrices
    index = {node: i for i, node in enumerate(order)}

    def attr(node: g.Node) -> Any:
        if g.is_product(node):  # a matrix that is made of parameters is the node that makes it
            return [m.name if m.of is None else index[m.of] for m in node.attr]
        return list(node.attr) if g.is_leaf(node) else node.attr

    nodes = [[node.op, attr(node), node.dim, [index[arg] for arg in node.args]] for node in order]
    return {
        "format": 1,
        "name": graph.name,
        "doc": graph.doc,
        "inputs": list(graph.inputs),
        "states": list(graph.states),
        "output_names": list(graph.output_names),
        "outputs": [index[node] for node in graph.outputs],
        "parameters": {name: list(shape) for name, shape in graph.parameters.items()},
        "dims": graph.dims,
        "nodes": nodes,
        "names": [[index[node], name] for node, name in graph.names.items()],
        # what not every cell has: older versions read the others
        **({"constants": graph.constants} if graph.constants else {}),
        **({"counts": graph.counts} if graph.counts else {}),
        **({"draws": _drawn(graph)} if graph.draws else {}),
        **({"fixed": sorted(graph.fixed)} if graph.fixed else {}),
        **({"init": graph.init} if graph.init else {}),
    }


def _drawn(graph: g.Graph) -> dict[str, list[Any]]:
    dims = {node.attr[1]: node.dim for node in graph.order if g.is_leaf(node, "draw")}
    return {name: [*draw, dims[name]] for name, draw in graph.draws.items()}


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise FileFormatError(shown(f"cell: {message}", _LONGEST))


def _quoted(value: Any) -> str:
    return f"'{shown(value)}'"


def _strings(data: dict[str, Any], key: str) -> tuple[str, ...]:
    value: Any = data.get(key)
    _need(
        isinstance(value, list) and len(value) <= MAX_NODES and all(map(is_name, value)),
        f"{key!r} is {_quoted(value)}, expected a list of names",
    )
    return tuple(value)


def _index(value: Any, bound: int, what: str) -> int:
    _need(type(value) is int and 0 <= value < bound, f"{what} refers to node {shown(value)} of {bound}")
    return int(value)


def graph_from_json(data: Any) -> g.Graph:
    """The graph that `graph_to_json` wrote.

    Raises:
        FileFormatError: anything in the data is not as written; the message names it.
    """
    _need(isinstance(data, dict), f"got {type(data).__name__}, expected an object with nodes and names")
    _need(data.get("format") == 1, f"format is {_quoted(data.get('format'))}, expected 1 (written by a newer gated?)")
    inputs, states, output_names = (_strings(data, key) for key in ("inputs", "states", "output_names"))
    variables = inputs + states
    _need(
        bool(states) and len(set(variables)) == len(variables), "the names of inputs and states must exist and differ"
    )
    _need(bool(inputs), "no input, expected at least one")
    parameters = _parameters(data.get("parameters"), variables)
    dims = data.get("dims")
    _need(
        isinstance(dims, dict) and set(dims) == set(variables) and all(map(_is_dim, dims.values())),
        "'dims' must give a dimension for every input and state",
    )
    first = dims[inputs[0]]
    _need(first in ("input", g.ONE_DIM), f"the input has dimension {_quoted(first)}, expected 'input'")
    constants = _numbers_by_name(data, "constants", (int, float), variables)
    counts = _numbers_by_name(data, "counts", (int,), (*variables, *constants))
    draws, lengths = _draws(data.get("draws", {}), constants, (*variables, *constants, *counts))
    nodes = _Reader(parameters, {**dims, **lengths}, inputs, states, constants, draws).read(data.get("nodes"))
    outputs = data.get("outputs")
    _need(isinstance(outputs, list) and len(outputs) == len(output_names), "'outputs' must fit 'output_names'")
    _need(states == output_names, "a cell's outputs must be its states")
    new = tuple(nodes[_index(i, len(nodes), "outputs")] for i in outputs)
    for name, node in zip(states, new, strict=True):
        _need(
            node.dim in (dims[name], g.ONE_DIM),
            f"state {name} has dimension {shown(dims[name])} but its equation {shown(node.dim)}",
        )
        _need(not node.operation.decides, f"state {name} is a comparison")
    graph = g.Graph(
        name=_name(data),
        doc=_doc(data),
        inputs=inputs,
        states=states,
        outputs=new,
        output_names=output_names,
        names=g.in_order(_names(data.get("names"), nodes, inputs, dict(zip(states, new, strict=True))), new),
        parameters=parameters,
        dims=dims,
        constants=constants,
        counts=counts,
        draws=draws,
        fixed=_fixed(data.get("fixed", []), parameters),
        init=_init(data.get("init", {}), parameters),
    )
    used = {name for node in graph.order for name in parameters_of(node)}
    for name in parameters:
        _need(name in used, f"no equation uses the parameter {shown(name)}")
    known = {node.attr[1] for node in graph.with_matrices if g.is_leaf(node, "constant")}
    known |= {draw.value for draw in draws.values()}
    made = {node.attr[1] for node in graph.order if g.is_leaf(node, "draw")}
    for name in draws:
        _need(name in made, f"no equation uses the draw {shown(name)}")
    for name in constants:
        _need(name in known, f"no equation uses the constant {shown(name)}")
    try:
        expected(graph)
    except CellError as error:
        raise FileFormatError(shown(f"cell: {error}", _LONGEST)) from None
    return graph


def _numbers_by_name(data: dict[str, Any], key: str, kinds: tuple[type, ...], taken: tuple[str, ...]) -> dict[str, Any]:
    value: Any = data.get(key, {})
    _need(isinstance(value, dict) and len(value) <= MAX_NODES, f"{key!r} must be an object of at most {MAX_NODES}")
    for name, number in value.items():
        fits = type(number) in kinds and abs(number) < 2**53 if type(number) is int else type(number) in kinds
        fits = fits and math.isfinite(number)
        what = f"{key} '{shown(name, 40)}' is {_quoted(number)}"
        _need(is_name(name) and name not in taken and fits, f"{what}, expected a finite number under a free name")
    return {name: float(number) if float in kinds else number for name, number in value.items()}


def _draws(
    value: Any, constants: Mapping[str, float], taken: tuple[str, ...]
) -> tuple[dict[str, Draw], dict[str, str]]:
    """The draws and their dimensions."""
    _need(isinstance(value, dict) and len(value) <= MAX_NODES, f"'draws' must be an object of at most {MAX_NODES}")
    found, dims = {}, {}
    for name, row in value.items():
        fits = (
            isinstance(row, list)
            and len(row) == 4
            and _is_dim(row[3])
            and row[0] in (BERNOULLI, NORMAL)
            and row[2] in (STEP, SEQUENCE)
        )
        fits = fits and is_name(name) and name not in taken
        if fits and isinstance(row[1], str):
            fits = row[1] in constants
        elif fits:
            fits = type(row[1]) in (int, float) and not bad_value(row[0], row[1])
        _need(
            fits,
            f"draw '{shown(name, 40)}' is {_quoted(row)}, expected a distribution, a number and 'step' or 'sequence'",
        )
        found[name] = Draw(row[0], row[1] if isinstance(row[1], str) else float(row[1]), row[2])
        dims[name] = row[3]
    return found, dims


def _fixed(value: Any, parameters: Collection[str]) -> frozenset[str]:
    fits = isinstance(value, list) and all(isinstance(name, str) and name in parameters for name in value)
    _need(fits, f"'fixed' is {_quoted(value)}, expected a list of parameters")
    return frozenset(value)


def _init(value: Any, parameters: Collection[str]) -> dict[str, str]:
    fits = isinstance(value, dict) and all(name in parameters and is_rule(rule) for name, rule in value.items())
    _need(fits, f"'init' is {_quoted(value)}, expected parameters and rules such as 'uniform(0, 1)'")
    return dict(value)


def _is_dim(value: Any) -> bool:
    return value == g.ONE_DIM or is_name(value)


def _name(data: dict[str, Any]) -> str:
    value = data.get("name")
    _need(is_name(value), f"'name' is {_quoted(value)}, expected one word of at most {MAX_NAME} letters")
    return str(value)


def _doc(data: dict[str, Any]) -> str:
    value = data.get("doc")
    _need(
        isinstance(value, str) and len(value) <= MAX_DOC and is_plain(value),
        f"'doc' is {_quoted(value)}, expected a text of at most {MAX_DOC} letters without control characters",
    )
    return str(value)


def _parameters(value: Any, variables: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    _need(isinstance(value, dict) and len(value) <= MAX_NODES, f"'parameters' must be an object of at most {MAX_NODES}")
    for name, shape in value.items():
        parts = name.split(".") if isinstance(name, str) else []
        _need(
            len(parts) == 2 and all(map(is_name, parts)) and parts[0] not in variables,
            f"parameter name {_quoted(name)} is not family.member",
        )
        _need(
            isinstance(shape, list) and len(shape) in (1, 2) and all(map(_is_dim, shape)),
            f"parameter {shown(name)} has shape {_quoted(shape)}, expected one or two dimension names",
        )
    return {name: tuple(shape) for name, shape in value.items()}


class _Reader:
    """Reads nodes, each of which may refer to those before it."""

    def __init__(
        self,
        parameters: dict[str, tuple[str, ...]],
        dims: dict[str, str],
        inputs: tuple[str, ...],
        states: tuple[str, ...],
        constants: Collection[str] = (),
        draws: Collection[str] = (),
    ) -> None:
        self.parameters, self.dims = parameters, dims
        self.leaves = {
            "input": set(inputs),
            "state": set(states),
            "constant": set(constants),
            "draw": set(draws),
            "vector": {name for name, shape in parameters.items() if len(shape) == 1},
            "matrix": {name for name, shape in parameters.items() if len(shape) == 2},
        }

    def read(self, value: Any) -> list[g.Node]:
        _need(
            isinstance(value, list) and 0 < len(value) <= MAX_NODES, f"'nodes' must be a list of 1 to {MAX_NODES} nodes"
        )
        nodes: list[g.Node] = []
        for row in value:
            here = f"node {len(nodes)}"
            _need(
                isinstance(row, list) and len(row) == 4 and isinstance(row[3], list) and len(row[3]) <= MAX_NODES,
                f"{here} must be [op, attr, dim, args]",
            )
            op, attr, dim, args = row
            node = self._node(here, op, attr, [nodes[_index(i, len(nodes), here)] for i in args], nodes)
            # a function of numbers alone has been computed: it is a number, of the same dimension
            _need(node.dim == dim, f"{here} has dimension {_quoted(dim)}, expected '{shown(node.dim)}'")
            nodes.append(node)
        return nodes

    def _node(self, here: str, op: Any, attr: Any, args: list[g.Node], nodes: list[g.Node]) -> g.Node:
        atoms = {"leaf": self._leaf, "constant": self._constant}
        kinds = {**atoms, "transpose": self._transpose, "call": self._call, "reduce": self._reduce}
        _need(isinstance(op, str) and (op in kinds or op == "product"), f"{here}: unknown operation {_quoted(op)}")
        return self._product(here, attr, args, nodes) if op == "product" else kinds[op](here, attr, args)

    def _leaf(self, here: str, attr: Any, args: list[g.Node]) -> g.Node:
        _need(
            isinstance(attr, list) and len(attr) == 2 and all(isinstance(a, str) for a in attr) and not args,
            f"{here} is no leaf",
        )
        kind, name = attr
        _need(name in self.leaves.get(kind, ()), f"{here}: there is no {shown(kind)} {_quoted(name)}")
        if kind == "matrix":
            rows, cols = self.parameters[name]
            return matrix_leaf(name, rows, cols)
        if kind == "constant":
            return g.leaf(kind, name, g.ONE_DIM)
        return g.leaf(kind, name, self.parameters[name][0] if kind == "vector" else self.dims[name])

    def _constant(self, here: str, attr: Any, args: list[g.Node]) -> g.Node:
        _need(
            (type(attr) is int and abs(attr) < 2**53) or (type(attr) is float and math.isfinite(attr)),
            f"{here} is no finite number",
        )
        _need(not args, f"{here} is a number with arguments")
        return g.constant(attr)

    def _transpose(self, here: str, attr: Any, args: list[g.Node]) -> g.Node:
        _need(
            attr is None and len(args) == 1 and is_matrix(args[0]) and not args[0].operation.decides,
            f"{here} must be the transpose of one matrix",
        )
        return transposed(args[0])

    def _product(self, here: str, attr: Any, args: list[g.Node], nodes: list[g.Node]) -> g.Node:
        _need(
            isinstance(attr, list) and len(attr) == len(args) == 1, f"{here} must be one matrix applied to one vector"
        )
        if type(attr[0]) is int:
            there = 0 <= attr[0] < len(nodes) and is_matrix(nodes[attr[0]]) and not nodes[attr[0]].operation.decides
            _need(there, f"{here}: there is no matrix {_quoted(attr[0])}")
            node = nodes[attr[0]]
            shape = shape_of(node)
        else:
            known = self.parameters.get(attr[0], ()) if isinstance(attr[0], str) else ()
            _need(len(known) == 2, f"{here}: there is no matrix {_quoted(attr[0])}")
            shape = known[0], known[1]
            node = matrix_leaf(attr[0], *shape)
        _need(not args[0].operation.decides, f"{here}: the matrix {shown(attr[0])} is applied to a comparison")
        _need(
            args[0].dim == shape[1],
            f"{here}: the matrix {shown(attr[0])} of shape {shown(shape)} is applied to dimension "
            f"'{shown(args[0].dim)}'",
        )
        try:
            return g.product([matrix_of(node)], args)
        except CellError as error:
            raise FileFormatError(f"cell: {here}: {error}") from None

    def _reduce(self, here: str, attr: Any, args: list[g.Node]) -> g.Node:
        known = isinstance(attr, str) and attr in REDUCTIONS and not REDUCTIONS[attr].inner
        _need(known, f"{here}: unknown reduction {_quoted(attr)}")
        row = REDUCTIONS[attr]
        numbers, vectors = args[: row.numbers], args[row.numbers :]
        _need(
            all(arg.dim == g.ONE_DIM for arg in numbers)
            and all(arg.dim != g.ONE_DIM for arg in vectors)
            and bool(vectors)
            and not (row.pairs and [arg.dim for arg in vectors[::2]] != [arg.dim for arg in vectors[1::2]]),
            f"{here}: {attr} over the dimensions {shown([arg.dim for arg in args])}",
        )
        return row.of(*args)

    def _call(self, here: str, attr: Any, args: list[g.Node]) -> g.Node:
        _need(
            isinstance(attr, str)
            and attr in FUNCTIONS
            and not FUNCTIONS[attr].inner
            and len(args) == FUNCTIONS[attr].arity,
            f"{here}: unknown function {_quoted(attr)}",
        )
        lengths = {arg.dim for arg in args} - {g.ONE_DIM}
        _need(len(lengths) <= 1, f"{here}: {attr} joins dimensions {shown(sorted(lengths))}")
        row = FUNCTIONS[attr]
        for position, arg in enumerate(args):
            place = bool(row.branches) and position not in row.branches
            _need(
                arg.operation.decides == place,
                f"{here}: {attr} is given {'no comparison' if place else 'a comparison'} in place {position + 1}",
            )
        fault = row.fault_of(args)
        _need(fault is None, f"{here} {row.verb}s {fault}")
        try:
            return g.call(attr, *args)
        except CellError as error:
            raise FileFormatError(shown(f"cell: {here}: {error}", _LONGEST)) from None


def _names(value: Any, nodes: list[g.Node], inputs: tuple[str, ...], outputs: dict[str, g.Node]) -> dict[g.Node, str]:
    _need(isinstance(value, list) and len(value) <= len(nodes), "'names' must be a list, at most one for each node")
    names: dict[g.Node, str] = {}
    taken = set(inputs)
    needed = set(g.topological(outputs.values()))
    for row in value:
        _need(isinstance(row, list) and len(row) == 2 and is_name(row[1]), f"name {_quoted(row)} must be [node, name]")
        node, name = nodes[_index(row[0], len(nodes), "names")], row[1]
        free = node not in names and name not in taken
        _need(
            free and node in needed and not g.is_atom(node) and outputs.get(name, node) is node,
            f"the name {_quoted(name)} of node {row[0]} is taken, or that of another value",
        )
        names[node] = name
        taken.add(name)
    for name, node in outputs.items():  # a new state has a name, as in equations that were traced
        if not g.is_atom(node):
            names.setdefault(node, name)
    return names
