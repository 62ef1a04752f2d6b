# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The simple recurrent network."""

from __future__ import annotations

from gated.language import cell, tanh


@cell
def rnn(x, h, *, W, U, b):
    """Simple recurrent network.

    Source: J. L. Elman (1990), Finding structure in time, Cognitive Science 14(2), 179-211. Elman's units
    are logistic; tanh is today's choice, and the default of PyTorch, Keras and ONNX.
    """
    h = tanh(W.h @ x + U.h @ h + b.h)
    return h
