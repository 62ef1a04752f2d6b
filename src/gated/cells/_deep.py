# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells that are deep within a step, or have a slow part."""

from __future__ import annotations

from gated.language import cell, relu, sigmoid, tanh


@cell
def rhn(x, s, *, W, R, b):
    """Recurrent highway network, three layers deep within a step. t = 1 takes the layer's new value.

    Source: J. G. Zilly, R. K. Srivastava, J. Koutník, J. Schmidhuber (2017), Recurrent highway networks, ICML,
    4189-4198 (arXiv:1607.03474), equations 6 to 9, with the carry gate 1 - t as in the paper's experiments.
    """
    h0 = tanh(W.h @ x + R.h0 @ s + b.h0)
    t0 = sigmoid(W.t @ x + R.t0 @ s + b.t0)
    s0 = h0 * t0 + s * (1 - t0)
    h1 = tanh(R.h1 @ s0 + b.h1)
    t1 = sigmoid(R.t1 @ s0 + b.t1)
    s1 = h1 * t1 + s0 * (1 - t1)
    h2 = tanh(R.h2 @ s1 + b.h2)
    t2 = sigmoid(R.t2 @ s1 + b.t2)
    s = h2 * t2 + s1 * (1 - t2)
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
def scrn(x, y, h, s, *, W, U, V, b, alpha=0.95):
    """Structurally constrained recurrent network: s forgets slowly, h is an ordinary hidden layer, y reads both.

    Source: T. Mikolov, A. Joulin, S. Chopra, M. Mathieu, M. Ranzato (2014), Learning longer memory in recurrent neural
    networks, arXiv:1412.7753. The biases are ours, and the paper's softmax over y is the
    loss's.

    torchrecurrent has y = tanh(U.y @ h + V.y @ s + b.y), and in the equation of h the y of the step before in the place
    of h.
    """
    s = (1 - alpha) * (W.s @ x) + alpha * s
    h = sigmoid(W.h @ x + U.h @ h + V.h @ s + b.h)
    y = U.y @ h + V.y @ s + b.y
    return y, h, s


@cell
def intersection_rnn(x, y, h, *, W, U, b):
    """Intersection RNN (+RNN): a gate through time for h, and a gate through depth for y, which lets the input pass.

    Source: J. Collins, J. Sohl-Dickstein, D. Sussillo (2017), Capacity and trainability in recurrent neural networks,
    ICLR (arXiv:1611.09913). The output y is as long as x, h may have any length.
    """
    n = relu(W.n @ x + U.n @ h + b.n)
    m = tanh(W.m @ x + U.m @ h + b.m)
    g = sigmoid(W.g @ x + U.g @ h + b.g)
    k = sigmoid(W.k @ x + U.k @ h + b.k)
    y = g * x + (1 - g) * n
    h = k * h + (1 - k) * m
    return y, h
