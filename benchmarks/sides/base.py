"""What every side offers.

Each side's file has `make(name, threads)`. It is called in a worker process, before the library is imported, so
that it can say how many threads there are. Variants are ways of using the library that may be the faster one or
the other; all are tried at every point, and the best counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.problem import Numbers, Problem

Variant = Mapping[str, Any]


class Unavailable(Exception):
    """This version of the library cannot do that; the comparison is left out, with this as its note."""


@dataclass
class Prepared:
    """A problem with everything ready for the clock.

    Attributes:
        call: one step; the result (whatever the library gives) is complete when it returns.
        numbers: what it computes, under our names, as NumPy arrays; not timed.
        work: floating point operations of a call, where rates are compared.
        seconds: how a call is timed, where that is not the time until it returns.
    """

    call: Callable[[], Any]
    numbers: Callable[[], Numbers]
    work: float = 1.0
    seconds: Callable[[], float] | None = field(default=None)

    def timed(self) -> float:
        """Seconds of one call."""
        if self.seconds is not None:
            return self.seconds()
        start = time.perf_counter()
        self.call()
        return time.perf_counter() - start


class Side(Protocol):
    """A library, in the process where it runs."""

    def variants(self, task: str) -> Sequence[Variant]: ...

    def prepare(self, problem: Problem, task: str, variant: Variant) -> Prepared:
        """May raise Unavailable."""
        ...
