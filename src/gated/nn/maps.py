"""Functions without states over rows (dense layers, losses): traced and differentiated as cells are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gated.language.symbols import Symbol, lift
from gated.language.tracing import trace_map
from gated.schedule import Schedule, schedule


def total(value: Any) -> Symbol:
    """Sum over the units."""
    return Symbol("reduce", "total", None, (lift(value),))


def logsumexp(value: Any) -> Symbol:
    """log Σ exp over the units, without overflow; its derivative is the softmax."""
    return Symbol("reduce", "logsumexp", None, (lift(value),))


@cache
def planned(function: Callable[..., Any]) -> Schedule:
    """The schedule of a map, traced once."""
    return schedule(trace_map(function))
