# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells in which the input multiplies the state before, or while, both are added.

In the cells of multiplicative integration a, u and w are the paper's alpha, beta_1 and beta_2, one number a unit.
"""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh

_MI = {"a.*": "constant(1)", "u.*": "constant(0.5)", "w.*": "constant(0.5)"}  # as the paper begins


@cell
def multiplicative_rnn(x, h, *, W, U, V, b):
    """Multiplicative RNN: the input chooses the recurrent matrix, V diag(W.m x) U.

    Source: I. Sutskever, J. Martens, G. E. Hinton (2011), Generating text with recurrent neural networks, ICML,
    1017-1024. The bias is ours.
    """
    m = (W.m @ x) * (U.m @ h)
    h = tanh(W.h @ x + V.h @ m + b.h)
    return h


@cell
def multiplicative_lstm(x, h, c, *, W, U, V, b):
    """Multiplicative LSTM: an LSTM that sees the product m of input and output in the output's place.

    Source: B. Krause, I. Murray, S. Renals, L. Lu (2017), Multiplicative LSTM for sequence modelling, ICLR workshop
    (arXiv:1609.07959). The biases are ours; torchrecurrent has one in each factor of
    m too.
    """
    m = (W.m @ x) * (U.m @ h)
    i = sigmoid(W.i @ x + V.i @ m + b.i)
    f = sigmoid(W.f @ x + V.f @ m + b.f)
    g = tanh(W.g @ x + V.g @ m + b.g)
    o = sigmoid(W.o @ x + V.o @ m + b.o)
    c = f * c + i * g
    h = o * tanh(c)
    return h, c


@cell(init=_MI)
def mi_rnn(x, h, *, W, U, a, u, w, b):
    """Simple recurrent network with multiplicative integration (MI-RNN).

    Source: Y. Wu, S. Zhang, Y. Zhang, Y. Bengio, R. Salakhutdinov (2016), On multiplicative integration with recurrent
    neural networks, NeurIPS, 2856-2864 (arXiv:1606.06630).
    """
    Wx, Uh = W.h @ x, U.h @ h
    h = tanh(a.h * Wx * Uh + u.h * Uh + w.h * Wx + b.h)
    return h


@cell(init=_MI)
def mi_gru(x, h, *, W, U, a, u, w, b):
    """GRU with multiplicative integration (MI-GRU). z = 1 takes the candidate n.

    Source: Y. Wu, S. Zhang, Y. Zhang, Y. Bengio, R. Salakhutdinov (2016), On multiplicative integration with recurrent
    neural networks, NeurIPS, 2856-2864 (arXiv:1606.06630), appendix.
    """
    Wxr, Uhr = W.r @ x, U.r @ h
    r = sigmoid(a.r * Wxr * Uhr + u.r * Uhr + w.r * Wxr + b.r)
    Wxz, Uhz = W.z @ x, U.z @ h
    z = sigmoid(a.z * Wxz * Uhz + u.z * Uhz + w.z * Wxz + b.z)
    Wxn, Uhn = W.n @ x, U.n @ (r * h)
    n = tanh(a.n * Wxn * Uhn + u.n * Uhn + w.n * Wxn + b.n)
    h = (1 - z) * h + z * n
    return h


@cell(init=_MI)
def mi_lstm(x, h, c, *, W, U, a, u, w, b):
    """LSTM with multiplicative integration (MI-LSTM).

    Source: Y. Wu, S. Zhang, Y. Zhang, Y. Bengio, R. Salakhutdinov (2016), On multiplicative integration with recurrent
    neural networks, NeurIPS, 2856-2864 (arXiv:1606.06630), appendix.
    """
    Wxi, Uhi = W.i @ x, U.i @ h
    i = sigmoid(a.i * Wxi * Uhi + u.i * Uhi + w.i * Wxi + b.i)
    Wxf, Uhf = W.f @ x, U.f @ h
    f = sigmoid(a.f * Wxf * Uhf + u.f * Uhf + w.f * Wxf + b.f)
    Wxg, Uhg = W.g @ x, U.g @ h
    g = tanh(a.g * Wxg * Uhg + u.g * Uhg + w.g * Wxg + b.g)
    c = f * c + i * g
    Wxo, Uho = W.o @ x, U.o @ h
    o = sigmoid(a.o * Wxo * Uho + u.o * Uho + w.o * Wxo + b.o)
    h = o * tanh(c)
    return h, c
