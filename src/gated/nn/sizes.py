"""The length of every dimension of a cell, in each layer of a stack."""

from __future__ import annotations

from collections.abc import Mapping

from gated.errors import shown, wrong
from gated.language import Cell
from gated.language.graph import ONE_DIM
from gated.nn import checks


def sizes_of(
    cell: Cell, inputs: Mapping[str, int], hidden: int, given: Mapping[str, int], directions: int, layer: int
) -> dict[str, int]:
    """Dimension symbol -> length, in the layer of this number.

    Args:
        inputs: the lengths of the inputs' dimensions in the first layer.
        hidden: hidden_size.
        given: lengths of single dimensions, see `by_dimension`; the others have the hidden size.

    Raises:
        ArgumentError, ArgumentTypeError: `given` names something else, or lengths that must be equal are not.
    """
    graph = cell.graph
    free = set(graph.free_dims)
    given = by_dimension(cell, given)
    found = {dim: int(given.get(dim, hidden)) for dim in graph.free_dims} | {**inputs, ONE_DIM: 1}
    if free <= set(given):
        _require_own(cell, found, hidden)
    if layer:
        _put_below(cell, found, directions, layer)
    return found


def _require_own(cell: Cell, found: Mapping[str, int], hidden: int) -> None:
    """Where all states are as long as inputs, or named in `sizes`, `hidden_size` says nothing: it is one of these."""
    graph = cell.graph
    joined = [name for name in graph.states if graph.dims[name] in {*graph.input_dims.values()} - {ONE_DIM}]
    if joined and hidden not in [found[graph.dims[name]] for name in graph.states]:
        dim = graph.dims[joined[0]]
        source = next(name for name, own in graph.input_dims.items() if own == dim)
        raise wrong(
            "hidden_size",
            str(hidden),
            f"{found[dim]}, the length of {source}: the cell {cell.name} joins {source} and {joined[0]} elementwise "
            "(a matrix product is written with @)",
        )


def _put_below(cell: Cell, found: dict[str, int], directions: int, layer: int) -> None:
    """The output of the layer below takes the place of the first input."""
    graph = cell.graph
    first, *others = graph.input_dims.items()
    output = found[graph.dims[graph.states[0]]] * directions
    if output == found[first[1]]:
        return
    if first[1] == ONE_DIM:
        raise wrong("num_layers", str(layer + 1), f"1: the cell {cell.name} takes {first[0]} as one number")
    tied = [name for name, dim in [*others, *((s, graph.dims[s]) for s in graph.states)] if dim == first[1]]
    if tied:
        raise wrong(
            "num_layers",
            f"{layer + 1}, the output below layer {layer} having {output} numbers",
            f"1, or an output of {found[first[1]]}: the cell {cell.name} joins {first[0]} and {tied[0]} elementwise",
        )
    found[first[1]] = output


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
    known = {ONE_DIM, *graph.dims.values()}
    own = {name: [dim for dim in shape if dim not in known] for name, shape in graph.parameters.items()}
    return {name: dims[0] for name, dims in own.items() if dims}
