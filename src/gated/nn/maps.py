"""Functions without states over rows (dense layers, losses): traced and differentiated as cells are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gated.language.operations import Reduction
from gated.language.reductions import REDUCTIONS
from gated.language.symbols import Symbol, lift
from gated.language.tracing import trace_map
from gated.schedule import CellSchedule, schedule


def _reducing(row: Reduction) -> Callable[[Any], Symbol]:
    def reducing(value: Any) -> Symbol:
        return Symbol(row.kind, row.name, None, (lift(value),))

    reducing.__doc__ = f"{row.name} over the units, in the expression of a loss."
    return reducing


REDUCED = {name: _reducing(row) for name, row in REDUCTIONS.items()}


def __getattr__(name: str) -> Callable[[Any], Symbol]:
    """The reductions by name: `total`, `logsumexp`."""
    if name in REDUCED:
        return REDUCED[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def planned(function: Callable[..., Any]) -> CellSchedule:
    """The schedule of a map, traced once."""
    return schedule(trace_map(function))
