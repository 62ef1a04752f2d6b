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


@cell
def projected_rnn(x, h, *, W, U, P, b):
    """Simple recurrent network with a recurrent projection: the recurrent matrix U P has a low rank.

    Source: the projection of H. Sak, A. Senior, F. Beaufays (2014), Long short-term memory recurrent neural
    network architectures for large scale acoustic modeling, Interspeech, 338-342, on the units of `rnn`.
    """
    s = tanh(W.s @ x + U.s @ h + b.s)
    h = P.h @ s
    return h
