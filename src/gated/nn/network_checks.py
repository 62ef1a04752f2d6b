"""Which layers may follow each other in a network, what it looks at of its input, which have a state, and its form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.data.sequences import within
from gated.errors import as_array, describe, shown, wrong, wrong_type
from gated.nn.packing import checked_lengths


def is_name(name: Any) -> bool:
    """Whether it can be the name of a layer."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) is not None


def check_layers(layers: Mapping[str, Any], chained: bool = True) -> None:
    """Raises ArgumentError or ArgumentTypeError, naming the layer, unless these can be a network.

    Args:
        chained: whether each reads the output of the one before.
    """
    before: tuple[str, Any] | None = None
    first: tuple[str, bool] | None = None  # the first layer that has an order of the axes
    for name, layer in layers.items():
        if not is_name(name):
            raise wrong("layers", f"the name {shown(repr(name), 60)}", "names such as 'embed' or 'rnn1'")
        if not all(hasattr(layer, attribute) for attribute in ("forward", "backward", "params", "config")):
            raise wrong_type(f"layers[{name!r}]", describe(layer), "a layer: Recurrent, Dense, Embedding, Network")
        if layer.params.is_part:
            raise wrong(
                f"layers[{name!r}]",
                "a layer that belongs to another network, which holds its parameters",
                "a layer of its own: copy.deepcopy(layer), or one network that contains the other",
            )
        if chained and getattr(layer, "stepless", False) is True:
            raise wrong(f"layers[{name!r}]", "a layer whose output has no steps, in a chain", "it in a WiredNetwork")
        if before is not None:
            size = getattr(before[1], "output_size", None)
            wants = getattr(layer, "first_size", getattr(layer, "input_size", None))
            if chained and size is not None and wants is not None and size != wants:
                raise wrong(f"layers[{name!r}]", f"input_size {wants}", f"{size}, the output size of {before[0]!r}")
            if before[1].dtype != layer.dtype:
                raise wrong_type(
                    f"layers[{name!r}]", f"dtype {layer.dtype}", f"{before[1].dtype}, the dtype of {before[0]!r}"
                )
        for inner, order in orders(layer, name):
            first = first or (inner, order)
            if order != first[1]:
                raise wrong(
                    f"layers[{inner!r}]", f"batch_first {order}", f"{first[1]}, as {first[0]!r} has it: one for all"
                )
        before = name, layer


def orders(layer: Any, name: str = "") -> Iterator[tuple[str, bool]]:
    """(name, batch_first) of each layer that has an order of the axes, networks taken apart."""
    inner = getattr(layer, "layers", None)
    if isinstance(inner, Mapping):
        for key, other in inner.items():
            yield from orders(other, f"{name}.{key}")
    elif hasattr(layer, "batch_first"):
        yield name, bool(layer.batch_first)


def ids_inside(network: Any, x: Any, lengths: Any) -> Any:
    """x, and where it has ids, 0 in the place of those beyond the lengths: what pads a sequence may be no id."""
    if lengths is None or not getattr(next(network.parts())[1], "id_count", 0):
        return x
    ids = as_array("x", x)
    if ids.dtype.kind not in "iu" or ids.ndim < 2:
        return x
    turned = batch_first(network)
    steps, batch = ids.shape[1::-1] if turned else ids.shape[:2]
    inside = running(checked_lengths(lengths, steps, batch), steps, turned)
    return np.where(inside.reshape(*inside.shape, *[1] * (ids.ndim - 2)), ids, 0)


def batch_first(network: Any) -> bool:
    """Whether a network's arrays have the sequences before the steps.

    Raises:
        ArgumentError: some of its recurrent layers do and others do not.
    """
    found = {order for _, order in orders(network)}
    if len(found) == 2:
        raise wrong("network", "layers with batch_first=True and others with False", "one order of the axes")
    return True in found


def running(lengths: Any, steps: int, turned: bool) -> np.ndarray[Any, Any]:
    """Where the steps lie within the lengths: (T, N), or (N, T) if the axes are turned."""
    found = within(lengths, steps)
    return found.T if turned else found


def has_state(layer: Any) -> bool:
    """Whether a layer takes and returns a state: a Recurrent, a network that has one inside, a user's own."""
    inner = getattr(layer, "layers", None)
    if isinstance(inner, Mapping):
        return any(has_state(other) for other in inner.values())
    return hasattr(layer, "initial_state")


def check_state(layers: Mapping[str, Any], state: Any, argument: str) -> None:
    """Raises ArgumentError or ArgumentTypeError unless `state` has names of layers that have one."""
    if state is None:
        return
    stateful = [name for name, layer in layers.items() if has_state(layer)]
    if not isinstance(state, Mapping):
        raise wrong_type(
            argument, describe(state), f"a dict of layer name -> state for {', '.join(stateful) or 'no layer'}"
        )
    for name in state:
        if name not in stateful:
            raise wrong(
                argument,
                f"the name {shown(repr(name), 60)}",
                f"names of recurrent layers: {', '.join(stateful) or 'there are none'}",
            )


def flat_state(state: Mapping[str, Any] | None) -> dict[str, tuple[Any, ...]]:
    """{"encoder": {"rnn": (h, c)}} -> {"encoder.rnn": (h, c)}: as `Network.parts` names the layers."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, value in (state or {}).items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": own for inner, own in flat_state(value).items()}
        else:
            found[name] = value
    return found


def nested_state(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flat_state`."""
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *outer, last = name.split(".")
        place = found
        for word in outer:
            place = place.setdefault(word, {})
        place[last] = value
    return found
