# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells whose sums are normalised over the units: layer normalisation.

In g are the gains: g.xi of what comes from the input, g.hi of what comes from the state, g.c of the cell. A bias stands
once where the paper adds two.
"""

from __future__ import annotations

from gated.language import cell, layer_norm, sigmoid, tanh


@cell
def layer_norm_lstm(x, h, c, *, W, U, g, b):
    """LSTM with layer normalisation: of what comes from x and of what comes from h, over all gates together; and of c.

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton (2016), Layer normalization, arXiv:1607.06450, eqs. 20-22 of the
    supplementary material, whose two biases before the gates are one here.
    """
    xi, xf, xg, xo = layer_norm(W.i @ x, W.f @ x, W.g @ x, W.o @ x)
    hi, hf, hg, ho = layer_norm(U.i @ h, U.f @ h, U.g @ h, U.o @ h)
    i = sigmoid(g.xi * xi + g.hi * hi + b.i)
    f = sigmoid(g.xf * xf + g.hf * hf + b.f)
    o = sigmoid(g.xo * xo + g.ho * ho + b.o)
    c = f * c + i * tanh(g.xg * xg + g.hg * hg + b.g)
    h = o * tanh(g.c * layer_norm(c) + b.c)
    return h, c


@cell
def layer_norm_gru(x, h, *, W, U, g, b):
    """GRU with layer normalisation: of the gates' sums over both gates together, and of the candidate's.

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton (2016), Layer normalization, arXiv:1607.06450, eqs. 23-27 of the
    supplementary material; as there, the reset gate acts after the matrix, and z = 1 takes the candidate. The paper's
    two biases before a function are one here; that of the candidate's recurrent part, b.hn, stands inside the reset
    gate.
    """
    xr, xz = layer_norm(W.r @ x, W.z @ x)
    hr, hz = layer_norm(U.r @ h, U.z @ h)
    r = sigmoid(g.xr * xr + g.hr * hr + b.r)
    z = sigmoid(g.xz * xz + g.hz * hz + b.z)
    n = tanh(g.xn * layer_norm(W.n @ x) + b.n + r * (g.hn * layer_norm(U.n @ h) + b.hn))
    h = (1 - z) * h + z * n
    return h
