# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Cells in which no matrix stands between one step's state and the next's: each unit sees its own past only."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def typed_rnn(x, h, *, W, b):
    """Strongly typed RNN (T-RNN): the gate sees the input alone. f = 1 keeps h.

    Source: D. Balduzzi, M. Ghifary (2016), Strongly-typed recurrent neural networks, ICML, 1292-1300
    (arXiv:1602.02218).
    """
    z = W.z @ x + b.z
    f = sigmoid(W.f @ x + b.f)
    h = f * h + (1 - f) * z
    return h


@cell
def typed_gru(x, h, q, *, W, V, b):
    """Strongly typed GRU (T-GRU): everything but the memory sees inputs alone, this one and the one before, q.

    Source: D. Balduzzi, M. Ghifary (2016), Strongly-typed recurrent neural networks, ICML, 1292-1300
    (arXiv:1602.02218).
    """
    z = W.z @ x + V.z @ q + b.z
    f = sigmoid(W.f @ x + V.f @ q + b.f)
    o = tanh(W.o @ x + V.o @ q + b.o)
    q = x
    h = f * h + z * o
    return h, q


@cell
def typed_lstm(x, h, c, q, *, W, V, b):
    """Strongly typed LSTM (T-LSTM): everything but the memory sees inputs alone, this one and the one before, q.

    Source: D. Balduzzi, M. Ghifary (2016), Strongly-typed recurrent neural networks, ICML, 1292-1300
    (arXiv:1602.02218).
    """
    z = W.z @ x + V.z @ q + b.z
    f = sigmoid(W.f @ x + V.f @ q + b.f)
    o = tanh(W.o @ x + V.o @ q + b.o)
    q = x
    c = f * c + (1 - f) * z
    h = c * o
    return h, c, q


@cell
def qrnn(x, h, c, q, *, W, V, b):
    """Quasi-recurrent network (QRNN): gates and candidate are a convolution over two inputs, this one and the last, q.

    Source: J. Bradbury, S. Merity, C. Xiong, R. Socher (2017), Quasi-recurrent neural networks, ICLR
    (arXiv:1611.01576), Section 2, with fo-pooling. The biases are ours.
    """
    z = tanh(W.z @ x + V.z @ q + b.z)
    f = sigmoid(W.f @ x + V.f @ q + b.f)
    o = sigmoid(W.o @ x + V.o @ q + b.o)
    q = x
    c = f * c + (1 - f) * z
    h = o * c
    return h, c, q


@cell
def sru(x, h, c, *, W, p, b):
    """Simple recurrent unit: gates with peepholes only, and a highway from the input to the output.

    Source: T. Lei, Y. Zhang, S. I. Wang, H. Dai, Y. Artzi (2018), Simple recurrent units for highly parallelizable
    recurrence, EMNLP, 4470-4481, equations 1 to 4. The paper's highway carries x itself; W.s @ x, as in the authors'
    program where the sizes differ, may have any length.
    """
    f = sigmoid(W.f @ x + p.f * c + b.f)
    r = sigmoid(W.r @ x + p.r * c + b.r)
    c = f * c + (1 - f) * (W.c @ x)
    h = r * c + (1 - r) * (W.s @ x)
    return h, c


@cell
def mingru(x, h, *, W, b):
    """minGRU: a GRU whose gate and candidate see the input alone. z = 1 takes the candidate n.

    Source: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi (2024), Were RNNs all we needed?,
    arXiv:2410.01201, Section 3.1. The candidate is linear as there; the form that its appendix computes in logarithms
    has a positive one.
    """
    z = sigmoid(W.z @ x + b.z)
    n = W.n @ x + b.n
    h = (1 - z) * h + z * n
    return h


@cell
def minlstm(x, h, *, W, b):
    """minLSTM: an LSTM whose gates see the input alone and share one between them.

    Source: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi (2024), Were RNNs all we needed?,
    arXiv:2410.01201, Section 3.2. The candidate is linear as there; the form that its appendix computes in logarithms
    has a positive one.
    """
    f = sigmoid(W.f @ x + b.f)
    i = sigmoid(W.i @ x + b.i)
    n = W.n @ x + b.n
    h = (f * h + i * n) / (f + i)
    return h


@cell
def elstm(x, h, c, *, W, U, p, b):
    """Element-wise LSTM (eLSTM): the cell sees its own past through peepholes only, and no gate sees the output.

    Source: K. Irie, A. Gopalakrishnan, J. Schmidhuber (2024), Exploring the promise and limits of real-time recurrent
    learning, ICLR (arXiv:2305.19044). The biases are ours.
    """
    f = sigmoid(W.f @ x + p.f * c + b.f)
    g = tanh(W.g @ x + p.g * c + b.g)
    c = f * c + (1 - f) * g
    o = sigmoid(W.o @ x + U.o @ c + b.o)
    h = o * c
    return h, c
