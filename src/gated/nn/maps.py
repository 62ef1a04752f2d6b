"""Functions without states over rows (dense layers, losses): traced and differentiated as cells are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gated.language.symbols import reduced
from gated.language.tracing import trace_map
from gated.schedule import CellSchedule, schedule


def _reducing(name: str) -> Callable[[Any], Any]:
    def reducing(value: Any) -> Any:
        return reduced(name, name, [value])

    reducing.__doc__ = f"{name} over the units, in the expression of a loss."
    return reducing


REDUCED = {name: _reducing(name) for name in ("total", "logsumexp")}


def __getattr__(name: str) -> Callable[[Any], Any]:
    """The reductions by name: `total`, `logsumexp`."""
    if name in REDUCED:
        return REDUCED[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def planned(function: Callable[..., Any]) -> CellSchedule:
    """The schedule of a map, traced once."""
    return schedule(trace_map(function))
