"""The language of cells: symbols, tracing a function into an expression graph, shape inference, errors.

`operations` is the book of operations; `arithmetic`, `functions` and `reductions` have its rows, `elementwise` and
`reducing` the functions that users write. `graph` is the
immutable expression graph; `symbols`, `families` and `tracing` turn a Python function into one, `printing` writes it as
equations, `serial` as JSON and back.
"""

from __future__ import annotations

from typing import Any

from gated.language import reductions as _reductions  # noqa: F401  its rows enter the book
from gated.language.cell import Cell, cell
from gated.language.chance import bernoulli, normal
from gated.language.compositions import WRITTEN
from gated.language.functions import FUNCTIONS
from gated.language.reducing import REDUCING
from gated.language.signature import fixed, number
from gated.lazy import submodules
from gated.publish import publish

WORDS: dict[str, Any] = {**WRITTEN, **REDUCING}
"""The functions that users write, elementwise and over the units."""
_module, _names = submodules(__name__)


def __getattr__(name: str) -> Any:
    return WORDS[name] if name in WORDS else _module(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *WORDS})


publish("gated", Cell)

__all__ = ["FUNCTIONS", "Cell", "bernoulli", "cell", "fixed", "normal", "number", *WORDS]  # noqa: PLE0604
