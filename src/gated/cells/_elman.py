# mypy: disallow-untyped-defs=False, disable-error-code="attr-defined"
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The simple recurrent network."""

from __future__ import annotations

from gated.language import cell, number, sigmoid, tanh


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


@cell(init={"s.alpha": "constant(-3)", "s.beta": "constant(3)"})
def fastrnn(x, h, *, W, U, b, s: number):
    """FastRNN: two numbers weigh the new against the old, for all units together.

    Source: A. Kusupati, M. Singh, K. Bhatia, A. Kumar, P. Jain, M. Varma (2018), FastGRNN: a fast, accurate, stable and
    tiny kilobyte sized gated recurrent neural network, NeurIPS, 9031-9042 (arXiv:1901.02358). The two begin as in the
    authors' program, so that little is taken in; torchrecurrent begins the other way round.
    """
    n = tanh(W.h @ x + U.h @ h + b.h)
    h = sigmoid(s.alpha) * n + sigmoid(s.beta) * h
    return h


@cell(init={"s.zeta": "constant(1)", "s.nu": "constant(-4)"})
def fastgrnn(x, h, *, W, U, b, s: number):
    """FastGRNN: a FastRNN with a gate that is made of the same products as the candidate. z = 1 keeps h.

    Source: A. Kusupati, M. Singh, K. Bhatia, A. Kumar, P. Jain, M. Varma (2018), FastGRNN: a fast, accurate, stable and
    tiny kilobyte sized gated recurrent neural network, NeurIPS, 9031-9042 (arXiv:1901.02358). The full matrices of the
    paper, which it makes low-rank, sparse and quantised then. torchrecurrent has z = tanh(W.h @ x + U.h @ h + b.z).
    """
    Wx_Uh = W.h @ x + U.h @ h
    z = sigmoid(Wx_Uh + b.z)
    n = tanh(Wx_Uh + b.n)
    h = (sigmoid(s.zeta) * (1 - z) + sigmoid(s.nu)) * n + z * h
    return h
