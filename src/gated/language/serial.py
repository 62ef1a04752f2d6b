"""The graph of a cell as JSON-able data and back. Reading runs no code and trusts nothing: files may be hostile."""

from __future__ import annotations

import math
import re
from typing import Any

from gated.errors import FileFormatError
from gated.language import graph as g
from gated.language.functions import FUNCTIONS

_NAME = re.compile(r"[^\W\d]\w{0,99}\Z")
_MAX_NODES = 100_000


def graph_to_json(graph: g.Graph) -> dict[str, Any]:
    index = {node: i for i, node in enumerate(graph.order)}

    def attr(node: g.Node) -> Any:
        if node.op == "product":
            return [m.name for m in node.attr]
        return list(node.attr) if node.op == "leaf" else node.attr

    nodes = [[node.op, attr(node), node.dim, [index[arg] for arg in node.args]] for node in graph.order]
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
    }


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise FileFormatError(f"cell: {message}")


def _strings(data: dict[str, Any], key: str) -> tuple[str, ...]:
    value: Any = data.get(key)
    _need(
        isinstance(value, list) and all(isinstance(v, str) and _NAME.match(v) for v in value),
        f"{key!r} is {str(value)[:60]!r}, expected a list of names",
    )
    return tuple(value)


def _index(value: Any, bound: int, what: str) -> int:
    _need(type(value) is int and 0 <= value < bound, f"{what} refers to node {str(value)[:30]} of {bound}")
    return int(value)


def graph_from_json(data: Any) -> g.Graph:
    """The graph that `graph_to_json` wrote.

    Raises:
        FileFormatError: anything in the data is not as written; the message names it.
    """
    _need(isinstance(data, dict), f"got {type(data).__name__}, expected an object with nodes and names")
    _need(
        data.get("format") == 1, f"format is {str(data.get('format'))[:30]!r}, expected 1 (written by a newer gated?)"
    )
    inputs, states, output_names = (_strings(data, key) for key in ("inputs", "states", "output_names"))
    variables = inputs + states
    _need(
        bool(states) and len(set(variables)) == len(variables), "the names of inputs and states must exist and differ"
    )
    _need(len(inputs) == 1, f"{len(inputs)} inputs, expected one")
    parameters = _parameters(data.get("parameters"))
    dims = data.get("dims")
    _need(
        isinstance(dims, dict)
        and set(dims) == set(variables)
        and all(isinstance(d, str) and _NAME.match(d) for d in dims.values()),
        "'dims' must give a dimension for every input and state",
    )
    _need(dims[inputs[0]] == "input", f"the input has dimension {dims[inputs[0]]!r}, expected 'input'")
    nodes = _nodes(data.get("nodes"), parameters, dims, inputs, states)
    outputs = data.get("outputs")
    _need(isinstance(outputs, list) and len(outputs) == len(output_names), "'outputs' must fit 'output_names'")
    _need(states == output_names, "a cell's outputs must be its states")
    graph = g.Graph(
        name=_text(data, "name", r"[^\W\d]\w{0,199}\Z"),
        doc=_text(data, "doc", r"(?s).{0,20000}\Z"),
        inputs=inputs,
        states=states,
        outputs=tuple(nodes[_index(i, len(nodes), "outputs")] for i in outputs),
        output_names=output_names,
        names=_names(data.get("names"), nodes),
        parameters=parameters,
        dims=dims,
    )
    for name, node in zip(states, graph.outputs, strict=True):
        _need(
            node.dim in (dims[name], g.ONE_DIM), f"state {name} has dimension {dims[name]} but its equation {node.dim}"
        )
    used = {m.name for node in graph.order if node.op == "product" for m in node.attr}
    used |= {node.attr[1] for node in graph.order if g.is_leaf(node, "vector")}
    for name in parameters:
        _need(name in used, f"no equation uses the parameter {name}")
    return graph


def _text(data: dict[str, Any], key: str, pattern: str) -> str:
    value = data.get(key)
    _need(
        isinstance(value, str) and re.match(pattern, value) is not None,
        f"{key!r} is {str(value)[:60]!r}, expected a text",
    )
    return str(value)


