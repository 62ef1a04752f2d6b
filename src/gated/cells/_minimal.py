# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The minimal gated unit."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def mgu(x, h, *, W, U, b):
    """Minimal gated unit: a GRU whose one gate both resets and updates. f = 1 takes the candidate n.

    Source: G.-B. Zhou, J. Wu, C.-L. Zhang, Z.-H. Zhou (2016), Minimal gated unit for recurrent neural networks,
    International Journal of Automation and Computing 13(3), 226-234.
    """
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h = (1 - f) * h + f * n
    return h
