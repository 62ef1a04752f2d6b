# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""LSTMs whose gates see another memory, or whose output takes another way."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def working_memory_lstm(x, h, c, *, W, U, V, b):
    """LSTM with working memory connections (LSTM-WM): peepholes with full matrices, squashed before they are added.

    Source: F. Landi, L. Baraldi, M. Cornia, R. Cucchiara (2021), Working memory connections for LSTM, Neural Networks
    144, 334-341 (arXiv:2109.00020). In torchrecurrent V.i @ c, V.f @ c and V.o @ c have a bias each.
    """
    i = sigmoid(W.i @ x + U.i @ h + tanh(V.i @ c) + b.i)
    f = sigmoid(W.f @ x + U.f @ h + tanh(V.f @ c) + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + tanh(V.o @ c) + b.o)
    h = o * tanh(c)
    return h, c


@cell
def memory_controller_lstm(x, h, v, c, *, W, U, b):
    """LSTM with a memory controller: the gates see the control vector v, and nothing sees the output h.

    Source: I. Ben-Ari, R. Shwartz-Ziv (2017), Sequence modeling using a memory controller extension for LSTM, NIPS
    time series workshop.
    """
    f = sigmoid(W.f @ x + U.f @ v + b.f)
    i = sigmoid(W.i @ x + U.i @ v + b.i)
    o = sigmoid(W.o @ x + U.o @ v + b.o)
    m = sigmoid(W.m @ x + U.m @ v + b.m)
    g = tanh(W.g @ x + U.g @ v + b.g)
    c = f * c + i * g
    h = o * tanh(c)
    v = m * tanh(c)
    return h, v, c


@cell
def residual_lstm(x, h, c, *, W, U, P, p, b):
    """Residual LSTM: the output gate lets through the cell's projection and a shortcut from the input.

    Source: J. Kim, M. El-Khamy, J. Lee (2017), Residual LSTM: design of a deep recurrent architecture for distant
    speech recognition, Interspeech, 1591-1595 (arXiv:1701.03360). Where input and output have one
    length, the paper's shortcut is x itself.
    """
    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c + b.o)
    h = o * (P.h @ tanh(c) + W.s @ x)
    return h, c
