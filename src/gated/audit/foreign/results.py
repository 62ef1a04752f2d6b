"""What their functions return, taken apart: outputs, states, gradients, and what is kept for the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, roles
from gated.audit.foreign.containers import children

Array = np.ndarray[Any, Any]
Part = tuple["str | None", Any]


def parts(result: Any, names: Sequence[Any] | None) -> list[Part]:
    """(name, value) of what a function returned, as far as its `return` or its dictionary names it."""
    if isinstance(result, list) and is_sequence(result):
        return [(_only(names), result)]
    if isinstance(result, dict) and any(isinstance(key, int) for key in result):
        return [(_only(names), result)]
    inside = children(result)
    if inside is None:
        return [(_only(names), result)]
    if isinstance(result, (tuple, list)) and not hasattr(result, "_fields"):
        fitting = list(names) if names and len(names) == len(result) else [None] * len(result)
        return [(n if isinstance(n, str) else None, v) for n, v in zip(fitting, result, strict=True)]
    return [(name, value) for name, _, value in inside]


def _only(names: Sequence[Any] | None) -> str | None:
    return names[0] if names and len(names) == 1 and isinstance(names[0], str) else None


def is_sequence(value: Any) -> bool:
    """A list over time: arrays of one shape."""
    return bool(value) and all(isinstance(v, np.ndarray) and v.shape == value[0].shape for v in value)


def likeliest(found: Sequence[Part]) -> list[Part]:
    """Outputs first: what is called h, then what has no name or another, then c, then predictions."""
    order = {"h": 0, "c": 2}
    return sorted(found, key=lambda part: order.get(roles.state(part[0] or ""), 3 if _predicted(part[0]) else 1))


def _predicted(name: str | None) -> bool:
    return bool(name) and any(word in str(name).lower() for word in ("pred", "prob", "loss", "logit"))


def over_time(value: Any, T: int) -> Any:
    """A list of what a dictionary by step or a list with the initial state before it holds of steps 1 to T."""
    if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list) and not _alike(value):
        return None  # a cache
    if isinstance(value, (list, tuple)) and len(value) == T + 1:
        return list(value)[1:]
    return value


def _alike(value: list[Any]) -> bool:
    """Numbers or arrays of one shape?"""
    try:
        return len({np.shape(v) for v in value}) == 1
    except ValueError:  # ragged
        return False


def output_layouts(layout: str) -> Iterator[str]:
    """Layouts that outputs and input gradients may have where x has this one."""
    single = layouts.state_layout(layout)
    x = layout.split("|")[0]
    yield from dict.fromkeys(
        [x, x.lstrip("*"), "*" + x.lstrip("*"), "T" + single, "*T" + single]
        + ["NTD", "TND"] * (single == "ND")
        + ["DNT", "TDN", "*TDN"] * (single == "DN")
    )


def without_initial(value: Array, layout: str, T: int) -> Any:
    """An array over time without the initial state: that stands first, or last where index -1 means it."""
    axis = layout.split("|")[0].lstrip("*").find("T")
    if axis < 0 or value.ndim <= axis or value.shape[axis] != T + 1:
        return None
    last = np.any(value.take(0, axis)) and not np.any(value.take(-1, axis))
    return value.take(range(0 if last else 1, T if last else T + 1), axis)


def read(
    value: Any, layout: str, sizes: dict[str, int], certain: bool = False, with_initial: bool = False
) -> tuple[Array, str] | None:
    """x or outputs (T, N, D), and the layout in which they came; None where they are none.

    Args:
        layout: of x, or their own where `certain`. with_initial: in an array that has one step more.
    """
    value = over_time(value, sizes["T"])
    for tried in (layout,) if certain else output_layouts(layout):
        whole = with_initial and isinstance(value, np.ndarray)
        try:
            every = without_initial(value, tried, sizes["T"]) if whole else value
            return layouts.from_theirs(every, tried, "TND", sizes), tried
        except (ValueError, TypeError, IndexError):
            continue
    return None


def read_state(value: Any, layout: str, sizes: dict[str, int]) -> Array | None:
    try:
        return layouts.from_theirs(value, layouts.state_layout(layout), "ND", sizes)
    except (ValueError, TypeError, IndexError):
        return None


def leaves(back: Any, names: Sequence[Any] | None, one: Callable[[Any], bool], path: str = "") -> Iterator[Part]:
    """Gradients by name, as deep as tuples and dictionaries go; None for one that has no name.

    Args:
        one: is a list the gradient of one thing, a step each?
    """
    inside = children(back)
    if inside is None or (isinstance(back, list) and (one(back) or is_sequence(back) and path)):
        yield (path or _only(names)), back
    elif isinstance(back, (tuple, list)) and not hasattr(back, "_fields"):
        fitting = list(names) if names and len(names) == len(back) else [None] * len(back)
        for name, value in zip(fitting, back, strict=True):
            listed = isinstance(value, list) and (one(value) or is_sequence(value) and isinstance(name, str))
            if children(value) is None or listed:
                yield (name if isinstance(name, str) else None), value
            else:
                yield from leaves(value, name if isinstance(name, list) else None, one)
    else:
        for name, _, value in inside:
            yield from leaves(value, None, one, f"{path}.{name}" if path else name)