def _parameters(value: Any) -> dict[str, tuple[str, ...]]:
    _need(isinstance(value, dict), "'parameters' must be an object")
    for name, shape in value.items():
        parts = name.split(".")
        _need(
            len(parts) == 2 and all(_NAME.match(part) for part in parts),
            f"parameter name {name[:60]!r} is not family.member",
        )
        _need(
            isinstance(shape, list)
            and len(shape) in (1, 2)
            and all(isinstance(d, str) and _NAME.match(d) for d in shape),
            f"parameter {name} has shape {str(shape)[:60]!r}, expected one or two dimension names",
        )
    return {name: tuple(shape) for name, shape in value.items()}


def _nodes(
    value: Any,
    parameters: dict[str, tuple[str, ...]],
    dims: dict[str, str],
    inputs: tuple[str, ...],
    states: tuple[str, ...],
) -> list[g.Node]:
    _need(
        isinstance(value, list) and 0 < len(value) <= _MAX_NODES, f"'nodes' must be a list of 1 to {_MAX_NODES} nodes"
    )
    nodes: list[g.Node] = []
    for row in value:
        here = f"node {len(nodes)}"
        _need(
            isinstance(row, list) and len(row) == 4 and isinstance(row[3], list),
            f"{here} must be [op, attr, dim, args]",
        )
        op, attr, dim, args = row
        operands = [nodes[_index(i, len(nodes), here)] for i in args]
        node = _node(here, op, attr, operands, parameters, dims, inputs, states)
        _need(node.dim == dim, f"{here} has dimension {str(dim)[:30]!r}, expected {node.dim!r}")
        nodes.append(node)
    return nodes


def _node(
    here: str,
    op: Any,
    attr: Any,
    args: list[g.Node],
    parameters: dict[str, tuple[str, ...]],
    dims: dict[str, str],
    inputs: tuple[str, ...],
    states: tuple[str, ...],
) -> g.Node:
    if op == "leaf":
        _need(
            isinstance(attr, list) and len(attr) == 2 and all(isinstance(a, str) for a in attr) and not args,
            f"{here} is no leaf",
        )
        kind, name = attr
        known = {"input": inputs, "state": states, "vector": [n for n, s in parameters.items() if len(s) == 1]}
        _need(kind in known and name in known[kind], f"{here}: there is no {str(kind)[:30]} {name[:60]!r}")
        return g.leaf(kind, name, parameters[name][0] if kind == "vector" else dims[name])
    if op == "constant":
        _need(
            (type(attr) is int and abs(attr) < 2**53) or (type(attr) is float and math.isfinite(attr)),
            f"{here} is no finite number",
        )
        _need(not args, f"{here} is a number with arguments")
        return g.constant(attr)
    if op == "product":
        _need(
            isinstance(attr, list) and len(attr) == len(args) == 1, f"{here} must be one matrix applied to one vector"
        )
        shape = parameters.get(attr[0], ()) if isinstance(attr[0], str) else ()
        _need(len(shape) == 2, f"{here}: there is no matrix {str(attr[0])[:60]!r}")
        _need(
            args[0].dim == shape[1],
            f"{here}: the matrix {attr[0]} of shape {shape} is applied to dimension {args[0].dim!r}",
        )
        family, member = attr[0].split(".")
        return g.product([g.Matrix(family, member, shape[0], shape[1])], args)
    if op == "call":
        _need(
            isinstance(attr, str) and attr in FUNCTIONS and attr[0] != "_" and len(args) == FUNCTIONS[attr].arity,
            f"{here}: unknown function {str(attr)[:60]!r}",
        )
        lengths = {arg.dim for arg in args} - {g.ONE_DIM}
        _need(len(lengths) <= 1, f"{here}: {attr} joins dimensions {sorted(lengths)}")
        return g.call(attr, *args)
    raise FileFormatError(f"cell: {here}: unknown operation {str(op)[:60]!r}")


def _names(value: Any, nodes: list[g.Node]) -> dict[g.Node, str]:
    _need(isinstance(value, list), "'names' must be a list")
    names: dict[g.Node, str] = {}
    for row in value:
        _need(
            isinstance(row, list) and len(row) == 2 and isinstance(row[1], str) and _NAME.match(row[1]) is not None,
            f"name {str(row)[:60]!r} must be [node, name]",
        )
        names[nodes[_index(row[0], len(nodes), "names")]] = row[1]
    return names
