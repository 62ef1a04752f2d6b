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
        given: lengths of single dimensions; the others have the hidden size.

    Raises:
        ArgumentError, ArgumentTypeError: `given` names something else, or lengths that must be equal are not.
    """
    graph, (inputs, hidden) = cell.graph, sizes
    known = set(graph.free_dims)
    for name, value in given.items():
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise wrong("sizes", shown(repr(name), 60), f"a dimension of the cell {cell.name}: {names}")
        checks.size(f"sizes[{name!r}]", value)
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
