"""The inputs of a chain's layers besides the output of the layer before (time gaps, masks), given by name.

They stand in a dict with x: {"x": x, "rnn.dt": dt}; those of a network in a network are "encoder.rnn.dt".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gated.errors import describe, shown, wrong, wrong_type
from gated.nn.stack import Stack

X = "x"


def further_inputs(layers: Mapping[str, Any]) -> dict[str, list[str]]:
    """Layer -> the names of its inputs besides the first; layers without some are left out."""
    found: dict[str, list[str]] = {}
    for name, layer in layers.items():
        if isinstance(layer, Stack):
            own = list(layer.cell.inputs)[1:]
        else:
            inner = getattr(layer, "further", {})
            own = [f"{key}.{one}" for key, names in inner.items() for one in names]
        if own:
            found[name] = own
    return found


def taken(further: Mapping[str, list[str]], layers: Mapping[str, Any], x: Any) -> tuple[Any, dict[str, Any]]:
    """x itself, and layer -> its further inputs by their names there.

    Raises:
        ArgumentError, ArgumentTypeError: an input is missing or unknown.
    """
    names = [f"{layer}.{name}" for layer, own in further.items() for name in own]
    expected = "a dict with " + ", ".join(map(repr, [X, *names]))
    if not isinstance(x, Mapping):
        if set(further) <= {next(iter(layers))}:  # all in one array, as the layer has it
            return x, {}
        raise wrong_type("x", describe(x), expected)
    for name in x:
        if name not in (X, *names):
            raise wrong("x", f"an input {shown(repr(name), 60)}", expected)
    for name in (X, *names):
        if name not in x:
            raise wrong("x", f"a dict without {name!r}", expected)
    return x[X], {layer: {name: x[f"{layer}.{name}"] for name in own} for layer, own in further.items()}


def given(layer: Any, x: Any, own: Mapping[str, Any] | None) -> Any:
    """What a layer is called with."""
    return x if own is None else {_first(layer): x, **own}


def handed_back(name: str, layer: Any, dx: Any, found: dict[str, Any]) -> Any:
    """The adjoint of what came from the layer before; those of further inputs go into `found`."""
    if not isinstance(dx, Mapping):
        return dx
    first = _first(layer)
    found.update((f"{name}.{key}", array) for key, array in dx.items() if key != first)
    return dx[first]


def _first(layer: Any) -> str:
    return str(layer.cell.inputs[0]) if isinstance(layer, Stack) else X
