"""How their functions hold their parameters: apart, in a dictionary, a tuple, one dictionary per gate.

Here parameters are always {name: array}, flat; a name is the path to the array, "update.W", where there is one. Gates
stacked along an axis of their own, (4, H, D), are seen here as (4 H, D).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class LacksError(KeyError):
    """A parameter that their code asks for, and that was not given."""


class LacksAttributeError(LacksError, AttributeError):
    """The same, asked for as an attribute."""


class Bag(dict[str, Any]):
    """A dictionary whose values are attributes as well: p["Wf"] and p.Wf."""

    def __missing__(self, key: Any) -> Any:
        raise LacksError(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self:
            raise LacksAttributeError(name)
        return self[name]


def children(held: Any, names: Sequence[Any] = ()) -> list[tuple[str, Any, Any]] | None:
    """(name, key, value) of what a container holds; None where it is none."""
    if isinstance(held, dict):
        return [(str(key), key, value) for key, value in held.items()]
    if hasattr(held, "_fields"):
        return [(name, name, getattr(held, name)) for name in held._fields]
    if is_dataclass(held) and not isinstance(held, type):
        return [(f.name, f.name, getattr(held, f.name)) for f in fields(held)]
    if _plain_object(held):
        return [(name, name, value) for name, value in vars(held).items()]
    if isinstance(held, (tuple, list)):
        named = list(names) if len(names) == len(held) else [None] * len(held)
        return [(n if isinstance(n, str) else str(k), k, v) for k, (n, v) in enumerate(zip(named, held, strict=True))]
    return None


def flatten(held: Any, names: Sequence[Any] = (), path: str = "") -> dict[str, Array]:
    """The arrays of numbers in it by path, top names for a tuple's members where they are given."""
    inside = children(held, names)
    if inside is None:
        is_parameter = isinstance(held, np.ndarray) and held.dtype.kind in "fc" and 1 <= held.ndim <= 3
        return {path: held} if is_parameter else {}
    found: dict[str, Array] = {}
    for name, _, value in inside:
        found |= flatten(value, (), f"{path}.{name}" if path else name)
    return found


def rebuilt(held: Any, values: Mapping[str, Array], names: Sequence[Any] = (), path: str = "") -> Any:
    """The same container with these arrays; whatever else it holds stays."""
    inside = children(held, names)
    if inside is None:
        return np.array(values[path]).reshape(_shape(held, values[path])) if path in values else held
    new = {key: rebuilt(value, values, (), f"{path}.{name}" if path else name) for name, key, value in inside}
    if isinstance(held, dict):
        return Bag(new) if type(held) is dict else type(held)(new)
    if hasattr(held, "_fields"):
        return held._replace(**new)
    if isinstance(held, (tuple, list)):
        return type(held)(new[key] for _, key, _ in inside)
    if is_dataclass(held) and not isinstance(held, type):
        return replace(held, **new)
    other = copy.copy(held)
    vars(other).update(new)
    return other


def _plain_object(held: Any) -> bool:
    """An object that holds arrays: a SimpleNamespace, one of a class of theirs without more to it."""
    if isinstance(held, (type, np.ndarray, list, tuple)) or callable(held) or not hasattr(held, "__dict__"):
        return False
    return any(isinstance(value, np.ndarray) for value in vars(held).values())


def holder(kinds: Sequence[Any], names: Sequence[str]) -> Any:
    """Which of these classes holds arrays of these names and nothing else: namedtuple, dataclass, or one whose
    constructor is given them; None: none."""
    for kind in kinds:
        asked = list(getattr(kind, "_fields", ())) or _asked(kind)
        if names and set(asked) == set(names):
            return kind
    return None


def _asked(kind: Any) -> list[str]:
    try:
        return list(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return []


def nested(values: Mapping[str, Any]) -> Bag:
    """{"f.W": a} as {"f": {"W": a}}."""
    found = Bag()
    for path, value in values.items():
        inside = found
        *outer, last = path.split(".")
        for part in outer:
            inside = inside.setdefault(part, Bag())
        inside[last] = value
    return found


def _shape(held: Array, value: Array) -> tuple[int, ...]:
    return held.shape if held.size == value.size else value.shape


def flat_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Without an axis of gates, where there is one: every array has it then."""
    if not any(len(shape) == 3 for shape in shapes.values()):
        return dict(shapes)
    return {n: (s[0] * s[1], *s[2:]) if len(s) > 1 else s for n, s in shapes.items()}
