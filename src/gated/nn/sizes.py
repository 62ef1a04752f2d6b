"""The length of every dimension of a cell, in each layer of a stack."""

from __future__ import annotations

from collections.abc import Mapping

from gated.errors import shown, wrong
from gated.language import Cell
from gated.nn import checks


def sizes_of(
    cell: Cell, sizes: tuple[int, int], given: Mapping[str, int], directions: int, layer: int
) -> dict[str, int]:
    """Dimension symbol -> length, in the layer of this number.

    Args:
        sizes: input_size, hidden_size.
        given: lengths of single dimensions, see `by_dimension`; the others have the hidden size.

    Raises:
        ArgumentError, ArgumentTypeError: `given` names something else, or lengths that must be equal are not.
    """
    graph, (inputs, hidden) = cell.graph, sizes
    given = by_dimension(cell, given)
    found = {dim: int(given.get(dim, hidden)) for dim in graph.free_dims}
    output = found.get(graph.dims[graph.states[0]], hidden) * directions
    found["input"] = inputs if layer == 0 else output
    joined = [name for name in graph.states if graph.dims[name] == "input"]
    if joined and found["input"] != hidden:
        raise wrong(
            "input_size",
            f"{found['input']} for layer {layer} with hidden_size {hidden}",
            f"equal sizes, for the cell {cell.name} joins {graph.inputs[0]} and {joined[0]} elementwise "
            "(a matrix product is written with @)",
        )
    return found


def by_dimension(cell: Cell, given: Mapping[str, int]) -> dict[str, int]:
    """Lengths by dimension symbol, from such by these or by parameters: {"B.f": 4}, the inner one of A.f @ B.f @ h.

    Raises:
        ArgumentError, ArgumentTypeError: a name or a length is wrong, or a dimension has two lengths.
    """
    graph = cell.graph
    free, inner = set(graph.free_dims), _inner(cell)
    found: dict[str, int] = {}
    for name, value in given.items():
        if name not in free and name not in inner:
            names = ", ".join(sorted(free)) or "none"
            more = f", or a parameter with an inner length: {', '.join(inner)}" if inner else ""
            raise wrong("sizes", shown(repr(name), 60), f"a dimension of the cell {cell.name}: {names}{more}")
        dim = name if name in free else inner[name]
        length = checks.size(f"sizes[{name!r}]", value)
        if found.setdefault(dim, length) != length:
            raise wrong(f"sizes[{name!r}]", str(length), f"{found[dim]}, which is given for the same dimension, {dim}")
    return found


def _inner(cell: Cell) -> dict[str, str]:
    """Parameter -> its dimension that is no variable's; of two, that of the rows."""
    graph = cell.graph
    known = set(graph.dims.values())
    own = {name: [dim for dim in shape if dim not in known] for name, shape in graph.parameters.items()}
    return {name: dims[0] for name, dims in own.items() if dims}
