# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The independently recurrent network."""

from __future__ import annotations

from gated.language import cell, relu


@cell
def indrnn(x, h, *, W, u, b):
    """Independently recurrent network: every unit sees only its own past, through one weight u.h.

    Source: S. Li, W. Li, C. Cook, C. Zhu, Y. Gao (2018), Independently recurrent neural network (IndRNN):
    building a longer and deeper RNN, CVPR, 5457-5466.
    """
    h = relu(W.h @ x + u.h * h + b.h)
    return h
