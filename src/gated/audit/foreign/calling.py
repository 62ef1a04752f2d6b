"""What a backward method of a class is to be given, and what its results are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import methods, objects, roles
from gated.audit.foreign.constructing import RATE
from gated.audit.foreign.held import Held
from gated.audit.foreign.source import Source


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(v) for v in value]
    return objects.plain(value) if hasattr(value, "detach") else value


def recorded(layer: Any, steps: int) -> Iterator[Any]:
    """Outputs of every step that the object keeps, the state before the first left out."""
    for name, held in objects.attributes(layer):
        if re.match(r"^(h|s|a|hidden|state|y|out|output)(s|_?list|_?seq|_states?|_all|puts)*$", str(name).lower()):
            values = [held[k] for k in sorted(held)] if isinstance(held, dict) else held
            if isinstance(values, (list, np.ndarray)) and len(values) >= steps:
                yield plain(list(values)[len(values) - steps :])


def whose_result(name: str | None, position: int) -> str | None:
    """ "x", "h" or "c": whose gradient a result of backward is."""
    if name is None:
        return "x" if position == 0 else None
    if methods.OF_H.match(name):
        return "h"
    if methods.OF_C.match(name):
        return "c"
    return roles.owner(name, {"x", "h", "c"})


def backward_arguments(
    layer: Held,
    made: Any,
    given: Mapping[str, Any],
    result: Any,
    dy: Any,
    nothing: Any,
    cell: bool,
    dc: Any = None,
    new: bool = False,
) -> dict[str, Any]:
    """What their backward method is to be given, by the names of its arguments."""
    function = getattr(made, layer.back)
    outputs = methods.named_result(methods.results(layer.source, layer.kind, layer.ahead, result), result)
    fed = {n: r for n, r in layer.asked}
    asked = [(p.name, p.default is p.empty) for p in methods.arguments(function)]
    kinds = {n: roles.role(n, True) for n, _ in asked}
    first = next((n for n, _ in asked if kinds[n] == "dy"), None)
    first = first or next((n for n, _ in asked if kinds[n] == "array" and n not in outputs and n not in fed), None)
    values: dict[str, Any] = {}
    for name, needed in asked:
        kind, low = kinds[name], name.lower()
        if name == first:
            values[name] = layer.lift(dy)
        elif name in outputs and kind not in ("dc", "dy"):
            values[name] = outputs[name]
        elif name in fed and fed[name] in given and not (new and kind in ("h", "c")):
            values[name] = layer.lift(given[fed[name]])
        elif new and kind in ("h", "c") and not re.search("prev|old|last|0|tm1", low):
            values[name] = layer.ahead_states(result)[kind == "c"]
        elif kind == "cache":
            values[name] = outputs.get("cache", result)
        elif kind in given:
            values[name] = layer.lift(given[kind])
        elif "activ" in low:
            values[name] = identity(layer.source, made)
        elif cell and (kind in ("dc", "last_c") or methods.OF_C.match(name)):
            values[name] = layer.lift(dc)
        elif RATE.search(low) and (needed or type(values_of(function, name)) is float):
            values[name] = 1.0
        elif not needed:
            continue
        elif methods.DPAIR.match(low):
            values[name] = (layer.lift(nothing), layer.lift(nothing))
        elif kind in ("dc", "last_c", "last_h", "dy", "array"):
            values[name] = layer.lift(nothing)
        else:
            raise TypeError(f"{name}: nothing is known of this argument of {layer.back}")
    return values


def values_of(function: Any, name: str) -> Any:
    """What an argument is where it is not given."""
    return next(p.default for p in methods.arguments(function) if p.name == name)


def identity(source: Source, layer: Any) -> Any:
    """An activation for backward: the layer's own where it has been given one, else the identity."""
    own = getattr(layer, "activator", None) or getattr(layer, "activation", None)
    if hasattr(own, "backward"):
        return own
    for name in source.classes:
        if "identity" in name.lower():
            return source.get(name)()
    return type("Identity", (), {"forward": lambda self, v: v, "backward": lambda self, v: np.ones_like(v)})()
