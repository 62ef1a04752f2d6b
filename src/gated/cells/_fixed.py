# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells with arrays that are not learned: a reservoir."""

from __future__ import annotations

from gated.language import cell, fixed, tanh


@cell(init={"S.W": "uniform(-0.5, 0.5)", "S.U": "spectral(0.9, 0.1)", "S.b": "zeros"})
def leaky_echo_state(x, h, *, S: fixed, leak=0.3):
    """Echo state network of leaky units: all of it stays as it was drawn, and what is learned is a layer behind it.

    Source: H. Jaeger, M. Lukoševičius, D. Popovici, U. Siewert (2007), Optimization and applications of echo state
    networks with leaky-integrator neurons, Neural Networks 20(3), 335-352, eq. 4 with a = 1; a tenth of the recurrent
    weights is not 0, and their spectral radius is 0.9, as H. Jaeger (2001), GMD Report 148, has them about so.
    """
    h = (1 - leak) * h + leak * tanh(S.W @ x + S.U @ h + S.b)
    return h
