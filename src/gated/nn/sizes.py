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
        given: lengths of single dimensions; the others have the hidden size.

    Raises:
        ArgumentError, ArgumentTypeError: `given` names something else, or lengths that must be equal are not.
    """
    graph = cell.graph
    free = set(graph.free_dims)
    for name, value in given.items():
        if name not in free:
            names = ", ".join(sorted(free)) or "none"
            raise wrong("sizes", shown(repr(name), 60), f"a dimension of the cell {cell.name}: {names}")
        checks.size(f"sizes[{name!r}]", value)
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
