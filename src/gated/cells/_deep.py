# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that are deep within a step, or have a slow part."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def rhn(x, s, *, W, R, b):
    """Recurrent highway network, three layers deep within a step. t = 1 takes the layer's new value.

    Source: J. G. Zilly, R. K. Srivastava, J. Koutník, J. Schmidhuber (2017), Recurrent highway networks, ICML,
    4189-4198 (arXiv:1607.03474), equations 6 to 9, with the carry gate 1 - t as in the paper's experiments.
    """
    h1 = tanh(W.h @ x + R.h1 @ s + b.h1)
    t1 = sigmoid(W.t @ x + R.t1 @ s + b.t1)
    s1 = h1 * t1 + s * (1 - t1)
    h2 = tanh(R.h2 @ s1 + b.h2)
    t2 = sigmoid(R.t2 @ s1 + b.t2)
    s2 = h2 * t2 + s1 * (1 - t2)
    h3 = tanh(R.h3 @ s2 + b.h3)
    t3 = sigmoid(R.t3 @ s2 + b.t3)
    s = h3 * t3 + s2 * (1 - t3)
    return s


@cell
def fs_lstm(x, h, c, s, m, *, W, U, b):
    """Fast-slow LSTM (FS-LSTM-2): two fast LSTMs take a step each, and between them a slow one, which both inform.

    Source: A. Mujika, F. Meier, A. Steger (2017), Fast-slow recurrent neural networks, NeurIPS, 5915-5924
    (arXiv:1705.08639); both fast cells work on the one state h, c, as in the authors' program.

    i1, f1, ... are the first fast cell's, si, sf, ... the slow one's, i2, f2, ... the second fast cell's.
    """
    i1 = sigmoid(W.i1 @ x + U.i1 @ h + b.i1)
    f1 = sigmoid(W.f1 @ x + U.f1 @ h + b.f1)
    g1 = tanh(W.g1 @ x + U.g1 @ h + b.g1)
    o1 = sigmoid(W.o1 @ x + U.o1 @ h + b.o1)
    c1 = f1 * c + i1 * g1
    h1 = o1 * tanh(c1)
    si = sigmoid(W.si @ h1 + U.si @ s + b.si)
    sf = sigmoid(W.sf @ h1 + U.sf @ s + b.sf)
    sg = tanh(W.sg @ h1 + U.sg @ s + b.sg)
    so = sigmoid(W.so @ h1 + U.so @ s + b.so)
    m = sf * m + si * sg
    s = so * tanh(m)
    i2 = sigmoid(W.i2 @ s + U.i2 @ h1 + b.i2)
    f2 = sigmoid(W.f2 @ s + U.f2 @ h1 + b.f2)
    g2 = tanh(W.g2 @ s + U.g2 @ h1 + b.g2)
    o2 = sigmoid(W.o2 @ s + U.o2 @ h1 + b.o2)
    c = f2 * c1 + i2 * g2
    h = o2 * tanh(c)
    return h, c, s, m


@cell
def scrn(x, y, h, s, *, W, U, V, b):
    """Structurally constrained recurrent network: s forgets slowly, h is an ordinary hidden layer, y reads both.

    Source: T. Mikolov, A. Joulin, S. Chopra, M. Mathieu, M. Ranzato (2014), Learning longer memory in recurrent neural
    networks, arXiv:1412.7753, with alpha = 0.95. The biases are ours, and the paper's softmax over y is the
    loss's.

    torchrecurrent has y = tanh(U.y @ h + V.y @ s + b.y), and in the equation of h the y of the step before in the place
    of h.
    """
    s = 0.05 * (W.s @ x) + 0.95 * s
    h = sigmoid(W.h @ x + U.h @ h + V.h @ s + b.h)
    y = U.y @ h + V.y @ s + b.y
    return y, h, s
