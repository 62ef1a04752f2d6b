"""A cell as a user writes it, in a file of their own: the equations of the peephole LSTM."""

from __future__ import annotations

from typing import Any

import gated
from gated import sigmoid, tanh


@gated.cell
def mine(x: Any, h: Any, c: Any, *, W: Any, U: Any, p: Any, b: Any) -> Any:
    """The same function as gated.cells.peephole_lstm, written in another order."""
    g = tanh(U.g @ h + W.g @ x + b.g)
    f = sigmoid(b.f + p.f * c + U.f @ h + W.f @ x)
    i = sigmoid(b.i + p.i * c + U.i @ h + W.i @ x)
    c = i * g + f * c
    o = sigmoid(W.o @ x + U.o @ h + b.o + p.o * c)
    h = tanh(c) * o
    return h, c
