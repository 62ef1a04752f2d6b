"""The reductions over the units, to one number: their rows in the book. Losses have them; a cell has none yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.language.graph import Node, call, constant, reduce
from gated.language.operations import Legend, Reduction, Rows, enter

Array = np.ndarray[Any, Any]


def total(operand: Node) -> Node:
    """The sum over the units."""
    return reduce("total", operand)


def _total(x: Array) -> Array:
    return np.sum(x, axis=-1, keepdims=True)


def _logsumexp(x: Array) -> Array:
    largest = np.max(np.real(x), axis=-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    return np.log(np.sum(np.exp(x - shift), axis=-1, keepdims=True)) + shift


# fmt: off
_ROWS = (
    Reduction(name="total", numpy=_total, derivative=lambda x, y: constant(1.0), linear=True,
              text="total({0})", latex=r"\mathrm{{total}}({0})", source="np.sum({0}, axis=-1, keepdims=True)",
              legend=Legend("{f}: the sum over the units.", "{f} ：对各单元求和。",
                            ("total(a)", r"\mathrm{total}(a)"), needed=False)),
    Reduction(name="logsumexp", numpy=_logsumexp, derivative=lambda x, y: call("exp", x - y),
              text="logsumexp({0})", latex=r"\mathrm{{logsumexp}}({0})", source="logsumexp({0})",
              legend=Legend("{f}: the logarithm of the sum of exp(a) over the units.",
                            "{f} ：各单元 exp(a) 之和的对数。",
                            ("logsumexp(a)", r"\mathrm{logsumexp}(a)"), needed=False)),
)
# fmt: on
enter(*_ROWS)

REDUCTIONS = Rows(Reduction)
